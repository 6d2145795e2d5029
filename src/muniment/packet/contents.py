"""What a packet is made of, as values. A server gathers them; the packet does the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

Opener = Callable[[], Iterable[bytes]]
"""Gives a file's bytes in pieces; it is called more than once and gives the same each time."""
Facts = tuple[tuple[str, str], ...]
"""Names with what is said of them."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Extract:
    """The controls matrix, the list of populations, or a register.

    Attributes:
        id: names its files: `[a-z0-9-]+`.
        title: in words.
        said: what it shows and what it does not, one sentence or more.
        table: its rows; None if it was not supplied.
        counters: what was counted.
    """

    id: str
    title: str
    said: str
    table: Table | None
    counters: Facts = ()


@dataclass(frozen=True, slots=True)
class MarkShown:
    """What a reviewer said of an entry, or of a whole sample.

    Attributes:
        by: who, as the ledger names them; at: when, UTC.
        said: ticks and conclusion in words.
        exception: an exception is noted.
        comment: in their words.
        entry: place of the entry that recorded it.
    """

    by: str
    at: str
    said: tuple[str, ...]
    exception: bool
    comment: str
    entry: int


@dataclass(frozen=True, slots=True)
class SignatureShown:
    """An electronic signature on an entry.

    Attributes:
        name: of the signer, printed when they signed; person: as the ledger names them.
        meaning: in words; comment: what they added, or "".
        at: when, UTC.
        entry: place of the entry that recorded it.
        fault: why it does not hold; "" if it does.
    """

    name: str
    person: str
    meaning: str
    comment: str
    at: str
    entry: int
    fault: str


@dataclass(frozen=True, slots=True)
class ItemShown:
    """A sampled entry: place, hash (64 hex), what its text says, its signatures, and its marks, oldest first.

    Of the marks the newest counts.
    """

    seq: int
    hash: str
    recorded_at: str
    action: str
    actor: str
    outcome: str
    marks: tuple[MarkShown, ...] = ()
    signatures: tuple[SignatureShown, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleShown:
    """A sample.

    Attributes:
        id: of the sample; names its files.
        title: in words.
        facts: how it was drawn, from what.
        draw: place of the entry that recorded the draw.
        items: its entries, ascending.
        conclusions: on the whole, oldest first; the newest counts.
    """

    id: str
    title: str
    facts: Facts
    draw: int
    items: tuple[ItemShown, ...]
    conclusions: tuple[MarkShown, ...] = ()


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that somebody supplied.

    Attributes:
        id: names it in the packet, with `suffix`.
        name: as it was supplied.
        suffix: of `suffix.passive_suffix`.
        size: bytes.
        sha256: 64 hex, as the ledger recorded it when it was received.
        facts: by whom, when, for which controls.
        open: its bytes.
    """

    id: str
    name: str
    suffix: str
    size: int
    sha256: str
    facts: Facts
    open: Opener


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for files that an audit asks for. Without any it was not supplied."""

    id: str
    title: str
    files: tuple[Attached, ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """A statement or report that the ledger's server made: its name in `statements/`, a title, and its bytes."""

    name: str
    title: str
    said: str
    content: bytes


@dataclass(frozen=True, slots=True)
class PacketContents:
    """Everything that a packet shows.

    Attributes:
        id: of the packet.
        name: in words.
        log: origin; size and root (64 hex): the checkpoint as of which it was put together; sealed_at: when, UTC.
        scope: what was asked for, as JSON values (objects, arrays, strings, integers).
        facts: who asked, for what, under which terms.
        matrix: the controls matrix.
        populations: the list of populations.
        samples: with their marks.
        registers: extracts of registers.
        slots: attachments.
        papers: statements and reports.
        evidence: the bundle of every sampled entry and of what was recorded about it.
        script: the verifier for Python; page: the verifier for browsers.
        software: that builds it.
    """

    id: str
    name: str
    log: str
    size: int
    root: str
    sealed_at: str
    scope: Mapping[str, object]
    facts: Facts
    matrix: Extract
    populations: Extract
    samples: tuple[SampleShown, ...]
    registers: tuple[Extract, ...]
    slots: tuple[Slot, ...]
    papers: tuple[Paper, ...]
    evidence: Opener
    script: bytes
    page: bytes
    software: str
    notes: tuple[str, ...] = field(default=())
