"""People of the office and a thief of the application's role try what they like; nothing gets around an approval."""

from __future__ import annotations

from typing import Any

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from muniment.core.errors import Malformed, Refused
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
            assert not {row.requested_by, row.owner} & set(words)
            assert row.level == len(given)
            if row.state in ("approved", "active", "expired", "revoked"):
                assert len(given) == row.levels == 2

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
