import base64
import dataclasses
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.note import (
    MalformedKey,
    MalformedNote,
    Note,
    NoteSignature,
    VerifierKey,
    is_small_order,
    parse_note,
    parse_vkey,
    verify_ed25519,
    verify_note,
)
from tests.core.notes import COSIGNER, LOG, NEXT_LOG, ROOT, STRANGER
from tests.core.strategies import damaged

EXAMPLE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ER"
    "YNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493


def test_the_example_of_the_specification_verifies() -> None:
    note = parse_note(EXAMPLE)
    key = parse_vkey(EXAMPLE_KEY)
    [(who, line)] = verify_note(note, [key])
    assert (who, line.name) == (key, "example.com/foo")
    with pytest.raises(VerificationFailed):
        verify_note(dataclasses.replace(note, text="This is another message.\n"), [key])


def test_text_with_empty_lines_ends_at_the_last_one() -> None:
    text = "Ognuno sta solo\n\n\ned è subito sera.\n\n"
    note = LOG.note(text)
    assert parse_note(note.encoded()) == note
    verify_note(parse_note(note.encoded()), [LOG.public])


def test_unknown_signatures_are_ignored_and_a_bad_one_by_a_known_key_rejects() -> None:
    text = "text\n"
    good, other = LOG.line(text), STRANGER.line("something else\n")
    verify_note(Note(text, (good, other)), [LOG.public])
    with pytest.raises(VerificationFailed):
        verify_note(Note(text, (good, other)), [LOG.public, STRANGER.public])
    with pytest.raises(VerificationFailed):
        verify_note(Note(text, (good, LOG.line("other\n"))), [LOG.public])
    with pytest.raises(VerificationFailed, match="no known key"):
        verify_note(Note(text, (other,)), [LOG.public])
    with pytest.raises(VerificationFailed, match="no known key"):
        verify_note(Note(text, (good,)), [])


def test_a_key_of_the_same_name_or_the_same_id_is_another_key() -> None:
    text = "text\n"
    same_name = NoteSignature(LOG.public.name, NEXT_LOG.public.key_id, NEXT_LOG.line(text).signature)
    same_id = NoteSignature("other.example", LOG.public.key_id, LOG.line(text).signature)
    for line in (same_name, same_id):
        with pytest.raises(VerificationFailed, match="no known key"):
            verify_note(Note(text, (line,)), [LOG.public])


def test_a_cosigners_key_does_not_sign_notes() -> None:
    text = "text\n"
    raw = COSIGNER.private.sign(text.encode())
    line = NoteSignature(COSIGNER.public.name, COSIGNER.public.key_id, raw)
    with pytest.raises(VerificationFailed):
        verify_note(Note(text, (line,)), [COSIGNER.public])


SIGNATURE = LOG.line("text\n").line()
BAD_NOTES = {
    "nothing": b"",
    "text alone": b"text\n",
    "no empty line": f"text\n{SIGNATURE}".encode(),
    "no signature": b"text\n\n",
    "no newline at the end": f"text\n\n{SIGNATURE}".encode()[:-1],
    "something after": f"text\n\n{SIGNATURE}x".encode(),
    "hyphen for dash": f"text\n\n-{SIGNATURE[1:]}".encode(),
    "two spaces": f"text\n\n{SIGNATURE}".replace("— ", "—  ").encode(),
    "no base64": b"text\n\n\xe2\x80\x94 name\n",
    "empty base64": b"text\n\n\xe2\x80\x94 name \n",
    "key id alone": b"text\n\n\xe2\x80\x94 name AAAAAA==\n",
    "base64 without padding": f"text\n\n{SIGNATURE}".replace("=", "").encode(),
    "base64 with loose bits": "text\n\n— name AAAAAAB=\n".encode(),
    "base64 in the URL alphabet": "text\n\n— name AAAAAA-_\n".encode(),
    "plus in the name": "text\n\n— na+me AAAAAAA=\n".encode(),
    "no-break space in the name": "text\n\n— na\xa0me AAAAAAA=\n".encode(),
    "ideographic space in the name": "text\n\n— na\u3000me AAAAAAA=\n".encode(),
    "empty name": "text\n\n—  AAAAAAA=\n".encode(),
    "carriage return": f"text\r\n\n{SIGNATURE}".encode(),
    "tab": f"te\txt\n\n{SIGNATURE}".encode(),
    "zero byte": f"te\0xt\n\n{SIGNATURE}".encode(),
    "invalid UTF-8": b"te\xffxt\n\n" + SIGNATURE.encode(),
    "encoded surrogate": b"te\xed\xa0\x80xt\n\n" + SIGNATURE.encode(),
    "17 signatures": f"text\n\n{SIGNATURE * 17}".encode(),
    "131,073 bytes": ("x" * (131_073 - len(f"\n\n{SIGNATURE}".encode())) + f"\n\n{SIGNATURE}").encode(),
}  # fmt: skip


