"""Checkpoints: what a log says about its tree, one size and one root.

Source: C2SP tlog-checkpoint.
"""

import base64
from dataclasses import dataclass

from muniment.core.errors import Malformed
from muniment.core.fields import check_bytes, check_integer, read_base64, read_decimal
from muniment.core.identifiers import check_origin
from muniment.core.note import Note, parse_note


class MalformedCheckpoint(Malformed):
    """The text is no checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Origin of the log, size in leaves, root of 32 bytes."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        check_origin(self.origin, "origin")
        check_integer(self.size, "size")
        check_bytes(self.root, 32, "root")

    def text(self) -> str:
        """Write the note text: three lines, each ending in a newline.

        >>> Checkpoint("log.example/a", 0, bytes(32)).text()
        'log.example/a\\n0\\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\\n'
        """
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the note text of a checkpoint: origin, size and root, one a line, and no extension lines.

    Nothing is proven here: the signature belongs to the note around it.

    Raises:
        MalformedCheckpoint: naming `origin`, `size` or `root`; also if there is any other line.

    Source: C2SP tlog-checkpoint, "Note text".
    """
    lines = text.split("\n", 4)
    if len(lines) != 4 or lines[3]:
        raise MalformedCheckpoint("must be exactly three lines, each ending in a newline: origin, size, root")
    try:
        return Checkpoint(lines[0], read_decimal(lines[1], "size"), read_base64(lines[2], "root"))
    except Malformed as error:
        raise MalformedCheckpoint(error.reason, error.where) from None


def parse_signed_checkpoint(data: bytes) -> tuple[Note, Checkpoint]:
    """Read a signed note whose text is a checkpoint. Nothing is proven here.

    Raises:
        MalformedCheckpoint: if either is malformed.
    """
    try:
        note = parse_note(data)
    except Malformed as error:
        raise MalformedCheckpoint(error.reason, error.where) from None
    return note, parse_checkpoint(note.text)
