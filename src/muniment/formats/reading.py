"""Reading exports back, and what can be checked of one without anything else: its end, its hashes, its links.

What an export shows alone: it is whole, each text gives the hash beside it, neighbours are linked, and an export of
every place leads to the checkpoint's root. What it does not show: that entries of a part of a log stand under the
checkpoint; that the checkpoint is signed by the log's key; that what is marked as an annotation is right.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from os import SEEK_END
from typing import Any, BinaryIO, Final

import orjson

from muniment.core.entry import entry_hash
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.stack import Stack
from muniment.formats.csv import COLUMNS, uncell
from muniment.formats.exported import FORMAT

MAX_LINE: Final = 1 << 26
_BLOCK: Final = 1 << 20
_CSV: Final = f'"{COLUMNS[0]}","{COLUMNS[1]}"'.encode()
_ENTRY: Final = b',"entry":'


class MalformedExport(Malformed):
    """This is no export, or one that was cut off."""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry of an export: its place, the hash that stands beside it (hex), and its text."""

    number: int
    seq: int
    hash: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of an export.

    Attributes:
        name: of its format.
        header: its facts about log, checkpoint, mapping and question, as it says them itself.
        entries: whose texts give their hashes.
        links: between neighbours that are both in it, all of them right.
        unlinked: entries whose predecessor is not in it.
        rooted: whether it holds every place under the checkpoint, and these give the checkpoint's root.
    """

    name: str
    header: dict[str, Any]
    entries: int
    links: int
    unlinked: int
    rooted: bool


def format_of(start: bytes) -> str | None:
    """The format of an export that begins with these bytes (200 are enough); None for what is none."""
    if start.startswith(b'{"format":"%s","as":"' % FORMAT.encode()):
        name = start.split(b'"', 8)[7].decode("ascii", "replace")
        return name if name in ("json", "ndjson") else None
    if start.startswith(_CSV):
        return "csv"
    if start.startswith(b'{"activity_id":'):
        return "ocsf"
    return "oscal" if start.startswith(b'{"assessment-results":{"uuid":') else None


def check_export(stream: BinaryIO, *, seen: Callable[[Line], None] | None = None) -> Checked:
    """Check an export by itself.

    Args:
        stream: the file, at its beginning; it can be sought in.
        seen: is called with every entry that was read.

    Raises:
        MalformedExport: for what is no export, or has no end.
        VerificationFailed: naming the line of the first text, hash or link that is wrong.
    """
    name = format_of(stream.read(200))
    if name is None:
        raise MalformedExport("this is no export of Muniment")
    cut, said = _end(stream, name)
    if said["sha256"] != _hash_before(stream, cut):
        raise VerificationFailed("the bytes before the last line are not those that it has the hash of", "the end")
    if name == "oscal":
        return Checked(name, {}, 0, 0, 0, rooted=False)
    header: dict[str, Any] = said["header"]
    if name in ("json", "ndjson"):
        header = _header(stream)
    entries = links = unlinked = 0
    before: tuple[int, str] = (-1, "0" * 64)
    stack: Stack | None = Stack()
    for line in _READERS[name](stream, cut):
        where = f"line {line.number}, entry {line.seq}"
        hashed = entry_hash(line.text)
        document = _document(line.text, where)
        if hashed.hex() != line.hash:
            raise VerificationFailed("the text does not give the hash beside it", where)
        if document.get("seq") != line.seq or document.get("log") != header.get("log"):
            raise VerificationFailed("the text is of another place or log", where)
        if line.seq <= before[0]:
            raise VerificationFailed("the places do not ascend", where)
        if line.seq == before[0] + 1:
            if document.get("prev") != before[1]:
                raise VerificationFailed("the entry before is not the one that it names", where)
            links += 1
        else:
            unlinked += 1
        stack = stack if stack is not None and line.seq == entries else None
        if stack is not None:
            stack.append(hashed)
        before = (line.seq, line.hash)
        entries += 1
        if seen is not None:
            seen(line)
    if entries != said["entries"]:
        raise VerificationFailed(f"it has {entries} entries and says {said['entries']}", "the end")
    checkpoint = header.get("checkpoint") or {}
    rooted = stack is not None and entries == checkpoint.get("size") and entries > 0
    if rooted and stack is not None and stack.root().hex() != checkpoint.get("root"):
        raise VerificationFailed("the entries do not lead to the checkpoint's root", "checkpoint")
    return Checked(name, header, entries, links, unlinked, rooted)


def _end(stream: BinaryIO, name: str) -> tuple[int, dict[str, Any]]:
    """Where the last line begins, and what it says."""
    size = stream.seek(0, SEEK_END)
    cut = max(0, size - 2)
    while cut > 0:
        first = max(0, cut - _BLOCK)
        stream.seek(first)
        at = stream.read(cut - first).rfind(b"\n")
        if at >= 0:
            cut = first + at + 1
            break
        cut = first
        if size - cut > MAX_LINE:
            break
    stream.seek(cut)
    last = stream.read(MAX_LINE)
    try:
        if not last.endswith(b"\n"):
            raise ValueError
        return cut, _said(name, last)
    except (ValueError, KeyError, IndexError, TypeError, StopIteration):
        raise MalformedExport(
            "it has no last line with a hash: it was cut off, or is not written by Muniment"
        ) from None


def _said(name: str, last: bytes) -> dict[str, Any]:
    header: dict[str, Any] = {}
    if name == "oscal":
        props = {one["name"]: one["value"] for one in orjson.loads(last.removesuffix(b"]}}}\n"))["props"]}
        end = {"entries": int(props["entries"]), "sha256": props["sha256"]}
    else:
        if name == "csv":
            (row,) = csv.reader([last.decode()])
            if row[0] != "end":
                raise ValueError
            header = orjson.loads(uncell(row[-1]))
        elif name == "ocsf":
            header = orjson.loads(last)["unmapped"]
        else:
            header = orjson.loads(b"{" + last if name == "json" else last)
        end = header["end"]
    return {"entries": int(end["entries"]), "sha256": str(end["sha256"]), "header": header}


def _hash_before(stream: BinaryIO, cut: int) -> str:
    stream.seek(0)
    hashed, left = sha256(), cut
    while left > 0 and (block := stream.read(min(_BLOCK, left))):
        hashed.update(block)
        left -= len(block)
    return hashed.hexdigest()


def _header(stream: BinaryIO) -> dict[str, Any]:
    stream.seek(0)
    line = stream.readline(MAX_LINE).rstrip(b"\n")
    try:
        found = orjson.loads(line.removesuffix(b",") + b"}" if line.endswith(b",") else line)
    except ValueError:
        raise MalformedExport("its first line cannot be read", "line 1") from None
    return dict(found)


def _json_lines(stream: BinaryIO, cut: int) -> Iterator[Line]:
    for number, line in _lines(stream, cut):
        if number == 1 or line in (b"],", b'"entries":[', b'"entries":[],'):
            continue
        text = line.removesuffix(b",")
        at = text.find(_ENTRY)
        try:
            beside = orjson.loads(text[:at] + b"}")
            yield Line(number, int(beside["seq"]), str(beside["entry_hash"]), text[at + len(_ENTRY) : -1])
        except (ValueError, KeyError, TypeError):
            raise MalformedExport("this is no entry of an export", f"line {number}") from None


def _ocsf_events(stream: BinaryIO, cut: int) -> Iterator[Line]:
    before: dict[str, Any] | None = None
    for number, line in _lines(stream, cut):
        try:
            event = orjson.loads(line)
            (attestation,) = event["attestation_list"]
            fingerprint = attestation.pop("fingerprint")
            text = event["raw_data"].encode()
            found = Line(number, int(event["metadata"]["sequence"]), str(event["unmapped"]["entry_hash"]), text)
        except (ValueError, KeyError, TypeError):
            raise MalformedExport("this is no event of an export", f"line {number}") from None
        if sha256(orjson.dumps(event, option=orjson.OPT_SORT_KEYS)).hexdigest() != fingerprint["value"]:
            raise VerificationFailed("the event does not give its fingerprint", f"line {number}")
        if (attestation.get("prev_event") or {}).get("fingerprint") != before:
            raise VerificationFailed("the event before is not the one that it names", f"line {number}")
        before = fingerprint
        yield found


def _csv_rows(stream: BinaryIO, _cut: int) -> Iterator[Line]:
    stream.seek(0)
    csv.field_size_limit(MAX_LINE)
    try:
        for number, row in enumerate(csv.reader(line.decode() for line in stream), 1):
            if number == 1:
                continue
            if row and row[0] == "end":
                return
            if len(row) != len(COLUMNS) or not row[0].isdecimal():
                raise MalformedExport("this is no row of an export", f"row {number}")
            yield Line(number, int(row[0]), row[COLUMNS.index("entry_hash")], uncell(row[-1]).encode())
    except (csv.Error, UnicodeDecodeError) as error:
        raise MalformedExport(f"a row cannot be read: {error}") from None


def _lines(stream: BinaryIO, cut: int) -> Iterator[tuple[int, bytes]]:
    stream.seek(0)
    left, number = cut, 0
    while left > 0 and (line := stream.readline(MAX_LINE)):
        left -= len(line)
        number += 1
        yield number, line.rstrip(b"\n")


def _document(text: bytes, where: str) -> dict[str, Any]:
    try:
        return dict(orjson.loads(text))
    except (ValueError, TypeError):
        raise VerificationFailed("the text is no entry", where) from None


_READERS: Final = {"json": _json_lines, "ndjson": _json_lines, "csv": _csv_rows, "ocsf": _ocsf_events}
