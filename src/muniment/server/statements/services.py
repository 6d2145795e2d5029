"""Use cases of statements: making one from live queries, issuing it, and asking the same again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from muniment.core.entry import entry_hash
from muniment.core.errors import Refused
from muniment.ledger.population import Searched, count_members, in_range, searched
from muniment.ledger.query import find_entries, in_one_process
from muniment.ledger.read import entry_at
from muniment.server.access.standing import Standing
from muniment.server.frameworks.services import mapping_in_force
from muniment.server.matrix.period import Period
from muniment.server.moments import moment
from muniment.server.populations.evidence import Asked, asked_now, asked_then
from muniment.server.populations.question import Question, read_question
from muniment.server.populations.services.populations import ways_of
from muniment.server.reasons.services import count_changes, offered_actions, registered_actions
from muniment.server.reasons.workflow import State
from muniment.server.recording import record
from muniment.server.statements.definition import Definition, Query, find_definition
from muniment.server.statements.models import Issued
from muniment.server.statements.workflow import Answer, Statement, say
from muniment.server.tenants.scope import tenant_scope

if TYPE_CHECKING:
    from psycopg import Connection

MOST_LISTED: Final = 100
_ID: Final = re.compile(r"stm_[0-9A-HJKMNP-TV-Z]{26}", re.ASCII)


class NoSuch(Refused):
    """There is no such statement in this tenant."""


@dataclass(frozen=True, slots=True)
class Again:
    """An issued statement asked once more, under its own checkpoint.

    Attributes:
        holds: the same queries gave the same numbers, and the stored text has the recorded hash.
        differences: what is different, in words.
    """

    holds: bool
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Before:
    """How an issued statement was asked: what controls meant by query's name, and which changes were counted."""

    evidence: Mapping[str, str]
    actions: str


def statement_of(standing: Standing, framework: str, period: Period, *, size: int | None = None) -> Statement:
    """What the ledger evidences of a framework in a period, from live queries.

    The same period under the same checkpoint gives the same statement, as long as the mapping in force and the
    definition are the same.

    Args:
        standing: of the reader.
        framework: a key of `definitions()`.
        period: days of UTC.
        size: of the checkpoint; None for the newest.

    Raises:
        Malformed: for a framework without a definition.
        NotSealed: if there is no such checkpoint.
    """
    return _statement(standing, find_definition(framework), period, size, None)


def issue(standing: Standing, framework: str, period: Period, *, size: int | None = None) -> Issued:
    """Make a statement and record it, with its hash.

    Args:
        standing: of who issues it; has `sample.draw`.
        framework: as for `statement_of`, and so the rest.

    Raises:
        Malformed: for a framework without a definition.
        NotSealed: if there is no such checkpoint.
    """
    made = statement_of(standing, framework, period, size=size)
    row = Issued(
        tenant_id=standing.tenant_id,
        framework=framework,
        since=period.since,
        until=period.until,
        log=made.log,
        size=made.size,
        text=made.text,
        digest=made.digest,
        created_by=standing.subject,
    )
    receipt = record(
        "statement.issue",
        by=standing.subject,
        resource=("statement", row.id),
        labels={
            "framework": framework,
            "from": period.since.isoformat(),
            "to": period.until.isoformat(),
            "size": made.size,
            "root": made.root,
            "sha256": made.digest,
        },
        body={"statement": made.text},
    )
    row.seq = receipt.seq
    row.save(force_insert=True)
    return row


def issued(standing: Standing, framework: str = "") -> list[Issued]:
    """The newest statements that were issued, newest first; of one framework if it is named."""
    rows = Issued.objects.filter(tenant_id=standing.tenant_id)
    rows = rows.filter(framework=framework) if framework else rows
    return list(rows.order_by("-created_at", "-id")[:MOST_LISTED])


def issued_for(standing: Standing, wanted: str) -> Issued:
    """An issued statement by its id.

    Raises:
        NoSuch: if the tenant has none of that id.
    """
    found = Issued.objects.filter(tenant_id=standing.tenant_id, id=wanted).first() if _ID.fullmatch(wanted) else None
    if found is None:
        raise NoSuch("there is no such statement", "statement")
    return found


