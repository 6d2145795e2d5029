"""One inclusion proof with its checkpoint, as a file: C2SP tlog-proof without an `extra` line.

Source: C2SP tlog-proof.
"""

import base64
from dataclasses import dataclass

from muniment.core.checkpoint import Checkpoint, parse_signed_checkpoint
from muniment.core.errors import Malformed
from muniment.core.fields import check_bytes, check_integer, read_base64, read_decimal
from muniment.core.merkle import verify_inclusion
from muniment.core.note import MAX_BYTES as MAX_NOTE_BYTES
from muniment.core.note import Note

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 53
MAX_BYTES = MAX_NOTE_BYTES + 4096


class MalformedProof(Malformed):
    """The bytes are no tlog-proof of the kind Muniment uses."""


@dataclass(frozen=True, slots=True)
class TlogProof:
    """`index` of the entry, `hashes` (32 bytes each) from its sibling upwards, and the signed checkpoint note."""

    index: int
    hashes: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    def __post_init__(self) -> None:
        check_integer(self.index, "index")
        if len(self.hashes) > MAX_HASHES:
            raise Malformed(f"{len(self.hashes)} hashes, at most {MAX_HASHES} are possible", "hashes")
        for place, value in enumerate(self.hashes):
            check_bytes(value, 32, f"hashes[{place}]")
        if self.checkpoint.text() != self.note.text:
            raise Malformed("is not the text of the note", "checkpoint")

    def text(self) -> bytes:
        """Write the proof's file."""
        hashes = "".join(base64.b64encode(value).decode("ascii") + "\n" for value in self.hashes)
        return f"{HEADER}\nindex {self.index}\n{hashes}\n".encode("ascii") + self.note.encoded()

    def verify(self, leaf: bytes) -> None:
        """Prove that the leaf hash stands at `index` of the checkpoint's tree. Signatures are not looked at.

        Raises:
            MunimentError: if it does not.
        """
        verify_inclusion(self.index, self.checkpoint.size, leaf, self.hashes, self.checkpoint.root)


def parse_tlogproof(data: bytes) -> TlogProof:
    """Read a tlog-proof; `parse_tlogproof(data).text() == data` for everything that is accepted.

    Nothing is proven here: call `.verify` with the leaf hash, and check the note's signatures.

    Raises:
        MalformedProof: naming `index`, a hash or the checkpoint; also for an `extra` line.

    Source: C2SP tlog-proof, "Format".
    """
    if len(data) > MAX_BYTES:
        raise MalformedProof(f"{len(data)} bytes, at most {MAX_BYTES} are allowed")
    head, gap, rest = data.partition(b"\n\n")
    if not gap:
        raise MalformedProof("there is no empty line between the hashes and the checkpoint")
    try:
        lines = head.decode("ascii").split("\n")
        if lines[0] != HEADER:
            raise Malformed(f"must be {HEADER}", "line 1")
        if len(lines) < 2 or not lines[1].startswith("index "):
            raise Malformed("must be index and a number; extra data is not used here", "line 2")
        index = read_decimal(lines[1].removeprefix("index "), "index")
        hashes = tuple(read_base64(line, f"hashes[{place}]") for place, line in enumerate(lines[2:]))
        note, checkpoint = parse_signed_checkpoint(rest)
        proof = TlogProof(index, hashes, note, checkpoint)
    except UnicodeDecodeError as error:
        raise MalformedProof(f"not ASCII at byte {error.start}") from None
    except Malformed as error:
        raise MalformedProof(error.reason, error.where) from None
    if proof.text() != data:
        raise MalformedProof("is not written in its one canonical form")
    return proof
