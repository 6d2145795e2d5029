"""Cosignatures: a second party's statement, with a time, that a checkpoint is consistent with all it has seen.

Source: C2SP tlog-cosignature, Ed25519 (type 0x04).
"""

from dataclasses import dataclass

from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.note import COSIGNATURE, Note, VerifierKey, verify_ed25519

MAX_TIME = 2**63 - 1
"""The largest time of a cosignature, in POSIX seconds."""


class MalformedCosignature(Malformed):
    """The bytes are no cosignature."""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """`time` in POSIX seconds, and an Ed25519 signature of 64 bytes over `cosigned_message`."""

    time: int
    signature: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.time <= MAX_TIME:
            raise MalformedCosignature("must lie between 0 and 2^63-1", "time")
        if len(self.signature) != 64:
            raise MalformedCosignature(f"must be 64 bytes, not {len(self.signature)}", "signature")

    def encoded(self) -> bytes:
        """Write 72 bytes: the time as 8 bytes big-endian, then the signature."""
        return self.time.to_bytes(8, "big") + self.signature


def cosigned_message(time: int, note_text: str) -> bytes:
    r"""Build what a cosigner signs.

    Args:
        time: POSIX seconds, 0 to 2^63-1.
        note_text: the checkpoint's note text, ending in a newline.

    Raises:
        MalformedCosignature: if the time is out of range or the text has no newline at its end.

    >>> cosigned_message(1679315147, "origin\n")
    b'cosignature/v1\ntime 1679315147\norigin\n'
    """
    if not 0 <= time <= MAX_TIME:
        raise MalformedCosignature("must lie between 0 and 2^63-1", "time")
    if not note_text.endswith("\n"):
        raise MalformedCosignature("must end in a newline", "note_text")
    return f"cosignature/v1\ntime {time}\n{note_text}".encode()


def parse_cosignature(data: bytes) -> Cosignature:
    """Read the 72 bytes that follow the key id in a signature line of type 0x04.

    Raises:
        MalformedCosignature: if the length or the time is out of range.
    """
    if len(data) != 72:
        raise MalformedCosignature(f"must be 72 bytes, not {len(data)}")
    return Cosignature(int.from_bytes(data[:8], "big"), data[8:])


def verify_cosignatures(note: Note, key: VerifierKey) -> tuple[Cosignature, ...]:
    """Prove every cosignature that the note carries by one key.

    Args:
        note: the checkpoint's note.
        key: a key of type 4.

    Returns:
        The cosignatures in the order of the note; empty if this key has made none.

    Raises:
        VerificationFailed: if one of them is malformed or does not verify.
        MalformedCosignature: if `key` is of another type.

    Source: C2SP tlog-cosignature, "Format".
    """
    if key.key_type != COSIGNATURE:
        raise MalformedCosignature("must be a key of type 4", "key")
    verified: list[Cosignature] = []
    for line in note.signatures:
        if key.made(line):
            try:
                cosignature = parse_cosignature(line.signature)
            except MalformedCosignature as error:
                raise VerificationFailed(str(error), f"cosignature by {key.name}") from None
            message = cosigned_message(cosignature.time, note.text)
            verify_ed25519(key.public_key, cosignature.signature, message, where=f"cosignature by {key.name}")
            verified.append(cosignature)
    return tuple(verified)
