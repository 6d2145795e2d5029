"""The calendar of what ends: a month of days, each with what runs out or is due on it."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Q

from muniment.core.errors import Malformed
from muniment.server.access.standing import Standing
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.workflow import ACTIVE, APPROVED
from muniment.server.remediation.models import Task
from muniment.server.risks.models import Acceptance, Risk
from muniment.server.tables.registry import address

KINDS: Final = {
    "exceptions": "Exceptions end",
    "acceptances": "Acceptances end",
    "reviews": "Risks to review",
    "tasks": "Tasks due",
}
SHOWN: Final = 3
"""Things of one day that a cell of the month names; the others are counted."""
_MOST: Final = 2_000
_MONTH: Final = re.compile("([0-9]{4})-([0-9]{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends or is due on a day."""

    day: date
    kind: str
    id: str
    title: str
    state: str
    url: str


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar; `outside` for one of the months beside."""

    day: date
    outside: bool
    today: bool
    endings: tuple[Ending, ...]

    @property
    def more(self) -> int:
        """How many are not named in the month's cell."""
        return max(0, len(self.endings) - SHOWN)


@dataclass(frozen=True, slots=True)
class Month:
    """A month: its weeks from Monday, all that ends in it, the months beside, and whether more ends than is shown."""

    first: date
    weeks: tuple[tuple[Day, ...], ...]
    endings: tuple[Ending, ...]
    previous: str
    following: str
    cut: bool

    @property
    def name(self) -> str:
        """`2026-03`."""
        return f"{self.first:%Y-%m}"

    @property
    def agenda(self) -> tuple[Day, ...]:
        """The days of the month on which something ends."""
        return tuple(day for week in self.weeks for day in week if day.endings and not day.outside)


def read_month(text: str, today: date) -> date:
    """The first day of a month such as `2026-03`; of this one for "".

    Raises:
        Malformed: `month`.
    """
    if not text:
        return today.replace(day=1)
    found = _MONTH.fullmatch(text)
    if found is None or not 1 <= int(found[2]) <= 12 or not 1970 <= int(found[1]) <= 2198:
        raise Malformed("is a month such as 2026-03", "month")
    return date(int(found[1]), int(found[2]), 1)


def read_kinds(text: str) -> tuple[str, ...]:
    """Which sorts of endings are shown; all for "".

    Raises:
        Malformed: `show`.
    """
    wanted = tuple(dict.fromkeys(one for one in text.split(",") if one))
    if unknown := [one for one in wanted if one not in KINDS]:
        raise Malformed(f"{ascii(unknown[0])[:40]} is none of {', '.join(KINDS)}", "show")
    return wanted or tuple(KINDS)


def month_of(standing: Standing, first: date, today: date, kinds: tuple[str, ...], *, mine: bool = False) -> Month:
    """A month with what ends in it. Days are those that each thing says, in its own time zone.

    Args:
        standing: of the reader, whose `tenant_scope` is open.
        first: day of the month.
        today: the reader's.
        kinds: of `KINDS`.
        mine: only what the reader answers for.
    """
    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    found = _endings(standing, weeks[0][0], weeks[-1][-1], kinds, mine=mine)
    by_day: dict[date, list[Ending]] = {}
    for one in found:
        by_day.setdefault(one.day, []).append(one)
    last = (first + timedelta(days=31)).replace(day=1)
    return Month(
        first,
        tuple(
            tuple(Day(day, day.month != first.month, day == today, tuple(by_day.get(day, ()))) for day in week)
            for week in weeks
        ),
        tuple(one for one in found if first <= one.day < last),
        f"{first - timedelta(days=1):%Y-%m}",
        f"{last:%Y-%m}",
        len(found) >= _MOST,
    )


def _endings(standing: Standing, since: date, until: date, kinds: tuple[str, ...], *, mine: bool) -> list[Ending]:
    own = {"owner": standing.subject} if mine else {}
    found: list[Ending] = []
    if "exceptions" in kinds:
        rows = PolicyException.objects.filter(state__in=(APPROVED, ACTIVE), expires_on__range=(since, until))
        if mine:
            rows = rows.filter(Q(owner=standing.subject) | Q(requested_by=standing.subject))
        for wanted, title, state, day in rows.order_by("expires_on", "id").values_list(
            "id", "title", "state", "expires_on"
        )[:_MOST]:
            found.append(Ending(day, "exceptions", wanted, title, state, address("exceptions:exception", wanted)))
    if "acceptances" in kinds:
        accepted = Acceptance.objects.filter(state="accepted", until__range=(since, until), **own)
        rows_of = list(accepted.order_by("until", "id").values_list("risk", "state", "until")[:_MOST])
        titles = dict(Risk.objects.filter(id__in=[one[0] for one in rows_of]).values_list("id", "title"))
        for wanted, state, day in rows_of:
            found.append(
                Ending(day, "acceptances", wanted, titles.get(wanted, wanted), state, address("risks:risk", wanted))
            )
    if "reviews" in kinds:
        risks = Risk.objects.exclude(state="closed").filter(review_on__range=(since, until), **own)
        for wanted, title, state, day in risks.order_by("review_on", "id").values_list(
            "id", "title", "state", "review_on"
        )[:_MOST]:
            found.append(Ending(day, "reviews", wanted, title, state, address("risks:risk", wanted)))
    if "tasks" in kinds:
        tasks = Task.objects.filter(state="open", due_on__range=(since, until), **own)
        for wanted, title, state, day in tasks.order_by("due_on", "id").values_list("id", "title", "state", "due_on")[
            :_MOST
        ]:
            found.append(Ending(day, "tasks", wanted, title, state, address("remediation:task", wanted)))
    return sorted(found, key=lambda one: (one.day, list(KINDS).index(one.kind), one.title, one.id))
