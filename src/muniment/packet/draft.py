"""Putting a packet together: first its files and their manifest, then, once the ledger recorded that, the archive.

The manifest's hash stands in an entry of the log, so the entry cannot stand in the manifest: the archive carries it
beside. The same contents give the same files, and with the same signature the same archive, byte for byte.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final

from muniment.core.errors import Malformed
from muniment.packet.archive import ArchiveWriter
from muniment.packet.contents import Attached, Opener, PacketContents
from muniment.packet.manifest import EVIDENCE, MANIFEST, SIGNATURE, File, Manifest, SampledEntry, SampleListed
from muniment.packet.pages import write_pages
from muniment.packet.places import PAGE, README, SCRIPT
from muniment.packet.suffix import PASSIVE

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")
_PAPER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[a-z0-9]{1,8})?")


class ContentChanged(Malformed):
    """A file is not what was recorded of it; `where` names it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the packet, measured.

    Attributes:
        path: where it stands; size: bytes; crc: CRC-32; sha256: 64 hex.
        open: gives its bytes.
    """

    path: str
    size: int
    crc: int
    sha256: str
    open: Opener


@dataclass(frozen=True, slots=True)
class Draft:
    """A packet without its signature: what its manifest says, and its files in the order of the archive."""

    manifest: Manifest
    parts: tuple[Part, ...]


def draft_packet(contents: PacketContents) -> Draft:
    """Render the pages, measure every file, and write the manifest.

    Raises:
        ContentChanged: for an attachment that is not what was recorded when it was received.
        Malformed: for an id or name that cannot stand in a packet.
    """
    parts = [_fixed(path, data) for path, data in write_pages(contents)]
    parts += [_fixed(SCRIPT, contents.script), _fixed(PAGE, contents.page), _measured(EVIDENCE, contents.evidence)]
    for paper in contents.papers:
        parts.append(_fixed(f"statements/{_checked(_PAPER, paper.name, 'statements')}", paper.content))
    for slot in contents.slots:
        parts += [_attached(one) for one in slot.files]
    for sample in contents.samples:
        _checked(_ID, sample.id, "samples")
    parts.sort(key=lambda part: part.path)
    scope = next(part.sha256 for part in parts if part.path == "scope.json")
    manifest = Manifest(
        packet=contents.id,
        name=contents.name,
        log=contents.log,
        size=contents.size,
        root=contents.root,
        scope=scope,
        software=contents.software,
        files=tuple(File(part.path, part.size, part.sha256) for part in parts),
        samples=tuple(
            SampleListed(one.id, one.draw, tuple(SampledEntry(item.seq, item.hash) for item in one.items))
            for one in contents.samples
        ),
    )
    return Draft(manifest, tuple(parts))


def write_packet(draft: Draft, signature: bytes, out: BinaryIO) -> int:
    """Write the archive.

    Args:
        draft: the packet.
        signature: the bundle with the entry that names the manifest's hash.
        out: takes the bytes.

    Returns:
        How many bytes it has.

    Raises:
        MalformedArchive: if a file gives other bytes than when it was measured.
    """
    writer = ArchiveWriter(out)
    # What a reader opens first stands first; then what says what the rest is.
    first = [part for part in draft.parts if part.path == README]
    signed = [_fixed(MANIFEST, draft.manifest.text()), _fixed(SIGNATURE, signature)]
    for part in (*first, *signed, *(part for part in draft.parts if part.path != README)):
        writer.add(part.path, size=part.size, crc=part.crc, content=part.open())
    return writer.close()


def _fixed(path: str, data: bytes) -> Part:
    return Part(path, len(data), zlib.crc32(data), hashlib.sha256(data).hexdigest(), lambda: (data,))


def _measured(path: str, opener: Opener) -> Part:
    size, crc, digest = _measure(opener())
    return Part(path, size, crc, digest, opener)


def _attached(one: Attached) -> Part:
    if one.suffix not in PASSIVE | {".bin"}:
        raise Malformed(f"{ascii(one.suffix)[:20]} is no ending of a supplied file", one.id)
    path = f"attachments/{_checked(_ID, one.id, 'attachments')}{one.suffix}"
    part = _measured(path, one.open)
    if (part.size, part.sha256) != (one.size, one.sha256):
        raise ContentChanged("its bytes are not those that were recorded when it was received", one.id)
    return part


def _measure(pieces: Iterable[bytes]) -> tuple[int, int, str]:
    size, crc, digest = 0, 0, hashlib.sha256()
    for piece in pieces:
        size, crc = size + len(piece), zlib.crc32(piece, crc)
        digest.update(piece)
    return size, crc, digest.hexdigest()


def _checked(pattern: re.Pattern[str], value: str, where: str) -> str:
    if not pattern.fullmatch(value):
        raise Malformed(f"{ascii(value)[:80]} cannot name a file of a packet", where)
    return value
