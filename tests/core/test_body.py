import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.body import check_body, commit
from muniment.core.errors import Malformed, VerificationFailed

salts = st.binary(min_size=32, max_size=32)


@given(salts, st.binary())
def test_a_body_matches_its_commitment(salt: bytes, body: bytes) -> None:
    commitment = commit(salt, body)
    assert commitment == hashlib.sha256(b"muniment/body/1\0" + salt + body).digest()
    check_body(commitment, len(body), salt, body)


@given(salts, salts, st.binary(min_size=1))
def test_another_body_salt_or_length_is_caught(salt: bytes, other: bytes, body: bytes) -> None:
    commitment = commit(salt, body)
    changed = body[:-1] + bytes([body[-1] ^ 1])
    for length, with_salt, with_body in (
        (len(body), salt, changed),
        (len(body) + 1, salt, body),
        (len(body), other, body),
    ):
        if (with_salt, with_body, length) != (salt, body, len(body)):
            with pytest.raises(VerificationFailed):
                check_body(commitment, length, with_salt, with_body)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_the_border_between_salt_and_body_cannot_be_moved(length: int) -> None:
    whole = bytes(range(64))
    with pytest.raises(Malformed):
        commit(whole[:length], whole[length:])
