"""Risks as they stand and as they were: one, a page of them, and how many stand in each cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from muniment.core.errors import Malformed
from muniment.server.exceptions import services as exceptions
from muniment.server.registers.keeping import NoSuch
from muniment.server.risks.acceptance import ACCEPTED, PROPOSED
from muniment.server.risks.matrix import BANDS, Cell, cell_of
from muniment.server.risks.models import Acceptance, Risk, RiskVersion
from muniment.server.risks.question import ANY, LIVE, Question, read_cursor, write_cursor
from muniment.server.risks.services.matrices import Held, matrix_in_force
from muniment.server.risks.workflow import CLOSED

PAGE: Final = 50
MOST: Final = 500
_COLUMNS: Final = {"score": "score", "title": "title", "review": "review_on", "changed": "changed_at"}


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list.

    Attributes:
        rows: in order.
        total: of all pages.
        cursor: of the next page; "" if there is none.
    """

    rows: Sequence[Risk]
    total: int
    cursor: str


def risk_for(wanted: str, *, lock: bool = False) -> Risk:
    """A risk of the open tenant by its id.

    Args:
        wanted: `rsk_…`.
        lock: let others who would change it wait until this transaction ends, and before them those who would take a
            step with an exception that it mirrors: their steps lock the exception and then its risk.

    Raises:
        NoSuch: if there is none.
    """
    row = None if "\0" in wanted else Risk.objects.filter(id=wanted).first()
    if row is None:
        raise NoSuch("there is no such risk", "risk")
    if not lock:
        return row
    if row.chain:
        exceptions.lock_chain(row.chain)
    return Risk.objects.select_for_update().get(id=wanted)


def versions_of(row: Risk) -> list[RiskVersion]:
    """Every version of a risk, newest first."""
    return list(RiskVersion.objects.filter(risk=row.id).order_by("-version"))


def risks_of(kind: str, wanted: str) -> list[Risk]:
    """The risks that link something, the highest first; at most 100.

    Args:
        kind: a field of `LINKS`.
        wanted: id of it.
    """
    return list(Risk.objects.filter(**{f"{kind}__contains": [wanted]}).order_by("-score", "id")[:100])


def risk_of_chain(chain: str) -> Risk | None:
    """The risk that mirrors a chain of exceptions; None if none was approved yet.

    Args:
        chain: id of its first exception.
    """
    return Risk.objects.filter(chain=chain).first() if chain else None


def level_of(row: Risk, held: Held) -> str:
    """The band of a risk on the matrix in force; on a matrix of another size, the one that it had there."""
    ruling = cell_of(row.ruling) if row.ruling else None
    if ruling is None:
        return ""
    return held.matrix.band(ruling) if row.size == held.matrix.size else row.level


def selected(question: Question, held: Held | None = None, *, today: date | None = None) -> QuerySet[Risk]:
    """The risks that a question is about, in no order.

    Args:
        question: what is asked.
        held: the matrix in force; None to look it up.
        today: of UTC; None for the present.
    """
    held = held or matrix_in_force()
    rows = Risk.objects.all()
    if question.state == LIVE:
        rows = rows.exclude(state=CLOSED)
    elif question.state not in ("", ANY):
        rows = rows.filter(state=question.state)
    for name in ("treatment", "origin", "owner"):
        if value := getattr(question, name):
            rows = rows.filter(**{name: value})
    for name in ("exception", "control", "asset", "finding"):
        if value := getattr(question, name):
            rows = rows.filter(**{f"{name}s__contains": [value]})
    if question.level:
        rows = rows.filter(_of_level(question.level, held))
    if question.matrix:
        rows = rows.exclude(size=held.matrix.size).exclude(ruling=0)
    if (place := question.place()) is not None:
        rows = rows.filter(**{question.score or "current": place.code, "size": held.matrix.size})
    if question.review:
        rows = rows.filter(review_on__lt=today or datetime.now(UTC).date())
    if question.accepted:
        state = PROPOSED if question.accepted == "waiting" else ACCEPTED
        there = Exists(Acceptance.objects.filter(risk=OuterRef("id"), state=state))
        rows = rows.filter(~there if question.accepted == "no" else there)
    for word in question.q.split():
        within = Q(title__icontains=word) | Q(description__icontains=word) | Q(plan__icontains=word)
        rows = rows.filter(within | Q(id=word))
    return rows


