"""Signed notes: a text and the signatures under it, and the keys that verify them.

Source: C2SP signed-note; RFC 8032.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.fields import read_base64

MAX_BYTES = 131_072
MAX_SIGNATURES = 16
ED25519 = 0x01
"""Type of a plain Ed25519 signature over the note's text."""
COSIGNATURE = 0x04
"""Type of a timestamped Ed25519 cosignature over a checkpoint."""

_MARK = "\u2014 "
_KEY_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_KEY_ID = re.compile("[0-9a-f]{8}")
_GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493

_P = 2**255 - 19
_Y_BITS = 2**255 - 1
_ORDER_8 = (
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
)
_SMALL_ORDER = frozenset({*(y.to_bytes(32, "little") for y in (0, 1, _P - 1, _P, _P + 1)), *_ORDER_8})


class MalformedNote(Malformed):
    """The bytes are no signed note."""


class MalformedKey(Malformed):
    """The text is no verifier key (vkey)."""


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: key name, key id (4 bytes), and what the key's type makes of the rest (1 byte or more)."""

    name: str
    key_id: bytes
    signature: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name, "name")
        if len(self.key_id) != 4:
            raise Malformed("must be 4 bytes", "key_id")
        if not self.signature:
            raise Malformed("must not be empty", "signature")

    def line(self) -> str:
        """Write the line, its newline included."""
        return f"{_MARK}{self.name} {base64.b64encode(self.key_id + self.signature).decode('ascii')}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, ending in a newline, and one to sixteen signatures. Nothing is proven until `verify_note` has run."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __post_init__(self) -> None:
        if not self.text.endswith("\n"):
            raise MalformedNote("the text must end in a newline", "text")
        if _CONTROL.search(self.text):
            raise MalformedNote("holds a control character", "text")
        if not 1 <= len(self.signatures) <= MAX_SIGNATURES:
            raise MalformedNote(f"{len(self.signatures)} signatures, 1 to {MAX_SIGNATURES} are allowed", "signatures")

    def encoded(self) -> bytes:
        """Write the whole note.

        Raises:
            MalformedNote: if it is larger than 131,072 bytes or holds a lone surrogate.
        """
        try:
            data = f"{self.text}\n{''.join(signature.line() for signature in self.signatures)}".encode()
        except UnicodeEncodeError:
            raise MalformedNote("holds a lone surrogate", "text") from None
        if len(data) > MAX_BYTES:
            raise MalformedNote(f"{len(data)} bytes, at most {MAX_BYTES} are allowed")
        return data

    def only(self, name: str, key_id: bytes) -> "Note":
        """Keep the signatures of one key: the *sealed note*, if that key is the log's.

        Raises:
            MalformedNote: if there is none.
        """
        return Note(self.text, tuple(s for s in self.signatures if (s.name, s.key_id) == (name, key_id)))


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name: `key_type` 1 (Ed25519) or 4 (cosignature), `public_key` 32 bytes."""

    name: str
    key_type: int
    public_key: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name, "name")
        if self.key_type not in (ED25519, COSIGNATURE):
            raise MalformedKey(f"type {self.key_type} is not known: 1 (Ed25519) or 4 (cosignature)", "type")
        if len(self.public_key) != 32:
            raise MalformedKey(f"must be 32 bytes, not {len(self.public_key)}", "public key")

    @property
    def key_id(self) -> bytes:
        r"""First 4 bytes of SHA-256(name ‖ "\n" ‖ type ‖ public key)."""
        message = self.name.encode("utf-8") + b"\n" + bytes([self.key_type]) + self.public_key
        return hashlib.sha256(message).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as text: `<name>+<8 hex key id>+<base64(type ‖ public key)>`."""
        material = base64.b64encode(bytes([self.key_type]) + self.public_key).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def made(self, signature: NoteSignature) -> bool:
        """Say whether name and key id of the line are this key's. That proves nothing yet."""
        return signature.name == self.name and signature.key_id == self.key_id


def parse_vkey(text: str) -> VerifierKey:
    """Read a verifier key; `parse_vkey(text).vkey == text` for everything that is accepted.

    Raises:
        MalformedKey: if the shape, the base64, the type or the key id is wrong.

    Source: C2SP signed-note, "Verifier keys".
    """
    if len(text) > MAX_BYTES:
        raise MalformedKey(f"longer than {MAX_BYTES} characters", "vkey")
    parts = text.split("+", 2)
    if len(parts) != 3 or _KEY_ID.fullmatch(parts[1]) is None:
        raise MalformedKey("must look like <name>+<8 hex>+<base64>", "vkey")
    try:
        material = read_base64(parts[2], "vkey")
        key = VerifierKey(parts[0], material[0] if material else 0, material[1:])
    except Malformed as error:
        raise MalformedKey(error.reason, error.where) from None
    if key.vkey != text:
        raise MalformedKey(f"the key id does not belong to the key, it would be {key.key_id.hex()}", "vkey")
    return key


