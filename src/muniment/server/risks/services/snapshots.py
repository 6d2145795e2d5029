"""The register as it stood: one snapshot a day by itself, others when somebody asks."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from muniment.server.moments import moment
from muniment.server.risks.acceptance import ACCEPTED
from muniment.server.risks.matrix import BANDS
from muniment.server.risks.models import Acceptance, Risk, Snapshot, snapshot_id
from muniment.server.risks.question import Question
from muniment.server.risks.services.matrices import matrix_in_force
from muniment.server.risks.services.reading import heat, level_of
from muniment.server.risks.services.recording import SYSTEM, noted, one_at_a_time
from muniment.server.risks.workflow import CLOSED, SCORES, STATES, TREATMENTS, digest_of

MOST: Final = 400
"""Snapshots that are shown at once: a year of days, and some that were asked for."""


def take_snapshot(tenant_id: UUID, now: datetime, *, by: str) -> Snapshot:
    """Keep how the register stands, because somebody asks. Nothing is kept twice: what was kept last is given back if
    it was today and nothing has changed since.

    Args:
        tenant_id: whose scope is open.
        now: aware; the day is that of UTC.
        by: who asks.
    """
    return _take(tenant_id, now, by=by, daily=False)


def take_daily(tenant_id: UUID, now: datetime) -> Snapshot | None:
    """Keep how the register stands today, by itself; None if that was done, or the tenant has no risks.

    A day on which nothing ran has no snapshot: what was is not made up afterwards.

    Args:
        tenant_id: whose scope is open.
        now: aware; the day is that of UTC.
    """
    day = now.astimezone(UTC).date()
    if not Risk.objects.exists() or Snapshot.objects.filter(daily=True, day=day).exists():
        return None
    one_at_a_time(f"risks/snapshot/{tenant_id}")
    if Snapshot.objects.filter(daily=True, day=day).exists():
        return None
    return _take(tenant_id, now, by=SYSTEM, daily=True)


def snapshots(*, since: date | None = None) -> list[Snapshot]:
    """Snapshots of the open tenant, oldest first; the newest `MOST` of them.

    Args:
        since: the first day; None for all.
    """
    rows = Snapshot.objects.all() if since is None else Snapshot.objects.filter(day__gte=since)
    return list(reversed(rows.order_by("-at", "-id")[:MOST]))


def said_by(row: Snapshot) -> dict[str, Any]:
    """What a snapshot says."""
    found: dict[str, Any] = orjson.loads(row.content)
    return found


def _take(tenant_id: UUID, now: datetime, *, by: str, daily: bool) -> Snapshot:
    document = _document(now)
    register = str(document["register"])
    last = Snapshot.objects.order_by("-at", "-id").first()
    if not daily and last is not None and _same(said_by(last), document):
        return last
    row = Snapshot(
        id=snapshot_id(),
        tenant_id=tenant_id,
        day=now.astimezone(UTC).date(),
        daily=daily,
        at=now,
        by=by,
        register=register,
    )
    row.content, row.digest = digest_of(document)
    row.seq, row.event = noted(
        "risk.snapshot",
        by=by,
        resource=("risk-snapshot", row.id),
        labels={
            "day": row.day.isoformat(),
            "daily": "yes" if daily else "",
            "digest": row.digest,
            "register": register,
            "risks": document["risks"],
        },
        body={"snapshot": document},
    )
    row.save(force_insert=True)
    return row


def _same(before: dict[str, Any], after: dict[str, object]) -> bool:
    return all(before[name] == after[name] for name in after if name != "at")


def _document(now: datetime) -> dict[str, object]:
    """The counts, and a digest over every risk: SHA-256 of the lines `<id> <version> <digest>`, by id."""
    held, today = matrix_in_force(), now.astimezone(UTC).date()
    lines, states, levels, treatments = hashlib.sha256(), Counter[str](), Counter[str](), Counter[str]()
    overdue = total = 0
    for row in Risk.objects.order_by("id").iterator(chunk_size=2_000):
        lines.update(f"{row.id} {row.version} {row.digest}\n".encode())
        total += 1
        states[row.state] += 1
        if row.state != CLOSED:
            levels[level_of(row, held) or "none"] += 1
            treatments[row.treatment] += 1
            overdue += row.review_on < today
    cells: dict[str, object] = {}
    for score in SCORES:
        found = heat(Question(score=score))
        cells[score] = {
            "cells": {f"{cell.likelihood}x{cell.impact}": number for cell, number in sorted(found.cells.items())},
            "nowhere": found.nowhere,
            "other": found.other,
        }
    return {
        "accepted": Acceptance.objects.filter(state=ACCEPTED).count(),
        "at": str(moment(now)),
        "day": today.isoformat(),
        "levels": {level: levels[level] for level in (*BANDS, "none")},
        "matrix": {"digest": held.matrix.digest, "version": held.number},
        "overdue": overdue,
        "register": lines.hexdigest(),
        "risks": total,
        "scores": cells,
        "states": {state: states[state] for state in STATES},
        "treatments": {one: treatments[one] for one in TREATMENTS},
        "v": 1,
    }
