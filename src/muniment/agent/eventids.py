"""Event ids of one writer: ULIDs that only ever rise, whatever its clock does."""

import os
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_TIME_SHIFTS: Final = tuple(range(40, -1, -10))
_RANDOM_SHIFTS: Final = tuple(range(70, 10, -10))
_COUNTER_END: Final = 1 << 20


class EventIds:
    """Makes `evt_<ULID>`s. A clock that stands still or jumps back yields the next number after the last id."""

    __slots__ = ("_counter", "_milliseconds", "_prefix")

    def __init__(self) -> None:
        self._milliseconds = -1
        self._prefix = ""
        self._counter = 0

    def next(self, occurred_at: int) -> str:
        """The id of an event that occurred at this time (nanoseconds since the Unix epoch)."""
        milliseconds = occurred_at // 1_000_000
        if milliseconds > self._milliseconds:
            self._begin(milliseconds)
        else:
            self._counter += 1
            if self._counter >= _COUNTER_END:
                self._begin(self._milliseconds + 1)
        counter = self._counter
        return f"{self._prefix}{_PAIRS[counter >> 10]}{_PAIRS[counter & 1023]}"

    def _begin(self, milliseconds: int) -> None:
        """Draw the random part anew. Of its 80 bits the last 20 count on from there, the first of them being zero."""
        number = int.from_bytes(os.urandom(10), "big")
        self._milliseconds = milliseconds
        self._counter = (number & _COUNTER_END - 1) >> 1
        time = "".join([_PAIRS[milliseconds >> shift & 1023] for shift in _TIME_SHIFTS])
        self._prefix = f"evt_{time}{''.join([_PAIRS[number >> shift & 1023] for shift in _RANDOM_SHIFTS])}"
