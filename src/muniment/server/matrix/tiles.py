"""The counters as a page shows them, each with the rows behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from muniment.server.matrix.services import Matrix


@dataclass(frozen=True, slots=True)
class Tile:
    """One counter: what it is called, its value, what it says in a few words, and the query of its rows."""

    label: str
    value: str
    note: str
    query: str


def tiles_of(found: Matrix, given: Mapping[str, str]) -> list[Tile]:
    """The counters of a matrix.

    Args:
        found: the matrix.
        given: the filters that are in force.
    """
    counters = found.counters
    kept = {name: given[name] for name in ("framework", "owner", "sort") if given.get(name)}
    period = {"from": found.period.since.isoformat(), "to": found.period.until.isoformat()}

    def tile(state: str, label: str, value: str, note: str) -> Tile:
        return Tile(label, value, note, urlencode({**period, "status": found.status, **kept, "state": state}))

    of = f"/ {counters.rows:,}"
    if counters.exceptions is None:
        noted = ("No audit recorded", "nobody marked a sample of these in 12 months")
    else:
        noted = (f"{counters.exceptions:,}", f"in 12 months, in {counters.examined:,} examined")
    return [
        tile("evidenced", "Evidenced", f"{counters.evidenced:,} {of}", "with an entry in the period"),
        tile("overdue", "Overdue", f"{counters.overdue:,} {of}", "last evidence older than their frequency allows"),
        tile("exceptions", "Exceptions", *noted),
        tile("examined", "Examined", f"{counters.examined:,} {of}", "in 12 months"),
    ]
