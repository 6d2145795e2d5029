"""Vectors for bundles: good ones, malformed ones, and forgeries of every kind that the format's checks must name."""

import base64
import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from muniment.core.checkpoint import Checkpoint
from muniment.core.entry import Entry, entry_hash, parse_entry
from muniment.core.keysnote import Cosigner, KeysNote, LogKey
from muniment.core.merkle import root_of
from muniment.core.note import Note
from muniment.core.tiles import cover
from tests.vectors.log import (
    BEGIN_US,
    COSIGNER,
    LOG,
    NEXT_LOG,
    ORIGIN,
    STRANGER_LOG,
    STRANGER_ROOT,
    Builder,
    checkpoint,
    closed,
    head,
    line,
    salt,
    whole,
)

Vector = dict[str, Any]


def vector(name: str, data: bytes, verdict: str, fails: str | None = None) -> Vector:
    """A bundle and what a verifier that pins origin, genesis and root key says of it.

    `verdict` is verified, failed or malformed; `fails` is one check that must be among the failed ones.
    """
    try:
        shown = {"text": data.decode()}
    except UnicodeDecodeError:
        shown = {"base64": base64.b64encode(data).decode()}
    return {"name": name, **shown, "verdict": verdict, "fails": fails}


def subtree(texts: Sequence[bytes], level: int, index: int) -> bytes:
    row = [entry_hash(text) for text in texts[index << level : (index + 1) << level]]
    return f"N {level} {base64.b64encode(root_of(row)).decode()}\n".encode()


def part(log: Builder, shown: Sequence[int], bodies: bool = False) -> list[bytes]:
    """The lines of a bundle with some entries and one checkpoint, the Z line apart."""
    lines = head(entry_hash(log.texts[0]))
    position = 0
    for seq in [*shown, len(log.texts)]:
        lines += [subtree(log.texts, *node) for node in cover(position, seq)]
        if seq < len(log.texts):
            lines.append(b"E " + log.texts[seq] + b"\n")
            if bodies and seq in log.bodies:
                lines.append(line("B", salt(seq) + log.bodies[seq]))
        position = seq + 1
    return [*lines, line("C", checkpoint(log.texts, len(log.texts)))]


def good(log: Builder) -> dict[str, bytes]:
    return {
        "whole": closed(whole(log.texts)),
        "partial": closed(part(log, [4, 5, 6])),
        "single": closed(part(log, [5])),
        "bodies": closed(part(log, range(10), bodies=True)),
    }


def bundles(log: Builder) -> list[Vector]:
    return [
        *(vector(name, data, "verified") for name, data in good(log).items()),
        *_malformed(log),
        *_forged(log),
        *_signed(log),
    ]


