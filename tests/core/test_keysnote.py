import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.keysnote import (
    Cosigner,
    KeysNote,
    LogKey,
    MalformedKeysNote,
    Revocation,
    parse_keysnote,
    parse_signed_keysnote,
    verify_keysnote,
    verify_succession,
)
from muniment.core.note import Note, VerifierKey
from tests.core.notes import COSIGNER, LOG, NEXT_COSIGNER, NEXT_LOG, ORIGIN, ROOT, STRANGER
from tests.core.strategies import damaged

COSIGNERS = tuple(
    sorted((Cosigner(COSIGNER.public, 1000), Cosigner(NEXT_COSIGNER.public, 2000)), key=lambda line: line.key.vkey)
)
KEYS = KeysNote(
    ORIGIN,
    2,
    b"\x33" * 32,
    (LogKey(LOG.public, 0), LogKey(NEXT_LOG.public, 100)),
    COSIGNERS,
    (Revocation(COSIGNER.public, 3000),),
)
TEXT = KEYS.text()
LINES = TEXT.splitlines()
SIGNED = ROOT.note(TEXT).encoded()


def test_a_keys_note_is_read_back() -> None:
    assert parse_keysnote(TEXT) == KEYS
    assert verify_keysnote(SIGNED, ROOT.public) == KEYS


def test_the_key_in_force_is_that_of_the_last_line_at_or_below_the_size() -> None:
    assert [KEYS.log_key_at(size) for size in (0, 1, 99, 100, 101, 2**53 - 1)] == [
        *[LOG.public] * 3,
        *[NEXT_LOG.public] * 3,
    ]
    with pytest.raises(Malformed):
        KEYS.log_key_at(-1)


@pytest.mark.parametrize(
    ("key", "time", "counts"),
    [
        (COSIGNER.public, 999, False),
        (COSIGNER.public, 1000, True),
        (COSIGNER.public, 2999, True),
        (COSIGNER.public, 3000, False),
        (NEXT_COSIGNER.public, 1999, False),
        (NEXT_COSIGNER.public, 2**63 - 1, True),
        (LOG.public, 2000, False),
        (STRANGER.public, 2000, False),
        (dataclasses.replace(COSIGNER.public, name="other.example"), 2000, False),
    ],
)
def test_a_cosignature_counts_from_its_line_until_its_revocation(key: VerifierKey, time: int, counts: bool) -> None:
    assert KEYS.counts(key, time) is counts


def swap(one: int, other: int) -> str:
    lines = LINES.copy()
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines) + "\n"


def put(at: int, line: str) -> str:
    return "\n".join([*LINES[:at], line, *LINES[at + 1 :]]) + "\n"


def add(*more: str) -> str:
    return "\n".join([*LINES, *more]) + "\n"


