"""Anomaly detection: small events a second, one tenant on one core, as a server catches up with a log."""

import time
from collections.abc import Callable

import orjson

from bench.row import Row
from muniment.anomalies.memory import Memory
from muniment.anomalies.rehearsal.company import KINDS, Company, in_order
from muniment.anomalies.rehearsal.judging import settings, watch_over

_TIMES = 3


def _fastest(work: Callable[[], object]) -> float:
    """Seconds of the fastest of some runs."""
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


def run() -> list[Row]:
    """Ninety days of the largest company of the rehearsal, and what was learned from them as JSON."""
    rows = []
    for kind in KINDS:
        events = in_order(list(Company.of(kind, 1).days()))
        watched = settings(kind, "normal")
        seconds = _fastest(lambda events=events, watched=watched: list(watch_over(events, watched)))  # type: ignore[misc]
        rows.append(Row(f"anomalies: {kind.name}, {len(events):,} events", len(events) / seconds, "events/s", 5_000))
    memory = Memory()
    largest = max(KINDS, key=lambda kind: kind.people)
    events = in_order(list(Company.of(largest, 1).days()))
    list(watch_over(events, settings(largest, "normal"), memory))
    size = sum(len(orjson.dumps(row)) for _, row in memory.taken())
    rows.append(
        Row(f"anomalies: what is learned of {largest.people} people, as JSON", size / 1024, "KiB", better="lower")
    )
    return rows
