"""The page's Ed25519 against RFC 8032, against another library, and against chosen points."""

from __future__ import annotations

import hashlib
import random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from muniment.verifier.standalone import muniment_verify as mv
from tests.browser_verifier.engine import Engine
from tests.standalone.test_standalone_ed25519 import RFC_8032, SMALL, challenge, library_verifies, times

Signed = tuple[bytes, bytes, bytes]


def good_ones() -> list[Signed]:
    dice = random.Random(8032)
    made = []
    for length in (0, 1, 15, 16, 17, 79, 80, 111, 112, 127, 128, 300):
        private, message = Ed25519PrivateKey.from_private_bytes(dice.randbytes(32)), dice.randbytes(length)
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        made.append((public, message, private.sign(message)))
    return made


def test_the_vectors_of_rfc_8032_verify_and_no_longer_or_shorter_one_does(engine: Engine) -> None:
    vectors = [(bytes.fromhex(public), bytes.fromhex(text), bytes.fromhex(made)) for public, text, made in RFC_8032]
    assert engine.signatures(vectors) == [True] * len(vectors)
    wrong = [
        changed
        for public, text, made in vectors
        for changed in (
            (public, text + b"\0", made),
            (public, text, made[:63]),
            (public, text, made + b"\0"),
            (public[:31], text, made),
            (b"", text, made),
            (public, text, b""),
        )
    ]
    assert engine.signatures(wrong) == [False] * len(wrong)


def test_another_librarys_signatures_verify_and_none_with_a_changed_bit_does(engine: Engine) -> None:
    dice, good = random.Random(25519), good_ones()
    assert engine.signatures(good) == [True] * len(good)
    changed = []
    for public, message, signature in good:
        for _ in range(8):
            bit = dice.randrange(512)
            damaged = bytearray(signature)
            damaged[bit // 8] ^= 1 << bit % 8
            changed.append((public, message, bytes(damaged)))
        changed.append((public, message + b"x", signature))
    assert engine.signatures(changed) == [False] * len(changed)


def test_a_signature_whose_s_is_not_below_l_is_refused(engine: Engine) -> None:
    public, message, made = (bytes.fromhex(text) for text in RFC_8032[1])
    s = int.from_bytes(made[32:], "little")
    asked = [(public, message, made[:32] + (s + more).to_bytes(32, "little")) for more in (mv.L, 2 * mv.L)]
    assert engine.signatures(asked) == [False, False]


def test_a_public_key_of_small_order_is_refused(engine: Engine) -> None:
    asked = []
    for number in SMALL:
        for s in (0, 5):
            signature = mv.encode_point(times(s, mv.BASE)) + s.to_bytes(32, "little")
            asked += [(number.to_bytes(32, "little"), bytes([i]), signature) for i in range(16)]
    assert engine.signatures(asked) == [False] * len(asked)


def test_an_r_of_small_order_is_refused_though_another_library_lets_it_through(engine: Engine) -> None:
    private = 12345
    public = mv.encode_point(times(private, mv.BASE))
    asked = []
    for number in SMALL:
        r = number.to_bytes(32, "little")
        s = challenge(r, public, b"m") * private % mv.L
        asked.append((public, b"m", r + s.to_bytes(32, "little")))
    assert engine.signatures(asked) == [False] * len(asked)
    assert any(library_verifies(*one) for one in asked)


def test_the_equation_is_the_cofactorless_one(engine: Engine) -> None:
    torsion = mv.decode_point(bytes.fromhex(mv.ORDER_8[0]))
    assert torsion is not None
    public = mv.encode_point(mv.add(times(777, mv.BASE), torsion))
    r = mv.encode_point(times(999, mv.BASE))
    asked = []
    for number in range(40):
        h = challenge(r, public, bytes([number]))
        asked.append((public, bytes([number]), r + ((999 + h * 777) % mv.L).to_bytes(32, "little")))
    answers = engine.signatures(asked)
    assert answers == [library_verifies(*one) for one in asked]
    assert set(answers) == {True, False}


def test_a_public_key_that_is_not_in_its_shortest_form_or_no_point_is_refused(engine: Engine) -> None:
    dice = random.Random(7)
    numbers = [mv.P + 3, 2**255 - 1, 1 | 1 << 255, (mv.P - 1) | 1 << 255]
    keys = [number.to_bytes(32, "little") for number in numbers] + [dice.randbytes(32) for _ in range(60)]
    signature = mv.encode_point(times(3, mv.BASE)) + (3).to_bytes(32, "little")
    asked = [(key, b"m", signature) for key in keys]
    assert engine.signatures(asked) == [mv.ed25519_verify(*one) for one in asked] == [False] * len(asked)


def test_its_sha_256_is_that_of_another_library_at_every_length_around_a_block(engine: Engine) -> None:
    dice = random.Random(180)
    texts = [dice.randbytes(length) for length in [*range(130), 1000, 70_000]]
    hashes = engine.page.evaluate(
        """(texts) => texts.map((text) => [...muniment.sha256(Uint8Array.from(text))])""",
        [list(text) for text in texts],
    )
    assert [bytes(hash_) for hash_ in hashes] == [hashlib.sha256(text).digest() for text in texts]
