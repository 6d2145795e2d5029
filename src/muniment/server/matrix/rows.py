"""Rows of the matrix, and what is counted of them: rules without a database.

Each counter counts rows of the matrix as it is shown and nothing else. "Not examined" is a state of its own: where
nobody looked, there are not zero exceptions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from muniment.core.errors import Malformed
from muniment.server.controls.workflow import FREQUENCIES, in_order


@dataclass(frozen=True, slots=True)
class Last:
    """The newest entry that evidences a control: its place and when it was recorded."""

    seq: int
    at: datetime


@dataclass(frozen=True, slots=True)
class SampleState:
    """The newest sample of a control's populations.

    Attributes:
        id: `smp_…`.
        population: `pop_…`.
        drawn_at: when it was drawn.
        items: entries in it.
        marked: those with a mark.
        exceptions: those whose newest mark notes an exception.
        conclusion: the newest one, "" before there is any.
    """

    id: str
    population: str
    drawn_at: datetime
    items: int
    marked: int
    exceptions: int
    conclusion: str


@dataclass(frozen=True, slots=True)
class Examination:
    """What reviewers said of a control's samples.

    Attributes:
        samples: how many were drawn, ever.
        last_at: when a sampled entry was marked or a sample concluded last; None if never.
        recent: that was in the last twelve months.
        exceptions: entries whose newest mark is of the last twelve months and notes an exception.
        concluded_bad: a sample was concluded with exceptions in the last twelve months.
    """

    samples: int = 0
    last_at: datetime | None = None
    recent: bool = False
    exceptions: int = 0
    concluded_bad: bool = False

    @property
    def state(self) -> str:
        """`never`, `not-recently`, `exceptions` or `clean`."""
        if self.last_at is None:
            return "never"
        if not self.recent:
            return "not-recently"
        return "exceptions" if self.exceptions or self.concluded_bad else "clean"


EXAMINED: Final = {
    "never": "Never examined",
    "not-recently": "Not examined in 12 months",
    "exceptions": "Exceptions noted",
    "clean": "Examined, none noted",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One control.

    Attributes:
        control: its id, `own:AI-7`.
        number: of its version.
        statement: what is done.
        owner: `user:usr_…` or "".
        frequency: one of `FREQUENCIES`.
        procedure: how it is tested.
        status: draft, in-force or retired.
        criteria: control ids of frameworks that it is linked to.
        since: the day on which it was defined.
        count: entries of the period that evidence it.
        annotated: those of them that do not hold its id or that of a criterion: by annotation of their action alone.
        last: the newest entry that evidences it, in or out of the period; None if there is none.
        overdue: more days have passed since than its frequency allows.
        sample: the newest sample; None before one is drawn.
        examination: what reviewers said.
    """

    control: str
    number: int
    statement: str
    owner: str
    frequency: str
    procedure: str
    status: str
    criteria: tuple[str, ...]
    since: date
    count: int
    annotated: int
    last: Last | None
    overdue: bool
    sample: SampleState | None
    examination: Examination

    @property
    def evidenced(self) -> bool:
        """Whether the period has an entry that evidences it."""
        return self.count > 0

    @property
    def often(self) -> str:
        """Its frequency for people."""
        return FREQUENCIES[self.frequency].title


@dataclass(frozen=True, slots=True)
class Counters:
    """What is counted of rows.

    Attributes:
        rows: of the matrix as shown.
        evidenced: with at least one entry in the period.
        overdue: whose last evidence is older than their frequency allows.
        examined: of which an entry was marked, or a sample concluded, in the last twelve months.
        excepted: examined ones with exceptions.
        exceptions: exceptions noted in the last twelve months; None if none of the rows was examined.
    """

    rows: int
    evidenced: int
    overdue: int
    examined: int
    excepted: int
    exceptions: int | None

    @property
    def statement(self) -> str:
        """The counters in one sentence."""
        said = f"{self.evidenced:,} / {self.rows:,} evidenced, {self.overdue:,} overdue; "
        if self.exceptions is None:
            return said + "no audit recorded in 12 months"
        noted = f"{self.exceptions:,} exception{'' if self.exceptions == 1 else 's'} in 12 months"
        rest = self.rows - self.examined
        return said + f"{noted} in {self.examined:,} examined" + (f", {rest:,} not examined" if rest else "")


