"""Exports read back and checked by themselves, whole and altered."""

import io

import pytest

from muniment.core.entry import entry_hash
from muniment.core.errors import VerificationFailed
from muniment.core.merkle import root_of
from muniment.formats.exported import Exported
from muniment.formats.formats import WRITERS
from muniment.formats.oscal import OscalWriter
from muniment.formats.reading import Checked, MalformedExport, check_export
from tests.formats.entries import awful_entries, frame
from tests.formats.test_formats import asked, last_line


def made(name: str, entries: list[Exported], *, whole: bool = False) -> bytes:
    root = root_of([entry.entry_hash for entry in entries]).hex()
    header = frame(len(entries), size=len(entries), root=root) if whole else frame(len(entries))
    writer = OscalWriter(header, asked()) if name == "oscal" else WRITERS[name](header)
    return writer.begin() + writer.add(entries) + writer.end()


def check(data: bytes) -> Checked:
    return check_export(io.BytesIO(data))


@pytest.mark.parametrize("name", WRITERS)
def test_a_whole_log_leads_to_the_checkpoints_root(name: str) -> None:
    entries = list(awful_entries())
    found = check(made(name, entries, whole=True))
    assert (found.name, found.entries, found.links, found.unlinked) == (name, len(entries), len(entries), 0)
    assert found.rooted


@pytest.mark.parametrize("name", WRITERS)
def test_a_part_is_linked_where_neighbours_are_in_it_and_never_called_the_whole(name: str) -> None:
    entries = list(awful_entries())
    found = check(made(name, [*entries[1:3], entries[5]]))
    assert (found.entries, found.links, found.unlinked, found.rooted) == (3, 1, 2, False)
    empty = check(made(name, []))
    assert (empty.entries, empty.rooted) == (0, False)


@pytest.mark.parametrize("name", [*WRITERS, "oscal"])
def test_a_file_that_was_cut_anywhere_is_refused(name: str) -> None:
    data = made(name, list(awful_entries()))
    assert check(data).name == name
    for cut in (0, 1, 100, len(data) // 2, len(last_line(data)[0]), len(data) - 1):
        with pytest.raises((MalformedExport, VerificationFailed)):
            check(data[:cut])


@pytest.mark.parametrize("name", [*WRITERS, "oscal"])
def test_any_altered_byte_is_found(name: str) -> None:
    data = made(name, list(awful_entries())[:3])
    before = len(last_line(data)[0])
    for at in range(0, before, max(1, before // 150)):
        altered = bytearray(data)
        altered[at] ^= 1
        with pytest.raises((MalformedExport, VerificationFailed)):
            check(bytes(altered))


@pytest.mark.parametrize("name", WRITERS)
def test_whoever_writes_the_end_anew_is_caught_by_hashes_and_links(name: str) -> None:
    entries = list(awful_entries())
    other = Exported(
        entries[2].text.replace(b"agent:research", b"agent:nobody00"), entries[2].entry_hash, entries[2].document
    )
    with pytest.raises(VerificationFailed, match="does not give the hash"):
        check(made(name, [*entries[:2], other]))
    with pytest.raises(VerificationFailed, match="do not ascend"):
        check(made(name, [entries[1], entries[0]]))
    text = entries[2].text.replace(entries[1].entry_hash.hex().encode(), b"0" * 64)
    with pytest.raises(VerificationFailed, match="the entry before"):
        check(made(name, [*entries[:2], Exported(text, entry_hash(text), entries[2].document)]))


def test_what_is_no_export_is_refused() -> None:
    for data in (
        b"",
        b"{}",
        b"[]\n",
        b"muniment-bundle/1\n",
        b'{"format":"muniment-export/1","as":"xml"}\n',
        b"\xff" * 300,
    ):
        with pytest.raises(MalformedExport):
            check(data)
