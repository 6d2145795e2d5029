"""Whoever writes as the application's role, and what the database holds against them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from muniment.server.exceptions.days import ends_at
from muniment.server.exceptions.models import PolicyException, step_id
from tests.exceptions.conftest import Office, in_days

Raw = psycopg.Connection[DictRow]


@contextmanager
def writing(office: Office) -> Iterator[Raw]:
    """A transaction as the application's role, in the tenant; what is deferred is checked at its end."""
    with office.installation.database.connect("app") as raw:
        raw.row_factory = dict_row  # type: ignore[assignment]
        raw.execute("SET search_path = django")
        raw.execute("SELECT set_config('muniment.tenant', %s, true)", [str(office.tenant_id)])
        yield raw  # type: ignore[misc]
        raw.commit()


def stopped(office: Office, act: Callable[[Raw], object]) -> bool:
    """Whether the database refuses what is done in a transaction, at once or at its end."""
    try:
        with writing(office) as raw:
            act(raw)
    except (psycopg.errors.CheckViolation, psycopg.errors.InsufficientPrivilege):
        return True
    return False


def step(raw: Raw, row: PolicyException, kind: str, target: str, **more: Any) -> str:
    """Write a step as the application would, with whatever somebody wants to be in it."""
    found = raw.execute("SELECT * FROM exceptions_exception WHERE id = %s", [row.id]).fetchone()
    assert found is not None
    said = {
        "id": step_id(),
        "tenant_id": found["tenant_id"],
        "exception": row.id,
        "number": found["steps"] + 1,
        "kind": kind,
        "source": found["state"],
        "target": target,
        "round": found["round"],
        "level": 0,
        "by": "user:usr_thief",
        "on_behalf_of": "",
        "comment": "said",
        "at": datetime.now(UTC),
        "seq": 1,
        "event": "x",
        **more,
    }
    names = ", ".join(f'"{name}"' for name in said)
    raw.execute(f"INSERT INTO exceptions_step ({names}) VALUES ({', '.join(['%s'] * len(said))})", list(said.values()))
    return str(said["id"])


def move(raw: Raw, row: PolicyException, state: str, **more: Any) -> None:
    given = {"state": state, **more}
    put = ", ".join(f'"{name}" = %s' for name in given)
    raw.execute(f"UPDATE exceptions_exception SET {put}, steps = steps + 1 WHERE id = %s", [*given.values(), row.id])


