"""Counting a log once and then only what is new in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from django.db import connection as django_connection
from django.db.models import Max, Q, Sum

from muniment.ledger.daycounts import DayCount, day_counts
from muniment.ledger.population import Searched, searched
from muniment.ledger.system import active_log
from muniment.server.matrix.models import Counted, CountOfDay
from muniment.server.matrix.period import Period
from muniment.server.tenants.scope import ledger_connection

CHUNK: Final = 250_000
"""Entries that one question to the database counts: well below what a statement may take, on a busy machine too."""
MOST_AT_ONCE: Final = 4_000_000
"""Entries that are counted before an answer. What is left is counted by the next ones, and the answer says so."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Entries with the same action and the same control ids.

    Attributes:
        action: of all of them.
        controls: of each of them.
        entries: how many there are in the period.
        last: the place of the last one, of all times.
        last_at: when that was recorded.
    """

    action: str
    controls: frozenset[str]
    entries: int
    last: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Ground:
    """What a matrix was counted from: the places before `counted`, all under the checkpoint of `searched`."""

    searched: Searched
    counted: int
    profiles: tuple[Profile, ...]

    @property
    def left(self) -> int:
        """Entries under the checkpoint that are not counted yet."""
        return self.searched.size - self.counted


def ground_of(tenant_id: UUID, period: Period, *, size: int | None = None) -> Ground:
    """Count what is new, and give the profiles of a period.

    Args:
        tenant_id: whose `tenant_scope` is open.
        period: days of UTC.
        size: of a checkpoint at which the count ends, which is then made anew and not kept; None for the newest.

    Raises:
        NotSealed: if there is no such checkpoint.
    """
    with ledger_connection() as raw:
        log = active_log(raw)
        range_ = searched(raw, log.log_id, size=size)
    if size is not None:
        return Ground(range_, range_.size, _profiles_of(_counts(log.log_id, 0, range_.size, None), period))
    while True:
        counted = _counted(tenant_id, log.log_id, range_)
        profiles = _profiles_kept(tenant_id, range_.origin, period)
        if (row := _standing(tenant_id, range_.origin)) is not None and row.size == counted:
            return Ground(range_, counted, profiles)
        # Somebody else counted further in between: what was read may hold theirs.
        with ledger_connection() as raw:
            range_ = searched(raw, log.log_id)


def forget(tenant_id: UUID) -> None:
    """Let the next matrix count the log from its first entry."""
    CountOfDay.objects.filter(tenant_id=tenant_id).delete()
    Counted.objects.filter(tenant_id=tenant_id).delete()


def _counted(tenant_id: UUID, log_id: int, range_: Searched) -> int:
    if (row := _standing(tenant_id, range_.origin)) is not None and row.size == range_.size:
        return row.size
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"matrix/{tenant_id}"])
    row = _standing(tenant_id, range_.origin)
    if row is not None and row.size > range_.size:
        # A database that was put back: what was counted is no longer what is there.
        forget(tenant_id)
        row = None
    row = row or Counted(tenant_id=tenant_id, log=range_.origin, size=0, at=None)
    end = min(range_.size, row.size + MOST_AT_ONCE)
    if row.size < end:
        found = _counts(log_id, row.size, end, row.at)
        _keep(tenant_id, range_.origin, found)
        row.size, row.at = end, max((one.last_at for one in found), default=row.at)
        row.save()
    return row.size


def _profiles_kept(tenant_id: UUID, log: str, period: Period) -> tuple[Profile, ...]:
    rows = (
        CountOfDay.objects.filter(tenant_id=tenant_id, log=log)
        .values_list("action", "controls")
        .annotate(
            within=Sum("entries", filter=Q(day__gte=period.since, day__lt=period.until), default=0),
            newest=Max("last"),
            newest_at=Max("last_at"),
        )
    )
    return tuple(Profile(action, frozenset(controls), *rest) for action, controls, *rest in rows)


def _standing(tenant_id: UUID, log: str) -> Counted | None:
    return Counted.objects.filter(tenant_id=tenant_id, log=log).first()


def _counts(log_id: int, first: int, end: int, since: datetime | None) -> list[DayCount]:
    found: dict[tuple[date, str, tuple[str, ...]], DayCount] = {}
    for begin in range(first, end, CHUNK):
        with ledger_connection() as raw:
            some = day_counts(raw, log_id, begin, min(begin + CHUNK, end), since=since)
        _merge(found, some)
        since = max((one.last_at for one in some), default=since)
    return list(found.values())


def _merge(into: dict[tuple[date, str, tuple[str, ...]], DayCount], some: Iterable[DayCount]) -> None:
    for one in some:
        what = (one.day, one.action, one.controls)
        if (there := into.get(what)) is not None:
            last = max(there, one, key=lambda count: count.last)
            one = DayCount(*what, there.entries + one.entries, last.last, last.last_at)
        into[what] = one


def _keep(tenant_id: UUID, log: str, found: list[DayCount]) -> None:
    if not found:
        return
    # Days that are over have no new entries: this is the first new day, and those after it.
    open_days = CountOfDay.objects.filter(tenant_id=tenant_id, log=log, day__gte=min(one.day for one in found))
    merged: dict[tuple[date, str, tuple[str, ...]], DayCount] = {}
    _merge(
        merged,
        (
            DayCount(row.day, row.action, tuple(row.controls), row.entries, row.last, row.last_at.astimezone(UTC))
            for row in open_days
        ),
    )
    _merge(merged, found)
    open_days.delete()
    CountOfDay.objects.bulk_create(
        (
            CountOfDay(
                tenant_id=tenant_id,
                log=log,
                day=one.day,
                action=one.action,
                controls=list(one.controls),
                entries=one.entries,
                last=one.last,
                last_at=one.last_at,
            )
            for one in merged.values()
        ),
        batch_size=1_000,
    )


def _profiles_of(found: Iterable[DayCount], period: Period) -> tuple[Profile, ...]:
    by: dict[tuple[str, tuple[str, ...]], Profile] = {}
    for one in found:
        within = one.entries if period.since <= one.day < period.until else 0
        what = (one.action, one.controls)
        there = by.get(what)
        if there is None:
            by[what] = Profile(one.action, frozenset(one.controls), within, one.last, one.last_at)
        else:
            last, last_at = max((there.last, there.last_at), (one.last, one.last_at))
            by[what] = Profile(one.action, there.controls, there.entries + within, last, last_at)
    return tuple(by.values())
