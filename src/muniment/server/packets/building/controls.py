"""The controls matrix of a packet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from muniment.packet.contents import Extract, Table
from muniment.server.matrix.period import Period, year_before
from muniment.server.matrix.rows import EXAMINED, Row
from muniment.server.matrix.services import Matrix, matrix
from muniment.server.moments import moment
from muniment.server.packets.scope import Scope

_NO_CONTROLS: Final = "None of the tenant's own controls belongs to this scope."
_COLUMNS: Final = (
    "Control", "Version", "Statement", "Owner", "Frequency", "Test procedure", "Status", "Criteria",
    "Entries in the period", "Of them by annotation alone", "Last entry", "Overdue", "Newest sample", "Examined",
    "Exceptions in 12 months",
)  # fmt: skip


def period_of(scope: Scope, sealed_at: datetime) -> Period:
    """The period of a scope; where it has none, the twelve months up to the checkpoint."""
    until = sealed_at.astimezone(UTC).date() if scope.until is None else scope.until
    return Period(scope.since or year_before(until), until + timedelta(days=1))


def matrix_shown(scope: Scope, *, size: int, sealed_at: datetime) -> Extract:
    """The controls matrix of a scope as of a checkpoint; ages are counted from when that was sealed."""
    period = period_of(scope, sealed_at)
    found = matrix(period, status="all", at=sealed_at, size=size)
    rows = [row for row in found.rows if _belongs(row, scope)]
    if not rows:
        return Extract("matrix", "Controls matrix", _NO_CONTROLS, None)
    return Extract(
        "matrix", "Controls matrix", _said(found, period), Table(_COLUMNS, tuple(map(_cells, rows))), _counters(rows)
    )


def _belongs(row: Row, scope: Scope) -> bool:
    if not scope.controls and not scope.frameworks:
        return True
    catalogs = {control.partition(":")[0] for control in row.criteria}
    return (
        row.control in scope.controls
        or not catalogs.isdisjoint(scope.frameworks)
        or not set(row.criteria).isdisjoint(scope.controls)
    )


def _said(found: Matrix, period: Period) -> str:
    counted = "" if not found.left else f" {found.left:,} entries under it are not counted yet."
    return (
        f"Entries from {period.words} under the checkpoint of size {found.searched.size:,}, mapping {found.mapping} "
        f"({found.mapping_digest[:16]}…).{counted} A count says that entries evidence a control, not that the "
        "control is effective. Where nobody examined a control, its exceptions are not zero but unknown."
    )


def _counters(rows: Iterable[Row]) -> tuple[tuple[str, str], ...]:
    listed = list(rows)
    seen = [row for row in listed if row.examination.recent]
    exceptions = sum(row.examination.exceptions for row in seen)
    return (
        ("controls evidenced in the period", f"{sum(row.count > 0 for row in listed):,} / {len(listed):,}"),
        ("controls examined in 12 months", f"{len(seen):,} / {len(listed):,}"),
        ("exceptions noted in 12 months", f"{exceptions:,}" if seen else "no audit recorded"),
    )


def _cells(row: Row) -> tuple[str, ...]:
    seen, sample = row.examination, row.sample
    return (
        row.control,
        str(row.number),
        row.statement,
        row.owner or "nobody",
        row.frequency,
        row.procedure,
        row.status,
        " ".join(row.criteria),
        f"{row.count}",
        f"{row.annotated}",
        "none" if row.last is None else f"entry {row.last.seq}, {moment(row.last.at)}",
        "yes" if row.overdue else "no",
        "none" if sample is None else f"{sample.id}: {sample.marked} of {sample.items} marked",
        EXAMINED[seen.state],
        f"{seen.exceptions}" if seen.recent else "no audit recorded",
    )