def risks(question: Question, *, limit: int = PAGE) -> Page:
    """A page of risks.

    Args:
        question: what is asked.
        limit: at most so many, up to `MOST`.

    Raises:
        Malformed: for a cursor that is none.
    """
    every = selected(question)
    column, down = _COLUMNS[question.sort.removeprefix("-")], question.sort.startswith("-")
    rows = every.order_by(f"{'-' if down else ''}{column}", f"{'-' if down else ''}id")
    if question.cursor:
        value, wanted = _read(question.cursor, column)
        word = "lt" if down else "gt"
        rows = rows.filter(Q(**{f"{column}__{word}": value}) | Q(**{column: value, f"id__{word}": wanted}))
    found = list(rows[: min(limit, MOST) + 1])
    shown = found[: min(limit, MOST)]
    more = len(found) > len(shown)
    cursor = write_cursor(_said(getattr(shown[-1], column)), shown[-1].id) if more else ""
    return Page(shown, every.count(), cursor)


def accepted_among(ids: Sequence[str]) -> dict[str, Acceptance]:
    """Acceptances that are in force or wait for a decision, by risk; of both, the one in force."""
    rows = Acceptance.objects.filter(risk__in=list(ids), state__in=(PROPOSED, ACCEPTED))
    return {row.risk: row for row in sorted(rows, key=lambda row: row.state, reverse=True)}


@dataclass(frozen=True, slots=True)
class Heat:
    """How many risks stand where, by one of the three scores.

    Attributes:
        held: the matrix in force.
        score: which.
        cells: how many by cell.
        nowhere: how many are not placed by this score.
        other: how many are placed on a matrix of another size.
    """

    held: Held
    score: str
    cells: dict[Cell, int]
    nowhere: int
    other: int

    @property
    def levels(self) -> dict[str, int]:
        """How many by band, least first."""
        bands = dict.fromkeys(BANDS, 0)
        for cell, number in self.cells.items():
            bands[self.held.matrix.band(cell)] += number
        return bands


def heat(question: Question) -> Heat:
    """How many of the risks that a question is about stand where; its cell is left aside."""
    held, score = matrix_in_force(), question.score or "current"
    rows = selected(question, held)
    cells: dict[Cell, int] = {}
    nowhere = other = 0
    for code, size, number in rows.values_list(score, "size").annotate(number=Count("id")).order_by(score, "size"):
        cell = cell_of(code)
        if cell is None:
            nowhere += number
        elif size != held.matrix.size:
            other += number
        else:
            cells[cell] = number
    return Heat(held, score, cells, nowhere, other)


def _of_level(level: str, held: Held) -> Q:
    if level == "none":
        return Q(ruling=0)
    codes = [cell.code for cell in held.matrix.cells(level)]
    here = Q(size=held.matrix.size)
    return (here & Q(ruling__in=codes)) | (~here & Q(level=level))


def _said(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _read(cursor: str, column: str) -> tuple[Any, str]:
    said, wanted = read_cursor(cursor)
    try:
        if column == "score":
            value: Any = int(said) if said.isdecimal() and len(said) < 4 else None
        elif column == "review_on":
            value = date.fromisoformat(said)
        elif column == "changed_at":
            value = datetime.fromisoformat(said)
        else:
            value = said
    except ValueError:
        value = None
    if value is None or (isinstance(value, datetime) and value.tzinfo is None):
        raise Malformed("is none of this list: begin at its first page", "cursor")
    return value, wanted


__all__ = [
    "Heat",
    "NoSuch",
    "Page",
    "accepted_among",
    "heat",
    "level_of",
    "risk_for",
    "risk_of_chain",
    "risks",
    "risks_of",
    "selected",
    "versions_of",
]
