"""What the database refuses of whoever speaks to it as the application: each attack, and the guard that stops it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from muniment.ledger.connection import tenant_transaction
from tests.exceptions.conftest import Office
from tests.risks.conftest import Register, in_days

_REFUSALS = (
    psycopg.errors.CheckViolation,
    psycopg.errors.UniqueViolation,
    psycopg.errors.InsufficientPrivilege,
)
# The columns of a risk and of an acceptance, with what an attack says instead.
COPY_RISK = (
    "INSERT INTO django.risks_risk SELECT (jsonb_populate_record(r, %s::jsonb)).* "
    "FROM django.risks_risk r WHERE id = %s"
)
COPY_VERSION = (
    "INSERT INTO django.risks_version SELECT (jsonb_populate_record(v, %s::jsonb || jsonb_build_object("
    "'content', v.content))).* FROM django.risks_version v WHERE risk = %s AND version = 1"
)
COPY_ACCEPTANCE = (
    "INSERT INTO django.risks_acceptance SELECT (jsonb_populate_record(a, %s::jsonb)).* "
    "FROM django.risks_acceptance a WHERE id = %s"
)
DECIDE = """
INSERT INTO django.risks_decision
SELECT said.id, a.tenant_id, a.id, a.risk, said.verdict, said.who, now(), said.words, said.content,
       encode(sha256(convert_to(said.content, 'UTF8')), 'hex'), 1, 'src/evt'
FROM django.risks_acceptance a, LATERAL (
    SELECT %(id)s::text AS id, %(verdict)s::text AS verdict, %(who)s::text AS who, %(words)s::text AS words,
           jsonb_build_object('acceptance', a.id, 'verdict', %(verdict)s::text, 'by', %(who)s::text,
                              'comment', %(words)s::text, 'until', a.until::text,
                              'risk', jsonb_build_object('digest', %(digest)s::text))::text AS content) AS said
WHERE a.id = %(acceptance)s
"""


@dataclass
class Attacker:
    """Whoever holds the application's role, in the scope of the tenant."""

    office: Office

    @contextmanager
    def speaks(self) -> Iterator[Any]:
        database = self.office.installation.database
        with database.connect("app", autocommit=True) as raw, tenant_transaction(raw, self.office.tenant_id):
            yield raw

    def refused(self, said: str, statement: str, given: Any = None, *, first: tuple[str, Any] | None = None) -> None:
        """A statement is refused in these words; one before it in the same transaction is not."""
        with self.speaks() as raw, raw.transaction(force_rollback=True):
            if first is not None:
                raw.execute(*first)
            with pytest.raises(_REFUSALS, match=said):
                raw.execute(statement, given)


@pytest.fixture
def attacker(office: Office) -> Attacker:
    return Attacker(office)


def test_a_risk_says_only_what_a_version_of_it_says(register: Register, attacker: Attacker) -> None:
    row = register.opened()
    change = "UPDATE django.risks_risk SET {} WHERE id = %s"
    for column in (
        "title = 'Nothing to see'",
        "current = 11, ruling = 11, score = 1",
        "owner = 'user:usr_x'",
        "level = 'low'",
    ):
        attacker.refused("every change of a risk is a version", change.format(column), [row.id])
    attacker.refused(
        "every change of a risk is a version", change.format("title = 'No', version = version + 1"), [row.id]
    )
    attacker.refused("where a risk comes from", change.format("origin = 'exception'"), [row.id])
    attacker.refused("permission denied", "DELETE FROM django.risks_risk WHERE id = %s", [row.id])
    attacker.refused("begins open", COPY_RISK, ['{"id": "rsk_x", "state": "closed"}', row.id])
    attacker.refused("every change of a risk is a version", COPY_RISK, ['{"id": "rsk_x"}', row.id])


