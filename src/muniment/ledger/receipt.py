"""How a submission ends: recorded, known from before, or refused by name."""

from dataclasses import dataclass

from muniment.core.times import format_time6


@dataclass(frozen=True, slots=True)
class Receipt:
    """The entry is on the database's disk. It is proof to others only once it is sealed.

    Attributes:
        log: the log's origin.
        id: the event's id.
        seq: the entry's place in the log.
        entry_hash: 32 bytes.
        recorded_at: microseconds since the Unix epoch, UTC.
        seal_by: the latest time at which a checkpoint is to cover the entry, in the same unit.
    """

    log: str
    id: str
    seq: int
    entry_hash: bytes
    recorded_at: int
    seal_by: int

    def document(self) -> dict[str, str | int]:
        """The receipt as it goes over the wire."""
        return {
            "v": 1,
            "state": "recorded",
            "log": self.log,
            "id": self.id,
            "seq": self.seq,
            "entry_hash": self.entry_hash.hex(),
            "recorded_at": format_time6(self.recorded_at),
            "seal_by": format_time6(self.seal_by),
        }


@dataclass(frozen=True, slots=True)
class Recorded:
    """The event is now an entry."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Known:
    """The same event was recorded before, or earlier in the batch; the receipt is that of the first time."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class BodyErased:
    """The same event was recorded before and its body has been erased since. The body is not stored again."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Conflict:
    """An event of this source with this id is recorded already, with other content."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The event was not recorded: what was wrong with it, and which field (`field` as in `Malformed.where`)."""

    field: str
    reason: str


Outcome = Recorded | Known | BodyErased | Conflict | Refusal
