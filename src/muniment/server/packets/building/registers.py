"""Registers of a packet as of its checkpoint: each row names the entry that recorded it, and is held to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any, Final, Protocol

from muniment.core.entry import Entry, parse_entry
from muniment.core.errors import VerificationFailed
from muniment.ledger.read import StoredEntry
from muniment.ledger.surroundings import entries_of_places
from muniment.packet.contents import Extract
from muniment.server.access.standing import Standing
from muniment.server.controls.services import newest
from muniment.server.packets.building.controls import period_of
from muniment.server.packets.scope import Scope

if TYPE_CHECKING:
    from psycopg import Connection

PAGE: Final = 1000
"""Entries that are read at once."""
NO_REGISTER: Final = "This installation keeps no such register, so there is nothing to extract."


@dataclass(frozen=True, slots=True)
class Registers:
    """Extracts of registers, and the places of the entries that recorded what stands in them."""

    extracts: tuple[Extract, ...]
    places: frozenset[int]


class Recorded(Protocol):
    """A row that an entry recorded."""

    @property
    def id(self) -> str:
        """Of the row."""

    @property
    def seq(self) -> int:
        """Place of its entry."""


@dataclass(frozen=True)
class Extraction:
    """What a register is extracted with.

    Attributes:
        standing: of who builds; in its tenant's open scope.
        reading: in a transaction of the tenant.
        controls, frameworks: what is wanted names one of these; with neither everything is.
        size: of the checkpoint: what was recorded at this place or later is not shown.
        since, until: instants between which something held, the second one excluded.
    """

    standing: Standing
    reading: Connection[Any]
    controls: tuple[str, ...]
    frameworks: tuple[str, ...]
    size: int
    since: datetime
    until: datetime
    _own: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, standing: Standing, reading: Connection[Any], scope: Scope, *, size: int, sealed_at: datetime
    ) -> Extraction:
        """The extraction of a scope as of a checkpoint; without a period it is the twelve months up to it."""
        period = period_of(scope, sealed_at)
        since, until = (datetime.combine(day, time(), UTC) for day in (period.since, period.until))
        return cls(standing, reading, scope.controls, scope.frameworks, size, since, until, own_criteria())

    def within(self, begun: datetime | None, over: datetime | None) -> bool:
        """Whether something that began and ended then was there in the period; None for an end that has not come."""
        return begun is not None and begun < self.until and (over is None or over >= self.since)

    def belongs(self, controls: Iterable[str]) -> bool:
        """Whether something with these controls belongs to the scope. What names no control belongs to every scope."""
        named = set(controls)
        if not named or not (self.controls or self.frameworks):
            return True
        named |= {criterion for one in named for criterion in self._own.get(one, ())}
        return not named.isdisjoint(self.controls) or any(
            one.partition(":")[0] in self.frameworks for one in named if not one.startswith("own:")
        )

    def entries(self, places: Iterable[int]) -> dict[int, StoredEntry]:
        """Entries by their places.

        Raises:
            VerificationFailed: if the log does not have one of them.
        """
        wanted = sorted(set(places))
        found = {one.seq: one for one in self._read(wanted)}
        if missing := [one for one in wanted if one not in found]:
            raise VerificationFailed("the log does not have it, and a register names it", f"entry {missing[0]}")
        return found

    def _read(self, places: Sequence[int]) -> Iterator[StoredEntry]:
        for first in range(0, len(places), PAGE):
            yield from entries_of_places(self.reading, self.standing.log_id, places[first : first + PAGE])


def own_criteria() -> dict[str, frozenset[str]]:
    """The criteria that each of the tenant's own controls is linked to."""
    return {row.control: frozenset(row.criteria) for row in newest()}


def held_to(row: Recorded, stored: StoredEntry, *, action: str, resource: str, by: str, **labels: object) -> Entry:
    """The entry of a row, if it says the same as the row.

    Args:
        row: what stands in the register.
        stored: the entry at its place.
        action: that it has.
        resource: id of what it is about.
        by: who did it, as the ledger names them.
        **labels: that it has; "" for one that it does not have.

    Raises:
        VerificationFailed: naming what differs.
    """
    entry = parse_entry(stored.text)
    event = entry.event
    said = dict(label.split("=", 1) for label in event.labels if "=" in label)
    told: dict[str, tuple[object, object]] = {
        "action": (event.action, action),
        "resource": (None if event.resource is None else event.resource.id, resource),
        "actor": (event.actor.id, by),
        # Whoever holds an API key can have any event recorded, but only under the key's name.
        "recorder": (entry.by.startswith("key:"), False),
        **{name: (said.get(name, ""), str(value)) for name, value in labels.items()},
    }
    for name, (recorded, kept) in told.items():
        if recorded != kept:
            raise VerificationFailed(f"entry {row.seq} recorded another {name} than the register says", row.id)
    return entry
