"""Tokens: reading is total and strict, whatever comes."""

import hashlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.note import Note, NoteSignature
from muniment.core.timestamp import (
    MAX_TOKEN,
    MalformedTimestamp,
    note_imprint,
    parse_token,
    sealed_note,
)
from muniment.core.timestamp_der import (
    Fields,
    MalformedDer,
    element,
    integer,
    oid,
    read_element,
    read_integer,
    read_oid,
)
from muniment.core.timestamp_exchange import parse_response, timestamp_request
from muniment.core.timestamp_proof import verify_token
from tests.support.tsa import Tsa, forge

IMPRINT = hashlib.sha256(b"note").digest()


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Tsa:
    return Tsa(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def token(tsa: Tsa) -> bytes:
    return tsa.reply(timestamp_request(IMPRINT, 1), token=True)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (parse_token, parse_response):
        with pytest.raises(Malformed):
            read(data)


@given(st.data())
@settings(max_examples=200)
def test_a_token_with_any_changed_bytes_is_refused(tsa: Tsa, token: bytes, data: st.DataObject) -> None:
    changed = bytearray(token)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(token) - 1))] = data.draw(st.integers(0, 255))
    if bytes(changed) != token:
        with pytest.raises((Malformed, VerificationFailed)):
            verify_token(parse_token(bytes(changed)), IMPRINT, [tsa.root])


@given(st.integers(0, 1 << 200))
def test_integers_come_back(value: int) -> None:
    assert read_integer(read_element(integer(value), "n"), "n") == value


@given(st.tuples(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 1 << 60), max_size=6)))
def test_object_identifiers_come_back(arcs: tuple[int, int, list[int]]) -> None:
    dotted = ".".join(map(str, (arcs[0], arcs[1], *arcs[2])))
    assert read_oid(read_element(oid(dotted), "oid"), "oid") == dotted


@pytest.mark.parametrize(
    "data",
    [
        "",
        "30",
        "3080020101 0000",
        "308103020101",
        "30820003020101",
        "3003020101 00",
        "3003020201",
        "1f810100",
        "0204",
    ],
    ids=[
        "nothing",
        "no length",
        "indefinite length",
        "a length in two octets for one",
        "a length with a leading zero",
        "something after it",
        "an inner length beyond the outer",
        "a tag of several octets",
        "cut off",
    ],
)
def test_what_is_not_der_is_refused(data: str) -> None:
    with pytest.raises(MalformedDer):
        Fields(read_element(bytes.fromhex(data), "it"), "it").take("anything", 0x02)


@pytest.mark.parametrize("data", ["0200", "02020001", "0202ff80", "0101ff"])
def test_integers_have_one_form(data: str) -> None:
    with pytest.raises(MalformedDer):
        read_integer(read_element(bytes.fromhex(data), "n"), "n")


def test_a_token_that_is_too_long_is_not_looked_at() -> None:
    with pytest.raises(MalformedTimestamp, match="longer than 262,144 bytes"):
        parse_token(element(0x30, bytes(MAX_TOKEN)))


def test_the_sealed_note_is_the_logs_signature_alone() -> None:
    own = NoteSignature("log.example/a", b"abcd", bytes(64))
    region, stranger = (
        NoteSignature("region.example", b"efgh", bytes(72)),
        NoteSignature("log.example/a", b"x" * 4, b"y"),
    )
    text = f"log.example/a\n1\n{'A' * 43}=\n"
    whole = Note(text, (region, own, stranger)).encoded()
    assert sealed_note(whole) == Note(text, (own,)).encoded()
    assert note_imprint(whole) == hashlib.sha256(Note(text, (own,)).encoded()).digest()
    for lines in ((region,), (own, NoteSignature("log.example/a", b"wxyz", bytes(64)))):
        with pytest.raises(MalformedTimestamp, match="under the log's own name"):
            sealed_note(Note(text, lines).encoded())


def test_a_forged_token_is_as_good_as_the_key_that_signs_it(tsa: Tsa) -> None:
    made = parse_token(forge(tsa, IMPRINT, time.time(), nonce=7))
    assert made.nonce == 7
    assert verify_token(made, IMPRINT, [tsa.root]).authority == "Test TSA"
