"""What is handed to the ledger: an event, and where the submitter discloses it, the body that it commits to."""

from dataclasses import dataclass

from muniment.core.event import Event


@dataclass(frozen=True, slots=True)
class Submission:
    """One event to append.

    A server that completes the submissions of plain HTTP clients makes salt and time itself. A retry is then completed
    differently, and must still be recognised: `made_salt` and `made_time` say what not to compare.

    Attributes:
        event: as its source wrote it.
        body: the payload's bytes, or None.
        salt: the 32 bytes of salt of the commitment; required with a body.
        made_salt: the salt, and so the commitment, was made for this request.
        made_time: `occurred_at` was made for this request.
    """

    event: Event
    body: bytes | None = None
    salt: bytes | None = None
    made_salt: bool = False
    made_time: bool = False