def test_a_version_cannot_be_changed_removed_skipped_or_made_up(register: Register, attacker: Attacker) -> None:
    row = register.opened()
    for table in ("version", "matrix", "decision", "snapshot"):
        attacker.refused("permission denied", f"DELETE FROM django.risks_{table}")
        attacker.refused("permission denied", f"UPDATE django.risks_{table} SET digest = 'x'")
    attacker.refused("says which it is", COPY_VERSION, ['{"id": "rsv_x", "version": 3}', row.id])
    attacker.refused("digest of what it says", COPY_VERSION, ['{"id": "rsv_x", "version": 2, "digest": "x"}', row.id])


def test_a_row_that_repeats_its_version_in_all_but_one_thing_is_refused(register: Register, attacker: Attacker) -> None:
    """The version is well-formed and next; the row beside it says something else."""
    row = register.opened()
    version = (
        "INSERT INTO django.risks_version SELECT 'rsv_x', tenant_id, risk, 2, said, "
        "encode(sha256(convert_to(said, 'UTF8')), 'hex'), 'change', '', by, now(), 1, 'src/evt' FROM (SELECT v.*, "
        "(content::jsonb || '{\"version\": 2}')::text AS said FROM django.risks_version v WHERE risk = %s) AS next"
    )
    row_of = (
        "UPDATE django.risks_risk r SET version = 2, seq = 1, event = 'src/evt', digest = v.digest, {} "
        "FROM django.risks_version v WHERE r.id = %s AND v.risk = r.id AND v.version = 2"
    )
    for column in (
        "title = 'No'",
        "plan = ''",
        "review_on = '2099-01-01'",
        "current = 11, ruling = 11, score = 1",
        "ruling = 11",
        "level = 'low'",
        "controls = '{own:X}'",
        "treatment = 'accept'",
        "matrix = 7",
    ):
        attacker.refused("newest version says", row_of.format(column), [row.id], first=(version, [row.id]))


def test_a_mirrored_risk_is_not_closed_while_its_exception_holds_and_no_other_becomes_residual(
    office: Office, register: Register, attacker: Attacker
) -> None:
    mirrored, own = register.of_chain(office.active().chain), register.opened()
    version = (
        "INSERT INTO django.risks_version SELECT 'rsv_x', tenant_id, risk, 2, said, "
        "encode(sha256(convert_to(said, 'UTF8')), 'hex'), 'close', '', by, now(), 1, 'src/evt' FROM (SELECT v.*, "
        "(content::jsonb || jsonb_build_object('version', 2, 'state', %s::text))::text AS said "
        "FROM django.risks_version v WHERE risk = %s) AS next"
    )
    row_of = (
        "UPDATE django.risks_risk r SET version = 2, seq = 1, event = 'src/evt', digest = v.digest, state = %s "
        "FROM django.risks_version v WHERE r.id = %s AND v.risk = r.id AND v.version = 2"
    )
    for state, row, said in (
        ("closed", mirrored, "as long as the exception"),
        ("residual", mirrored, "as long as the exception"),
        ("residual", own, "no exception left"),
        ("gone", own, "does not go from open to gone"),
    ):
        attacker.refused(said, row_of, [state, row.id], first=(version, [state, row.id]))