def parse_note(data: bytes) -> Note:
    """Read a signed note; `parse_note(data).encoded() == data` for everything that is accepted.

    Args:
        data: at most 131,072 bytes with 1 to 16 signatures.

    Raises:
        MalformedNote: naming the line of a bad signature.

    Source: C2SP signed-note, "Format".
    """
    if len(data) > MAX_BYTES:
        raise MalformedNote(f"{len(data)} bytes, at most {MAX_BYTES} are allowed")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedNote(f"not UTF-8 at byte {error.start}") from None
    if _CONTROL.search(whole):
        raise MalformedNote("holds a control character")
    end = whole.rfind("\n\n")
    if end < 0 or not whole.endswith("\n") or end + 2 == len(whole):
        raise MalformedNote("must be a text, an empty line and signature lines, each ending in a newline")
    lines = whole[end + 2 : -1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedNote(f"{len(lines)} signatures, at most {MAX_SIGNATURES} are allowed")
    note = Note(whole[: end + 1], tuple(_signature(line, place) for place, line in enumerate(lines, 1)))
    if note.encoded() != data:
        raise MalformedNote("is not written in its one canonical form")
    return note


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> tuple[tuple[VerifierKey, NoteSignature], ...]:
    """Prove that the note is signed by known keys of type 1; signatures by unknown keys are ignored.

    Returns:
        Key and line for every signature by a known key, in the order of the note; at least one.

    Raises:
        VerificationFailed: if a signature by a known key is bad, or no known key has signed.

    Source: C2SP signed-note, "Signatures".
    """
    known = [key for key in keys if key.key_type == ED25519]
    message = note.text.encode("utf-8")
    verified: list[tuple[VerifierKey, NoteSignature]] = []
    for signature in note.signatures:
        for key in known:
            if key.made(signature):
                verify_ed25519(key.public_key, signature.signature, message, where=f"signature by {key.name}")
                verified.append((key, signature))
    if not verified:
        raise VerificationFailed("no known key has signed this note", "signatures")
    return tuple(verified)


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes, where: str | None = None) -> None:
    """Prove that `public_key` signed `message`.

    Args:
        public_key: 32 bytes; one of small order, or not in its shortest form, is refused.
        signature: 64 bytes, R ‖ S; R of small order, or S >= L, is refused.
        message: any bytes.
        where: what to name in the error.

    Raises:
        VerificationFailed: if the signature does not verify under these rules.

    Source: RFC 8032 section 5.1.7; docs/format.md rule 8.
    """
    if len(public_key) != 32 or len(signature) != 64:
        raise VerificationFailed("an Ed25519 key has 32 bytes and a signature 64", where)
    if is_small_order(public_key):
        raise VerificationFailed("the public key is of small order: it would verify what nobody signed", where)
    if int.from_bytes(public_key, "little") & _Y_BITS >= _P:
        raise VerificationFailed("the public key is not in its shortest form", where)
    if is_small_order(signature[:32]):
        raise VerificationFailed("the signature's R is of small order", where)
    if int.from_bytes(signature[32:], "little") >= _GROUP_ORDER:
        raise VerificationFailed("the signature's S is not below the order of the group", where)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise VerificationFailed("the Ed25519 signature does not verify", where) from None


def is_small_order(point: bytes) -> bool:
    """Say whether the 32 bytes encode a point of small order; the sign bit plays no part."""
    return point[:31] + bytes([point[31] & 0x7F]) in _SMALL_ORDER


def check_key_name(name: str, where: str) -> str:
    """Give `name` back if it can name a key: not empty, no space, no plus, no control character."""
    if _KEY_NAME.fullmatch(name) is None:
        raise Malformed("a key name is not empty and has neither spaces nor plus signs", where)
    return name


def _signature(line: str, place: int) -> NoteSignature:
    where = f"signature {place}"
    name, space, encoded = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not space:
        raise MalformedNote("must look like — <key name> <base64>", where)
    try:
        blob = read_base64(encoded, where)
        return NoteSignature(name, blob[:4], blob[4:])
    except Malformed as error:
        raise MalformedNote(error.reason, where) from None
