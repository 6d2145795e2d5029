"""Events that the ledger refuses for good: kept whole, one file each, so that nothing is lost and the gap has a
name."""

from base64 import b64encode
from pathlib import Path

import orjson

from muniment.agent.shipping.client import Rejected
from muniment.agent.spools.frames import Frame
from muniment.agent.state import make_private, replace_file
from muniment.core.event import event_hash


class DeadLetters:
    """The dead letters of a state directory.

    Args:
        directory: `<state>/dead-letter`; made when it is first written to.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def damaged(self) -> Path:
        """Where segments with damaged bytes are put."""
        return self.directory / "damaged"

    def holds(self, source: str, epoch: str, seq: int) -> bool:
        """Whether an event lies there already."""
        return self._path(source, epoch, seq).exists()

    def keep(self, source: str, epoch: str, frame: Frame, problem: Rejected) -> bool:
        """Put an event away durably, with why it was refused.

        Returns:
            False if it lies there already.

        Raises:
            OSError: if it cannot be written.
        """
        path = self._path(source, epoch, frame.seq)
        if path.exists():
            return False
        make_private(path.parent)
        letter: dict[str, object] = {
            "v": 1,
            "event": frame.event.decode("utf-8", "backslashreplace"),
            "event_hash": event_hash(frame.event).hex(),
            "problem": {"kind": problem.kind, "detail": problem.detail, "field": problem.field},
        }
        if frame.salt is not None and frame.body is not None:
            letter["salt"] = b64encode(frame.salt).decode("ascii")
            letter["body"] = b64encode(frame.body).decode("ascii")
        replace_file(path, orjson.dumps(letter, option=orjson.OPT_INDENT_2) + b"\n")
        return True

    def _path(self, source: str, epoch: str, seq: int) -> Path:
        return self.directory / source / epoch / f"{seq:016d}.json"

    def count(self) -> int:
        """How many there are."""
        return sum(1 for _ in self.directory.glob("src_*/*/*.json")) if self.directory.is_dir() else 0
