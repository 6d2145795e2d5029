"""The lines of a bundle as values. Source: docs/format.md section 7."""

import base64
from dataclasses import dataclass
from typing import TypeAlias

from muniment.core.checkpoint import Checkpoint
from muniment.core.keysnote import KeysNote
from muniment.core.note import Note

HEADER = "muniment-bundle/1"


@dataclass(frozen=True, slots=True)
class Header:
    """`H`: the origin of the log."""

    origin: str

    def encoded(self) -> bytes:
        """Write the line."""
        return f"H {HEADER} {self.origin}\n".encode("ascii")


@dataclass(frozen=True, slots=True)
class Keys:
    """`K`: a signed keys note. A hint: it counts only if the pinned root key signed it (`keysnote.verify_keysnote`)."""

    data: bytes
    keys: KeysNote

    def encoded(self) -> bytes:
        """Write the line."""
        return b"K " + base64.b64encode(self.data) + b"\n"


@dataclass(frozen=True, slots=True)
class EntryLine:
    """`E`: an entry's text as received; nothing about it has been checked."""

    text: bytes

    def encoded(self) -> bytes:
        """Write the line."""
        return b"E " + self.text + b"\n"


@dataclass(frozen=True, slots=True)
class BodyLine:
    """`B`: salt (32 bytes) and body of the entry in the line before."""

    salt: bytes
    body: bytes

    def encoded(self) -> bytes:
        """Write the line."""
        return b"B " + base64.b64encode(self.salt + self.body) + b"\n"


@dataclass(frozen=True, slots=True)
class Subtree:
    """`N`: the root (32 bytes) of a perfect subtree of 2^level leaves."""

    level: int
    hash: bytes

    def encoded(self) -> bytes:
        """Write the line."""
        return f"N {self.level} {base64.b64encode(self.hash).decode('ascii')}\n".encode("ascii")


@dataclass(frozen=True, slots=True)
class CheckpointLine:
    """`C`: a signed checkpoint note, as received (`data`) and as read. No signature has been checked."""

    data: bytes
    note: Note
    checkpoint: Checkpoint

    def encoded(self) -> bytes:
        """Write the line."""
        return b"C " + base64.b64encode(self.data) + b"\n"


@dataclass(frozen=True, slots=True)
class Token:
    """`T`: a DER TimeStampToken (RFC 3161) over the sealed note of the checkpoint before. Not looked into here."""

    der: bytes

    def encoded(self) -> bytes:
        """Write the line."""
        return b"T " + base64.b64encode(self.der) + b"\n"


@dataclass(frozen=True, slots=True)
class End:
    """`Z`: SHA-256 (32 bytes) of every byte before this line."""

    digest: bytes

    def encoded(self) -> bytes:
        """Write the line."""
        return f"Z {self.digest.hex()}\n".encode("ascii")


Line: TypeAlias = Header | Keys | EntryLine | BodyLine | Subtree | CheckpointLine | Token | End