def ask_again(standing: Standing, row: Issued) -> Again:
    """Run the queries of an issued statement again, under its checkpoint and by the mapping of that time.

    Args:
        standing: of the reader.
        row: an issued statement of the tenant.

    Raises:
        Refused: if it was made from another log than the active one.
        NotSealed: if its checkpoint is gone.
    """
    if row.log != standing.origin:
        raise Refused(f"it was made from the log {row.log}, which is not the active one", "statement")
    said = orjson.loads(row.text)
    definition = find_definition(row.framework)
    differences = []
    if definition.digest != said["definition"]["sha256"]:
        return Again(False, (f"this version of Muniment has another definition of {row.framework}: not asked again",))
    names = list(definition.queries)
    stored = said["queries"]
    before = _Before(
        {name: one.get("evidence", "") for name, one in zip(names, stored, strict=True)},
        next((one["asked"]["actions"] for one in stored if "actions" in one["asked"]), ""),
    )
    now = _statement(standing, definition, Period(row.since, row.until), row.size, before)
    if now.root != said["searched"]["root"]:
        differences.append("the checkpoint has another root")
    for answer, one in zip(now.answers, stored, strict=True):
        if (answer.count, answer.newest) != (one.get("count"), one.get("newest")):
            differences.append(f"{one['id']} found {one.get('count')}, and now {answer.count}")
    with tenant_scope(standing.tenant_id):
        differences += _unrecorded(standing, row)
    return Again(not differences, tuple(differences))


def _unrecorded(standing: Standing, row: Issued) -> list[str]:
    """Whether the stored text is the one whose hash its entry holds."""
    found = []
    digest = hashlib.sha256(row.text.encode()).hexdigest()
    with standing.transaction() as reading:
        entry = entry_at(reading, standing.log_id, row.seq)
    if entry is None or entry_hash(entry[0].text) != entry[0].entry_hash:
        return ["its entry is not in the log as it was recorded"]
    if f'"sha256={digest}"'.encode() not in entry[0].text or digest != row.digest:
        found.append("the stored text is not the one whose hash was recorded")
    return found


def _statement(
    standing: Standing, definition: Definition, period: Period, size: int | None, before: _Before | None
) -> Statement:
    with tenant_scope(standing.tenant_id):
        mapping = mapping_in_force()
        registered = registered_actions()
    actions = tuple(before.actions.split(",")) if before and before.actions else registered or offered_actions()
    with standing.transaction() as reading:
        range_ = searched(reading, standing.log_id, size=size)
        # The period by the day may end after the checkpoint: what is not sealed is not counted.
        numbers = _changes(reading, standing, definition, period, actions, range_)
    answers = {}
    for number, query in enumerate(definition.queries.values(), 1):
        if query.changes:
            count = (
                None if numbers is None else sum(count for state, count in numbers.items() if state in query.changes)
            )
            ask = {**_period(period), "changes": ",".join(query.changes), "actions": ",".join(actions)}
            answers[query.name] = Answer(number, query.name, ask, "", count, None, None, "")
            continue
        answers[query.name] = _answer(standing, number, query, period, range_, before)
    return Statement(
        framework=definition.id,
        definition=definition.version,
        definition_digest=definition.digest,
        title=definition.title,
        sources=definition.sources,
        note=definition.note,
        since=period.since.isoformat(),
        until=period.until.isoformat(),
        log=range_.origin,
        size=range_.size,
        root=range_.root.hex(),
        sealed_at=moment(range_.sealed_at) or "",
        mapping=mapping.version,
        mapping_digest=mapping.digest,
        answers=tuple(answers.values()),
        requirements=say(definition, answers, registered=bool(registered)),
    )


def _answer(
    standing: Standing, number: int, query: Query, period: Period, range_: Searched, before: _Before | None
) -> Answer:
    question = read_question({**query.ask, **({} if query.whole else _period(period))})
    asked = _asked(standing, question, query, before)
    with standing.transaction() as reading:
        ways = ways_of(reading, standing, asked, range_.size)
        wanted = in_range(asked.entries, range_.size)
        count = count_members(reading, standing.log_id, wanted) if ways is None else ways.recorded + ways.annotated
        newest = None
        if count:
            in_one_process(reading)
            page = find_entries(reading, standing.log_id, replace(wanted, newest_first=True), limit=1)
            newest = page.entries[0] if page.entries else None
    return Answer(
        number=number,
        name=query.name,
        ask=question.given,
        evidence=asked.evidence,
        count=count,
        annotated=None if ways is None else ways.annotated,
        newest=None if newest is None else newest.seq,
        newest_at="" if newest is None else moment(newest.recorded_at) or "",
    )


def _asked(standing: Standing, question: Question, query: Query, before: _Before | None) -> Asked:
    if before is not None:
        return asked_then(question, before.evidence[query.name])
    return asked_now(standing, question)


def _changes(
    reading: Connection[Any],
    standing: Standing,
    definition: Definition,
    period: Period,
    actions: tuple[str, ...],
    range_: Searched,
) -> dict[State, int] | None:
    if not any(query.changes for query in definition.queries.values()):
        return {}
    asked = read_question(_period(period)).asked
    return count_changes(reading, standing.log_id, actions, since=asked.since, until=asked.until, size=range_.size)


def _period(period: Period) -> dict[str, str]:
    return {"from": period.since.isoformat(), "to": period.until.isoformat()}