def decide(raw: Raw, row: PolicyException, made: str, **more: Any) -> None:
    """Freeze a decision like an earlier one, with what somebody wants to be other in it."""
    found = raw.execute("SELECT * FROM exceptions_step WHERE id = %s", [made]).fetchone()
    asked = raw.execute("SELECT * FROM exceptions_exception WHERE id = %s", [row.id]).fetchone()
    assert found is not None
    assert asked is not None
    applies = {
        "assets": [{"id": one} for one in asked["assets"]],
        "compensating": asked["compensating"],
        "compensating_controls": [],
        "controls": [{"id": one} for one in asked["controls"]],
        "evidence": [],
        "expires_on": str(asked["expires_on"]),
        "owner": asked["owner"],
        "policy": {"id": asked["policy_id"]},
        "reason": asked["reason"],
        "renews": asked["renews"],
        "requested_by": asked["requested_by"],
        "residual_risk": asked["residual_risk"],
        "risk_level": asked["risk_level"],
        "rules": asked["rules"],
        "scope": asked["scope"],
        "starts_on": "",
        "title": asked["title"],
        "zone": asked["zone"],
        **more,
    }
    text = json.dumps(applies, sort_keys=True, separators=(",", ":"))
    basis = hashlib.sha256(b"muniment/exception-basis/1\0" + text.encode()).hexdigest()
    said = {name: found[name] for name in ("by", "exception", "kind", "level", "on_behalf_of", "round")}
    content = json.dumps({"applies_to": applies, "basis": basis, **said}, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(b"muniment/exception-decision/1\0" + content.encode()).hexdigest()
    raw.execute(
        "INSERT INTO exceptions_decision (id, tenant_id, exception, step, number, kind, content, basis, digest, at, "
        "seq, event) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, now(), 1, 'x')",
        [f"exd_{made[4:]}", found["tenant_id"], row.id, made, found["number"], found["kind"], content, basis, digest],
    )


def test_what_the_application_writes_by_hand_can_be_a_true_step(office: Office) -> None:
    """The attacks below fail for what they do, and not because nothing at all could be written like this."""
    row = office.submitted()
    with writing(office) as raw:
        made = step(raw, row, "approve", "approved", level=1, by=office.subject("first"))
        decide(raw, row, made)
        move(raw, row, "approved", level=1, approved_at="2026-01-01")
    assert office.look("exception_for", row.id).state == "approved"


STATEMENTS = {
    "approves without a step": "UPDATE exceptions_exception SET state = 'approved', approved_at = now() WHERE id = %s",
    "counts a step nobody took": "UPDATE exceptions_exception SET state = 'active', steps = steps + 1 WHERE id = %s",
    "moves the last day": "UPDATE exceptions_exception SET expires_on = expires_on + 30 WHERE id = %s",
    "moves the end alone": "UPDATE exceptions_exception SET ends_at = ends_at + interval '30 days' WHERE id = %s",
    "widens the scope": "UPDATE exceptions_exception SET scope = 'everything' WHERE id = %s",
    "gives it to another requester": "UPDATE exceptions_exception SET requested_by = 'user:usr_x' WHERE id = %s",
    "gives it to another owner": "UPDATE exceptions_exception SET owner = 'user:usr_x' WHERE id = %s",
    "needs fewer approvals": "UPDATE exceptions_exception SET levels = 1 WHERE id = %s",
    "runs under other rules": "UPDATE exceptions_exception SET rules = 'wfv_other' WHERE id = %s",
    "counts an approval": "UPDATE exceptions_exception SET level = level + 1 WHERE id = %s",
    "begins a round anew": "UPDATE exceptions_exception SET round = round + 1 WHERE id = %s",
    "forgets what it renews": "UPDATE exceptions_exception SET renews = 'exc_x' WHERE id = %s",
    "joins another chain": "UPDATE exceptions_exception SET chain = 'exc_x' WHERE id = %s",
    "calls it stale": "UPDATE exceptions_exception SET stale_at = now() WHERE id = %s",
    "goes to another tenant": "UPDATE exceptions_exception SET tenant_id = gen_random_uuid() WHERE id = %s",
    "removes it": "DELETE FROM exceptions_exception WHERE id = %s",
    "edits a step": "UPDATE exceptions_step SET comment = 'other' WHERE exception = %s",
    "removes a step": "DELETE FROM exceptions_step WHERE exception = %s",
    "edits a decision": "UPDATE exceptions_decision SET content = '{}' WHERE exception = %s",
    "removes what it rests on": "DELETE FROM exceptions_rest WHERE exception = %s",
}


def test_no_statement_takes_an_exception_around_its_steps(office: Office) -> None:
    row = office.submitted(risk_level="high")
    for attack, statement in STATEMENTS.items():
        assert stopped(office, lambda raw, said=statement: raw.execute(said, [row.id])), attack  # type: ignore[misc]


def approval(row: PolicyException, target: str, *, kept: bool = False, **said: Any) -> Callable[[Raw], object]:
    """An approval that somebody writes; `kept`: with a decision, and in the row."""

    def act(raw: Raw) -> None:
        made = step(raw, row, "approve", target, **said)
        if kept:
            decide(raw, row, made)
            move(raw, row, target, level=said["level"], approved_at="2026-01-01")

    return act


def test_no_approval_is_forged_by_who_asks_or_given_twice(office: Office) -> None:
    row = office.submitted(risk_level="high")
    asks, first, second = (office.subject(name) for name in ("asks", "first", "second"))
    forged: dict[str, dict[str, Any]] = {
        "by who asks": {"by": asks, "level": 1},
        "on behalf of who asks": {"by": second, "on_behalf_of": asks, "level": 1},
        "by a key": {"by": "key:ak_1", "level": 1},
        "by the server": {"by": "system:server", "level": 1},
        "on behalf of oneself": {"by": second, "on_behalf_of": second, "level": 1},
        "without a word": {"by": second, "comment": "  ", "level": 1},
        "of the second level first": {"by": second, "level": 2},
        "of no level": {"by": second, "level": 0},
        "in another round": {"by": second, "level": 1, "round": 2},
        "out of turn": {"by": second, "level": 1, "number": 9},
        "from another state": {"by": second, "level": 1, "source": "approved"},
        "after its last day": {"by": second, "level": 1, "at": "2200-01-01"},
        "at another time": {"by": second, "level": 1, "at": datetime.now(UTC) - timedelta(minutes=6)},
        "by somebody who may not approve": {"by": office.subject("colleague"), "level": 1},
        "by nobody who is here": {"by": "user:usr_thief", "level": 1},
    }
    for attack, said in forged.items():
        assert stopped(office, approval(row, "under_review", **said)), attack
    assert stopped(office, approval(row, "approved", by=first, level=1, kept=True))
    office.does("first", "decide", row.id, "approve", comment="fine")
    for attack, said in {
        "the same person": {"by": first},
        "somebody for the same person": {"by": second, "on_behalf_of": first},
        "the same person for somebody": {"by": first, "on_behalf_of": second},
        "somebody else, of something else than the first one": {"by": second},
    }.items():
        assert stopped(office, approval(row, "approved", level=2, kept=True, **said)), attack
    assert office.does("second", "decide", row.id, "approve", comment="fine").state == "active"


ZONES = ("UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Pacific/Pago_Pago", "Europe/Warsaw", "Africa/Cairo", "Asia/Tehran")


def test_the_database_and_the_server_agree_on_when_days_end_from_one_side_of_the_earth_to_the_other(
    office: Office,
) -> None:
    """Leap days, nights in which clocks change, the widest zones: a guard that differed would stop true steps."""
    nights = (date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25), date(2026, 4, 23))
    days = (date(2028, 2, 28), date(2028, 2, 29), date(2027, 12, 31), *nights)
    with writing(office) as raw:
        for day, zone in product(days, ZONES):
            found = raw.execute(
                "SELECT abs(extract(epoch FROM %s - ((%s::date + 1)::timestamp AT TIME ZONE %s))) <= 7200 AS said",
                [ends_at(day, zone), day, zone],
            ).fetchone()
            assert found == {"said": True}, (day, zone)


