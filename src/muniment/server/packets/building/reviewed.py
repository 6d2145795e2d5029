"""Samples with their marks, as a packet shows them: what was recorded before its checkpoint, and nothing later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from muniment.core.errors import Refused, VerificationFailed
from muniment.ledger.read import StoredEntry
from muniment.ledger.surroundings import entries_of_places
from muniment.packet.contents import Extract, ItemShown, MarkShown, SampleShown, SignatureShown, Table
from muniment.server.access.standing import Standing
from muniment.server.moments import moment
from muniment.server.populations.models import Mark, Population, Sample
from muniment.server.populations.question import stored_question
from muniment.server.populations.workflow import METHODS, RESULTS, TICKS, VERDICTS
from muniment.server.signing.services import signatures_of
from muniment.server.signing.workflow import Signature

if TYPE_CHECKING:
    from psycopg import Connection

PAGE: Final = 1000
"""Entries that are read at once."""
_SAID: Final = (
    "What was asked of the log, what was searched, and how many entries were found. The counts come from the "
    "operator's database; a bundle of the whole range lets anybody count again, and the digest tells whether the same "
    "was found."
)
_COLUMNS: Final = (
    "Name", "Asked for", "Searched", "Entries", "Checkpoint root", "Sealed (UTC)", "Mapping", "Digest", "Seed",
    "Recorded",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A sample with the population that it was drawn from and its marks."""

    sample: Sample
    population: Population
    marks: tuple[Mark, ...]
    signatures: Mapping[int, tuple[Signature, ...]]

    @property
    def places(self) -> set[int]:
        """Places of the sampled entries, and of what was recorded about them."""
        signed = (one.seq for of_entry in self.signatures.values() for one in of_entry)
        return {*self.sample.places, self.sample.seq, self.population.seq, *(one.seq for one in self.marks), *signed}


def reviewed(standing: Standing, sample: Sample, population: Population, *, size: int) -> Reviewed:
    """A sample as of a checkpoint.

    Raises:
        Refused: if it is of another log, or was drawn after the checkpoint.
    """
    if population.log != standing.origin:
        raise Refused(f"{sample.id} was taken from the log {population.log}, which is not the active one", "samples")
    if sample.seq >= size:
        raise Refused(f"{sample.id} was drawn after the checkpoint of size {size:,}: take a newer one", "samples")
    rows = Mark.objects.filter(tenant_id=standing.tenant_id, sample_id=sample.id, seq__lt=size).order_by("seq")
    found = signatures_of(standing, sample.places)
    signed = {place: tuple(one for one in of_entry if one.seq < size) for place, of_entry in found.items()}
    return Reviewed(sample, population, tuple(rows), signed)


def sample_shown(reading: Connection[Any], standing: Standing, one: Reviewed) -> SampleShown:
    """The sample as the packet's page shows it.

    Raises:
        VerificationFailed: if the log does not have one of its entries any more.
    """
    marks: dict[int | None, list[MarkShown]] = defaultdict(list)
    for mark in one.marks:
        marks[mark.place].append(_mark(mark))
    sample, population = one.sample, one.population
    plan = orjson.loads(sample.plan)
    facts = (
        ("Sample", sample.id),
        ("Population", f"{population.name} ({population.id}, {population.count:,} entries)"),
        ("Method", METHODS[plan["method"]]),
        ("Plan", ", ".join(f"{name} {value}" for name, value in plan.items())),
        ("Seed", f"{sample.seed} ({sample.seed_from})"),
        ("Entries", f"{len(sample.places):,}"),
        ("Marked", f"{sum(place is not None for place in marks):,}"),
        ("Exceptions noted", f"{sum(said[-1].exception for place, said in marks.items() if place is not None):,}"),
        ("Drawn by", f"{sample.created_by}, {moment(sample.created_at)}, entry {sample.seq:,}"),
    )
    items = tuple(
        _item(entry, tuple(marks[entry.seq]), one.signatures.get(entry.seq, ()))
        for entry in _entries(reading, standing.log_id, sample.places)
    )
    if len(items) != len(sample.places):
        raise VerificationFailed("the log does not have all of its entries any more; order a walk", sample.id)
    title = f"Sample {sample.number} of {population.name}"
    return SampleShown(sample.id, title, facts, sample.seq, items, tuple(marks[None]))


def populations_shown(populations: Sequence[Population]) -> Extract:
    """The list of populations."""
    rows = tuple(
        (
            row.name,
            "; ".join(f"{name}: {value}" for name, value in stored_question(row.question).words) or "every entry",
            f"{row.log}, places 0 to {row.size - 1}",
            f"{row.count:,}",
            row.root,
            moment(row.sealed_at) or "",
            row.mapping,
            row.digest,
            f"{row.seed} ({row.seed_from})",
            f"entry {row.seq}, by {row.created_by}",
        )
        for row in populations
    )
    return Extract("populations", "Populations", _SAID, Table(_COLUMNS, rows) if rows else None)


def _entries(reading: Connection[Any], log_id: int, places: Sequence[int]) -> Iterator[StoredEntry]:
    for first in range(0, len(places), PAGE):
        yield from entries_of_places(reading, log_id, places[first : first + PAGE])


def _item(entry: StoredEntry, marks: tuple[MarkShown, ...], signatures: tuple[Signature, ...]) -> ItemShown:
    event = orjson.loads(entry.text)["event"]
    return ItemShown(
        entry.seq,
        entry.entry_hash.hex(),
        moment(entry.recorded_at) or "",
        event["action"],
        event["actor"]["id"],
        event["outcome"],
        marks,
        tuple(
            SignatureShown(
                one.name, one.person, one.words, one.comment, moment(one.signed_at) or "", one.seq, one.fault
            )
            for one in signatures
        ),
    )


def _mark(row: Mark) -> MarkShown:
    words = {**VERDICTS, **RESULTS}
    said = (*(TICKS.get(tick, tick) for tick in row.ticks), *([words[row.conclusion]] if row.conclusion else ()))
    exception = row.exception and row.place is not None
    return MarkShown(row.created_by, moment(row.created_at) or "", said, exception, row.comment, row.seq)