@pytest.mark.parametrize("data", BAD_NOTES.values(), ids=BAD_NOTES.keys())
def test_what_is_no_signed_note_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedNote):
        parse_note(data)


def test_the_limits_themselves_are_accepted() -> None:
    assert len(parse_note(f"text\n\n{SIGNATURE * 16}".encode()).signatures) == 16
    whole = ("x" * (131_072 - len(f"\n\n{SIGNATURE}".encode())) + f"\n\n{SIGNATURE}").encode()
    assert parse_note(whole).encoded() == whole


def test_a_note_outside_the_limits_cannot_be_built_or_written() -> None:
    line = LOG.line("text\n")
    for text, lines in (("text", (line,)), ("text\n", ()), ("text\n", (line,) * 17), ("te\txt\n", (line,))):
        with pytest.raises(Malformed):
            Note(text, lines)
    for text in ("x" * 131_072 + "\n", "\ud800\n"):
        with pytest.raises(Malformed):
            Note(text, (line,)).encoded()


def test_the_sealed_note_keeps_the_logs_signature_alone() -> None:
    text = "text\n"
    note = Note(text, (LOG.line(text), STRANGER.line(text)))
    assert note.only(LOG.public.name, LOG.public.key_id) == LOG.note(text)
    with pytest.raises(Malformed):
        note.only(ROOT.public.name, ROOT.public.key_id)


@given(st.binary(max_size=80) | damaged(EXAMPLE) | damaged(LOG.note("a\n\nb\n").encoded()))
def test_any_bytes_are_a_note_that_writes_back_the_same_or_malformed(data: bytes) -> None:
    try:
        note = parse_note(data)
    except MalformedNote:
        return
    assert note.encoded() == data


BAD_KEYS = {
    "nothing": "",
    "name alone": "name",
    "no key": "name+530d903a",
    "id in capitals": EXAMPLE_KEY.replace("530d903a", "530D903A"),
    "another id": EXAMPLE_KEY.replace("530d903a", "530d903b"),
    "another name": EXAMPLE_KEY.replace("example.com", "example.org"),
    "space in the name": EXAMPLE_KEY.replace("example.com", "example com"),
    "empty name": "+" + EXAMPLE_KEY.split("+", 1)[1],
    "no base64": "example.com/foo+530d903a+",
    "loose base64": EXAMPLE_KEY[:-1] + "l",
    "short key": "example.com/foo+530d903a+AQ==",
    "newline after": EXAMPLE_KEY + "\n",
    "unknown type": VerifierKey("n", 1, bytes(32)).vkey.replace("+AQ", "+Ag"),
    "too long": "a" * 1000 + EXAMPLE_KEY,
    "lone surrogate": "\ud800" + EXAMPLE_KEY,
}


