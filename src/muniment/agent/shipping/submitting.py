"""Frames of a spool as submissions to a ledger, in batches that one request takes."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from muniment.agent.shipping.client import LedgerClient, Receipt, Rejected, RequestRefused, Submission
from muniment.agent.spools.frames import Frame
from muniment.core.errors import Malformed
from muniment.core.event import parse_event

BATCH_EVENTS: Final = 500
BATCH_BYTES: Final = 4 * 1024 * 1024
_OF_THE_BATCH: Final = (400, 413, 422)

_T = TypeVar("_T")


def weight(frame: Frame) -> int:
    """Roughly how many bytes a frame takes in a request."""
    return len(frame.event) + len(frame.body or b"") * 4 // 3 + 128


def batches(items: Iterable[_T], frame_of: Callable[[_T], Frame]) -> list[list[_T]]:
    """Cut what is to be sent into batches, in order."""
    found: list[list[_T]] = []
    size = 0
    for item in items:
        more = weight(frame_of(item))
        if not found or size + more > BATCH_BYTES or len(found[-1]) >= BATCH_EVENTS:
            found.append([])
            size = 0
        found[-1].append(item)
        size += more
    return found


def submission(frame: Frame) -> Submission:
    """The submission that a frame stands for."""
    # A body that is not stored leaves no bytes here, like an empty one: the event says which it is.
    if frame.body is None or not (frame.body or _has_empty_body(frame.event)):
        return Submission(frame.event)
    return Submission(frame.event, frame.salt, frame.body)


def append(ledger: LedgerClient, submissions: Sequence[Submission]) -> list[Receipt | Rejected]:
    """Submit a batch; one answer for each, in order. An event because of which all would be refused is found.

    Raises:
        Unavailable, RequestRefused, ProtocolViolated: as for `LedgerClient.append`.
    """
    try:
        return ledger.append(submissions)
    except RequestRefused as error:
        if error.status not in _OF_THE_BATCH:
            raise
        if len(submissions) > 1:
            # Something in it makes the ledger refuse the whole: find it by halves.
            half = len(submissions) // 2
            return [*append(ledger, submissions[:half]), *append(ledger, submissions[half:])]
        return [Rejected(error.kind or str(error.status), error.reason, None)]


def _has_empty_body(text: bytes) -> bool:
    try:
        event = parse_event(text)
    except Malformed:
        return False
    return event.body is not None and event.body.len == 0
