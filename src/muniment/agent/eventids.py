"""Event ids of one writer: ULIDs that only ever rise, whatever its clock does."""

from typing import Final

from muniment.agent.randomness import Randomness

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_TIME_SHIFTS: Final = tuple(range(40, -1, -10))
_TAIL_SHIFTS: Final = tuple(range(70, -1, -10))
_MAX_MS: Final = 2**48 - 1


class EventIds:
    """Makes `evt_<ULID>`s. A clock that stands still or jumps back yields the next number after the last id.

    Args:
        randomness: where the random part comes from.
    """

    __slots__ = ("_milliseconds", "_prefix", "_randomness", "_tail")

    def __init__(self, randomness: Randomness) -> None:
        self._randomness = randomness
        self._milliseconds = -1
        self._prefix = ""
        self._tail = 0

    def next(self, occurred_at: int) -> str:
        """The id of an event that occurred at this time (nanoseconds since the Unix epoch)."""
        milliseconds = occurred_at // 1_000_000
        if milliseconds > self._milliseconds:
            self._milliseconds = milliseconds = min(milliseconds, _MAX_MS)
            self._prefix = "evt_" + "".join([_PAIRS[milliseconds >> shift & 1023] for shift in _TIME_SHIFTS])
            # The top bit stays free: counting on from here cannot run over.
            self._tail = int.from_bytes(self._randomness.take()[:10], "big") >> 1
        else:
            self._tail += 1
        tail = self._tail
        return self._prefix + "".join([_PAIRS[tail >> shift & 1023] for shift in _TAIL_SHIFTS])
