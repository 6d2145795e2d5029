"""One small log with fixed keys, from which all vectors are made."""

import base64
import dataclasses
import hashlib
from collections.abc import Sequence

from muniment.core.body import commit
from muniment.core.checkpoint import Checkpoint
from muniment.core.entry import Entry, entry_hash
from muniment.core.event import Actor, Body, Event, Resource, Source, Trace, event_hash
from muniment.core.identifiers import new_ulid
from muniment.core.keysnote import Cosigner, KeysNote, LogKey
from muniment.core.merkle import root_of
from muniment.core.note import COSIGNATURE, Note
from tests.core.notes import Key

ORIGIN = "log.example/eu1/7f3a"
LOG = Key(ORIGIN, word="vector log")
NEXT_LOG = Key(ORIGIN, word="vector log, second key")
COSIGNER = Key("region.example/eu1", COSIGNATURE, "vector cosigner")
ROOT = Key("root.example/installation", word="vector root")
STRANGER_LOG = Key(ORIGIN, word="vector stranger's log")
STRANGER_ROOT = Key("root.example/installation", word="vector stranger's root")

BEGIN_US = 1_772_374_987_000_000
ROTATED_AT = 8
"""The size from which the second key signs."""


def digest(word: str) -> bytes:
    return hashlib.sha256(f"muniment vectors: {word}".encode()).digest()


