"""Whoever writes as the application cannot lead a task, a finding or an incident past its workflow."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from tests.controls.conftest import Office

STEP = (
    "INSERT INTO django.remediation_step (id, tenant_id, kind, item, number, step, before, after, comment, evidence, "
    "exception, by, at, seq, event) SELECT 'stp_attack', tenant_id, {kind}, {item}, {number}, {step}, {before}, "
    "{after}, {comment}, '{{}}', {exception}, {by}, now(), 7, 'src_x/evt_x' "
    "FROM django.remediation_finding WHERE id = %(id)s"
)
USUAL = {
    "kind": "'finding'",
    "item": "id",
    "number": "number + 1",
    "step": "'verify'",
    "before": "state",
    "after": "'verified'",
    "comment": "'looked at it'",
    "exception": "''",
    "by": "'user:usr_somebody'",
}
MOVE = "UPDATE django.remediation_finding SET state = {after}, number = number + 1, seq = 7, event = 'src_x/evt_x'"


def step(**changes: str) -> str:
    return STEP.format(**{**USUAL, **changes})


def move(after: str, more: str = "") -> str:
    return f"{MOVE.format(after=after)}{more} WHERE id = %(id)s"


def attack(office: Office, finding: str, *statements: str) -> None:
    """Run statements as the application in one transaction of the tenant."""
    with office.desk.installation.database.connect("app", autocommit=True) as app, app.transaction():
        app.execute("SELECT set_config('muniment.tenant', %s, true)", [str(office.desk.tenant.made.tenant_id)])
        for statement in statements:
            app.execute(statement, {"id": finding})  # type: ignore[call-overload]


@pytest.fixture
def resolved(office: Office) -> Any:
    made = office.ask("POST", "/api/findings", 201, title="Keys older than a year", owner=office.owner)
    return office.ask("POST", f"/api/findings/{made['id']}/steps", step="resolve", comment="Rotated")


def test_the_database_refuses_what_the_rules_do_not_allow(office: Office, resolved: Any) -> None:
    resolver = f"'{resolved['resolved_by']}'"
    verified = step(), move("'verified'", ", verified_by = 'user:usr_somebody'")
    attacks: Sequence[tuple[str, ...]] = (
        # A state without a step, and a step without the state.
        (move("'verified'"),),
        (verified[0],),
        # Who resolved it; a program; without a comment; another step than there is; out of turn.
        (step(by=resolver), move("'verified'", f", verified_by = {resolver}")),
        (step(by="'key:ak_1'"), move("'verified'", ", verified_by = 'key:ak_1'")),
        (step(comment="' '"), verified[1]),
        (step(step="'finish'"), verified[1]),
        (step(number="number + 2"), verified[1]),
        (step(before="'open'"), verified[1]),
        # Accepting what is resolved, and through nothing.
        (step(step="'accept'", after="'accepted'", exception="'exc_1'"), move("'accepted'", ", exception = 'exc_1'")),
        (step(step="'reopen'", after="'remediating'", exception="'exc_1'"), move("'remediating'")),
        # A step that changes more than it may, or that names another verifier than who took it.
        (verified[0], move("'verified'", ", verified_by = 'user:usr_somebody', severity = 'low'")),
        (verified[0], move("'verified'", ", verified_by = 'user:usr_else'")),
        (verified[0], move("'verified'", ", verified_by = 'user:usr_somebody', created_by = 'user:usr_else'")),
        # A step of something that is not there.
        (step(item="'fnd_none'", number="1", step="'create'", before="''", after="'open'"),),
    )
    for statements in attacks:
        with pytest.raises(psycopg.errors.CheckViolation):
            attack(office, resolved["id"], *statements)
    for statement in (
        "DELETE FROM django.remediation_finding WHERE id = %(id)s",
        "DELETE FROM django.remediation_step WHERE item = %(id)s",
        "UPDATE django.remediation_step SET comment = 'other' WHERE item = %(id)s",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            attack(office, resolved["id"], statement)
    assert office.ask("GET", f"/api/findings/{resolved['id']}") == resolved
    # What is refused above is refused for the reason named: the same two statements as the rules allow them pass.
    attack(office, resolved["id"], *verified)
    assert office.ask("GET", f"/api/findings/{resolved['id']}")["state"] == "verified"


def test_a_turn_of_a_task_follows_once(office: Office) -> None:
    made = office.ask(
        "POST", "/api/tasks", 201, title="Review", owner=office.owner, due_on="2026-01-31", recurrence="monthly"
    )
    office.ask("POST", f"/api/tasks/{made['id']}/steps", step="finish", comment="done")
    again = (
        "INSERT INTO django.remediation_step SELECT 'stp_attack', tenant_id, kind, 'tsk_attack', number, step, before, "
        "after, comment, evidence, exception, by, at, seq, event FROM django.remediation_step "
        "WHERE item = %(id)s AND number = 1",
        "INSERT INTO django.remediation_task SELECT 'tsk_attack', tenant_id, 'open', 1, title, text, controls, owner, "
        "due_on, recurrence, finding, series, 1, due_day, created_by, created_at, changed_at, s.seq, s.event "
        "FROM django.remediation_task t, (SELECT seq, event FROM django.remediation_step WHERE id = 'stp_attack') s "
        "WHERE t.id = %(id)s",
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        attack(office, made["id"], *again)