def test_a_step_is_not_kept_for_later_and_a_decision_freezes_what_it_applies_to(office: Office) -> None:
    row = office.submitted()
    said = {"by": office.subject("first"), "level": 1}
    done = {"level": 1, "approved_at": "2026-01-01"}
    assert stopped(office, lambda raw: step(raw, row, "approve", "approved", **said))

    def undecided(raw: Raw) -> None:
        step(raw, row, "approve", "approved", **said)
        move(raw, row, "approved", **done)

    assert stopped(office, undecided)
    others: list[dict[str, Any]] = [{"scope": "less"}, {"assets": []}, {"policy": {"id": "pol_x"}}]
    for other in (*others, {"expires_on": "2199-01-01"}):

        def of_something_else(raw: Raw, other: dict[str, Any] = other) -> None:
            decide(raw, row, step(raw, row, "approve", "approved", **said), **other)
            move(raw, row, "approved", **done)

        assert stopped(office, of_something_else), other

    def for_longer(raw: Raw) -> None:
        decide(raw, row, step(raw, row, "approve", "approved", **said))
        move(raw, row, "approved", expires_on=in_days(300), **done)

    assert stopped(office, for_longer)


def test_a_case_is_submitted_under_the_rules_in_force_and_for_as_long_as_they_allow(office: Office) -> None:
    whole = office.submitted(risk_level="high")
    names = ("levels", "rules", "starts_at", "soon_at", "ends_at", "submitted_at")
    true = {name: getattr(whole, name) for name in names}

    def submits(row: PolicyException, **given: Any) -> Callable[[Raw], object]:
        def act(raw: Raw) -> None:
            step(raw, row, "submit", "under_review", by=office.subject("asks"), round=1)
            move(raw, row, "under_review", round=1, **{**true, **given})

        return act

    row = office.draft(risk_level="high")
    attacks: dict[str, dict[str, Any]] = {
        "one approval too few": {"levels": 1},
        "none at all": {"levels": 0},
        "under rules that there are not": {"rules": "wfv_other"},
        "without rules": {"rules": ""},
        "to another end": {"ends_at": "2199-01-01"},
        "to be reminded of later": {"soon_at": "2199-01-01"},
        "to be reminded of never": {"soon_at": None},
    }
    for attack, given in attacks.items():
        assert stopped(office, submits(row, **given)), attack
    long = office.draft(expires_on=in_days(400))
    days = {"ends_at": f"{in_days(401)} 00:00+00", "soon_at": f"{in_days(310)} 00:00+00"}
    assert stopped(office, submits(long, levels=1, **days))
    assert not stopped(office, submits(row))


