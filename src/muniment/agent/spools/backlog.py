"""What the disk does not take: kept in memory within bounds, then dropped and counted."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from muniment.agent.draft import Draft, draft
from muniment.agent.spools.chain import Pending
from muniment.core.times import MAX_TIME9, format_time9

BACKLOG_EVENTS: Final = 1_000
BACKLOG_BYTES: Final = 4 * 1024 * 1024
RETRY_INTERVAL: Final = 0.1


class Backlog:
    """Events in the order in which they occurred, and a count of those for which there was no room.

    Attributes:
        reason: why the disk did not take the last one.
        dropped: events lost in all.
    """

    __slots__ = ("_bytes", "_events", "_next_try", "_since", "_unreported", "_until", "dropped", "reason")

    def __init__(self) -> None:
        self.reason = ""
        self.dropped = 0
        self._events: deque[Pending] = deque()
        self._bytes = 0
        self._next_try = 0.0
        self._unreported = 0
        self._since = 0
        self._until = 0

    def __bool__(self) -> bool:
        return bool(self._events) or self._unreported > 0

    def __len__(self) -> int:
        return len(self._events)

    def keep(self, pending: Pending, now: int) -> None:
        """Keep an event, or count it as dropped at `now` (nanoseconds since the Unix epoch)."""
        if len(self._events) < BACKLOG_EVENTS and self._bytes + pending.size <= BACKLOG_BYTES:
            self._events.append(pending)
            self._bytes += pending.size
            return
        self.dropped += 1
        self._since = self._since if self._unreported else now
        self._until = now
        self._unreported += 1

    def drain(
        self,
        write: Callable[[str, str, bytes, bytes], None],
        stamp: Callable[[Draft], Pending],
        *,
        at_once: bool,
    ) -> None:
        """Write what is kept, in order, then the event that reports what was dropped.

        Args:
            write: writes one event.
            stamp: gives an event its id and time.
            at_once: try even if the last attempt failed less than 0.1 s ago.

        Raises:
            OSError: if the disk still does not take it; what was written is no longer kept.
        """
        now = time.monotonic()
        if not at_once and now < self._next_try:
            return
        self._next_try = now + RETRY_INTERVAL
        while self._events:
            first = self._events[0]
            write(first.before, first.after, first.salt, first.body)
            self._events.popleft()
            self._bytes -= first.size
        if self._unreported:
            report = stamp(self._report())
            write(report.before, report.after, report.salt, report.body)
            self._unreported = 0

    def give_up(self) -> None:
        """Count everything that is still kept as dropped."""
        self.dropped += len(self._events)
        self._events.clear()
        self._unreported = self._bytes = 0

    def _report(self) -> Draft:
        return draft(
            action="event.dropped",
            actor=("system", "system:muniment-spool"),
            outcome="failure",
            labels={
                "dropped.count": self._unreported,
                "dropped.reason": self.reason,
                "dropped.since": format_time9(min(max(self._since, 0), MAX_TIME9)),
                "dropped.until": format_time9(min(max(self._until, 0), MAX_TIME9)),
            },
        )