@pytest.mark.parametrize("text", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_what_is_no_vkey_is_malformed(text: str) -> None:
    with pytest.raises(MalformedKey):
        parse_vkey(text)


@given(st.text(max_size=40) | damaged(EXAMPLE_KEY.encode()).map(lambda data: data.decode("utf-8", "replace")))
def test_any_text_is_a_vkey_that_writes_back_the_same_or_malformed(text: str) -> None:
    try:
        key = parse_vkey(text)
    except MalformedKey:
        return
    assert key.vkey == text


def test_keys_of_other_types_or_lengths_cannot_be_built() -> None:
    for name, key_type, public in (("n", 2, bytes(32)), ("n", 1, bytes(31)), ("", 1, bytes(32)), ("a b", 1, bytes(32))):
        with pytest.raises(Malformed):
            VerifierKey(name, key_type, public)


MESSAGE = b"message"
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()
IDENTITY = (1).to_bytes(32, "little")


def scalar() -> tuple[int, bytes]:
    """A scalar and that many times the base point."""
    digest = bytearray(hashlib.sha512(bytes(range(32))).digest()[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 63 | 64
    return int.from_bytes(digest, "little") % L, PUBLIC


def library_accepts(public: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, MESSAGE)
    except Exception:  # what the library raises is not of interest here
        return False
    return True


def refused(public: bytes, signature: bytes, why: str) -> None:
    with pytest.raises(VerificationFailed, match=why):
        verify_ed25519(public, signature, MESSAGE)


def test_a_signature_that_anybody_can_make_under_a_small_order_key_is_refused() -> None:
    s, r = scalar()
    forged = r + s.to_bytes(32, "little")
    assert library_accepts(IDENTITY, forged), "the vector must have teeth: the library alone accepts it"
    refused(IDENTITY, forged, "public key is of small order")


def test_a_public_key_that_is_not_in_its_shortest_form_is_refused() -> None:
    for y in (2**255 - 19 + 3, 2**255 - 1):
        for sign in (0, 1):
            refused((y | sign << 255).to_bytes(32, "little"), PUBLIC + bytes(32), "shortest form")


def test_an_r_of_small_order_is_refused() -> None:
    a, public = scalar()
    k = int.from_bytes(hashlib.sha512(IDENTITY + public + MESSAGE).digest(), "little")
    forged = IDENTITY + (k * a % L).to_bytes(32, "little")
    assert library_accepts(public, forged), "the vector must have teeth: the library alone accepts it"
    refused(public, forged, "R is of small order")


def test_an_s_beyond_the_order_of_the_group_is_refused() -> None:
    good = PRIVATE.sign(MESSAGE)
    verify_ed25519(PUBLIC, good, MESSAGE)
    s = int.from_bytes(good[32:], "little")
    for beyond in (s + L, s + 2 * L, L, 2**256 - 1):
        if beyond < 2**256:
            refused(PUBLIC, good[:32] + beyond.to_bytes(32, "little"), "S is not below")


SMALL = [
    *(value.to_bytes(32, "little") for value in (0, 1, P - 1, P, P + 1)),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
]


@pytest.mark.parametrize("point", SMALL, ids=bytes.hex)
def test_every_encoding_of_small_order_is_known_with_either_sign(point: bytes) -> None:
    for encoded in (point, point[:31] + bytes([point[31] | 0x80])):
        assert is_small_order(encoded)
        refused(encoded, PRIVATE.sign(MESSAGE), "public key")
        refused(PUBLIC, encoded + bytes(32), "R is")
    assert not is_small_order(PUBLIC)


def test_every_encoding_on_the_list_has_an_order_that_divides_eight() -> None:
    d = -121665 * pow(121666, P - 2, P) % P
    root = pow(2, (P - 1) // 4, P)

    def add(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
        (x1, y1), (x2, y2) = one, other
        t = d * x1 * x2 * y1 * y2
        return (x1 * y2 + x2 * y1) * pow(1 + t, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, P - 2, P) % P

    for encoded in SMALL:
        y = int.from_bytes(encoded, "little") % P
        square = (y * y - 1) * pow(d * y * y + 1, P - 2, P) % P
        x = pow(square, (P + 3) // 8, P)
        if x * x % P != square:
            x = x * root % P
        assert x * x % P == square
        point = (x, y)
        for _ in range(3):
            point = add(point, point)
        assert point == (0, 1)


@pytest.mark.parametrize(("public", "signature"), [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0)])
def test_keys_and_signatures_of_another_length_are_refused(public: int, signature: int) -> None:
    refused(bytes(public), bytes(signature), "32 bytes")


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_random_signatures_never_verify(public: bytes, signature: bytes) -> None:
    with pytest.raises(VerificationFailed):
        verify_ed25519(public, signature, MESSAGE)


def test_base64_of_a_signature_line_holds_the_key_id_first() -> None:
    line = LOG.line("text\n")
    blob = base64.b64decode(line.line().split(" ")[2])
    assert blob == LOG.public.key_id + line.signature
