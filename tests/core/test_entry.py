import dataclasses
import hashlib
import json

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.core.columns import Checked, check_entries, check_entry
from muniment.core.entry import Entry, MalformedEntry, entry_findings, entry_hash, parse_entry
from muniment.core.errors import Malformed
from muniment.core.event import event_from_mapping
from muniment.core.merkle import leaf_hash
from tests.core.strategies import altered, damaged, entries
from tests.core.test_event import FULL, ULID
from tests.core.test_event import long_way as long_event

ENTRY = Entry(
    seq=7,
    prev=b"\x12" * 32,
    recorded_at=1772374987847291,
    log="log.example/eu1/7f3a",
    by=f"key:ak_{ULID}",
    map="base-2026.1",
    event=event_from_mapping(FULL),
    controls=("hipaa:164.312(b)", "soc2-2017:CC6.1", "soc2-2017:CC7.2"),
)


@settings(max_examples=80)
@given(entries)
def test_text_is_canonical_and_reads_back(entry: Entry) -> None:
    text = entry.text()
    assert parse_entry(text) == entry
    assert rfc8785.dumps(json.loads(text)) == text
    assert entry_findings(text) == []
    assert check_entry(text) == row(entry)


@pytest.mark.parametrize("kept", [(), ("soc2-2017:CC6.1",), ("hipaa:164.312(b)", "soc2-2017:CC7.2")])
def test_an_entry_that_leaves_out_a_control_of_its_event_is_malformed(kept: tuple[str, ...]) -> None:
    with pytest.raises(Malformed, match="leave out"):
        dataclasses.replace(ENTRY, controls=kept)
    value = json.loads(ENTRY.text())
    del value["controls"]
    text = rfc8785.dumps({**value, "controls": list(kept)} if kept else value)
    assert check_entries([ENTRY.text(), text]) is None
    assert [finding.where for finding in entry_findings(text)] == ["controls"]


def test_the_hash_is_at_once_the_leaf_hash() -> None:
    text = ENTRY.text()
    assert entry_hash(text) == leaf_hash(text) == hashlib.sha256(b"\x00" + text).digest()


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b'"v":3', b'"v":4', "v"),
        (b'"v":3', b'"v":"3"', "v"),
        (b'"v":3', b'"v":3.0', None),
        (b'"v":3', b'"v":3,"w":1', "w"),
        (b'"seq":7', b'"seq":-1', "seq"),
        (b'"seq":7', b'"seq":9007199254740992', None),
        (b'"seq":7', b'"seq":"7"', "seq"),
        (b'"seq":7', b'"seq":07', None),
        (b'"log":"log.example/eu1/7f3a"', b'"log":"log.example/"', "log"),
        (b'"map":"base-2026.1"', b'"map":"Base"', "map"),
        (b'"by":"key:', b'"by":"', "by"),
        (b'"prev":"12', b'"prev":"1G', "prev"),
        (b'"recorded_at":"2026-03-01T', b'"recorded_at":"2026-02-29T', "recorded_at"),
        (b'07.847291Z"', b'07.847291000Z"', "recorded_at"),
        (b'"controls":["hipaa', b'"controls":["zipaa', "controls[1]"),
        (b'"actor":{"id":"agent', b'"actor":{"id":"\\u0007gent', "event.actor.id"),
        (b'"event":{', b'"event":{"event":1,', "event.event"),
        (b'"log":', b'"log":"x","log":', None),
        (b'{"by"', b' {"by"', None),
        (b'{"by"', b'{"b\\u0079"', None),
    ],
)
def test_a_changed_entry_is_a_finding_that_names_the_field(old: bytes, new: bytes, where: str | None) -> None:
    text = ENTRY.text()
    assert text.count(old) == 1
    [finding] = entry_findings(text.replace(old, new))
    assert finding.where == where


def test_an_entry_over_the_limit_is_neither_written_nor_read() -> None:
    labels = tuple(f"a{n:02d}=" + '"' * 256 for n in range(32))
    causes = tuple(f"src_{ULID}/evt_0{n:025d}" for n in range(16))
    event = dataclasses.replace(
        ENTRY.event,
        labels=labels,
        causes=causes,
        tool='"' * 256,
        resource=dataclasses.replace(ENTRY.event.resource, id='"' * 1024),
    )
    entry = dataclasses.replace(ENTRY, event=event)
    assert parse_entry(entry.text()) == entry
    assert check_entry(entry.text()).seq == entry.seq
    padded = entry.text() + b" " * 65_536
    with pytest.raises(MalformedEntry):
        parse_entry(padded)


