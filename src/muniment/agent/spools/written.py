"""What became of an event that was given to the spool."""

from typing import NamedTuple

from muniment.core.errors import Refused


class SpoolFull(Refused):
    """The event could not be put on disk, and the caller asked to know."""


class Written(NamedTuple):
    """Where an event was written.

    Attributes:
        reference: `<source>/<event id>`.
        epoch: 32 hex digits.
        seq: its number in the epoch; None while it waits in memory for space on the disk.
    """

    reference: str
    epoch: str
    seq: int | None
