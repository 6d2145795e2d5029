"""Event ids of one writer: ULIDs that only ever rise, whatever its clock does."""

import os
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_SHIFTS: Final = tuple(range(120, -1, -10))
_MAX_MS: Final = 2**48 - 1


class EventIds:
    """Makes `evt_<ULID>`s. A clock that stands still or jumps back yields the next number after the last id."""

    __slots__ = ("_milliseconds", "_random")

    def __init__(self) -> None:
        self._milliseconds = -1
        self._random = 0

    def next(self, occurred_at: int) -> str:
        """The id of an event that occurred at this time (nanoseconds since the Unix epoch)."""
        milliseconds = occurred_at // 1_000_000
        if milliseconds > self._milliseconds:
            self._milliseconds = milliseconds if milliseconds <= _MAX_MS else _MAX_MS
            # The top bit stays free: counting on from here cannot run over.
            self._random = int.from_bytes(os.urandom(10), "big") >> 1
        else:
            self._random += 1
        number = self._milliseconds << 80 | self._random
        return "evt_" + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
