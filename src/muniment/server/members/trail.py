"""Entries as the last things that somebody did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from muniment.core.entry import parse_entry
from muniment.ledger.read import StoredEntry


@dataclass(frozen=True, slots=True)
class Deed:
    """One entry, shortened.

    Attributes:
        seq: its place in the log.
        at: when it was recorded.
        action: what was done.
        outcome: how it went.
        resource: `type id` of what it was done to, or "".
    """

    seq: int
    at: datetime
    action: str
    outcome: str
    resource: str


def deeds(entries: Iterable[StoredEntry]) -> list[Deed]:
    """What entries say, in their order."""
    found = []
    for entry in entries:
        event = parse_entry(entry.text).event
        resource = "" if event.resource is None else f"{event.resource.type} {event.resource.id}"
        found.append(Deed(entry.seq, entry.recorded_at, event.action, event.outcome, resource))
    return found