def test_time_alone_activates_and_closes_and_nobody_forgets_that_a_decision_is_stale(office: Office) -> None:
    waits = office.submitted(starts_on=in_days(5))
    office.does("first", "decide", waits.id, "approve", comment="fine")
    active = office.active()
    early, late = {"at": f"{in_days(1)} 00:00+00"}, {"at": "2199-01-01"}
    server, first = {"by": "system:server"}, {"by": office.subject("first")}
    assert stopped(office, lambda raw: step(raw, waits, "activate", "active", **server, **early))
    assert stopped(office, lambda raw: step(raw, waits, "activate", "active", **first, **late))
    assert stopped(office, lambda raw: step(raw, active, "expire", "expired", **server, **early))
    assert stopped(office, lambda raw: step(raw, active, "expire", "expired", **first, **late))
    with writing(office) as raw:
        step(raw, active, "stale", "active", by="system:server")
        move(raw, active, "active", stale_at="2026-01-01")
    assert stopped(office, lambda raw: step(raw, active, "attest", "active", by=office.subject("asks")))
    forgets = "UPDATE exceptions_exception SET stale_at = NULL WHERE id = %s"
    assert stopped(office, lambda raw: raw.execute(forgets, [active.id]))


def test_an_exception_begins_as_a_draft_of_who_asks_and_renews_what_stood(office: Office) -> None:
    draft, over = office.draft(), office.submitted()
    office.does("first", "decide", over.id, "reject", comment="no")

    def begins(**change: object) -> Callable[[Raw], object]:
        def act(raw: Raw) -> None:
            raw.execute(
                "INSERT INTO exceptions_step (id, tenant_id, exception, number, kind, source, target, round, level, "
                "by, on_behalf_of, comment, at, seq, event) VALUES ('exs_made', %s, 'exc_made', 1, 'create', '', "
                "'draft', 0, 0, %s, '', '', now(), 1, 'x')",
                [office.tenant_id, office.subject("asks")],
            )
            raw.execute(
                "INSERT INTO exceptions_exception SELECT (jsonb_populate_record(e, %s)).* "
                "FROM exceptions_exception e WHERE id = %s",
                [Jsonb({"id": "exc_made", "chain": "exc_made", **change}), draft.id],
            )

        return act

    for change in (
        {"state": "approved"},
        {"levels": 1},
        {"requested_by": "user:usr_other"},
        {"chain": "exc_other"},
        {"renews": draft.id, "chain": draft.id},
        {"renews": over.id, "chain": over.id},
    ):
        assert stopped(office, begins(**change)), change
    assert not stopped(office, begins())
