import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.checkpoint import Checkpoint, MalformedCheckpoint, parse_checkpoint, parse_signed_checkpoint
from muniment.core.cosignature import (
    Cosignature,
    MalformedCosignature,
    cosigned_message,
    parse_cosignature,
    verify_cosignatures,
)
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.note import Note, NoteSignature, verify_note
from tests.core.notes import COSIGNER, LOG, NEXT_COSIGNER, ORIGIN
from tests.core.strategies import damaged, hashes, integers, origins

CHECKPOINT = Checkpoint(ORIGIN, 9, b"\x07" * 32)
TEXT = CHECKPOINT.text()
ROOT = base64.b64encode(b"\x07" * 32).decode()


@given(st.builds(Checkpoint, origins, integers, hashes))
def test_a_checkpoint_is_read_back(checkpoint: Checkpoint) -> None:
    assert parse_checkpoint(checkpoint.text()) == checkpoint


BAD = {
    "nothing": ("", None),
    "two lines": (f"{ORIGIN}\n9\n", None),
    "no newline at the end": (f"{ORIGIN}\n9\n{ROOT}", None),
    "extension line": (f"{ORIGIN}\n9\n{ROOT}\nextra\n", None),
    "empty line at the end": (f"{ORIGIN}\n9\n{ROOT}\n\n", None),
    "empty origin": (f"\n9\n{ROOT}\n", "origin"),
    "origin with a space": (f"log example\n9\n{ROOT}\n", "origin"),
    "origin in capitals": (f"Log.example\n9\n{ROOT}\n", "origin"),
    "leading zero": (f"{ORIGIN}\n09\n{ROOT}\n", "size"),
    "negative size": (f"{ORIGIN}\n-9\n{ROOT}\n", "size"),
    "plus sign": (f"{ORIGIN}\n+9\n{ROOT}\n", "size"),
    "underscore": (f"{ORIGIN}\n1_0\n{ROOT}\n", "size"),
    "space before the size": (f"{ORIGIN}\n 9\n{ROOT}\n", "size"),
    "other digits": (f"{ORIGIN}\n٩\n{ROOT}\n", "size"),
    "size of 2^53": (f"{ORIGIN}\n9007199254740992\n{ROOT}\n", "size"),
    "size of many digits": (f"{ORIGIN}\n{'9' * 5000}\n{ROOT}\n", "size"),
    "root without padding": (f"{ORIGIN}\n9\n{ROOT[:-1]}\n", "root"),
    "root with loose bits": (f"{ORIGIN}\n9\n{ROOT[:-2]}d=\n", "root"),
    "root of 31 bytes": (f"{ORIGIN}\n9\n{base64.b64encode(bytes(31)).decode()}\n", "root"),
    "root of 33 bytes": (f"{ORIGIN}\n9\n{base64.b64encode(bytes(33)).decode()}\n", "root"),
    "root in hex": (f"{ORIGIN}\n9\n{'07' * 32}\n", "root"),
    "carriage returns": (f"{ORIGIN}\r\n9\r\n{ROOT}\r\n", "size"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "where"), BAD.values(), ids=BAD.keys())
def test_what_is_no_checkpoint_is_malformed_by_name(text: str, where: str | None) -> None:
    with pytest.raises(MalformedCheckpoint) as caught:
        parse_checkpoint(text)
    assert caught.value.where == where


@given(st.text(max_size=80) | damaged(TEXT.encode()).map(lambda data: data.decode("utf-8", "surrogateescape")))
def test_any_text_is_a_checkpoint_that_writes_back_the_same_or_malformed(text: str) -> None:
    try:
        checkpoint = parse_checkpoint(text)
    except MalformedCheckpoint:
        return
    assert checkpoint.text() == text


@given(st.binary(max_size=80) | damaged(LOG.note(TEXT).encoded()))
def test_any_bytes_are_a_signed_checkpoint_or_malformed(data: bytes) -> None:
    try:
        note, checkpoint = parse_signed_checkpoint(data)
    except MalformedCheckpoint:
        return
    assert note.encoded() == data
    assert checkpoint.text() == note.text


def test_a_cosigned_checkpoint_verifies_by_both_keys() -> None:
    note = Note(TEXT, (LOG.line(TEXT), COSIGNER.line(TEXT, 1_772_374_990)))
    read, checkpoint = parse_signed_checkpoint(note.encoded())
    assert checkpoint == CHECKPOINT
    verify_note(read, [LOG.public])
    assert [c.time for c in verify_cosignatures(read, COSIGNER.public)] == [1_772_374_990]
    assert verify_cosignatures(read, NEXT_COSIGNER.public) == ()


def test_the_cosigned_message_is_that_of_the_specification() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert cosigned_message(1679315147, text).decode() == f"cosignature/v1\ntime 1679315147\n{text}"
    for time, bad in ((-1, text), (2**63, text), (0, "no newline"), (0, "")):
        with pytest.raises(MalformedCosignature):
            cosigned_message(time, bad)


def line_of(data: bytes) -> NoteSignature:
    return NoteSignature(COSIGNER.public.name, COSIGNER.public.key_id, data)


def test_a_cosignature_moved_in_time_or_to_another_checkpoint_is_caught() -> None:
    good = COSIGNER.line(TEXT, 100).signature
    moved = (101).to_bytes(8, "big") + good[8:]
    other = COSIGNER.line(Checkpoint(ORIGIN, 10, b"\x07" * 32).text(), 100).signature
    plain = bytes(8) + COSIGNER.private.sign(TEXT.encode())
    for data in (moved, other, plain, good[:-1], good + b"\0", b"x", (2**63).to_bytes(8, "big") + good[8:]):
        with pytest.raises(VerificationFailed):
            verify_cosignatures(Note(TEXT, (line_of(data),)), COSIGNER.public)
    with pytest.raises(VerificationFailed):
        verify_cosignatures(Note(TEXT, (line_of(good), line_of(moved))), COSIGNER.public)


def test_a_key_of_the_log_is_no_cosigner() -> None:
    with pytest.raises(MalformedCosignature):
        verify_cosignatures(LOG.note(TEXT), LOG.public)


@given(st.integers(0, 2**63 - 1), st.binary(min_size=64, max_size=64))
def test_cosignatures_are_read_back(time: int, signature: bytes) -> None:
    cosignature = Cosignature(time, signature)
    assert parse_cosignature(cosignature.encoded()) == cosignature


@given(st.binary(max_size=100))
def test_any_bytes_are_a_cosignature_or_malformed(data: bytes) -> None:
    try:
        cosignature = parse_cosignature(data)
    except MalformedCosignature:
        return
    assert cosignature.encoded() == data


def test_values_outside_the_format_cannot_be_built() -> None:
    for call in (
        lambda: Cosignature(-1, bytes(64)),
        lambda: Cosignature(2**63, bytes(64)),
        lambda: Cosignature(0, bytes(63)),
        lambda: Checkpoint("", 0, bytes(32)),
        lambda: Checkpoint(ORIGIN, -1, bytes(32)),
        lambda: Checkpoint(ORIGIN, 2**53, bytes(32)),
        lambda: Checkpoint(ORIGIN, 0, bytes(31)),
    ):
        with pytest.raises(Malformed):
            call()
