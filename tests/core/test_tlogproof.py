import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.checkpoint import Checkpoint
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.tlogproof import MalformedProof, TlogProof, parse_tlogproof
from tests.core import trees
from tests.core.notes import LOG, ORIGIN
from tests.core.strategies import damaged

ROW = trees.leaves(9)
CHECKPOINT = Checkpoint(ORIGIN, 9, trees.root(ROW))
NOTE = LOG.note(CHECKPOINT.text())
PROOF = TlogProof(5, tuple(trees.inclusion(5, ROW)), NOTE, CHECKPOINT)
DATA = PROOF.text()
HASH = base64.b64encode(PROOF.hashes[0])


def test_a_proof_is_read_back_and_proves_its_leaf_only() -> None:
    proof = parse_tlogproof(DATA)
    assert proof == PROOF
    proof.verify(ROW[5])
    with pytest.raises(VerificationFailed):
        proof.verify(ROW[4])


def test_the_only_leaf_of_a_log_needs_no_hashes() -> None:
    checkpoint = Checkpoint(ORIGIN, 1, ROW[0])
    proof = TlogProof(0, (), LOG.note(checkpoint.text()), checkpoint)
    assert parse_tlogproof(proof.text()) == proof
    proof.verify(ROW[0])


BAD = {
    "nothing": b"",
    "another header": DATA.replace(b"proof@v1", b"proof@v2"),
    "extra line": DATA.replace(b"index", b"extra AAAA\nindex"),
    "no index": DATA.replace(b"index 5\n", b""),
    "index with a leading zero": DATA.replace(b"index 5", b"index 05"),
    "index with a sign": DATA.replace(b"index 5", b"index +5"),
    "index of 2^53": DATA.replace(b"index 5", b"index 9007199254740992"),
    "hash of 31 bytes": DATA.replace(HASH, base64.b64encode(bytes(31))),
    "hash with loose bits": DATA.replace(HASH, HASH[:-2] + b"B="),
    "54 hashes": DATA.replace(HASH, b"\n".join([HASH] * 54)),
    "no empty line": DATA.replace(b"\n\n", b"\n", 1),
    "two empty lines": DATA.replace(b"\n\n", b"\n\n\n", 1),
    "no checkpoint": DATA.partition(b"\n\n")[0] + b"\n\n",
    "carriage returns": DATA.replace(b"\n", b"\r\n"),
    "beyond ASCII": DATA.replace(b"index 5", b"index \xd9\xa5"),
    "too long": DATA + b"x" * 200_000,
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_what_is_no_proof_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedProof):
        parse_tlogproof(data)


@given(st.binary(max_size=80) | damaged(DATA))
def test_any_bytes_are_a_proof_that_writes_back_the_same_or_malformed(data: bytes) -> None:
    try:
        proof = parse_tlogproof(data)
    except MalformedProof:
        return
    assert proof.text() == data


def test_values_outside_the_format_cannot_be_built() -> None:
    other = Checkpoint(ORIGIN, 8, CHECKPOINT.root)
    for call in (
        lambda: TlogProof(-1, (), NOTE, CHECKPOINT),
        lambda: TlogProof(0, (bytes(31),), NOTE, CHECKPOINT),
        lambda: TlogProof(0, (bytes(32),) * 54, NOTE, CHECKPOINT),
        lambda: TlogProof(0, (), NOTE, other),
    ):
        with pytest.raises(Malformed):
            call()
