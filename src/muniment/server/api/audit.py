"""`/api/audit/verify`: what the operator says of a log, to anyone; and audit walks, for its readers.

Nothing is walked here: the background process walks what is new every minute and everything every hour. A request reads
the newest walk, which is kept for some seconds and read once however many ask, and looks whether the log's end still
agrees with it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections import OrderedDict
from typing import Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.core.times import format_time6
from muniment.ledger.audit_walks import Walk, latest_walk
from muniment.server.access.operations import Needs, standing_in
from muniment.server.api.answers import json_response, micros
from muniment.server.api.faults import not_found
from muniment.server.api.standing import Standing, order_walk, standing_of
from muniment.server.capabilities import Capability
from muniment.server.problems import ProblemError, refuse
from muniment.server.ratelimit import RateLimit
from muniment.server.tenants.middleware import tenant_of

KEPT_SECONDS: Final = 2.0
KEPT: Final = 10_000
LOOKS: Final = 2
"""Looks at the database that run at one time; so many more wait, all others are sent away."""
WAITING: Final = 64

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NOBODY: Final = "-"

router = Router(tags=["audit"])

_for_each_client = RateLimit(per_second=10, burst=50)
_for_each_tenant = RateLimit(per_second=2, burst=10)
_for_orders = RateLimit(per_second=1 / 30, burst=2)
_kept: OrderedDict[str, tuple[float, Standing | None]] = OrderedDict()
_looking: dict[str, asyncio.Task[Standing | None]] = {}
_looks = asyncio.Semaphore(LOOKS)


@router.get("/api/audit/verify", summary="What the operator says of a log", operation_id="verify")
async def verify(request: HttpRequest) -> HttpResponse:
    """The newest audit walk of the tenant named by path, by the header `X-Tenant`, or by the host name's first label.

    200 if it found nothing, also before the first walk (`ok: null`); 422 if it found something. Public where the
    tenant leaves it on; otherwise 404, as for a tenant that does not exist.
    """
    tenant = tenant_of(request)
    return await _verify(request, request.headers.get("X-Tenant") or _label(request) if tenant is None else tenant.slug)


@router.get("/api/audit/verify/{slug}", summary="The same, named by path", operation_id="verify_tenant")
async def verify_tenant(request: HttpRequest, slug: str) -> HttpResponse:
    """The newest audit walk of the tenant that the path names."""
    return await _verify(request, slug)


@router.get(
    "/api/audit/walks",
    auth=Needs(Capability.LEDGER_READ),
    summary="The newest audit walk in full",
    operation_id="walks",
)
def walks(request: HttpRequest) -> HttpResponse:
    """The newest walk and the newest that read everything, each with its whole report."""
    access = standing_in(request)
    with access.transaction() as connection:
        newest = latest_walk(connection, access.log_id)
        full = latest_walk(connection, access.log_id, full=True)
    return json_response({"newest": newest and _shown(newest), "newest_full": full and _shown(full)})


@router.post(
    "/api/audit/walks", auth=Needs(Capability.LEDGER_VERIFY), summary="Order a full walk", operation_id="order_walk"
)
def order(request: HttpRequest) -> HttpResponse:
    """Let the background process read the whole log now. 202; ask for the walks to see when it is done."""
    access = standing_in(request)
    _take(_for_orders, str(access.log_id))
    with access.transaction() as connection:
        newest = latest_walk(connection, access.log_id)
        order_walk(connection, access.log_id)
    return json_response({"ordered": True, "newest_run": newest and newest.number}, status=202)


async def _verify(request: HttpRequest, slug: str) -> HttpResponse:
    client = _client(request)
    _take(_for_each_client, client)
    # What cannot be a slug is looked for all the same, under a name that nobody has: its 404 takes as long as any.
    slug = slug if _SLUG.fullmatch(slug) else _NOBODY
    _take(_for_each_tenant, f"{client} {slug}")
    standing = await _standing(slug)
    if standing is None:
        raise ProblemError(not_found())
    status = 422 if standing.ok is False else 200
    return json_response(standing.document(slug), status=status)


async def _standing(slug: str) -> Standing | None:
    held = _kept.get(slug)
    if held is not None and time.monotonic() - held[0] < KEPT_SECONDS:
        return held[1]
    look = _looking.get(slug)
    if look is None:
        if len(_looking) >= LOOKS + WAITING:
            raise refuse("unavailable", "too many are asking; try again", headers={"retry-after": "2"})
        look = asyncio.ensure_future(_look(slug))
        _looking[slug] = look
        look.add_done_callback(lambda _: _looking.pop(slug, None))
    return await asyncio.shield(look)


async def _look(slug: str) -> Standing | None:
    async with _looks:
        standing = await asyncio.to_thread(standing_of, slug)
    _kept.pop(slug, None)
    _kept[slug] = (time.monotonic(), standing)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return standing


def _take(limit: RateLimit, name: str) -> None:
    wait = limit.take(name, time.monotonic())
    if wait:
        raise refuse("rate-limited", "slow down", headers={"retry-after": str(int(wait) + 1)})


def _label(request: HttpRequest) -> str:
    try:
        host = request.get_host().rsplit(":", 1)[0]
    except DisallowedHost:
        return ""
    label, dot, _ = host.partition(".")
    return label if dot and not label.isdigit() else ""


def _client(request: HttpRequest) -> str:
    """Whom to count a request for: an IPv4 address, or the /64 of an IPv6 address."""
    address = str(request.META.get("REMOTE_ADDR", ""))
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if settings.TRUSTED_PROXIES and len(forwarded) >= settings.TRUSTED_PROXIES:
        address = forwarded[-settings.TRUSTED_PROXIES]
    try:
        read = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    return str(read) if read.version == 4 else str(ipaddress.ip_network(f"{read}/64", strict=False))


def _shown(walk: Walk) -> dict[str, object]:
    return {
        "run": walk.number,
        "started_at": format_time6(micros(walk.started_at)),
        "finished_at": format_time6(micros(walk.finished_at)),
        "ok": walk.ok,
        "total_rows": walk.total_rows,
        "head": walk.head.hex(),
        "broken_at": walk.broken_at,
        "report": walk.report,
    }
