"""Offline verification: entries a second with every check, and memory that does not grow with the log."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from pathlib import Path
from typing import Final

import orjson

from bench.row import Row
from muniment.core.checkpoint import Checkpoint
from muniment.core.entry import Entry, parse_entry
from muniment.core.event import Actor, Body, Event, Resource, Source, Trace
from muniment.core.identifiers import ulid_of
from muniment.core.keysnote import KeysNote, LogKey
from muniment.core.merkle import Stack
from muniment.core.note import Note
from muniment.core.times import format_time6
from muniment.keys.file import FileSigner
from muniment.keys.notes import sign_checkpoint, sign_keysnote, verifier_of

ORIGIN: Final = "log.example/eu1/7f3a"
SMALL: Final = 100_000
LARGE: Final = 1_000_000
TARGET: Final = 250_000
SEAL_EVERY: Final = 10_000
START: Final = 1_772_374_987_000_000

ROOT: Final = FileSigner("example.org/root", 1, hashlib.sha256(b"root").digest())
_CREATED: Final = (f"log.root={ROOT.name}+{verifier_of(ROOT).key_id.hex()}", "log.seal-within=60", "log.tenant=tnt_1")

_CHILD: Final = """
import json, resource, sys, time
from pathlib import Path
from bench.memory import peak
from muniment.verifier.bundle import verify_bundle
from muniment.verifier.pins import parse_pin
pins = parse_pin(sys.argv[2])
began = time.perf_counter()
with Path(sys.argv[1]).open("rb") as stream:
    report = verify_bundle(stream, pins, workers=int(sys.argv[3]))
