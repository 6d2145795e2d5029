"""Requests of one direction that wait for their answers."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

from muniment.agent.draft import Resource
from muniment.agent.mcp.jsonrpc import id_key
from muniment.agent.mcp.methods import Kind

MAX_WAITING: Final = 4_096
"""Requests that may wait at one time; the oldest is given up when there are more."""


@dataclass(slots=True)
class Asked:
    """A recorded request.

    Attributes:
        reference: of its event.
        kind: what it is, and what its answer becomes.
        method: as it was written.
        tool: of the events.
        resource: of the events.
        trace: of the events.
        labels: of the events.
        token: under which its progress is reported, as `id_key` has it; None without one.
        progress: reports so far.
        cancelled: whether one of the two has taken it back.
    """

    reference: str
    kind: Kind
    method: object
    tool: str | None
    resource: Resource
    trace: tuple[str, str | None] | None
    labels: dict[str, object]
    token: object = None
    progress: int = 0
    cancelled: bool = False


class Waiting:
    """Requests by id. Threads may share it. An id may be in use more than once; the answers come in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_id: dict[object, deque[Asked]] = {}
        self._by_token: dict[object, Asked] = {}
        self._count = 0

    def add(self, identifier: object, asked: Asked) -> Asked | None:
        """Let a request wait; returns one that has to be given up for it, if there are too many."""
        with self._lock:
            given_up = None
            if self._count >= MAX_WAITING:
                given_up = self._first(next(iter(self._by_id)))
            self._by_id.setdefault(id_key(identifier), deque()).append(asked)
            self._count += 1
            if asked.token is not None:
                self._by_token[asked.token] = asked
            return given_up

    def take(self, identifier: object) -> Asked | None:
        """The request that an answer belongs to; it waits no more."""
        with self._lock:
            key = id_key(identifier)
            return self._first(key) if key in self._by_id else None

    def cancel(self, identifier: object) -> Asked | None:
        """Mark a request as taken back; None if it is unknown or already is."""
        with self._lock:
            found = self._by_id.get(id_key(identifier))
            if not found or found[0].cancelled:
                return None
            found[0].cancelled = True
            return found[0]

    def progressed(self, token: object) -> None:
        """Count a report of progress."""
        with self._lock:
            asked = self._by_token.get(id_key(token))
            if asked is not None:
                asked.progress += 1

    def only(self) -> Asked | None:
        """The request that waits, if it is only one."""
        with self._lock:
            return next(iter(self._by_id.values()))[0] if self._count == 1 else None

    def drain(self) -> list[Asked]:
        """All that still wait and are not cancelled; nothing waits any more."""
        with self._lock:
            left = [asked for found in self._by_id.values() for asked in found if not asked.cancelled]
            self._by_id.clear()
            self._by_token.clear()
            self._count = 0
            return left

    def _first(self, key: object) -> Asked:
        found = self._by_id[key]
        asked = found.popleft()
        self._count -= 1
        if not found:
            del self._by_id[key]
        if asked.token is not None and self._by_token.get(asked.token) is asked:
            del self._by_token[asked.token]
        return asked