def ulid(word: str) -> str:
    return new_ulid(BEGIN_US // 1000, digest(word)[:10])


def salt(seq: int) -> bytes:
    return digest(f"salt {seq}")


SYSTEM_SOURCE = Source(f"src_{ulid('system source')}")
PLAIN_SOURCE = Source(f"src_{ulid('plain source')}")
NUMBERED_ID = f"src_{ulid('numbered source')}"
EPOCH = digest("epoch")[:16]


class Builder:
    """Appends entries to a log in memory, as a ledger would."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.bodies: dict[int, bytes] = {}
        self.source_seq = 0
        self.source_prev = bytes(32)

    @property
    def seq(self) -> int:
        return len(self.texts)

    def event(self, action: str, **values: object) -> Event:
        at = (BEGIN_US + self.seq * 1_000_000) * 1000 - 5_000_000
        base = Event(
            id=f"evt_{ulid(f'event {self.seq}')}",
            source=PLAIN_SOURCE,
            occurred_at=at,
            action=action,
            actor=Actor("agent:research-01", "agent"),
            outcome="success",
        )
        return dataclasses.replace(base, **values)

    def numbered(self, action: str, **values: object) -> Event:
        source = Source(NUMBERED_ID, EPOCH, self.source_prev, self.source_seq)
        event = self.event(action, source=source, **values)
        self.source_seq += 1
        self.source_prev = event_hash(event.text())
        return event

    def body(self, data: bytes, media: str = "application/json") -> Body:
        self.bodies[self.seq] = data
        return Body(commit(salt(self.seq), data), len(data), media)

    def append(self, event: Event, by: str = "", controls: tuple[str, ...] = ("soc2:CC6.1", "soc2:CC7.2")) -> None:
        entry = Entry(
            seq=self.seq,
            prev=entry_hash(self.texts[-1]) if self.texts else bytes(32),
            recorded_at=BEGIN_US + self.seq * 1_000_000,
            log=ORIGIN,
            by=by or f"key:ak_{ulid('api key')}",
            map="base-2026.1",
            event=event,
            controls=controls,
        )
        self.texts.append(entry.text())


def keys_note(number: int, genesis: bytes) -> bytes:
    logs = (LogKey(LOG.public, 0), LogKey(NEXT_LOG.public, ROTATED_AT))[:number]
    cosigners = (Cosigner(COSIGNER.public, BEGIN_US // 1_000_000),)
    return ROOT.note(KeysNote(ORIGIN, number, genesis, logs, cosigners).text()).encoded()


def build() -> Builder:
    """The log: ten entries, two of them keys notes, a numbered and a plain source, bodies, escapes, other scripts."""
    log = Builder()
    system = {"source": SYSTEM_SOURCE, "actor": Actor("muniment", "system")}
    labels = (
        f"log.root={ROOT.public.name}+{ROOT.public.key_id.hex()}",
        "log.seal-within=60",
        f"log.tenant=tnt_{ulid('tenant')}",
    )
    created = log.event("log.create", labels=labels, resource=Resource(ORIGIN, "log"), **system)
    log.append(created, "system:muniment")
    genesis = entry_hash(log.texts[0])
    for number in (1, 2):
        if number == 2:
            _work(log)
        published = log.event("keys.publish", body=log.body(keys_note(number, genesis), "text/plain"), **system)
        log.append(published, "system:muniment")
    log.append(log.numbered("process.exit", outcome="failure", labels=("code=137",), trace=Trace(digest("trace")[:16])))
    unclear = log.event("exception.approve", outcome="unknown", actor=Actor("usr_01KAY9M2Z7Q4WXYH3J8V5T6R0C", "user"))
    log.append(unclear, f"user:usr_{ulid('user')}", controls=())
    log.append(
        log.numbered("session.close", controls=("hipaa:164.312(b)",)), controls=("hipaa:164.312(b)", "soc2:CC6.1")
    )
    return log


def _work(log: Builder) -> None:
    request = log.numbered(
        "tool.call",
        body=log.body(b'{"arguments":{"url":"https://example.com"}}'),
        tool="http_request",
        resource=Resource("agent.exec", "tool"),
        labels=("env=prod", "region=eu1"),
        trace=Trace(digest("trace")[:16], digest("span")[:8]),
        workspace="wks-prod-01",
    )
    log.append(request)
    answer = log.numbered(
        "tool.result",
        body=log.body(b""),
        tool="http_request",
        causes=(f"{NUMBERED_ID}/{request.id}",),
        resource=Resource('git commit -m "fix" C:\\temp', "command"),
        labels=('say="hi"',),
    )
    log.append(answer)
    other = log.event(
        "file.access",
        actor=Actor("użytkownik-é-\U0001f600-\u2028", "service"),
        resource=Resource("/srv/zażółć/gęślą.txt", "file"),
        body=log.body(bytes(range(256)), "application/octet-stream"),
        outcome="denied",
    )
    log.append(other)
    log.append(log.numbered("model.invoke", tool="日本語"))


def checkpoint(texts: Sequence[bytes], size: int, key: Key | None = None, cosigned: bool = True) -> bytes:
    """Sign the tree of the first `size` entries with the key in force, or another."""
    text = Checkpoint(ORIGIN, size, root_of([entry_hash(text) for text in texts[:size]])).text()
    lines = [(key or (LOG if size < ROTATED_AT else NEXT_LOG)).line(text)]
    if cosigned:
        lines.append(COSIGNER.line(text, BEGIN_US // 1_000_000 + size))
    return Note(text, tuple(lines)).encoded()


def line(letter: str, data: bytes) -> bytes:
    return f"{letter} ".encode() + base64.b64encode(data) + b"\n"


def closed(lines: Sequence[bytes]) -> bytes:
    """Put the Z line after the others."""
    body = b"".join(lines)
    return body + f"Z {hashlib.sha256(body).hexdigest()}\n".encode()


def head(genesis: bytes) -> list[bytes]:
    return [f"H muniment-bundle/1 {ORIGIN}\n".encode(), *(line("K", keys_note(n, genesis)) for n in (1, 2))]


def whole(texts: Sequence[bytes], sizes: Sequence[int] = (1, 7, 10), genesis: bytes | None = None) -> list[bytes]:
    """The lines of a bundle of all entries, the Z line apart, sealed with the right keys whatever the entries say."""
    lines = head(genesis or entry_hash(texts[0]))
    for position, text in enumerate(texts, 1):
        lines.append(b"E " + text + b"\n")
        if position in sizes:
            lines.append(line("C", checkpoint(texts, position)))
    return lines
