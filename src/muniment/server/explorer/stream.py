"""The live rows as server-sent events (WHATWG HTML section 9.2): a stream for one signed-in person."""

from __future__ import annotations

import asyncio
import functools
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final, ParamSpec

import orjson
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from muniment.ledger.surroundings import Frontier, entries_from
from muniment.server.access.standing import Standing, resolver
from muniment.server.accounts.middleware import reason_over
from muniment.server.accounts.models import User
from muniment.server.capabilities import Capability
from muniment.server.explorer.cells import rows_html
from muniment.server.explorer.columns import Layout
from muniment.server.explorer.live import HUB, MOST_AT_ONCE, Fresh, News, Place, Viewer
from muniment.server.explorer.matching import matches
from muniment.server.explorer.question import Question
from muniment.server.explorer.rows import parsed, row_of
from muniment.server.sso.gate import keeps_out
from muniment.server.tenants.scope import tenant_scope

P = ParamSpec("P")

HEARTBEAT: Final = 15.0
RECHECK: Final = 10.0
"""Seconds after which a stream asks again, before it tells anything, whether it may."""
ENDED: Final = "the session or the membership has ended"
MOST_ROWS: Final = 50
"""Rows that one event carries; of more, the newest, and the number of the others."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What one stream shows, and to whom.

    Attributes:
        standing: of the person.
        session: key of the session, and `user` the person's id.
        user: see `session`.
        question: which entries.
        layout: the columns of their rows.
        base: address of the ledger page, with the tenant's prefix.
        after: the newest place that is shown already; -1 for none.
    """

    standing: Standing
    session: str
    user: str
    question: Question
    layout: Layout
    base: str
    after: int


def releasing(view: Callable[P, HttpResponseBase]) -> Callable[P, HttpResponseBase]:
    """A view whose answer goes on for long: the request's own connection goes back to the pool before it begins."""

    @functools.wraps(view)
    def released(*args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(*args, **kwargs)
        finally:
            connection.close()

    return released


class LiveResponse(StreamingHttpResponse):
    """A stream that gives its place back also when it was never begun."""

    def __init__(self, watch: Watch, place: Place) -> None:
        super().__init__(
            _events(watch, place),
            content_type="text/event-stream; charset=utf-8",
            headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
        )
        self._place = place

    def close(self) -> None:
        """End the answer."""
        self._place.release()
        super().close()


async def _events(watch: Watch, place: Place) -> AsyncIterator[bytes]:
    viewer = HUB.join(watch.standing)
    try:
        yield b"retry: 3000\n\n"
        async for chunk in _told(watch, viewer):
            yield chunk
    finally:
        place.release()
        await HUB.leave(watch.standing, viewer)


async def _told(watch: Watch, viewer: Viewer) -> AsyncIterator[bytes]:
    last = watch.after
    shown: Frontier | None = None
    checked = time.monotonic()
    while True:
        news: News | None = None
        try:
            news = await asyncio.wait_for(viewer.queue.get(), min(HEARTBEAT, _left(watch)))
            if news is None:
                yield _event("bye", {"reason": "the server stops"})
                return
        except TimeoutError:
            yield b": still here\n\n"
            news = News((), 0, shown, {}) if shown is not None else None
        if _left(watch) <= 0:
            yield _event("bye", {"reason": ENDED})
            return
        if time.monotonic() - checked >= RECHECK:
            checked = time.monotonic()
            if not await asyncio.to_thread(_still_allowed, watch):
                yield _event("bye", {"reason": ENDED})
                return
        if news is None:
            continue
        fresh, skipped = await _missed(watch, news, last)
        last = max(last, news.standing.size - 1)
        if viewer.lost:
            viewer.lost = 0
        rows = [new for new in fresh if matches(watch.question.asked, new.entry.recorded_at, new.document)]
        if rows or skipped:
            yield await asyncio.to_thread(_rows, watch, rows, skipped, news, last)
        told = None if shown is None else _seals(shown)
        shown = news.standing
        if told != _seals(shown):
            yield _event("standing", _seals(shown) | {"size": shown.size})


def _seals(standing: Frontier) -> dict[str, int | None]:
    return {"sealed": standing.sealed, "broken": standing.broken_at, "anchored": standing.anchored}


def _left(watch: Watch) -> float:
    """Seconds until the membership ends by itself, as it was when the stream began."""
    until = watch.standing.until
    return math.inf if until is None else max(0.0, (until - timezone.now()).total_seconds())


async def _missed(watch: Watch, news: News, last: int) -> tuple[list[Fresh], int]:
    """What is new to this viewer: out of the shared look, or read again when that does not join on."""
    size = news.standing.size
    new = [fresh for fresh in news.fresh if fresh.entry.seq > last]
    if size - 1 <= last or (new and new[0].entry.seq == last + 1):
        return new, 0
    first = max(last + 1, size - MOST_AT_ONCE)

    def read() -> list[Fresh]:
        with watch.standing.transaction() as reading:
            entries = entries_from(reading, watch.standing.log_id, first, limit=MOST_AT_ONCE, last=size - 1)
        return [Fresh(entry, parsed(entry)) for entry in entries]

    return await asyncio.to_thread(read), first - (last + 1)


def _rows(watch: Watch, fresh: list[Fresh], skipped: int, news: News, last: int) -> bytes:
    """New rows as an event, newest first. `skipped` counts entries that were not looked at: some may match."""
    shown = fresh[-MOST_ROWS:]
    rows = [row_of(new.entry, new.document, news.standing, news.names) for new in reversed(shown)]
    html = rows_html(rows, watch.layout, watch.base, new=True)
    told = {"html": html, "count": len(fresh), "shown": len(rows), "skipped": skipped}
    return _event("rows", told, number=last)


def _event(name: str, value: Mapping[str, object], *, number: int | None = None) -> bytes:
    head = b"" if number is None else b"id: %d\n" % number
    return head + b"event: " + name.encode() + b"\ndata: " + orjson.dumps(value) + b"\n\n"


def _still_allowed(watch: Watch) -> bool:
    """Whether a new request of the same session would be answered: the gates that the first one passed, once more.

    Asking is no use of the session: one that is left alone with a page open ends as any other.
    """
    try:
        probe = HttpRequest()
        probe.session = SessionStore(watch.session)
        user = get_user(probe)
        if not isinstance(user, User) or user.pk != watch.user or reason_over(probe.session, int(time.time())):
            return False
        if keeps_out(probe, user, watch.standing.tenant_id):
            return False
        with tenant_scope(watch.standing.tenant_id):
            now = resolver().of_user(watch.user, watch.standing.tenant_id)
        return now is not None and now.may(Capability.LEDGER_READ) and now.log_id == watch.standing.log_id
    finally:
        connection.close()


def last_event(request: HttpRequest, newest: Callable[[], Frontier | None]) -> int:
    """The place after which a stream goes on: of its last event, else what the page shows, else the newest."""
    for said in (request.headers.get("Last-Event-ID", ""), request.GET.get("after", "")):
        if said == "-1" or (said.isascii() and said.isdecimal() and len(said) < 17):
            return int(said)
    standing = newest()
    return -1 if standing is None else standing.size - 1
