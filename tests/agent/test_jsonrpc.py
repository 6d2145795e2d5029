"""Lines are read as leniently as any peer might, so that no call goes by unseen."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.agent.mcp.jsonrpc import id_key, read_line

CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}'


def called(line: bytes) -> int:
    return sum("tools/call" in message.methods for message in read_line(line) or [])


@pytest.mark.parametrize(
    "line",
    [
        CALL,
        b"  " + CALL + b"\r",
        CALL.replace(b"tools/call", rb"tools\/call"),
        CALL.replace(b"tools/call", rb"tools\u002fcall"),
        CALL.replace(b'"method"', rb'"m\u0065thod"'),
        CALL.replace(b'"name":"t"', b'"name":"t","x":NaN'),
        CALL.replace(b'"name":"t"', rb'"name":"\ud800"'),
        CALL.replace(b'"id":1', b'"id":' + b"9" * 400),
        b"[" + CALL + b"]",
        b'[{"jsonrpc":"2.0","method":"x"}, ' + CALL + b" ]",
        CALL[:-1] + b',"method":"ping"}',
        b'{"method":"tools/call","m":1,"method":"ping","id":2}',
        b'{"method":"ping","a":\r' + CALL + b'\r,"id":3}',
        CALL.decode().encode("utf-16"),
    ],
)
def test_a_call_is_seen_however_it_is_written(line: bytes) -> None:
    assert called(line) == 1


@pytest.mark.parametrize(
    "line",
    [
        b'{"method":"ping"}',
        b'{"method":"x","params":{"method":"tools/call"}}',
        b'["tools/call"]',
        b"7",
        b'"tools/call"',
    ],
)
def test_what_is_no_call_is_none(line: bytes) -> None:
    assert called(line) == 0


@pytest.mark.parametrize("line", [b"", b"hello", b"\xff\xfe\x00", b"{", b'{"a":1}x', b"[" * 100_000])
def test_what_no_parser_reads_is_said_to_be_unreadable(line: bytes) -> None:
    assert not read_line(line)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (CALL[:-1] + b',"id":2}', "id"),
        (CALL.replace(b'"name":"t"', b'"name":"t","name":"u"'), "name"),
        (CALL.replace(b'"name":"t"', b'"name":"t","arguments":{"name":"u","id":1}'), None),
    ],
)
def test_a_key_that_occurs_twice_is_named(line: bytes, key: str | None) -> None:
    (message,) = read_line(line) or []
    assert message.ambiguous == key


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.text(), values, max_size=4), min_size=1, max_size=5), st.sampled_from([None, 1]))
def test_a_batch_is_cut_into_the_exact_bytes_of_its_messages(
    batch: list[dict[str, object]], indent: int | None
) -> None:
    line = json.dumps(batch, indent=indent).encode()
    found = read_line(line)
    assert found is not None
    assert [json.loads(message.raw) for message in found] == batch
    assert all(message.raw in line for message in found)


@given(st.binary(max_size=200))
def test_reading_never_fails(line: bytes) -> None:
    assert read_line(line) is None or isinstance(read_line(line), list)


def test_ids_of_different_types_are_different_ids() -> None:
    assert len({id_key(value) for value in (1, "1", True, None, 2**70, 1.5)}) == 6
    assert id_key(1) == id_key(1.0)
