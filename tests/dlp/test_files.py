"""Files that are built to be misread, or that nobody can read, never count as scanned; what they say before does."""

import io
import os
import struct
import zipfile
from datetime import date

import pikepdf
import pytest

from muniment.dlp.inspection import inspect
from muniment.dlp.limits import Limits
from muniment.dlp.patterns import Pattern
from muniment.dlp.scanning import HOSTILE, SCANNED, UNSCANNABLE, scan
from tests.dlp.files import archive, letter, picture, workbook
from tests.support.pdfs import pdf

TODAY = date(2026, 11, 22)
PAN = b"card 4111 1111 1111 1111"
ZIP = archive({"a.txt": PAN})


def nested(depth: int) -> bytes:
    data = PAN
    for _ in range(depth):
        data = archive({"inner.zip" if data[:2] == b"PK" else "a.txt": data})
    return data


def overlapping() -> bytes:
    """Two members of the directory that are the same bytes of the file."""
    data = bytearray(archive({"a.txt": bytes(100_000), "b.txt": bytes(100_000)}))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as made:
        first, second = made.infolist()
        directory = made.start_dir
    at = data.index(b"PK\x01\x02", directory + 4)
    assert struct.unpack_from("<I", data, at + 42)[0] == second.header_offset
    struct.pack_into("<I", data, at + 42, first.header_offset)
    return bytes(data)


def lying() -> bytes:
    """A member whose directory says that it is small."""
    data = bytearray(archive({"a.txt": bytes(5 << 20)}))
    at = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, at + 24, 10)
    return bytes(data)


def encrypted_zip() -> bytes:
    data = bytearray(archive({"a.txt": PAN}, stored=True))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(magic)
        data[at + offset] |= 1
    return bytes(data)


def encrypted_pdf(password: str) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf("card 4111 1111 1111 1111"))) as made:
        made.save(out, encryption=pikepdf.Encryption(owner="owner", user=password))
    return out.getvalue()


def attached_pdf(data: bytes) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf("See the file."))) as made:
        made.attachments["b.txt"] = data
        made.save(out)
    return out.getvalue()


def revised_pdf() -> bytes:
    """A document whose page said a number that a later revision took away."""
    first = pdf("card 4111 1111 1111 1111")
    drawn = b"BT /F1 12 Tf 40 800 Td (nothing) Tj ET"
    start = len(first)
    body = f"5 0 obj\n<< /Length {len(drawn)} >>\nstream\n".encode() + drawn + b"\nendstream\nendobj\n"
    xref = f"xref\n5 1\n{start:010} 00000 n \n".encode()
    previous = first[first.rindex(b"startxref") + 10 :].split(b"\n")[0].decode()
    trailer = f"trailer\n<< /Size 6 /Root 1 0 R /Prev {previous} >>\nstartxref\n{start + len(body)}\n%%EOF\n"
    return first + body + xref + trailer.encode()


def doctype() -> bytes:
    xml = b'<!DOCTYPE a [<!ENTITY b "4111">]><w:document xmlns:w="x">&b;</w:document>'
    return archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": xml})


