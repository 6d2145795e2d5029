"""What waits for somebody's decision: exceptions at a level at which the rules give them a say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from muniment.server.access.standing import Standing
from muniment.server.approvals.roster import Mandate, Roster
from muniment.server.approvals.services import roster, rules_of
from muniment.server.approvals.workflow import Case, Rules, levels_for
from muniment.server.assets.services import find_assets
from muniment.server.capabilities import Capability
from muniment.server.exceptions.models import PolicyException, Step
from muniment.server.exceptions.services import content_of
from muniment.server.exceptions.workflow import UNDER_REVIEW

_AT_ONCE: Final = 200
_READ: Final = 5_000
"""Exceptions under review that are looked at; who has more waiting sees those that wait longest."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An exception that somebody may decide on: which approval it would be, of how many, and for whom they act."""

    row: PolicyException
    level: int
    levels: int
    on_behalf_of: str


def waiting_for(standing: Standing, now: datetime, *, limit: int, after: str = "") -> tuple[list[Waiting], bool]:
    """Exceptions that somebody may approve, the longest waiting first, and whether there are more.

    The page of an exception, and the decision itself, judge again; here whole tenants are looked at, with what
    is asked of the members read once.

    Args:
        standing: of who would decide.
        now: aware.
        limit: exceptions at most.
        after: id of the last one of the page before; "" for the first.
    """
    if not standing.subject.startswith("user:") or not standing.may(Capability.EXCEPTION_APPROVE):
        return [], False
    people, versions = roster(now), dict[str, Rules]()
    found: list[Waiting] = []
    beyond = not after
    for rows in _under_review():
        for one in _mine(standing, rows, people, versions):
            if beyond:
                found.append(one)
            beyond = beyond or one.row.id == after
            if len(found) > limit:
                return found[:limit], True
    return found, False


def decidable(standing: Standing, now: datetime, rows: Sequence[PolicyException]) -> set[str]:
    """Which of some exceptions under review somebody may approve.

    Args:
        standing: of who would decide.
        now: aware.
        rows: exceptions under review.

    Returns:
        Their ids.
    """
    if not rows or not standing.subject.startswith("user:") or not standing.may(Capability.EXCEPTION_APPROVE):
        return set()
    return {one.row.id for one in _mine(standing, rows, roster(now), {})}


def _under_review() -> Iterator[list[PolicyException]]:
    ids = list(
        PolicyException.objects.filter(state=UNDER_REVIEW)
        .order_by("submitted_at", "id")
        .values_list("id", flat=True)[:_READ]
    )
    for start in range(0, len(ids), _AT_ONCE):
        rows = {row.id: row for row in PolicyException.objects.filter(id__in=ids[start : start + _AT_ONCE])}
        yield [rows[one] for one in ids[start : start + _AT_ONCE] if one in rows]


def _mine(
    standing: Standing, rows: Sequence[PolicyException], people: Roster, versions: dict[str, Rules]
) -> Iterator[Waiting]:
    assets = find_assets({one for row in rows for one in row.assets})
    renewed = {
        one.id: {one.requested_by, one.owner}
        for one in PolicyException.objects.filter(id__in=[row.renews for row in rows if row.renews])
    }
    taken: dict[str, list[Step]] = {}
    for step in Step.objects.filter(exception__in=[row.id for row in rows], kind__in=("submit", "approve")).order_by(
        "number"
    ):
        taken.setdefault(step.exception, []).append(step)
    for row in rows:
        steps = taken.get(row.id, ())
        given = [step for step in steps if step.kind == "approve" and step.round == row.round]
        barred = {row.requested_by, row.owner, *_deciders(given), *renewed.get(row.renews, ())}
        barred |= {step.by for step in steps if step.kind == "submit"}
        case = Case(
            row.risk_level,
            frozenset(content_of(row).frameworks),
            frozenset(row.assets),
            frozenset(assets[one].criticality for one in row.assets if one in assets),
        )
        mandate = _mandate(standing, row, len(given), case, people, versions, barred)
        if mandate is not None:
            yield Waiting(row, len(given) + 1, row.levels, mandate.on_behalf_of)


def _mandate(
    standing: Standing,
    row: PolicyException,
    given: int,
    case: Case,
    people: Roster,
    versions: dict[str, Rules],
    barred: set[str],
) -> Mandate | None:
    if row.rules not in versions:
        versions[row.rules] = rules_of(row.rules)
    levels = levels_for(versions[row.rules], case)
    return people.mandate(levels[min(given, len(levels) - 1)], standing.subject, barred)


def _deciders(steps: Iterable[Step]) -> set[str]:
    return {one for step in steps for one in (step.by, step.on_behalf_of) if one}