BAD = {
    "nothing": "",
    "another header": put(0, "muniment-keys/2"),
    "no newline at the end": TEXT[:-1],
    "empty line at the end": TEXT + "\n",
    "origin in capitals": put(1, "Log.example"),
    "number zero": put(2, "0"),
    "number with a leading zero": put(2, "02"),
    "number of 2^53": put(2, str(2**53)),
    "genesis missing": "\n".join(LINES[:3] + LINES[4:]) + "\n",
    "genesis in capitals": put(3, "genesis " + "AB" * 32),
    "genesis of 31 bytes": put(3, "genesis " + "ab" * 31),
    "no log line": "\n".join(LINES[:4] + LINES[6:]) + "\n",
    "first log line not from 0": put(4, LINES[4].replace("from 0", "from 1")),
    "log lines in the wrong order": swap(4, 5),
    "log lines of one size": put(5, LINES[5].replace("from 100", "from 0")),
    "log key twice": put(5, LINES[4].replace("from 0", "from 100")),
    "log key of another name": put(4, f"log {STRANGER.public.vkey} from 0"),
    "log key of type 4": put(4, f"log {VerifierKey(ORIGIN, 4, LOG.public.public_key).vkey} from 0"),
    "log line since": put(4, LINES[4].replace(" from ", " since ")),
    "cosigner of type 1": add(f"cosigner {STRANGER.public.vkey} from 0"),
    "cosigner twice": put(7, LINES[6]),
    "cosigner twice at other times": put(7, LINES[6].replace("from 1", "from 11").replace("from 2", "from 22")),
    "cosigners in the wrong order": swap(6, 7),
    "cosigner after revoked": swap(7, 8),
    "log after cosigner": swap(5, 6),
    "cosigner since": put(6, LINES[6].replace(" from ", " since ")),
    "revoked from": put(8, LINES[8].replace(" since ", " from ")),
    "revoked twice": add(LINES[8].replace("3000", "4000")),
    "unknown line": add("witness x from 0"),
    "public key under two names": add(f"revoked {VerifierKey('z.example', 1, LOG.public.public_key).vkey} since 1"),
    "vkey with another id": put(8, LINES[8].replace("+", "+0", 1)),
    "time with a sign": put(8, LINES[8].replace("3000", "-3000")),
    "time of 17 digits": put(8, LINES[8].replace("3000", "9" * 17)),
    "two spaces": put(8, LINES[8].replace("revoked ", "revoked  ")),
    "space at the end": put(8, LINES[8] + " "),
    "carriage return": put(8, LINES[8] + "\r"),
    "too many lines": add(*[LINES[8]] * 2000),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_what_breaks_a_rule_is_no_keys_note(text: str) -> None:
    with pytest.raises(MalformedKeysNote):
        parse_keysnote(text)


def test_the_error_names_the_line() -> None:
    with pytest.raises(MalformedKeysNote) as caught:
        parse_keysnote(add("witness x from 0"))
    assert caught.value.where == "line 10"


def test_only_the_root_key_makes_it_more_than_a_hint() -> None:
    forged = STRANGER.note(TEXT).encoded()
    assert parse_signed_keysnote(forged)[1] == KEYS
    with pytest.raises(VerificationFailed):
        verify_keysnote(forged, ROOT.public)
    both = Note(TEXT, (ROOT.line(TEXT), STRANGER.line(TEXT))).encoded()
    with pytest.raises(MalformedKeysNote, match="exactly one"):
        verify_keysnote(both, ROOT.public)
    changed = Note(TEXT.replace("from 100", "from 101"), (ROOT.line(TEXT),)).encoded()
    with pytest.raises(VerificationFailed):
        verify_keysnote(changed, ROOT.public)


def test_the_higher_number_holds_and_a_lower_one_than_seen_is_refused() -> None:
    first = dataclasses.replace(KEYS, number=1, revocations=())
    assert verify_succession([KEYS, first]) == KEYS
    assert verify_succession([first, KEYS, KEYS], seen=2) == KEYS
    for notes, seen in (
        ([first], 2),
        ([], 0),
        ([KEYS, dataclasses.replace(KEYS, revocations=())], 0),
        ([KEYS, dataclasses.replace(first, genesis=bytes(32))], 0),
    ):
        with pytest.raises(VerificationFailed):
            verify_succession(notes, seen)


@given(st.text(max_size=80) | damaged(TEXT.encode()).map(lambda data: data.decode("utf-8", "surrogateescape")))
def test_any_text_is_a_keys_note_that_writes_back_the_same_or_malformed(text: str) -> None:
    try:
        keys = parse_keysnote(text)
    except MalformedKeysNote:
        return
    assert keys.text() == text


@given(st.binary(max_size=80) | damaged(SIGNED))
def test_any_bytes_are_a_signed_keys_note_or_malformed(data: bytes) -> None:
    try:
        note, keys = parse_signed_keysnote(data)
    except MalformedKeysNote:
        return
    assert (note.encoded(), note.text) == (data, keys.text())
