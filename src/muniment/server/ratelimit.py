"""Rates: how often one client may ask for what costs something.

A token bucket per name, in this process. The number of buckets is bounded; the one that was used longest ago makes
room, which can only favour a client, never lock one out.
"""

from __future__ import annotations

import threading
from collections import OrderedDict


class RateLimit:
    """A bucket for each name: `burst` requests at once, `per_second` refilled.

    Args:
        per_second: tokens that come back each second.
        burst: the most tokens a bucket holds.
        names: the most buckets that are kept.
    """

    def __init__(self, per_second: float, burst: int, names: int = 10_000) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._names = names
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def kept(self) -> int:
        """How many names have a bucket."""
        return len(self._buckets)

    def take(self, name: str, now: float) -> float:
        """Take a token.

        Args:
            name: who asks.
            now: a monotonic time in seconds.

        Returns:
            0.0 if there was one; otherwise how many seconds to wait before there is.
        """
        with self._lock:
            tokens, since = self._buckets.pop(name, (self._burst, now))
            tokens = min(self._burst, tokens + (now - since) * self._per_second)
            allowed = tokens >= 1.0
            self._buckets[name] = (tokens - 1.0 if allowed else tokens, now)
            while len(self._buckets) > self._names:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - tokens) / self._per_second
