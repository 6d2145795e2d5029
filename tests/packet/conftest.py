"""A packet, and the two verifiers that Python can ask in the same process."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from muniment.packet.archive import ArchiveWriter, read_archive, read_member
from muniment.packet.checking import verify_packet
from muniment.verifier.standalone import muniment_verify
from tests.packet.scene import Scene, scene
from tests.verifier.logbook import ROOT

Verify = Callable[[Path], dict[str, Any]]


@pytest.fixture(scope="session")
def made() -> Scene:
    """A packet over a log in memory."""
    return scene()


@pytest.fixture(scope="session")
def archive(made: Scene) -> bytes:
    """Its archive."""
    return made.packet()


@pytest.fixture(params=["muniment verify", "muniment_verify.py"])
def verify(request: pytest.FixtureRequest, made: Scene) -> Verify:
    """What a verifier says of a packet, with the root key pinned."""

    def ours(path: Path) -> dict[str, Any]:
        return verify_packet(path, made.options()).as_json()

    def standalone(path: Path) -> dict[str, Any]:
        root = muniment_verify.read_vkey(ROOT.vkey, 1)
        return muniment_verify.verify_packet(str(path), muniment_verify.Pins(root=root))

    return ours if request.param == "muniment verify" else standalone


def files_of(archive: Path) -> dict[str, bytes]:
    """Every file of an archive, in its order."""
    with archive.open("rb") as stream:
        return {member.name: b"".join(read_member(stream, member)) for member in read_archive(stream)}


def rezipped(files: dict[str, bytes], path: Path) -> Path:
    """The files as an archive without a fault."""
    out = io.BytesIO()
    writer = ArchiveWriter(out)
    for name, data in files.items():
        writer.add(name, size=len(data), crc=zlib.crc32(data), content=(data,))
    writer.close()
    path.write_bytes(out.getvalue())
    return path


def unpacked(files: Iterable[tuple[str, bytes]], folder: Path) -> Path:
    """The files in a folder."""
    for name, content in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def named(found: dict[str, Any]) -> set[str]:
    """The files that a report names as wrong."""
    return {fault["path"] for fault in found["faults"]}
