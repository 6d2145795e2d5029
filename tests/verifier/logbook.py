"""A log in memory, for tests: entries, keys, checkpoints, and the bundles made of them."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from muniment.core.body import commit
from muniment.core.bundle import BundleWriter
from muniment.core.checkpoint import Checkpoint
from muniment.core.entry import Entry, entry_hash
from muniment.core.event import Actor, Body, Event, Resource, Source, event_hash
from muniment.core.identifiers import new_ulid
from muniment.core.keysnote import Cosigner, KeysNote, LogKey, Revocation
from muniment.core.merkle import Stack
from muniment.core.note import Note
from muniment.core.tiles import cover
from muniment.keys.file import FileSigner
from muniment.keys.notes import cosign_checkpoint, sign_checkpoint, sign_keysnote, verifier_of
from muniment.verifier.pins import PinnedCheckpoint, Pins

ORIGIN = "log.example/eu1/7f3a"
START = 1_772_374_987_000_000
SOURCE = "src_" + new_ulid(1_772_374_987_000, b"source0000")
OTHER_SOURCE = "src_" + new_ulid(1_772_374_987_000, b"source0001")


def signer(name: str, key_type: int = 1, seed: str = "") -> FileSigner:
    """A key that is the same in every run."""
    return FileSigner(name, 4 if key_type == 4 else 1, hashlib.sha256((seed or name).encode()).digest())


ROOT = signer("example.org/root")
REGION = signer("example.org/eu1", 4)
MALLORY = signer("example.org/root", seed="mallory")


@dataclass
class Logbook:
    """A log that is written and sealed at will."""

    origin: str = ORIGIN
    seed: str = "log"
    root: FileSigner = ROOT
    region: FileSigner = REGION
    texts: list[bytes] = field(default_factory=list)
    bodies: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    checkpoints: dict[int, bytes] = field(default_factory=dict)
    last: dict[tuple[str, bytes], tuple[int, bytes]] = field(default_factory=dict)

    @property
    def key(self) -> FileSigner:
        """The log's own key."""
        return signer(self.origin, seed=self.seed)

    def append(self, count: int = 1, *, source: str = SOURCE, numbered: bool = True, body: bytes | None = None) -> None:
        """Write entries; entry 0 is the log's creation."""
        for _ in range(count):
            seq = len(self.texts)
            self.add(self.event(seq, source=source, numbered=numbered, body=body) if seq else self.creation())

    def add(self, event: Event, **fields: object) -> None:
        """Write one entry for an event."""
        seq = len(self.texts)
        entry = Entry(
            seq=seq,
            prev=entry_hash(self.texts[-1]) if self.texts else bytes(32),
            recorded_at=START + seq * 1000,
            log=self.origin,
            by="key:ak_01KAY9M2Z7Q4WXYH3J8V5T6R0C" if seq else "system:muniment",
            map="base-2026.1",
            event=event,
            controls=("soc2:CC6.1", "soc2:CC7.2") if seq else (),
        )
        self.texts.append(replace(entry, **fields).text())  # type: ignore[arg-type]

    def creation(self) -> Event:
        """The event of entry 0."""
        root = verifier_of(self.root)
        return Event(
            id="evt_" + new_ulid(START // 1000, b"evt0000000"),
            source=Source("src_" + new_ulid(START // 1000, b"muniment00")),
            occurred_at=START * 1000,
            action="log.create",
            actor=Actor("muniment", "system"),
            outcome="success",
            labels=(f"log.root={root.name}+{root.key_id.hex()}", "log.seal-within=60", "log.tenant=tnt_1"),
            resource=Resource(self.origin, "log"),
        )

    def event(
        self, seq: int, *, source: str = SOURCE, numbered: bool = True, body: bytes | None = None, **fields: object
    ) -> Event:
        """An agent's tool call."""
        payload = body if body is not None else b'{"arguments":{"number":%d}}' % seq
        salt = hashlib.sha256(b"salt %d" % seq).digest()
        self.bodies[seq] = (salt, payload)
        epoch = hashlib.sha256(source.encode()).digest()[:16]
        own, prev = self.last.get((source, epoch), (-1, bytes(32)))
        event = Event(
            id="evt_" + new_ulid(START // 1000 + seq, b"%010d" % seq),
            source=Source(source, epoch, prev, own + 1) if numbered else Source(source),
            occurred_at=(START + seq * 1000) * 1000,
            action="tool.call",
            actor=Actor("agent:crewai-research-01", "agent"),
            outcome="success",
            body=Body(commit(salt, payload), len(payload), "application/json"),
            labels=("env=prod",),
            resource=Resource("agent.exec", "tool"),
            tool="http_request",
            workspace="wks-prod-01",
        )
        event = replace(event, **fields)  # type: ignore[arg-type]
        if numbered:
            self.last[(source, epoch)] = (own + 1, event_hash(event.text()))
        return event

    def stack(self, size: int) -> Stack:
        """The tree over the first entries."""
        stack = Stack()
        stack.extend([entry_hash(text) for text in self.texts[:size]])
        return stack

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """The unsigned checkpoint of a size."""
        size = len(self.texts) if size is None else size
        return Checkpoint(self.origin, size, self.stack(size).root())

    def seal(self, *, cosigned_at: int | None = START // 1_000_000 + 10, key: FileSigner | None = None) -> bytes:
        """Sign a checkpoint over all entries."""
        checkpoint = self.checkpoint()
        lines = [sign_checkpoint(key or self.key, checkpoint)]
        if cosigned_at is not None:
            lines.append(cosign_checkpoint(self.region, checkpoint, cosigned_at))
        self.checkpoints[checkpoint.size] = Note(checkpoint.text(), tuple(lines)).encoded()
        return self.checkpoints[checkpoint.size]

    def keys(
        self,
        number: int = 1,
        *,
        by: FileSigner | None = None,
        logs: Iterable[LogKey] = (),
        revoked: Iterable[Revocation] = (),
        cosigner: bool = True,
        genesis: bytes | None = None,
    ) -> bytes:
        """A signed keys note."""
        note = KeysNote(
            self.origin,
            number,
            genesis or entry_hash(self.texts[0]),
            tuple(logs) or (LogKey(verifier_of(self.key), 0),),
            (Cosigner(verifier_of(self.region), START // 1_000_000),) if cosigner else (),
            tuple(revoked),
        )
        return sign_keysnote(by or self.root, note).encoded()

    def pins(self, size: int | None = None) -> Pins:
        """Everything there is to pin; the checkpoint only if its size is given."""
        checkpoint = None if size is None else PinnedCheckpoint(size, self.stack(size).root())
        return Pins(self.origin, entry_hash(self.texts[0]), verifier_of(self.root), checkpoint)

    def bundle(
        self,
        *,
        show: Iterable[int] | None = None,
        bodies: bool = True,
        keys: Iterable[bytes] | None = None,
        boundaries: Iterable[int] = (),
        tokens: bool = False,
    ) -> bytes:
        """Write a bundle.

        Args:
            show: entries to show; all by default, the others stand as subtrees.
            bodies: whether bodies come along.
            keys: keys notes.
            boundaries: sizes that the tiling must hit.
            tokens: whether a timestamp token stands after every checkpoint.
        """
        stream = io.BytesIO()
        writer = BundleWriter(stream, self.origin)
        for note in [self.keys()] if keys is None else keys:
            writer.keys(note)
        last = max(self.checkpoints)
        shown = set(range(last)) if show is None else set(show)
        cuts = sorted({*boundaries, *self.checkpoints})
        while writer.position < last:
            at = writer.position
            if at in shown:
                writer.entry(self.texts[at])
                if bodies and at in self.bodies:
                    writer.body(*self.bodies[at])
            else:
                end = min([cut for cut in cuts if cut > at] + [index for index in shown if index > at])
                for level, index in cover(at, end):
                    first = index << level
                    stack = Stack()
                    stack.extend([entry_hash(text) for text in self.texts[first : first + (1 << level)]])
                    writer.subtree(level, stack.root())
            if writer.position in self.checkpoints:
                writer.checkpoint(self.checkpoints[writer.position])
                if tokens:
                    writer.token(b"0\x03token")
        writer.end()
        return stream.getvalue()


def closed(lines: Iterable[bytes]) -> bytes:
    """Lines (without newline, without `Z`) as a bundle whose closing digest is right."""
    data = b"".join(line + b"\n" for line in lines)
    return data + b"Z " + hashlib.sha256(data).hexdigest().encode() + b"\n"


def opened(bundle: bytes) -> list[bytes]:
    """The lines of a bundle without newline and without `Z`."""
    return bundle.split(b"\n")[:-2]


def in_base64(data: bytes) -> bytes:
    """Base64, as lines hold it."""
    return base64.b64encode(data)