def _malformed(log: Builder) -> Iterator[Vector]:
    lines = part(log, [4, 5], bodies=True)
    data = closed(lines)
    entry = next(at for at, text in enumerate(lines) if text.startswith(b"E "))
    body = next(at for at, text in enumerate(lines) if text.startswith(b"B "))
    node = next(at for at, text in enumerate(lines) if text.startswith(b"N "))

    def put(at: int, *new: bytes) -> bytes:
        return closed([*lines[:at], *new, *lines[at + 1 :]])

    cases = {
        "nothing": b"",
        "no header": closed(lines[1:]),
        "header of another version": put(0, lines[0].replace(b"bundle/1", b"bundle/2")),
        "header twice": put(0, lines[0], lines[0]),
        "byte-order mark": b"\xef\xbb\xbf" + data,
        "keys note after an entry": put(entry, lines[entry], lines[1]),
        "keys note with the same number": put(1, lines[1], lines[1]),
        "keys note that is none": put(1, line("K", b"x")),
        "body after a subtree": put(node, lines[node], lines[body]),
        "body twice": put(body, lines[body], lines[body]),
        "body of 31 bytes": put(body, line("B", bytes(31))),
        "body without padding": put(body, line("B", bytes(32)).replace(b"=", b"")),
        "positions beyond 2^53-1": put(node, lines[node].replace(b"N 2", b"N 52") * 2),
        "checkpoint before everything": put(node, lines[-1], lines[node]),
        "subtree of level 53": put(node, lines[node].replace(b"N 2", b"N 53")),
        "subtree with a short hash": put(node, b"N 2 AAAA\n"),
        "checkpoint that is no note": put(len(lines) - 1, line("C", b"x")),
        "checkpoint twice": closed([*lines, lines[-1]]),
        "token after an entry": put(entry, lines[entry], b"T AAAA\n"),
        "entry after the last checkpoint": closed([*lines, lines[entry]]),
        "no checkpoint": closed(lines[:-1]),
        "unknown letter": put(entry, b"X x\n", lines[entry]),
        "small letter": put(entry, b"e" + lines[entry][1:]),
        "empty line": put(entry, b"\n", lines[entry]),
        "carriage return": put(entry, lines[entry][:-1] + b"\r\n"),
        "no Z line": b"".join(lines),
        "Z line in capitals": data[:-65] + data[-65:].upper(),
        "Z line of another file": data[:-65] + b"0" * 64 + b"\n",
        "Z line twice": data + data[-67:],
        "bytes after Z": data + b"\n",
        "no newline at the end": data[:-1],
        "cut in the middle": data[: len(data) // 2],
    }
    for name, wrong in cases.items():
        yield vector(name, wrong, "malformed")


def _forged(log: Builder) -> Iterator[Vector]:
    """Changes by somebody without any key, who may compute hashes and the Z line."""
    lines = whole(log.texts)
    at = {n: next(i for i, text in enumerate(lines) if b'"seq":%d,"v":3}' % n in text) for n in range(10)}
    last = len(lines) - 1

    def put(place: int, *new: bytes) -> bytes:
        return closed([*lines[:place], *new, *lines[place + 1 :]])

    swapped = list(lines)
    swapped[at[3]], swapped[at[4]] = lines[at[4]], lines[at[3]]
    yield vector(
        "payload of an entry edited", put(at[3], lines[at[3]].replace(b"success", b"failure")), "failed", "tree"
    )
    yield vector("entry in the middle deleted", put(at[4]), "failed", "tree")
    yield vector("entry duplicated", put(at[4], lines[at[4]], lines[at[4]]), "failed", "place")
    yield vector("entries swapped", closed(swapped), "failed", "chain")
    yield vector("last entry cut off, checkpoint kept", put(at[9]), "failed", "tree")
    yield vector("first entry replaced by the second", put(at[0], lines[at[1]]), "failed", "tree")
    yield vector("checkpoint of size 7 put at the end", put(last, lines[at[6] + 1]), "failed", "tree")
    yield vector(
        "entry inserted", put(at[4], lines[at[4]], lines[at[4]].replace(b'"seq":4,', b'"seq":5,')), "failed", "tree"
    )
    yield vector("re-chained from entry 3 on, old checkpoints", closed(_rechained(log, resign=False)), "failed", "tree")

    partial = part(log, [4, 5, 6])
    node = next(i for i, text in enumerate(partial) if text.startswith(b"N "))
    other = [*partial]
    other[node] = b"N 2 " + base64.b64encode(bytes(32)) + b"\n"
    yield vector("subtree's hash replaced", closed(other), "failed", "tree")
    other[node] = partial[node].replace(b"N 2", b"N 1")
    yield vector("subtree's level lowered", closed(other), "failed", "tree")
    other[node] = partial[node] + b"N 3 " + base64.b64encode(bytes(32)) + b"\n"
    yield vector("subtree where none can begin", closed(other), "failed", "tree")

    shown = part(log, range(10), bodies=True)
    body = next(i for i, text in enumerate(shown) if text.startswith(b"B ") and b'"seq":2,' in shown[i - 1])
    for name, data in (
        ("body changed", salt(2) + log.bodies[2].replace(b"url", b"uri")),
        ("body shortened", salt(2) + log.bodies[2][:-1]),
        ("salt changed", salt(3) + log.bodies[2]),
    ):
        wrong = [*shown]
        wrong[body] = line("B", data)
        yield vector(name, closed(wrong), "failed", "bodies")


def _rechained(log: Builder, resign: bool) -> list[bytes]:
    texts = list(log.texts[:3])
    for text in log.texts[3:]:
        entry = parse_entry(text)
        event = dataclasses.replace(entry.event, outcome="denied") if entry.seq == 3 else entry.event
        texts.append(dataclasses.replace(entry, prev=entry_hash(texts[-1]), event=event).text())
    lines = head(entry_hash(texts[0]))
    for position, text in enumerate(texts, 1):
        lines.append(b"E " + text + b"\n")
        if position in (1, 7, 10):
            sealed = checkpoint(texts, position, STRANGER_LOG if position > 3 else None, cosigned=position < 3)
            lines.append(line("C", sealed if resign else checkpoint(log.texts, position)))
    return lines


def _signed(log: Builder) -> Iterator[Vector]:
    """What somebody with some of the keys, or the log itself, can write."""
    lines = whole(log.texts)
    last = len(lines) - 1

    def end(note: bytes) -> bytes:
        return closed([*lines[:last], line("C", note)])

    text = Checkpoint(ORIGIN, 10, root_of([entry_hash(entry) for entry in log.texts])).text()
    cosigned = COSIGNER.line(text, BEGIN_US // 1_000_000 + 10)
    early = COSIGNER.line(text, BEGIN_US // 1_000_000 - 1)
    moved = dataclasses.replace(cosigned, signature=bytes(7) + b"\1" + cosigned.signature[8:])
    foreign = Checkpoint("log.example/eu1/other", 10, root_of([entry_hash(entry) for entry in log.texts])).text()
    yield vector(
        "re-chained and sealed with a stranger's key", closed(_rechained(log, resign=True)), "failed", "signatures"
    )
    yield vector("sealed with the key before the rotation", end(checkpoint(log.texts, 10, LOG)), "failed", "signatures")
    yield vector("log's signature missing", end(Note(text, (cosigned,)).encoded()), "failed", "signatures")
    yield vector(
        "log's signature over another text",
        end(Note(text, (NEXT_LOG.line("x\n"), cosigned)).encoded()),
        "failed",
        "signatures",
    )
    yield vector(
        "cosignature with its time moved",
        end(Note(text, (NEXT_LOG.line(text), moved)).encoded()),
        "failed",
        "cosignatures",
    )
    yield vector(
        "cosignature before the cosigner's time",
        end(Note(text, (NEXT_LOG.line(text), early)).encoded()),
        "failed",
        "cosignatures",
    )
    yield vector("cosignature missing", end(Note(text, (NEXT_LOG.line(text),)).encoded()), "failed", "cosignatures")
    yield vector(
        "checkpoint of another log", end(Note(foreign, (NEXT_LOG.line(foreign), cosigned)).encoded()), "failed", "place"
    )

    logs = (LogKey(STRANGER_LOG.public, 0),)
    keys = KeysNote(ORIGIN, 3, entry_hash(log.texts[0]), logs, (Cosigner(COSIGNER.public, 0),))
    false = line("K", STRANGER_ROOT.note(keys.text()).encoded())
    yield vector(
        "keys note by a stranger's root", closed([lines[0], false, *_rechained(log, resign=True)[3:]]), "failed", "keys"
    )

    yield from _sealed(log, "written anew from entry 0 on", "genesis", lambda entry, _: _other_genesis(entry), start=0)
    yield from _sealed(
        log, "time goes back", "time", lambda e, _: dataclasses.replace(e, recorded_at=e.recorded_at - 5_000_000)
    )
    yield from _sealed(
        log, "prev is another entry's", "chain", lambda e, texts: dataclasses.replace(e, prev=entry_hash(texts[0]))
    )
    yield from _sealed(log, "seq is another entry's", "place", lambda e, _: dataclasses.replace(e, seq=e.seq + 1))
    yield from _sealed(
        log, "entry of another log", "place", lambda e, _: dataclasses.replace(e, log="log.example/eu1/other")
    )
    yield from _sealed(log, "source skips a number", "sources", lambda e, _: _source(e, seq=5))
    yield from _sealed(log, "source repeats a number", "sources", lambda e, _: _source(e, seq=0))
    yield from _sealed(log, "source's prev is another's", "sources", lambda e, _: _source(e, prev=bytes(32)))
    for name, old, new in (
        ("space in an entry", b'"seq":', b'"seq": '),
        ("key twice in an entry", b'"outcome":"success"', b'"outcome":"denied","outcome":"success"'),
        ("unknown key in an entry", b'"log":', b'"leg":"x","log":'),
        ("unknown version of an entry", b'"v":3}', b'"v":4}'),
        ("letter escaped in an entry", b"model.invoke", b"model\\u002einvoke"),
        ("invalid UTF-8 in an entry", "日".encode(), b"\xe6\x97"),
        ("date that is none in an entry", b'"occurred_at":"2026-03-01', b'"occurred_at":"2026-02-30'),
    ):
        yield from _raw(log, name, old, new)


def _other_genesis(entry: Entry) -> Entry:
    labels = tuple(label.replace("seal-within=60", "seal-within=61") for label in entry.event.labels)
    return dataclasses.replace(entry, event=dataclasses.replace(entry.event, labels=labels))


def _source(entry: Entry, **values: object) -> Entry:
    source = dataclasses.replace(entry.event.source, **values)
    return dataclasses.replace(entry, event=dataclasses.replace(entry.event, source=source))


def _sealed(
    log: Builder, name: str, fails: str, change: Callable[[Entry, Sequence[bytes]], Entry], start: int = 5
) -> Iterator[Vector]:
    """Change one entry, link all later ones to it, and seal with the right keys: a log that lies."""
    texts = list(log.texts[:start])
    for text in log.texts[start:]:
        entry = parse_entry(text)
        if texts:
            entry = dataclasses.replace(entry, prev=entry_hash(texts[-1]))
        texts.append((change(entry, texts) if entry.seq == start else entry).text())
    yield vector(name, closed(whole(texts, genesis=entry_hash(log.texts[0]))), "failed", fails)


def _raw(log: Builder, name: str, old: bytes, new: bytes, start: int = 5) -> Iterator[Vector]:
    texts = list(log.texts[:start])
    for text in log.texts[start:]:
        prev = json.loads(text)["prev"].encode()
        linked = text.replace(
            b',"prev":"' + prev + b'","recorded', b',"prev":"' + entry_hash(texts[-1]).hex().encode() + b'","recorded'
        )
        if len(texts) == start:
            assert old in linked, name
            linked = linked.replace(old, new, 1)
        texts.append(linked)
    yield vector(name, closed(whole(texts)), "failed", "entries")