seconds = time.perf_counter() - began
workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([report.verdict, report.trust, report.entries, seconds, peak(), workers]))
"""


def run() -> list[Row]:
    """Write logs of 100,000 and 1,000,000 entries, and verify them against a pinned root, on one core and on all."""
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as name:
        small, large = Path(name) / "small.bundle", Path(name) / "large.bundle"
        pin, _ = write(small, SMALL)
        one = max(_rate(small, pin, 1) for _ in range(3))
        _, _, memory_small = _verified(small, pin, 1)
        pin, size = write(large, LARGE)
        cores = len(os.sched_getaffinity(0))
        entries, seconds, memory = _verified(large, pin, cores)
        probe = _probe()
    return [
        Row(
            f"verification, one core, every check, entries of {size // LARGE} bytes",
            one,
            "entries/s",
            target=TARGET,
        ),
        Row("the same ÷ orjson parse, sort, dump, compare and one SHA-256 of the same entries", one / probe, "ratio"),
        Row(f"verification of {LARGE:,} entries on {cores} cores", entries / seconds, "entries/s"),
        Row(f"peak memory of a process, {LARGE:,} entries", memory / 1024, "MiB", better="lower"),
        Row(
            f"peak memory, {LARGE:,} entries ÷ {SMALL:,} entries",
            memory / memory_small,
            "ratio",
            target=1.3,
            gate=True,
            better="lower",
        ),
    ]


def write(path: Path, count: int) -> tuple[str, int]:
    """Write a sealed log of tool calls, all of it shown, a checkpoint every 10,000 entries.

    Returns:
        The pin that fits it, as JSON, and the size of all entries in bytes.
    """
    key = FileSigner(ORIGIN, 1, hashlib.sha256(b"log").digest())
    genesis = _entry(0, bytes(32), bytes(32)).text()
    hash_ = hashlib.sha256(b"\0" + genesis).digest()
    keys = KeysNote(ORIGIN, 1, hash_, (LogKey(verifier_of(key), 0),))
    digest = hashlib.sha256()
    size = len(genesis)
    stack = Stack()
    leaves = [hash_]
    pattern = _Pattern()
    source_prev = bytes(32)
    with path.open("wb") as file:

        def put(data: bytes) -> None:
            digest.update(data)
            file.write(data)

        put(b"H muniment-bundle/1 " + ORIGIN.encode() + b"\n")
        put(b"K " + b64encode(sign_keysnote(ROOT, keys).encoded()) + b"\n")
        put(b"E " + genesis + b"\n")
        for seq in range(1, count):
            text, source_prev = pattern.fill(seq, hash_, source_prev)
            hash_ = hashlib.sha256(b"\0" + text).digest()
            leaves.append(hash_)
            size += len(text)
            put(b"E " + text + b"\n")
            if (seq + 1) % SEAL_EVERY == 0 or seq + 1 == count:
                stack.extend(leaves)
                leaves = []
                checkpoint = Checkpoint(ORIGIN, seq + 1, stack.root())
                note = Note(checkpoint.text(), (sign_checkpoint(key, checkpoint),))
                put(b"C " + b64encode(note.encoded()) + b"\n")
        file.write(b"Z " + digest.hexdigest().encode() + b"\n")
    pin = {"origin": ORIGIN, "genesis": keys.genesis.hex(), "root": verifier_of(ROOT).vkey}
    return json.dumps(pin), size


class _Pattern:
    """Entries made by filling values into the text of one: a million of them in seconds."""

    def __init__(self) -> None:
        text = _entry(1, b"\xaa" * 32, b"\xbb" * 32).text()
        event = text[text.index(b'"event":') + 8 : text.index(b',"log":')]
        self._event = self._pieces(event)
        head, _, tail = text.partition(event)
        self._head = head
        self._tail = tail.replace(b"aa" * 32, b"%b").replace(_time(1), b"%b").replace(b'"seq":1,', b'"seq":%d,')

    @staticmethod
    def _pieces(event: bytes) -> bytes:
        return (
            event.replace(b"bb" * 32, b"%b")
            .replace(b"cc" * 32, b"%b")
            .replace(b'"len":512', b'"len":%d')
            .replace(ulid_of(b"\0" * 12 + b"evt1").encode(), b"%b")
            .replace(b'"seq":0', b'"seq":%d')
        )

    def fill(self, seq: int, prev: bytes, source_prev: bytes) -> tuple[bytes, bytes]:
        """The text of entry `seq`, and the hash of its event."""
        ulid = ulid_of(seq.to_bytes(16, "big")).encode()
        commitment = hashlib.sha256(b"%d" % seq).hexdigest().encode()
        source = source_prev.hex().encode()
        event = self._event % (commitment, 64 + seq % 1500, ulid, source, seq - 1)
        text = self._head + event + self._tail % (prev.hex().encode(), _time(seq), seq)
        return text, hashlib.sha256(b"muniment/event/1\0" + event).digest()


def _time(seq: int) -> bytes:
    return format_time6(START + seq * 1000).encode()


def _entry(seq: int, prev: bytes, source_prev: bytes) -> Entry:
    body = Body(b"\xcc" * 32, 512, "application/json") if seq else None
    event = Event(
        id="evt_" + ulid_of(b"\0" * 12 + b"evt%d" % seq),
        source=Source("src_" + ulid_of(b"source0000000000"), b"\7" * 16, source_prev, 0)
        if seq
        else Source("src_" + ulid_of(b"muniment00000000")),
        occurred_at=START * 1000,
        action="tool.call" if seq else "log.create",
        actor=Actor("agent:crewai-research-01", "agent") if seq else Actor("muniment", "system"),
        outcome="success",
        body=body,
        labels=("env=prod",) if seq else _CREATED,
        resource=Resource("agent.exec", "tool") if seq else Resource(ORIGIN, "log"),
        tool="http_request" if seq else None,
        trace=Trace(b"\1" * 16, b"\2" * 8) if seq else None,
        workspace="wks-prod-01" if seq else None,
    )
    return Entry(
        seq=seq,
        prev=prev,
        recorded_at=START + seq * 1000,
        log=ORIGIN,
        by="key:ak_01KAY9M2Z7Q4WXYH3J8V5T6R0C" if seq else "system:muniment",
        map="base-2026.1",
        event=event,
        controls=("hipaa:164.312(b)", "part11:11.10(e)", "soc2:CC6.1") if seq else (),
    )


def _verified(path: Path, pin: str, workers: int) -> tuple[int, float, int]:
    """Entries, seconds, and the most memory (KiB) that one process took."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path), pin, str(workers)], capture_output=True, text=True, check=True
    )
    verdict, trust, entries, seconds, memory, of_children = json.loads(done.stdout)
    if (verdict, trust) != ("verified", "pinned"):
        raise RuntimeError(f"the log that was written here does not verify: {verdict}, {trust}")
    return entries, seconds, max(memory, of_children)


def _rate(path: Path, pin: str, workers: int) -> float:
    entries, seconds, _ = _verified(path, pin, workers)
    return entries / seconds


def _probe() -> float:
    """Entries a second of the simplest thing that could be done: parse, sort, dump, compare, hash."""
    pattern = _Pattern()
    texts = [pattern.fill(seq, bytes(32), bytes(32))[0] for seq in range(1, 20_001)]
    parse_entry(texts[0])
    best = 0.0
    for _ in range(3):
        began = time.perf_counter()
        for text in texts:
            if orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS) != text:
                raise RuntimeError("an entry is not canonical")
            hashlib.sha256(text).digest()
        best = max(best, len(texts) / (time.perf_counter() - began))
    return best