def count_rows(rows: Iterable[Row]) -> Counters:
    """Count rows."""
    found = list(rows)
    examined = [row for row in found if row.examination.recent]
    return Counters(
        rows=len(found),
        evidenced=sum(row.evidenced for row in found),
        overdue=sum(row.overdue for row in found),
        examined=len(examined),
        excepted=sum(row.examination.state == "exceptions" for row in examined),
        exceptions=sum(row.examination.exceptions for row in examined) if examined else None,
    )


def is_overdue(frequency: str, status: str, since: date, last: date | None, today: date) -> bool:
    """Whether more days have passed since the last evidence than a frequency allows.

    Args:
        frequency: one of `FREQUENCIES`; what happens per event is never overdue.
        status: what is retired is not overdue.
        since: the day on which the control was defined, from which is counted while there is no evidence.
        last: the day of the last evidence.
        today: the day of UTC.

    >>> is_overdue("weekly", "in-force", date(2026, 1, 1), date(2026, 3, 1), date(2026, 3, 8))
    False
    >>> is_overdue("weekly", "in-force", date(2026, 1, 1), date(2026, 3, 1), date(2026, 3, 9))
    True
    """
    days = FREQUENCIES[frequency].days
    if days is None or status == "retired":
        return False
    return (today - (last or since)).days > days


STATES: Final[dict[str, tuple[str, Callable[[Row], bool]]]] = {
    "evidenced": ("Evidenced in the period", lambda row: row.evidenced),
    "not-evidenced": ("No entry in the period", lambda row: not row.evidenced),
    "overdue": ("Overdue", lambda row: row.overdue),
    "exceptions": ("Exceptions noted", lambda row: row.examination.state == "exceptions"),
    "clean": ("Examined, none noted", lambda row: row.examination.state == "clean"),
    "examined": ("Examined in 12 months", lambda row: row.examination.recent),
    "not-examined": ("Not examined in 12 months", lambda row: not row.examination.recent),
}
"""By what rows can be chosen: name -> (for people, whether a row is one)."""
_NEVER: Final = (-1, "")
SORTS: Final[dict[str, tuple[str, Callable[[Row], tuple[int, str]]]]] = {
    "control": ("Control", lambda row: (0, in_order(row.control))),
    "owner": ("Owner", lambda row: (0, row.owner)),
    "frequency": ("Frequency", lambda row: (list(FREQUENCIES).index(row.frequency), in_order(row.control))),
    "count": ("Entries", lambda row: (row.count, in_order(row.control))),
    "last": ("Last evidence", lambda row: _NEVER if row.last is None else (row.last.seq, in_order(row.control))),
    "exceptions": (
        "Exceptions",
        lambda row: (row.examination.exceptions if row.examination.recent else -1, in_order(row.control)),
    ),
}
"""By what rows can be sorted; with `-` before it, the other way round."""


def choose(
    rows: Sequence[Row], *, framework: str = "", owner: str = "", state: str = "", sort: str = "control"
) -> list[Row]:
    """Some of the rows, in an order.

    Args:
        rows: of a matrix.
        framework: only with criteria of this catalog; "" for all.
        owner: `user:usr_…`; "" for all, "none" for those without one.
        state: one of `STATES`; "" for all.
        sort: one of `SORTS`, perhaps with `-` before it.

    Raises:
        Malformed: naming `state` or `sort`.
    """
    if state and state not in STATES:
        raise Malformed(f"is one of {', '.join(STATES)}", "state")
    name = sort.removeprefix("-")
    if name not in SORTS:
        raise Malformed(f"is one of {', '.join(SORTS)}, with - before it for the other direction", "sort")
    found = [
        row
        for row in rows
        if (not framework or any(one.startswith(f"{framework}:") for one in row.criteria))
        and (not owner or row.owner == ("" if owner == "none" else owner))
        and (not state or STATES[state][1](row))
    ]
    return sorted(found, key=SORTS[name][1], reverse=sort.startswith("-"))
