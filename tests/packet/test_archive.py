"""An archive has no byte that could be changed unseen, and nothing in it climbs, hides, doubles or swells."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from muniment.core.errors import Malformed
from muniment.packet.archive import ArchiveWriter, MalformedArchive, check_name, read_archive, read_member
from muniment.verifier.standalone.muniment_verify import Malformed as StandaloneMalformed
from muniment.verifier.standalone.muniment_verify import PacketFiles

FILES = {"READ ME FIRST.html": b"<p>", "data/a.csv": b"", "evidence.bundle": b"H x\n" * 3}


def archive(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    writer = ArchiveWriter(out)
    for name, data in files.items():
        writer.add(name, size=len(data), crc=zlib.crc32(data), content=(data[:2], data[2:]))
    assert writer.close() == len(out.getvalue())
    return out.getvalue()


def read(data: bytes) -> dict[str, bytes]:
    stream = io.BytesIO(data)
    return {member.name: b"".join(read_member(stream, member)) for member in read_archive(stream)}


def read_standalone(data: bytes, path: Path) -> dict[str, bytes]:
    path.write_bytes(data)
    files = PacketFiles(path)
    try:
        return {name: b"".join(files.pieces(name)) for name in files.sizes}
    finally:
        files.close()


def test_what_was_written_is_read_by_us_and_by_every_other_reader() -> None:
    data = archive(FILES)
    assert read(data) == FILES
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        assert other.testzip() is None
        assert {name: other.read(name) for name in other.namelist()} == FILES


def test_every_single_byte_that_is_changed_is_found(tmp_path: Path) -> None:
    data = archive(FILES)
    for place in range(len(data)):
        for flip in (0x01, 0x80):
            changed = bytearray(data)
            changed[place] ^= flip
            with pytest.raises(Malformed):
                read(bytes(changed))
            with pytest.raises(StandaloneMalformed):
                read_standalone(bytes(changed), tmp_path / "changed.zip")


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("a comment", lambda data: data[:-2] + b"\x04\x00note"),
        ("bytes after the end", lambda data: data + b"\n"),
        ("bytes before the beginning", lambda data: b"#!" + data),
        ("a cut end", lambda data: data[:-1]),
        ("nothing", lambda data: b""),
        ("bytes between two files", lambda data: data.replace(b"<p>PK", b"<p>..PK", 1)),
    ],
)
def test_nothing_stands_around_or_between_the_files(
    what: str, change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    data = change(archive(FILES))
    with pytest.raises(Malformed):
        read(data)
    with pytest.raises(StandaloneMalformed):
        read_standalone(data, tmp_path / "changed.zip")


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/passwd",
        "a/../b",
        "a\\b",
        "C:x",
        ".hidden",
        "a/.hidden",
        "x\0",
        "ä",
        "",
        "a//b",
        "a/",
        "a.",
        "x" * 201,
    ],
)
def test_names_that_climb_hide_or_mislead_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(MalformedArchive):
        check_name(name)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as other:
        other.writestr(zipfile.ZipInfo(name or "x/", (1980, 1, 1, 0, 0, 0)), b"x")
    with pytest.raises(MalformedArchive):
        read(out.getvalue())
    with pytest.raises(StandaloneMalformed):
        read_standalone(out.getvalue(), tmp_path / "other.zip")


def test_packed_files_are_refused_so_that_nothing_swells(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as other:
        other.writestr(zipfile.ZipInfo("bomb", (1980, 1, 1, 0, 0, 0)), bytes(10_000_000), zipfile.ZIP_DEFLATED)
    for reading in (read, lambda data: read_standalone(data, tmp_path / "bomb.zip")):
        with pytest.raises((MalformedArchive, StandaloneMalformed)):
            reading(out.getvalue())


def test_two_files_of_one_name_are_refused_also_where_only_their_case_differs(tmp_path: Path) -> None:
    with pytest.raises(MalformedArchive, match="two files of one name"):
        archive({"a/x": b"1", "A/x": b"2"})
    data = archive({"a/x": b"1", "b/x": b"2"}).replace(b"b/x", b"a/x")
    with pytest.raises(MalformedArchive, match="stands twice"):
        read(data)
    with pytest.raises(StandaloneMalformed, match="stands twice"):
        read_standalone(data, tmp_path / "twice.zip")


def test_two_files_that_share_their_bytes_are_refused() -> None:
    data = bytearray(archive({"a": b"1", "b": b"1"}))
    second = data.rfind(b"PK\1\2")
    struct.pack_into("<I", data, second + 42, 0)
    with pytest.raises(MalformedArchive, match="does not stand where"):
        read(bytes(data))


def test_content_that_changes_while_it_is_written_is_refused() -> None:
    writer = ArchiveWriter(io.BytesIO())
    with pytest.raises(MalformedArchive, match="changed while the packet was written"):
        writer.add("x", size=2, crc=zlib.crc32(b"ab"), content=(b"ac",))
