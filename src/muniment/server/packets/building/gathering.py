"""Gathering what a scope names, as of one checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from muniment.core.errors import Refused, VerificationFailed
from muniment.ledger.population import Searched, searched
from muniment.packet.contents import Extract, Facts
from muniment.packet.suffix import passive_suffix
from muniment.server.access.standing import Standing
from muniment.server.attachments import services as attachments
from muniment.server.attachments.models import Attachment
from muniment.server.moments import moment
from muniment.server.packets.building.controls import matrix_shown
from muniment.server.packets.building.papers import papers_of
from muniment.server.packets.building.registers import NO_REGISTER, Extraction, Registers
from muniment.server.packets.building.registers_exceptions import exceptions_shown
from muniment.server.packets.building.registers_risks import risks_shown
from muniment.server.packets.building.reviewed import Reviewed, populations_shown, reviewed, sample_shown
from muniment.server.packets.building.snapshot import KeptFile, KeptSlot, Snapshot
from muniment.server.packets.models import ScopeVersion
from muniment.server.packets.scope import SLOTS, Scope, stored_scope
from muniment.server.populations import services as populations

MAX_SAMPLED: Final = 100_000
"""Sampled entries of one packet."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a packet is to show.

    Attributes:
        snapshot: the same as a value that is kept.
        range: the checkpoint.
        places: of the entries that its evidence holds, ascending; those about the review among them come with bodies.
        about: places of what was recorded about the review: draws, marks, attachments, steps in the registers.
        sampled: how many sampled entries there are.
    """

    snapshot: Snapshot
    range: Searched
    places: tuple[int, ...]
    about: frozenset[int]
    sampled: int


def gather(standing: Standing, row: ScopeVersion, *, facts: Facts, size: int | None) -> Gathered:
    """Gather what a scope names.

    Args:
        standing: of who builds; in its tenant's open scope.
        row: the scope.
        facts: more to be said of the request.
        size: of the checkpoint as of which it is put together; None for the newest.

    Raises:
        NotSealed: if there is no such checkpoint.
        Refused: naming what cannot be shown as of it.
        VerificationFailed: for what is not what was recorded any more.
    """
    scope = stored_scope(row.content)
    with standing.transaction() as reading:
        range_ = searched(reading, standing.log_id, size=size)
        found = _samples(standing, scope, range_.size)
        shown = tuple(sample_shown(reading, standing, one) for one in found)
        extraction = Extraction.of(standing, reading, scope, size=range_.size, sealed_at=range_.sealed_at)
        registers = _registers(extraction)
    named = [populations.population_for(standing, one) for one in scope.populations]
    listed = {one.id: one for one in (*named, *(one.population for one in found))}
    for population in listed.values():
        if population.seq >= range_.size:
            raise Refused(f"{population.id} was saved after the checkpoint of size {range_.size:,}", "populations")
    slots, attached = _slots(standing, scope, range_.size)
    papers = papers_of(standing, scope, size=range_.size, sealed_at=range_.sealed_at)
    snapshot = Snapshot(
        name=row.name,
        log=range_.origin,
        size=range_.size,
        root=range_.root.hex(),
        sealed_at=moment(range_.sealed_at) or "",
        scope=row.content,
        facts=_facts(row, scope, facts),
        matrix=matrix_shown(scope, size=range_.size, sealed_at=range_.sealed_at),
        populations=populations_shown(tuple(listed.values())),
        samples=shown,
        registers=registers.extracts,
        slots=slots,
        papers=papers.papers,
        notes=(),
    )
    sampled = {place for one in found for place in one.sample.places}
    about = {place for one in found for place in one.places} - sampled
    about |= (
        {one.seq for one in named}
        | attached
        | papers.places
        | (registers.places - sampled)
        | ({row.seq} if row.seq < range_.size else set())
    )
    count = sum(len(one.sample.places) for one in found)
    if count > MAX_SAMPLED:
        raise Refused(f"has {count:,} sampled entries, and a packet holds at most {MAX_SAMPLED:,}", "samples")
    return Gathered(snapshot, range_, tuple(sorted(sampled | about)), frozenset(about), count)


def _samples(standing: Standing, scope: Scope, size: int) -> list[Reviewed]:
    rows = [populations.sample_for(standing, one) for one in scope.samples]
    return [reviewed(standing, row, populations.population_for(standing, row.population_id), size=size) for row in rows]


def _registers(extraction: Extraction) -> Registers:
    exceptions, risks = exceptions_shown(extraction), risks_shown(extraction)
    vendors = Extract("vendors", "Vendor register", NO_REGISTER, None)
    return Registers((*exceptions.extracts, *risks.extracts, vendors), exceptions.places | risks.places)


def _facts(row: ScopeVersion, scope: Scope, given: Facts) -> Facts:
    since, until = (None if day is None else day.isoformat() for day in (scope.since, scope.until))
    own = (
        ("Scope", f"{row.name}, version {row.version} ({row.id}, entry {row.seq:,})"),
        ("Period (UTC)", f"{since or 'from the beginning'} to {until or 'the checkpoint'}"),
        ("Controls", ", ".join(scope.controls) or "none named"),
        ("Frameworks", ", ".join(scope.frameworks) or "none named"),
        ("Workspace", scope.workspace or "all"),
    )
    return (*given, *((name, said) for name, said in own if name not in dict(given)))


def _slots(standing: Standing, scope: Scope, size: int) -> tuple[tuple[KeptSlot, ...], set[int]]:
    slots, places = [], set()
    for slot, ids in scope.slots:
        files = []
        for one in ids:
            row = attachments.attachment_for(one)
            if row.seq >= size:
                raise Refused(f"{one} was attached after the checkpoint of size {size:,}", f"slots.{slot}")
            if (withdrawn := attachments.withdrawal_of(row)) is not None:
                raise Refused(f"{one} was withdrawn: {withdrawn.reason}", f"slots.{slot}")
            if said := attachments.withheld(row):
                raise Refused(f"{one} goes into no packet: {said}", f"slots.{slot}")
            if fault := attachments.against_entry(standing, row):
                raise VerificationFailed(fault, one)
            files.append(_kept(row))
            places.add(row.seq)
        slots.append(KeptSlot(slot, SLOTS[slot], tuple(files)))
    return tuple(slots), places


def _kept(row: Attachment) -> KeptFile:
    days = [str(day) for day in (row.period_from, row.period_to) if day is not None]
    facts = (
        ("Type", row.media_type),
        ("Version", str(row.version)),
        ("Note", row.note or "none"),
        ("Controls", ", ".join(row.controls) or "none named"),
        ("Period", " to ".join(days) or "none named"),
        ("Received", f"{moment(row.created_at)}, by {row.created_by}, entry {row.seq:,}"),
    )
    return KeptFile(row.id, row.name, passive_suffix(row.name), row.size, row.sha256, facts)
