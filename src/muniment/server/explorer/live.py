"""New entries as they are recorded: one look at each watched log a second, shared by everybody who watches it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import psycopg
from django.db import DatabaseError, connection

from muniment.core.errors import Refused
from muniment.ledger.read import StoredEntry
from muniment.ledger.surroundings import Frontier, entries_from, frontier
from muniment.server.access.standing import Standing
from muniment.server.explorer.names import names_of
from muniment.server.explorer.rows import parsed, people_in
from muniment.server.problems import ProblemError
from muniment.server.stopping import at_stop
from muniment.server.tenants.scope import tenant_scope

EVERY: Final = 1.0
"""Seconds between two looks."""
MOST_AT_ONCE: Final = 200
"""Entries that one look takes over; of more, the newest."""
EACH: Final = 6
TOTAL: Final = 200
"""Streams of one person, and of the server."""
_WAITING: Final = 32
_LOG: Final = logging.getLogger("muniment.live")


@dataclass(frozen=True, slots=True)
class Fresh:
    """One new entry: as stored, and its text parsed."""

    entry: StoredEntry
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class News:
    """What one look found.

    Attributes:
        fresh: new entries, oldest first.
        skipped: older new ones that were too many to take over.
        standing: of the log now.
        names: people's names by actor id.
    """

    fresh: tuple[Fresh, ...]
    skipped: int
    standing: Frontier
    names: Mapping[str, str]


class TooMany(Refused):
    """No further stream: the person or the server has as many as there may be."""


class Place:
    """One stream's place; taken when made, given back once.

    Raises:
        TooMany: if there is none for this subject.
    """

    _taken: ClassVar[Counter[str]] = Counter()
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, subject: str) -> None:
        # Taken in the requests' threads, given back on the event loop.
        with self._lock:
            if self._taken[subject] >= EACH or self._taken.total() >= TOTAL:
                raise TooMany("too many live pages are open; close one", "live")
            self._taken[subject] += 1
        self._subject, self._held = subject, True

    def release(self) -> None:
        """Give it back; a second time does nothing."""
        with self._lock:
            if self._held:
                self._held = False
                self._taken[self._subject] -= 1
                if not self._taken[self._subject]:
                    del self._taken[self._subject]


@dataclass(eq=False, slots=True)
class Viewer:
    """Somebody who watches a log: their news in order, None when the server stops."""

    queue: asyncio.Queue[News | None] = field(default_factory=lambda: asyncio.Queue(_WAITING))
    lost: int = 0

    def give(self, news: News | None) -> None:
        """Hand over news; who is too slow for it learns only how much was lost."""
        try:
            self.queue.put_nowait(news)
        except asyncio.QueueFull:
            if news is None:
                self.queue.get_nowait()
                self.queue.put_nowait(None)
            else:
                self.lost += len(news.fresh) + news.skipped


class Feed:
    """One log that is watched."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._known: Frontier | None = None
        self._names: dict[str, str] = {}
        self.viewers: set[Viewer] = set()
        self.task = asyncio.create_task(self._watch())

    def welcome(self, viewer: Viewer) -> None:
        """Tell somebody who joins later where the log stands: they may have missed something before."""
        if self._known is not None:
            viewer.give(News((), 0, self._known, self._names))

    async def _watch(self) -> None:
        while True:
            try:
                news = await asyncio.to_thread(self._look)
            except (ProblemError, psycopg.Error, DatabaseError) as error:
                _LOG.warning("log %d cannot be read now: %s", self._standing.log_id, error)
            else:
                if news is not None:
                    for viewer in self.viewers:
                        viewer.give(news)
            await asyncio.sleep(EVERY)

    def _look(self) -> News | None:
        with self._standing.transaction() as reading:
            now = frontier(reading, self._standing.log_id)
            before, self._known = self._known, now
            if now is None or now == before:
                return None
            if before is None:
                # Who joined before this look may have missed what was recorded in between: the size tells them.
                return News((), 0, now, self._names)
            first = max(before.size, now.size - MOST_AT_ONCE)
            entries = entries_from(reading, self._standing.log_id, first, limit=MOST_AT_ONCE, last=now.size - 1)
        fresh = tuple(Fresh(entry, parsed(entry)) for entry in entries)
        self._learn(people_in(new.document for new in fresh))
        return News(fresh, first - before.size, now, self._names)

    def _learn(self, people: set[str]) -> None:
        unknown = people - set(self._names)
        if not unknown:
            return
        try:
            with tenant_scope(self._standing.tenant_id):
                found = names_of(self._standing.tenant_id, unknown)
            self._names = {**self._names, **found}
        finally:
            connection.close()


class Hub:
    """All logs that are watched by this server."""

    def __init__(self) -> None:
        self._feeds: dict[int, Feed] = {}
        self._stopping = False

    def join(self, standing: Standing) -> Viewer:
        """Watch a log; on the server's event loop."""
        viewer = Viewer()
        if self._stopping:
            viewer.give(None)
        feed = self._feeds.get(standing.log_id)
        if feed is None:
            feed = self._feeds[standing.log_id] = Feed(standing)
        else:
            feed.welcome(viewer)
        feed.viewers.add(viewer)
        return viewer

    async def leave(self, standing: Standing, viewer: Viewer) -> None:
        """Watch no longer; nobody looks at a log that nobody watches."""
        feed = self._feeds.get(standing.log_id)
        if feed is None:
            return
        feed.viewers.discard(viewer)
        if not feed.viewers:
            del self._feeds[standing.log_id]
            feed.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await feed.task

    def stop(self) -> None:
        """Tell everybody that the server stops."""
        self._stopping = True
        for feed in self._feeds.values():
            for viewer in feed.viewers:
                viewer.give(None)


HUB: Final = Hub()
at_stop(HUB.stop)
