"""Persons count, not mandates: who stands in for whom, whom the rules name, and who took part before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from muniment.server.approvals import services as approvals
from muniment.server.approvals.workflow import DEFAULT, Level, decides
from muniment.server.exceptions.models import step_id
from muniment.server.tenants.scope import tenant_scope
from muniment.server.work.approvals import waiting_for
from tests.exceptions.conftest import Office, in_days
from tests.exceptions.test_attacks import Raw, approval, step, stopped, writing
from tests.exceptions.test_services import administer, refused


def absence(person: str, delegate: str, first: int, last: int) -> Callable[[Raw], object]:
    """Somebody writes down that somebody is away, from one day to another counted from today."""

    def act(raw: Raw) -> None:
        raw.execute(
            "INSERT INTO approvals_delegation (id, tenant_id, person, delegate, first_day, last_day, zone, begins, "
            "ends, comment, created_by, created_at, seq, event) "
            "VALUES (%(id)s, current_setting('muniment.tenant')::uuid, %(person)s, %(delegate)s, %(first)s, "
            "%(last)s, 'UTC', %(first)s::date::timestamp AT TIME ZONE 'UTC', "
            "(%(last)s::date + 1)::timestamp AT TIME ZONE 'UTC', '', 'x', now() - interval '30 days', 1, '')",
            {
                "id": f"dlg_{step_id()[4:]}",
                "person": person,
                "delegate": delegate,
                "first": in_days(first),
                "last": in_days(last),
            },
        )

    return act


def test_nobody_is_acted_for_who_delegated_nothing_at_that_moment(office: Office) -> None:
    row, first, second = office.submitted(), office.subject("first"), office.subject("second")
    forged = approval(row, "approved", by=second, on_behalf_of=first, level=1, kept=True)
    assert stopped(office, forged), "nothing was delegated"
    for days, when in (((-9, -2), "it is over"), ((2, 9), "it has not begun")):
        assert not stopped(office, absence(first, second, *days))
        assert stopped(office, forged), when
    with office.installation.database.connect("app") as raw:
        raw.execute("SET search_path = django")
        raw.execute(
            "SELECT set_config('muniment.tenant', %s, true)", [str(office.installation.tenant().made.tenant_id)]
        )
        absence(first, second, 0, 0)(raw)  # type: ignore[arg-type]
        raw.commit()
    assert stopped(office, forged), "it is another tenant's"
    with tenant_scope(office.tenant_id):
        given = approvals.delegate(
            office.standing("first"), first_day=in_days(0), last_day=in_days(1), zone="UTC", to=second
        )
    with tenant_scope(office.tenant_id):
        approvals.revoke_delegation(office.standing("first"), given.id)
    assert stopped(office, forged), "it was ended"
    past = approval(row, "approved", by=second, on_behalf_of=first, level=1, kept=True, at=f"{in_days(-5)} 12:00+00")
    assert stopped(office, past), "the step is dated back"
    third, colleague = office.subject("third"), office.subject("colleague")
    assert not stopped(office, absence(colleague, third, 0, 0))
    for_them = approval(row, "approved", by=third, on_behalf_of=colleague, level=1, kept=True)
    assert stopped(office, for_them), "who is away may not approve"
    assert not stopped(office, absence(first, second, 0, 1))
    assert not stopped(office, forged)


def test_who_stands_in_for_who_asks_or_for_the_first_approver_does_not_decide_in_their_own_right(
    office: Office,
) -> None:
    third = office.subject("third")
    active = office.does("third", "decide", office.submitted("first").id, "approve", comment="fine")
    own = office.submitted("first")
    handed_over = office.submitted("asks", owner=office.subject("first"))
    assert not stopped(office, absence(office.subject("first"), third, 0, 0))
    for row in (own, handed_over):
        for outcome in ("approve", "return", "reject"):
            assert refused(office, "third", "decide", row.id, outcome, comment="fine") == "approver"
        assert stopped(office, approval(row, "approved", by=third, level=1, kept=True))
        assert stopped(office, lambda raw, row=row: step(raw, row, "return", "returned", by=third))  # type: ignore[misc]
    assert refused(office, "third", "revoke", active.id, comment="no") == "approver"
    assert stopped(office, lambda raw: step(raw, active, "revoke", "revoked", by=third))
    assert office.does("second", "decide", own.id, "approve", comment="fine").state == "active"
    high = office.submitted(risk_level="high")
    office.does("first", "decide", high.id, "approve", comment="back for an hour")
    assert refused(office, "third", "decide", high.id, "approve", comment="fine too") == "approver"
    assert stopped(office, approval(high, "approved", by=third, level=2, kept=True))
    # What the first approver might, who stands in for them may as well: hand it back.
    assert office.does("third", "decide", high.id, "return", comment="for how long?").state == "returned"
    office.does("asks", "submit", high.id)
    office.does("second", "decide", high.id, "approve", comment="fine")
    assert office.does("third", "decide", high.id, "approve", comment="fine").state == "active"


def test_who_handed_it_in_does_not_decide_once_somebody_else_owns_it(office: Office) -> None:
    first = office.subject("first")
    row = office.draft(owner=first)
    office.does("first", "submit", row.id)
    office.does("second", "decide", row.id, "return", comment="whose is it?")
    office.does("asks", "change", row.id, {"owner": office.subject("asks")})
    again = office.does("asks", "submit", row.id)
    assert refused(office, "first", "decide", row.id, "approve", comment="fine") == "approver"
    assert stopped(office, approval(again, "approved", by=first, level=1, kept=True))
    assert office.does("third", "decide", row.id, "approve", comment="fine").state == "active"


def test_whose_exception_is_renewed_does_not_decide_on_the_renewal_that_somebody_else_asks_for(office: Office) -> None:
    row = office.does("second", "decide", office.submitted("first").id, "approve", comment="fine")
    renewal = office.does("colleague", "renew", row.id, {"expires_on": in_days(120)})
    renewal = office.does("colleague", "submit", renewal.id)
    assert (renewal.owner, row.owner) == (office.subject("colleague"), office.subject("first"))
    assert refused(office, "first", "decide", renewal.id, "approve", comment="fine") == "approver"
    assert stopped(office, approval(renewal, "approved", by=office.subject("first"), level=1, kept=True))
    with tenant_scope(office.tenant_id):
        assert waiting_for(office.standing("first"), datetime.now(UTC), limit=5)[0] == []
        assert len(waiting_for(office.standing("third"), datetime.now(UTC), limit=5)[0]) == 1
    assert office.does("third", "decide", renewal.id, "approve", comment="fine").state == "approved"


def test_the_database_knows_whom_the_rules_name(office: Office) -> None:
    administer(office)
    first, second, third = (office.subject(name) for name in ("first", "second", "third"))
    with office.tenant.in_database() as raw:
        for group, parent in (("grp_board", ""), ("grp_risk", "grp_board")):
            raw.execute(
                "INSERT INTO django.members_group (id, tenant_id, name, parent_id, roles, created_at) "
                "VALUES (%s || left(%s::text, 8), %s, %s, %s, '{}', now())",
                [group, office.tenant_id, office.tenant_id, group, parent and parent + str(office.tenant_id)[:8]],
            )
        raw.execute(
            "UPDATE django.members_membership SET groups = ARRAY['grp_risk' || left(tenant_id::text, 8)] "
            "WHERE user_id = %s AND tenant_id = %s",
            [office.people["first"].user_id, office.tenant_id],
        )
    mark = str(office.tenant_id)[:8]
    named: dict[str, dict[str, Any]] = {
        "anybody": {},
        "a role": {"roles": ("administrator",)},
        "two roles": {"roles": ("administrator", "approver")},
        "people": {"people": (first, office.subject("asks"))},
        "a group": {"groups": (f"grp_risk{mark}",)},
        "the group that it is part of": {"groups": (f"grp_board{mark}",)},
        "another group": {"groups": (f"grp_other{mark}",)},
        "one or the other": {"people": (second,), "groups": (f"grp_board{mark}",)},
    }
    with tenant_scope(office.tenant_id):
        people = approvals.roster(datetime.now(UTC)).people
    for case, said in named.items():
        with writing(office) as writer:
            rows = [
                writer.execute(
                    "SELECT approvals_holds(%s, %s, 'exception.approve', %s) AS said",
                    [office.tenant_id, one, Jsonb({name: list(ids) for name, ids in said.items()})],
                ).fetchone()
                for one in people
            ]
        expected = [{"said": decides(Level(1, **said), one)} for one in people.values()]
        assert rows == expected, case
    rules = replace(DEFAULT, id="", clauses=(), otherwise=(Level(1, people=(first, second)),))
    with tenant_scope(office.tenant_id):
        approvals.save_rules(office.standing("third"), rules, comment="by name")
    row = office.submitted()
    assert stopped(office, approval(row, "approved", by=third, level=1, kept=True))
    assert stopped(office, approval(row, "approved", by=first, level=2, kept=True))
    assert stopped(office, lambda raw: step(raw, row, "reject", "rejected", by=third))
    assert not stopped(office, approval(row, "approved", by=first, level=1, kept=True))
