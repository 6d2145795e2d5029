"""The manifest: every file of a packet with its size and hash, and every sampled entry with its hash.

Source: docs/packets.md section 3.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from muniment.core.canonical import Json, dump_json, parse_json
from muniment.core.errors import Malformed
from muniment.core.identifiers import check_origin
from muniment.packet.archive import MAX_MEMBERS, check_name

VERSION: Final = "muniment-packet/1"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "signature.bundle"
EVIDENCE: Final = "evidence.bundle"
UNLISTED: Final = frozenset({MANIFEST, SIGNATURE})
"""Files of a packet that its manifest cannot name: itself, and what names it."""
ACTION: Final = "packet.build"
LABEL: Final = "manifest"
"""The entry with this action holds the manifest's SHA-256 in a label of this name."""
MAX_BYTES: Final = 32 * 1024 * 1024
MAX_SAMPLED: Final = 200_000
"""Sampled entries of one packet."""

_HASH: Final = re.compile("[0-9a-f]{64}")


class MalformedManifest(Malformed):
    """The bytes are no manifest of a packet."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the packet: its path, its bytes, and their SHA-256 (64 hex)."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SampledEntry:
    """A sampled entry: its place in the log, and its hash (64 hex)."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class SampleListed:
    """A sample of the packet.

    Attributes:
        id: of the sample.
        draw: place of the entry that recorded the draw.
        items: its entries, ascending.
    """

    id: str
    draw: int
    items: tuple[SampledEntry, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a packet consists of.

    Attributes:
        packet: its id.
        name: in words.
        log: origin of the log.
        size: entries under the checkpoint as of which it was put together; `root` is its root, 64 hex.
        root: see `size`.
        scope: SHA-256 of `scope.json`, 64 hex.
        software: that built it.
        files: ascending by path; without those of `UNLISTED`.
        samples: in the order of the packet.
    """

    packet: str
    name: str
    log: str
    size: int
    root: str
    scope: str
    software: str
    files: tuple[File, ...]
    samples: tuple[SampleListed, ...]

    def text(self) -> bytes:
        """Canonical JSON (RFC 8785)."""
        return dump_json(
            {
                "checkpoint": {"root": self.root, "size": self.size},
                "files": [{"bytes": one.size, "path": one.path, "sha256": one.sha256} for one in self.files],
                "log": self.log,
                "name": self.name,
                "packet": self.packet,
                "samples": [
                    {
                        "draw": one.draw,
                        "id": one.id,
                        "items": [{"hash": item.hash, "seq": item.seq} for item in one.items],
                    }
                    for one in self.samples
                ],
                "scope": self.scope,
                "software": self.software,
                "v": VERSION,
            }
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the text, 64 hex: what the ledger's entry names."""
        return hashlib.sha256(self.text()).hexdigest()


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        MalformedManifest: if formatting what was read does not give `data` back, naming what is wrong.
    """
    try:
        value = parse_json(data, max_bytes=MAX_BYTES)
        checkpoint = _object(value, "checkpoint", "files", "log", "name", "packet", "samples", "scope", "software", "v")
        if checkpoint["v"] != VERSION:
            raise MalformedManifest(f"is not {VERSION}", "v")
        covered = _object(checkpoint["checkpoint"], "root", "size")
        files = [_object(one, "bytes", "path", "sha256") for one in _array(checkpoint["files"], MAX_MEMBERS)]
        samples = [_object(one, "draw", "id", "items") for one in _array(checkpoint["samples"], MAX_MEMBERS)]
        manifest = Manifest(
            packet=_text(checkpoint["packet"]),
            name=_text(checkpoint["name"]),
            log=check_origin(_text(checkpoint["log"])),
            size=_number(covered["size"]),
            root=_hash(covered["root"]),
            scope=_hash(checkpoint["scope"]),
            software=_text(checkpoint["software"]),
            files=tuple(File(check_name(_text(f["path"])), _number(f["bytes"]), _hash(f["sha256"])) for f in files),
            samples=tuple(SampleListed(_text(s["id"]), _number(s["draw"]), _items(s["items"])) for s in samples),
        )
    except MalformedManifest:
        raise
    except Malformed as error:
        raise MalformedManifest(error.reason, error.where) from error
    paths = [one.path for one in manifest.files]
    if paths != sorted(set(paths)) or UNLISTED & set(paths):
        raise MalformedManifest("are not ascending by path, each once", "files")
    if len({one.id for one in manifest.samples}) < len(manifest.samples):
        raise MalformedManifest("has one sample twice", "samples")
    if sum(len(one.items) for one in manifest.samples) > MAX_SAMPLED:
        raise MalformedManifest(f"has more than {MAX_SAMPLED:,} sampled entries", "samples")
    if manifest.text() != data:
        raise MalformedManifest("is not in its canonical form", MANIFEST)
    return manifest


def _items(value: Json) -> tuple[SampledEntry, ...]:
    read = [_object(one, "hash", "seq") for one in _array(value, MAX_SAMPLED)]
    items = tuple(SampledEntry(_number(one["seq"]), _hash(one["hash"])) for one in read)
    if any(a.seq >= b.seq for a, b in pairwise(items)):
        raise MalformedManifest("entries of a sample do not ascend", "samples")
    return items


def _object(value: Json, *keys: str) -> dict[str, Json]:
    if not isinstance(value, dict) or set(value) != set(keys):
        raise MalformedManifest(f"has not exactly the keys {', '.join(keys)}", MANIFEST)
    return value


def _array(value: Json, most: int) -> list[Json]:
    if not isinstance(value, list) or len(value) > most:
        raise MalformedManifest(f"has no array of at most {most:,} items where one belongs", MANIFEST)
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 1024:
        raise MalformedManifest("has no text where one belongs", MANIFEST)
    return value


def _number(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise MalformedManifest("has no number where one belongs", MANIFEST)
    return value


def _hash(value: Json) -> str:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise MalformedManifest("has no hash where one belongs", MANIFEST)
    return value
