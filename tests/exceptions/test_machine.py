"""People of the office and a thief of the application's role try what they like; nothing gets around an approval."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing, resolver
from muniment.server.approvals import services as approvals
from muniment.server.tenants.scope import tenant_scope
from tests.exceptions.conftest import Office, in_days
from tests.exceptions.test_attacks import decide, move, step, writing

PEOPLE = ("asks", "colleague", "first", "second", "third")
STEPS = {
    "submit": "under_review",
    "approve": "approved",
    "return": "returned",
    "reject": "rejected",
    "withdraw": "withdrawn",
    "revoke": "revoked",
    "activate": "active",
    "expire": "expired",
    "attest": "active",
}


def standing_of(office: Office, person: str) -> Standing:
    found = resolver().of_user(person.removeprefix("user:"), office.tenant_id)
    assert found is not None
    return found


def test_no_path_around_an_approval_is_found_by_people_or_by_a_stolen_role(office: Office) -> None:
    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.row = office.submitted("first", risk_level="high", owner=office.subject("asks"))

        @rule(
            name=st.sampled_from(PEOPLE),
            what=st.sampled_from(["approve", "approve", "approve", "return", "reject", "submit", "change", "attest"]),
        )
        def somebody_tries(self, name: str, what: str) -> None:
            try:
                if what in ("approve", "return", "reject"):
                    office.does(name, "decide", self.row.id, what, comment="said")
                elif what == "change":
                    office.does(name, "change", self.row.id, {"expires_on": in_days(50)})
                elif what == "submit":
                    office.does(name, "submit", self.row.id)
                else:
                    office.does(name, "attest", self.row.id, comment="said")
            except (Refused, Malformed):
                pass

        @rule(name=st.sampled_from(["first", "second", "third"]), to=st.sampled_from(["second", "third"]))
        def somebody_is_away(self, name: str, to: str) -> None:
            given = {"first_day": in_days(0), "last_day": in_days(1), "zone": "UTC", "to": office.subject(to)}
            try:
                with tenant_scope(office.tenant_id):
                    approvals.delegate(office.standing(name), **given)  # type: ignore[arg-type]
            except (Refused, Malformed):
                pass

        @rule()
        def everybody_is_back(self) -> None:
            with tenant_scope(office.tenant_id):
                for one in approvals.delegations():
                    approvals.revoke_delegation(standing_of(office, one.person), one.id)

        def teardown(self) -> None:
            self.everybody_is_back()

        @rule(
            kind=st.sampled_from([*STEPS, "approve", "approve"]),
            name=st.sampled_from(PEOPLE),
            behalf=st.sampled_from([*PEOPLE, "", ""]),
            level=st.integers(0, 2),
            halfway=st.booleans(),
            server=st.booleans(),
        )
        def a_thief_writes(self, kind: str, name: str, behalf: str, level: int, halfway: bool, server: bool) -> None:
            target = "under_review" if kind == "approve" and halfway else STEPS[kind]
            said: dict[str, Any] = {
                "by": "system:server" if server else office.subject(name),
                "on_behalf_of": office.subject(behalf) if behalf else "",
                "level": level if kind == "approve" else 0,
            }
            also = {"level": level} if kind == "approve" else {}
            if target == "approved":
                also["approved_at"] = "2026-01-01"  # type: ignore[assignment]
            if target in ("rejected", "withdrawn", "revoked", "expired"):
                also["closed_at"] = "2026-01-01"  # type: ignore[assignment]
            try:
                with writing(office) as raw:
                    made = step(raw, self.row, kind, target, **said)
                    if kind in ("approve", "return", "reject", "revoke", "attest"):
                        decide(raw, self.row, made)
                    move(raw, self.row, target, **also)
            except psycopg.errors.CheckViolation:
                pass

        @invariant()
        def two_other_people_said_yes(self) -> None:
            row = office.look("exception_for", self.row.id)
            given = [one for one in office.look("steps_of", row) if one.kind == "approve" and one.round == row.round]
            words = [one for given_one in given for one in (given_one.by, given_one.on_behalf_of) if one]
            assert len(words) == len(set(words))
            asked = {row.requested_by, row.owner}
            assert not asked & set(words)
            assert {one.by for one in given} <= {office.subject(name) for name in ("first", "second", "third")}
            for place, one in enumerate(given):
                stood_for = self.stood_for(one.by, one.at)
                assert one.on_behalf_of in {"", *stood_for}
                assert not stood_for & asked
                assert not stood_for & {word for other in given[:place] for word in (other.by, other.on_behalf_of)}
            assert row.level == len(given)
            if row.state in ("approved", "active", "expired", "revoked"):
                assert len(given) == row.levels == 2

        def stood_for(self, who: str, at: datetime) -> set[str]:
            """For whom somebody stood in, by the rows alone."""
            with tenant_scope(office.tenant_id):
                rows = approvals.delegations(person=who, over=True)
                ended = {one: end.at for one, end in approvals.revocations_of(rows).items()}
            return {
                one.person
                for one in rows
                if one.delegate == who and max(one.begins, one.created_at) <= at < ended.get(one.id, one.ends)
            }

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=6,
            stateful_step_count=12,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
