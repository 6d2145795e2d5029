"""The single-file verifier's Ed25519 against RFC 8032, against another library, and against chosen points."""

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.verifier.standalone import muniment_verify as mv

RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da0"
        "85ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac1"
        "8ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


def library_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def challenge(r: bytes, public: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % mv.L


def times(scalar: int, point: mv.Point) -> mv.Point:
    total = mv.NEUTRAL
    for bit in bin(scalar)[2:]:
        total = mv.add(total, total)
        if bit == "1":
            total = mv.add(total, point)
    return total


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_verify(public: str, message: str, signature: str) -> None:
    key, text, made = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert mv.ed25519_verify(key, text, made)
    assert not mv.ed25519_verify(key, text + b"\0", made)
    assert not mv.ed25519_verify(key, text, made[:63])
    assert not mv.ed25519_verify(key, text, made + b"\0")
    assert not mv.ed25519_verify(key[:31], text, made)


@settings(max_examples=60, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), message=st.binary(max_size=200), bit=st.integers(0, 511))
def test_another_librarys_signatures_verify_and_no_changed_one_does(seed: bytes, message: bytes, bit: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signature = private.sign(message)
    assert mv.ed25519_verify(public, message, signature)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert not mv.ed25519_verify(public, message, bytes(changed))
    assert not mv.ed25519_verify(public, message + b"x", signature)


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(min_size=96, max_size=96))
def test_any_bytes_get_an_answer(raw: bytes) -> None:
    assert not mv.ed25519_verify(raw[:32], b"", raw[32:])


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(min_size=32, max_size=32))
def test_a_decoded_point_is_on_the_curve_and_encodes_to_the_same_bytes(raw: bytes) -> None:
    point = mv.decode_point(raw)
    if point is not None:
        x, y, z, t = point
        assert (z, t) == (1, x * y % mv.P)
        assert (-x * x + y * y - 1 - mv.D * x * x * y * y) % mv.P == 0
        assert mv.encode_point(point) == raw


def test_a_signature_whose_s_is_not_below_l_is_refused() -> None:
    public, message, made = (bytes.fromhex(text) for text in RFC_8032[1])
    s = int.from_bytes(made[32:], "little")
    for more in (mv.L, 2 * mv.L):
        assert not mv.ed25519_verify(public, message, made[:32] + (s + more).to_bytes(32, "little"))


SMALL = [y | sign << 255 for y in sorted(mv.SMALL_ORDER) for sign in (0, 1)]


@pytest.mark.parametrize("number", SMALL, ids=hex)
def test_a_public_key_of_small_order_is_refused(number: int) -> None:
    public = number.to_bytes(32, "little")
    assert mv.has_small_order(public)
    for s in (0, 5):
        r = mv.encode_point(times(s, mv.BASE))
        assert not any(mv.ed25519_verify(public, bytes([i]), r + s.to_bytes(32, "little")) for i in range(16))


@pytest.mark.parametrize("number", SMALL, ids=hex)
def test_an_r_of_small_order_is_refused(number: int) -> None:
    r = number.to_bytes(32, "little")
    private = 12345
    public = mv.encode_point(times(private, mv.BASE))
    s = challenge(r, public, b"m") * private % mv.L
    assert not mv.ed25519_verify(public, b"m", r + s.to_bytes(32, "little"))


def test_an_r_of_small_order_is_what_another_library_lets_through() -> None:
    r, private = (1).to_bytes(32, "little"), 12345
    public = mv.encode_point(times(private, mv.BASE))
    s = challenge(r, public, b"m") * private % mv.L
    assert library_verifies(public, b"m", r + s.to_bytes(32, "little"))


def test_the_listed_points_are_exactly_those_of_small_order() -> None:
    point = mv.decode_point(bytes.fromhex(mv.ORDER_8[0]))
    assert point is not None
    orbit = [mv.encode_point(times(n, point)) for n in range(8)]
    assert len(set(orbit)) == 8
    assert all(mv.has_small_order(one) for one in orbit)
    assert {int.from_bytes(one, "little") & (2**255 - 1) for one in orbit} == {y for y in mv.SMALL_ORDER if y < mv.P}


def test_the_equation_is_the_cofactorless_one() -> None:
    torsion = mv.decode_point(bytes.fromhex(mv.ORDER_8[0]))
    assert torsion is not None
    public = mv.encode_point(mv.add(times(777, mv.BASE), torsion))
    r = mv.encode_point(times(999, mv.BASE))
    seen = set()
    for number in range(40):
        message = bytes([number])
        h = challenge(r, public, message)
        signature = r + ((999 + h * 777) % mv.L).to_bytes(32, "little")
        answer = mv.ed25519_verify(public, message, signature)
        assert answer == (h % 8 == 0) == library_verifies(public, message, signature)
        seen.add(answer)
    assert seen == {True, False}


@pytest.mark.parametrize("raw", [mv.P + 3, 2**255 - 1, 1 | 1 << 255, (mv.P - 1) | 1 << 255])
def test_a_point_that_is_not_canonical_is_not_decoded(raw: int) -> None:
    assert mv.decode_point(raw.to_bytes(32, "little")) is None