def test_nothing_is_accepted_without_a_decision_of_somebody_else(
    office: Office, register: Register, attacker: Attacker
) -> None:
    row = register.opened()
    made = register.proposed(row)
    set_ = "UPDATE django.risks_acceptance SET {} WHERE id = %s"
    attacker.refused("without a decision", set_.format("state = 'accepted'"), [made.id])
    attacker.refused("without a decision", set_.format("state = 'refused', ended_at = now()"), [made.id])
    attacker.refused("what was proposed", set_.format("until = until + 400"), [made.id])
    attacker.refused("what was proposed", set_.format("proposed_by = 'user:usr_x'"), [made.id])
    attacker.refused("last day", set_.format("state = 'expired', ended_at = now()"), [made.id])
    attacker.refused("does not go from", set_.format("state = 'revoked', ended_at = now()"), [made.id])
    attacker.refused("says when", set_.format("state = 'withdrawn'"), [made.id])
    attacker.refused("begins as a proposal", COPY_ACCEPTANCE, ['{"id": "rac_x", "state": "accepted"}', made.id])
    other = register.opened(title="Another")
    attacker.refused("as it stands", COPY_ACCEPTANCE, [f'{{"id": "rac_x", "risk": "{other.id}"}}', made.id])
    attacker.refused("permission denied", "DELETE FROM django.risks_acceptance")
    by_first = register.proposed(other, "first")
    said = {"id": "rad_x", "verdict": "accepted", "words": "fine", "digest": row.digest, "acceptance": made.id}
    for change, why in (
        ({"who": row.owner}, "who proposes or owns"),
        ({"who": made.proposed_by}, "who proposes or owns"),
        ({"who": "key:ak_1"}, "who proposes or owns"),
        ({"who": "user:usr_x"}, "by who may"),
        ({"who": office.subject("colleague"), "acceptance": by_first.id, "digest": other.digest}, "by who may"),
        ({"words": " \n"}, "says what it is, and why"),
        ({"verdict": "maybe"}, "says what it is, and why"),
        ({"digest": "0" * 64}, "freezes what it was about"),
    ):
        attacker.refused(why, DECIDE, {**said, "who": office.subject("first"), **change})


def test_nothing_is_proposed_for_a_day_that_is_over(register: Register, attacker: Attacker) -> None:
    made = register.proposed(register.opened())
    register.does("colleague", "withdraw", made.id)
    again = (
        '{"id": "rac_x", "state": "proposed", "ended_by": "", "ended_at": null, "ended_why": "", "until": "2020-02-29"}'
    )
    attacker.refused("a day to come", COPY_ACCEPTANCE, [again, made.id])


def test_a_decision_in_force_is_not_taken_back_prolonged_or_given_twice(
    office: Office, register: Register, attacker: Attacker
) -> None:
    row = register.opened()
    made = register.accepted(row)
    set_ = "UPDATE django.risks_acceptance SET {} WHERE id = %s"
    attacker.refused("does not go from", set_.format("state = 'proposed'"), [made.id])
    attacker.refused("what was proposed", set_.format("until = until + 1"), [made.id])
    attacker.refused("last day", set_.format("state = 'expired', ended_at = now()"), [made.id])
    attacker.refused(
        "a person revokes",
        set_.format("state = 'revoked', ended_at = now(), ended_by = 'key:ak_1', ended_why = 'x'"),
        [made.id],
    )
    revoked = set_.format("state = 'revoked', ended_at = now(), ended_by = %s, ended_why = 'x'")
    attacker.refused("a person revokes", revoked, [office.subject("colleague"), made.id])
    attacker.refused("replaced by another", set_.format("state = 'replaced', ended_at = now()"), [made.id])
    said = {"id": "rad_x", "verdict": "accepted", "words": "fine", "digest": row.digest, "acceptance": made.id}
    attacker.refused("risks_decision_once", DECIDE, {**said, "who": office.subject("second")})


def test_a_risk_that_changed_is_not_accepted_even_if_its_proposal_was_kept(
    office: Office, register: Register, attacker: Attacker
) -> None:
    row = register.opened()
    made = register.proposed(row)
    register.does("asks", "change_risk", row.id, {"plan": "other"}, reason="x")
    with office.tenant.in_database() as raw:
        raw.execute("SET session_replication_role = replica")
        raw.execute("UPDATE django.risks_acceptance SET state = 'proposed', ended_at = NULL WHERE id = %s", [made.id])
    said = {"id": "rad_x", "verdict": "accepted", "words": "fine", "digest": made.digest, "acceptance": made.id}
    attacker.refused("the risk changed", DECIDE, {**said, "who": office.subject("first")})
    assert made.until > in_days(1)
