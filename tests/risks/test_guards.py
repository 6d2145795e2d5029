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

# The columns of a risk and of an acceptance, with what an attack says instead.
COPY_RISK = "INSERT INTO django.risks_risk SELECT (jsonb_populate_record(r, %s::jsonb)).* FROM django.risks_risk r WHERE id = %s"
COPY_VERSION = (
    "INSERT INTO django.risks_version SELECT (jsonb_populate_record(v, %s::jsonb || jsonb_build_object("
    "'content', v.content))).* FROM django.risks_version v WHERE risk = %s AND version = 1"
)
COPY_ACCEPTANCE = (
    "INSERT INTO django.risks_acceptance SELECT (jsonb_populate_record(a, %s::jsonb)).* "
    "FROM django.risks_acceptance a WHERE id = %s"
)
DECIDE = (
    "INSERT INTO django.risks_decision SELECT gen.id, a.tenant_id, a.id, a.risk, gen.verdict, gen.who, now(), gen.words, "
    "gen.content, encode(sha256(convert_to(gen.content, 'UTF8')), 'hex'), 1, 'src/evt' FROM django.risks_acceptance a, "
    "(SELECT %(id)s AS id, %(verdict)s AS verdict, %(who)s AS who, %(words)s AS words, jsonb_build_object("
    "'acceptance', b.id, 'verdict', %(verdict)s, 'by', %(who)s, 'comment', %(words)s, 'until', b.until::text, "
    "'risk', jsonb_build_object('digest', %(digest)s))::text AS content FROM django.risks_acceptance b "
    "WHERE b.id = %(acceptance)s) AS gen WHERE a.id = %(acceptance)s"
)


@dataclass
class Attacker:
    """Whoever holds the application's role, in the scope of the tenant."""

    office: Office

    @contextmanager
    def speaks(self) -> Iterator[Any]:
        database = self.office.installation.database
        with database.connect("app", autocommit=True) as raw, tenant_transaction(raw, self.office.tenant_id):
            yield raw

    def refused(self, said: str, statement: str, given: Any = None) -> None:
        with (
            pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.InsufficientPrivilege), match=said),
            self.speaks() as raw,
        ):
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
    attacker.refused("number 2", COPY_VERSION, ['{"id": "rsv_x", "version": 1}', row.id])
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
        with pytest.raises(psycopg.errors.CheckViolation, match="newest version says"), attacker.speaks() as raw:
            raw.execute(version, [row.id])
            raw.execute(row_of.format(column), [row.id])


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
        with pytest.raises(psycopg.errors.CheckViolation, match=said), attacker.speaks() as raw:
            raw.execute(version, [state, row.id])
            raw.execute(row_of, [state, row.id])


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
    attacker.refused("as it stands", COPY_ACCEPTANCE, ['{"id": "rac_x", "version": 2}', made.id])
    attacker.refused("a day to come", COPY_ACCEPTANCE, ['{"id": "rac_x", "until": "2020-02-29"}', made.id])
    attacker.refused("permission denied", "DELETE FROM django.risks_acceptance")
    said = {"id": "rad_x", "verdict": "accepted", "words": "fine", "digest": row.digest, "acceptance": made.id}
    for change, why in (
        ({"who": row.owner}, "who proposes or owns"),
        ({"who": made.proposed_by}, "who proposes or owns"),
        ({"who": "key:ak_1"}, "who proposes or owns"),
        ({"words": " \n"}, "says what it is, and why"),
        ({"verdict": "maybe"}, "says what it is, and why"),
        ({"digest": "0" * 64}, "freezes what it was about"),
    ):
        attacker.refused(why, DECIDE, {**said, "who": office.subject("first"), **change})


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
    attacker.refused("replaced by another", set_.format("state = 'replaced', ended_at = now()"), [made.id])
    said = {"id": "rad_x", "verdict": "accepted", "words": "fine", "digest": row.digest, "acceptance": made.id}
    attacker.refused("no proposal to decide on", DECIDE, {**said, "who": office.subject("second")})


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
