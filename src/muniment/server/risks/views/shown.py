"""What lists of risks show of each, and which filters are in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from muniment.server.access.standing import Standing
from muniment.server.members.names import names_of
from muniment.server.risks import services
from muniment.server.risks.matrix import cell_of
from muniment.server.risks.models import Acceptance, Risk
from muniment.server.risks.question import ANY, LIVE, Question
from muniment.server.risks.services import Held
from muniment.server.risks.workflow import CLOSED, STATES, TREATMENTS

TONES: Final = {"low": "good", "medium": "warn", "high": "bad", "critical": "critical"}
_TITLES: Final = {
    "state": "State",
    "level": "Level",
    "treatment": "Treatment",
    "origin": "From",
    "owner": "Owner",
    "accepted": "Accepted",
    "review": "Review",
    "cell": "Cell",
    "matrix": "Matrix",
    "exception": "Exception",
    "control": "Control",
    "asset": "Asset",
    "finding": "Finding",
    "q": "Words",
}
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "state": {LIVE: "not closed", ANY: "any", **STATES},
    "treatment": TREATMENTS,
    "origin": {"own": "entered here", "exception": "an exception"},
    "accepted": {"yes": "yes", "no": "no", "waiting": "waiting for a decision"},
    "level": {"none": "not placed"},
    "matrix": {"other": "placed on one of another size"},
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A risk as a row of a list.

    Attributes:
        row: of it.
        level: its band on the matrix in force, or "".
        tone: of that.
        place: its ruling score in the tenant's words, or "".
        state: in words.
        treatment: in words.
        owner: name, or "".
        acceptance: in force or waiting; None for neither.
        overdue: its review is.
    """

    row: Risk
    level: str
    tone: str
    place: str
    state: str
    treatment: str
    owner: str
    acceptance: Acceptance | None
    overdue: bool


def shown_risks(standing: Standing, rows: Sequence[Risk], held: Held) -> list[Shown]:
    """Risks as rows of a list, in their order."""
    names = names_of(standing.tenant_id, {row.owner for row in rows})
    accepted, today = services.accepted_among([row.id for row in rows]), datetime.now(UTC).date()
    found = []
    for row in rows:
        level, cell = services.level_of(row, held), cell_of(row.ruling) if row.ruling else None
        place = "" if cell is None or row.size != held.matrix.size else held.matrix.words(cell)
        found.append(
            Shown(
                row=row,
                level=level,
                tone=TONES.get(level, ""),
                place=place,
                state=STATES[row.state],
                treatment=TREATMENTS[row.treatment],
                owner=names.get(row.owner, ""),
                acceptance=accepted.get(row.id),
                overdue=row.state != CLOSED and row.review_on < today,
            )
        )
    return found


def chips_of(question: Question, held: Held, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The filters in force: name, value, and the address without it."""
    given, found = question.given(), []
    for name, value in given.items():
        if name in ("sort", "score"):
            continue
        said = _WORDS.get(name, {}).get(value, value)
        if name == "owner":
            said = names.get(value, value)
        place = question.place() if name == "cell" else None
        if place is not None:
            words = held.matrix.words(place) if place in held.matrix else str(place)
            said = f"{question.score or 'current'}: {words}"
        without = {one: kept for one, kept in given.items() if one not in (name, "score" if name == "cell" else name)}
        found.append((_TITLES[name], said, urlencode(without)))
    return found