@pytest.mark.parametrize(
    "change",
    [{"seq": -1}, {"seq": 2**53}, {"prev": bytes(31)}, {"recorded_at": -1}, {"log": "A"}, {"by": "x"}, {"map": ""},
     {"controls": ("b:1", "a:1")}, {"controls": ["a:1"]}, {"seq": True}],
)  # fmt: skip
def test_an_entry_outside_the_grammar_cannot_be_built(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        dataclasses.replace(ENTRY, **change)


def long_way(data: bytes) -> Entry | None:
    try:
        return parse_entry(data)
    except MalformedEntry:
        return None


def row(entry: Entry) -> Checked:
    source, body = entry.event.source, entry.event.body
    numbered = source.epoch is not None and source.prev is not None
    return Checked(
        seq=entry.seq,
        log=entry.log.encode(),
        prev=entry.prev.hex().encode(),
        recorded_at=json.loads(entry.text())["recorded_at"].encode(),
        event=entry.event.text(),
        source=source.id.encode(),
        epoch=source.epoch.hex().encode() if source.epoch else b"",
        source_prev=source.prev.hex().encode() if source.prev else b"",
        source_seq=str(source.seq).encode() if numbered else b"",
        body_commit=body.commit.hex().encode() if body else b"",
        body_len=str(body.len).encode() if body else b"",
    )


@given(entries.flatmap(lambda entry: damaged(entry.text()) | altered(entry.text())) | st.binary(max_size=80))
def test_columns_accept_exactly_what_the_long_way_accepts(data: bytes) -> None:
    expected = long_way(data)
    try:
        got: Checked | None = check_entry(data)
    except MalformedEntry:
        got = None
    assert got == (None if expected is None else row(expected))
    if expected is None:
        assert check_entries([data]) is None
        assert check_entries([ENTRY.text(), data, ENTRY.text()]) is None


@settings(max_examples=30)
@given(st.lists(entries, min_size=1, max_size=4))
def test_columns_are_the_rows_of_their_entries(some: list[Entry]) -> None:
    columns = check_entries([entry.text() for entry in some])
    if columns is None:
        # Integers of sixteen digits and strings of the last lengths take the long way; nothing else may.
        assert any(check_entries([entry.text()]) is None for entry in some)
        return
    assert [
        Checked(*values)
        for values in zip(*(getattr(columns, field.name) for field in dataclasses.fields(columns)), strict=True)
    ] == [row(entry) for entry in some]


def test_one_text_that_holds_two_entries_is_refused() -> None:
    two = ENTRY.text() + b"\n" + ENTRY.text()
    assert check_entries([two]) is None
    assert check_entries([two, b""]) is None
    assert check_entries([ENTRY.text(), b"\n" + ENTRY.text()]) is None
    assert check_entries([]) is None


def test_an_ordinary_entry_takes_the_short_way() -> None:
    assert check_entries([ENTRY.text()] * 3) is not None


EDGES = {
    "text within": "a" * 10,
    "largest": "a" * 256,
    "one over": "a" * 257,
    "largest in two-byte characters": "é" * 128,
    "one over in two-byte characters": "é" * 127 + "aaa",
    "largest with an escape": "a" * 255 + '"',
    "one over with an escape": "a" * 256 + '"',
    "largest of escapes": "\\" * 256,
    "one over of escapes": "\\" * 257,
    "one over with both": "é" * 127 + '"""',
    "empty": "",
}


@pytest.mark.parametrize("text", EDGES.values(), ids=EDGES.keys())
@pytest.mark.parametrize("field", ["actor", "tool", "resource", "label"])
def test_lengths_are_held_to_the_byte(field: str, text: str) -> None:
    value = json.loads(ENTRY.text())
    over = not 1 <= len(text.encode()) <= 256
    if field == "tool":
        value["event"]["tool"] = text
    elif field == "label":
        value["event"]["labels"] = [f"a={text}"]
        over = over or not text.isascii()
    elif field == "actor":
        value["event"]["actor"]["id"] = text
    else:
        value["event"]["resource"]["id"] = text * 4
    data = rfc8785.dumps(value)
    assert bool(entry_findings(data)) is over
    assert (long_event(rfc8785.dumps(value["event"])) is None) is over
    if over:
        assert check_entries([data]) is None
        with pytest.raises(MalformedEntry):
            check_entry(data)
    else:
        assert check_entry(data) == row(parse_entry(data))


@pytest.mark.parametrize(
    ("path", "longest"),
    [("by", "k:" + "a" * 126), ("map", "a" * 64), ("log", "a" * 255), ("event.action", "a." + "b" * 62),
     ("event.body.type", "a/" + "b" * 125), ("event.resource.type", "a" * 64), ("event.workspace", "A" * 64),
     ("event.controls.0", "a:" + "b" * 62), ("controls.0", "a:" + "b" * 62), ("event.labels.0", "a" * 63 + "=b")],
)  # fmt: skip
def test_names_are_held_to_their_maximum(path: str, longest: str) -> None:
    for name, good in ((longest, True), (longest[:1] + "a" + longest[1:], False)):
        value = json.loads(ENTRY.text())
        node = value
        *parents, key = path.split(".")
        for parent in parents:
            node = node[parent]
        if isinstance(node, list):
            node[:] = [name]
        else:
            node[key] = name
        if "controls" in path:
            # Both arrays the same: an entry's controls hold all of its event's own.
            value["controls"] = value["event"]["controls"] = [name]
        data = rfc8785.dumps(value)
        assert bool(entry_findings(data)) is not good
        assert (check_entries([data]) is not None) is good