MACROS = archive({"[Content_Types].xml": b"<Types/>", "word/vba.bin": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"})
HELD = {
    "a bomb": (archive({"a.txt": bytes(40 << 20)}), HOSTILE, "grows more than"),
    "a bomb of many files": (archive({f"{n}.txt": b"x" * 10 for n in range(5_001)}), HOSTILE, "more than 5,000 files"),
    "a bomb that is nested": (archive({"a.zip": archive({"b.txt": bytes(40 << 20)})}), HOSTILE, "grows more than"),
    "archives within archives": (nested(6), UNSCANNABLE, "more than 4 deep"),
    "members that share bytes": (overlapping(), HOSTILE, "share bytes"),
    "a member that is larger than it says": (lying(), UNSCANNABLE, "cannot be unpacked"),
    "something before an archive": (pdf("a") + ZIP, HOSTILE, "behind its end"),
    "something behind an archive": (ZIP + b"<script>", HOSTILE, "behind its end"),
    "something between members": (ZIP[:10] + ZIP, HOSTILE, "belong to no file"),
    "a picture that is an archive too": (picture() + ZIP, HOSTILE, "behind its end"),
    "a picture that is cut off": (picture()[:60], UNSCANNABLE, "cut off"),
    "a GIF that is a script too": (b"GIF89a" + bytes([4, 0, 4, 0, 0, 0, 0]) + b";alert(1)", HOSTILE, "behind its end"),
    "an encrypted archive": (encrypted_zip(), UNSCANNABLE, "encrypted"),
    "a document with a password": (encrypted_pdf("secret"), UNSCANNABLE, "password"),
    "a document without an end": (b"%PDF-1.7\nnothing", UNSCANNABLE, "without an end"),
    "a document that is none": (b"%PDF-1.7\n%%EOF\n", UNSCANNABLE, "cannot be read"),
    "entities that grow": (doctype(), HOSTILE, "document type"),
    "XML that is none": (archive({"[Content_Types].xml": b"<Types>"}), UNSCANNABLE, "well-formed"),
    "a program": (archive({"a.txt": b"MZ\x90\0\3\0\0\0"}), UNSCANNABLE, "program"),
    "another archiver's": (archive({"a.7z": b"7z\xbc\xaf\x27\x1c" + bytes(20)}), UNSCANNABLE, "7z"),
    "macros": (MACROS, UNSCANNABLE, "ole"),
    "nothing": (b"", UNSCANNABLE, "empty"),
    "noise": (os.urandom(4_096), UNSCANNABLE, ""),
}  # fmt: skip


@pytest.mark.parametrize("what", HELD)
def test_what_cannot_be_read_to_its_end_is_not_scanned(what: str) -> None:
    data, coverage, reason = HELD[what]
    found = scan(data, today=TODAY)
    assert found.coverage == coverage, found
    assert reason in found.reason


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("a document that is encrypted for nobody", encrypted_pdf("")),
        ("a file that is attached to a document", attached_pdf(PAN)),
        ("a revision that was taken back", revised_pdf()),
        ("a stream that nothing leads to", pdf("a", filler=PAN)),
        ("a number in scientific writing", workbook([["x"]], xl__worksheets__sheet2_dot_xml=(
            b'<worksheet><sheetData><row><c><v>4.111111111111111E+15</v></c>'
            b"</row></sheetData></worksheet>"))),
        ("a settings file of a printer", workbook([["x"]], xl__printerSettings__p_dot_bin=b"\0\1\2" + PAN + b"\0\1")),
        ("the name of a file", archive({"4111 1111 1111 1111.txt": b"x"})),
        ("a number whose digits are formatted apart", letter(["4111", " 11", "11 1111", " 1111"])),
        ("two lines that are hyphenated", b"the card 4111-1111-\n1111-1111 was used"),
    ],
)  # fmt: skip
def test_what_stands_where_few_look_is_found(what: str, data: bytes) -> None:
    found = scan(data, today=TODAY)
    assert (found.coverage, dict(found.counts).get("pan")) == (SCANNED, 1), (what, found)


def test_a_picture_that_no_engine_read_is_counted_and_a_small_one_is_not() -> None:
    found = scan(picture(200, 200), today=TODAY)
    assert (found.coverage, found.pictures) == (SCANNED, 1)
    assert scan(picture(16, 16), today=TODAY).pictures == 0


def test_an_engine_reads_pictures(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.mktemp("engine")
    engine = folder / "tesseract"
    engine.write_text('#!/bin/sh\nhead -c 4 | grep -q PNG || exit 1\ncat >/dev/null\necho "card 4111 1111 1111 1111"\n')
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    found = inspect([picture(200, 200)], today=TODAY)
    assert (found.coverage, found.counts, found.pictures) == (SCANNED, (("pan", 1),), 0)
    gif = b"GIF89a" + bytes([99, 0, 99, 0, 0, 0, 0, 0x3B])
    assert inspect([gif], today=TODAY).coverage == UNSCANNABLE


def test_reading_happens_in_a_process_that_ends_alone() -> None:
    small = Limits(memory=160 << 20)
    grown = inspect([b"a " * (40 << 20)], today=TODAY, limits=small)
    assert (grown.coverage, grown.counts) == (UNSCANNABLE, ())
    assert "more time or memory" in grown.reason
    slow = inspect([archive({f"{n}.txt": b"x" for n in range(4_000)})], today=TODAY, limits=Limits(seconds=0))
    assert slow.coverage == UNSCANNABLE
    found = inspect([PAN[:9], PAN[9:], b" EMP-1"], [Pattern("badge", "EMP-[0-9]")], today=TODAY)
    assert found.counts == (("pan", 1), ("pattern:badge", 1))


def test_what_was_found_before_reading_failed_is_told() -> None:
    found = scan(archive({"a.txt": PAN, "b.exe": b"MZ\0\0"}), today=TODAY)
    assert (found.coverage, found.counts) == (UNSCANNABLE, (("pan", 1),))
    assert [one.where for one in found.places] == ["file 1"]
