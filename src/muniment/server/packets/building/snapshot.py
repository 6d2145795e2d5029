"""What the pages of a packet show, as one value that is kept: from it the same pages are made again."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic import TypeAdapter

from muniment.packet import shipped
from muniment.packet.contents import Attached, Extract, Facts, Opener, PacketContents, Paper, SampleShown, Slot
from muniment.verifier.browser.page import verifier_page
from muniment.version import __version__


@dataclass(frozen=True, slots=True)
class KeptFile:
    """An attachment: which one, and what is shown of it."""

    id: str
    name: str
    suffix: str
    size: int
    sha256: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class KeptSlot:
    """A place for attachments."""

    id: str
    title: str
    files: tuple[KeptFile, ...]


@dataclass(frozen=True, slots=True)
class KeptPaper:
    """A statement or report, its bytes in base64."""

    name: str
    title: str
    said: str
    content: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a packet shows, but the bytes of its attachments and of its evidence.

    Attributes:
        scope: canonical JSON of the scope.
        rest: as in `PacketContents`.
    """

    name: str
    log: str
    size: int
    root: str
    sealed_at: str
    scope: str
    facts: Facts
    matrix: Extract
    populations: Extract
    samples: tuple[SampleShown, ...]
    registers: tuple[Extract, ...]
    slots: tuple[KeptSlot, ...]
    papers: tuple[KeptPaper, ...]
    notes: tuple[str, ...]


_ADAPTER = TypeAdapter(Snapshot)


def snapshot_text(snapshot: Snapshot) -> str:
    """The snapshot as JSON."""
    return _ADAPTER.dump_json(snapshot).decode()


def read_snapshot(text: str) -> Snapshot:
    """The snapshot that `snapshot_text` wrote."""
    return _ADAPTER.validate_json(text)


def kept_paper(name: str, title: str, said: str, content: bytes) -> KeptPaper:
    """A statement or report as it is kept."""
    return KeptPaper(name, title, said, base64.b64encode(content).decode())


def contents_of(
    packet: str,
    snapshot: Snapshot,
    scope: dict[str, object],
    evidence: Opener,
    attached: Callable[[str], Iterable[bytes]],
) -> PacketContents:
    """The packet's contents, with what opens its files.

    Args:
        packet: its id.
        snapshot: what it shows.
        scope: the scope as JSON values.
        evidence: opens the bundle.
        attached: opens an attachment by its id.
    """
    return PacketContents(
        id=packet,
        name=snapshot.name,
        log=snapshot.log,
        size=snapshot.size,
        root=snapshot.root,
        sealed_at=snapshot.sealed_at,
        scope=scope,
        facts=snapshot.facts,
        matrix=snapshot.matrix,
        populations=snapshot.populations,
        samples=snapshot.samples,
        registers=snapshot.registers,
        slots=tuple(
            Slot(slot.id, slot.title, tuple(_attached(one, attached) for one in slot.files)) for slot in snapshot.slots
        ),
        papers=tuple(Paper(one.name, one.title, one.said, base64.b64decode(one.content)) for one in snapshot.papers),
        evidence=evidence,
        script=shipped.verifier_script(),
        page=verifier_page(),
        software=software(),
        notes=snapshot.notes,
    )


def software() -> str:
    """What builds packets, with its version."""
    return f"muniment {__version__}"


def verifiers() -> list[str]:
    """SHA-256 of the verifiers that a packet carries, 64 hex each."""
    return [hashlib.sha256(one).hexdigest() for one in shipped.verifiers().values()]


def _attached(one: KeptFile, attached: Callable[[str], Iterable[bytes]]) -> Attached:
    return Attached(one.id, one.name, one.suffix, one.size, one.sha256, one.facts, lambda: attached(one.id))
