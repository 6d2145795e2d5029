"""Entries: asked for by what they have in common, and one by one."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from muniment.core.entry import parse_entry
from muniment.core.errors import Malformed
from muniment.core.identifiers import check_event_id, check_source_id
from muniment.core.times import format_time6
from muniment.ledger.logfacts import foreign_sources
from muniment.ledger.query import MAX_LIMIT, EntryFilter, find_entries, in_one_process
from muniment.ledger.read import StoredBody, StoredEntry, entries_of_event, entry_at
from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response, micros
from muniment.server.api.faults import not_found
from muniment.server.capabilities import Capability
from muniment.server.ingest.batch import NDJSON
from muniment.server.problems import ProblemError, refuse

if TYPE_CHECKING:
    from psycopg import Connection

MAX_SEQ: Final = 2**53 - 1
_FILTERS: Final = ("action", "actor", "tool", "workspace", "resource", "outcome", "control", "label", "trace", "source")
_PARAMETERS: Final = frozenset({*_FILTERS, "resource_type", "from", "to", "order", "limit", "cursor"})

# An append key reads what its own sources submitted: `Standing.own_only`.
OWN: Final = (Capability.LEDGER_READ, Capability.LEDGER_APPEND)
OWN_BODIES: Final = (Capability.BODY_READ, Capability.LEDGER_APPEND)

router = Router(auth=Needs(*OWN), tags=["read"])


@router.get("/api/entries", auth=Needs(Capability.LEDGER_READ), summary="Find entries", operation_id="find_entries")
def find(
    request: HttpRequest,
    since: Annotated[str | None, Query(alias="from", description="recorded at or after, RFC 3339")] = None,
    until: Annotated[str | None, Query(alias="to", description="recorded before, RFC 3339")] = None,
    action: Annotated[str | None, Query(description="tool.call, or tool.* for all under it")] = None,
    actor: str | None = None,
    tool: str | None = None,
    workspace: str | None = None,
    resource: Annotated[str | None, Query(description="the resource's id")] = None,
    resource_type: str | None = None,
    outcome: Literal["denied", "failure", "success", "unknown"] | None = None,
    control: Annotated[str | None, Query(description="a control id, such as soc2:CC6.1")] = None,
    label: Annotated[str | None, Query(description="key=value")] = None,
    trace: Annotated[str | None, Query(description="32 hex digits")] = None,
    source: str | None = None,
    order: Annotated[Literal["newest", "oldest"], Query(description="which comes first")] = "newest",
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
    cursor: Annotated[str | None, Query(max_length=128, description="of the page before")] = None,
) -> HttpResponse:
    """One page of the entries that match everything asked; `Accept: application/x-ndjson` gives their bare texts."""
    access = standing_in(request)
    unknown = sorted(set(request.GET) - _PARAMETERS)
    if unknown:
        raise refuse("malformed-query", "is no parameter of this query", field=ascii(unknown[0])[1:-1][:64])
    repeated = sorted(name for name, values in request.GET.lists() if len(values) > 1)
    if repeated:
        raise refuse("malformed-query", "stands twice in the query", field=repeated[0])
    asked = EntryFilter(
        since=_time(since, "from"),
        until=_time(until, "to"),
        action=action,
        actor=actor,
        tool=tool,
        workspace=workspace,
        resource=resource,
        resource_type=resource_type,
        outcome=outcome,
        control=control,
        label=label,
        trace=_trace(trace),
        source=source,
        newest_first=order == "newest",
    )
    with access.transaction() as connection:
        in_one_process(connection)
        page = find_entries(connection, access.log_id, asked, limit=limit, cursor=cursor)
    if NDJSON in request.headers.get("Accept", ""):
        following = {} if page.cursor is None else {"X-Next-Cursor": page.cursor}
        lines = b"".join(entry.text + b"\n" for entry in page.entries)
        return HttpResponse(lines, content_type=NDJSON, headers=following)
    return json_response({"entries": [_shown(entry) for entry in page.entries], "cursor": page.cursor})


@router.get("/api/entries/{int:seq}", summary="One entry by its place", operation_id="entry_by_seq")
def by_seq(request: HttpRequest, seq: int) -> HttpResponse:
    """The entry, its hash, and the state of its body."""
    access = standing_in(request)
    with access.transaction() as connection:
        return _one(*entry_for(access, connection, seq))


@router.get(
    "/api/entries/{int:seq}/body", auth=Needs(*OWN_BODIES), summary="An entry's body", operation_id="body_by_seq"
)
def body_by_seq(request: HttpRequest, seq: int) -> HttpResponse:
    """The payload's bytes; the salt of its commitment stands in the header `Muniment-Salt`, in base64."""
    access = standing_in(request)
    with access.transaction() as connection:
        return _body(*entry_for(access, connection, seq))


@router.get("/api/entries/{source}/{event}", summary="One entry by its event's id", operation_id="entry_by_event")
def by_event(request: HttpRequest, source: str, event: str) -> HttpResponse:
    """The entry that holds the event of a source."""
    access = standing_in(request)
    with access.transaction() as connection:
        return _one(*entry_of_event(access, connection, source, event))


@router.get(
    "/api/entries/{source}/{event}/body",
    auth=Needs(*OWN_BODIES),
    summary="An event's body",
    operation_id="body_by_event",
)
def body_by_event(request: HttpRequest, source: str, event: str) -> HttpResponse:
    """The payload's bytes of the event of a source."""
    access = standing_in(request)
    with access.transaction() as connection:
        return _body(*entry_of_event(access, connection, source, event))


def entry_for(access: Standing, connection: Connection[Any], seq: int) -> tuple[StoredEntry, StoredBody | None]:
    """The entry at a place, if the caller may see it.

    Raises:
        ProblemError: not-found, the same for what is not there and what is not the caller's.
    """
    if not 0 <= seq <= MAX_SEQ:
        raise ProblemError(not_found())
    found = entry_at(connection, access.log_id, seq)
    if found is None:
        raise ProblemError(not_found())
    return _seen(access, connection, found)


def entry_of_event(
    access: Standing, connection: Connection[Any], source_id: str, event_id: str
) -> tuple[StoredEntry, StoredBody | None]:
    """The entry of an event, if the caller may see it.

    Raises:
        ProblemError: not-found.
    """
    try:
        check_source_id(source_id)
        check_event_id(event_id)
    except Malformed:
        raise ProblemError(not_found()) from None
    found = entries_of_event(connection, access.log_id, event_id, source_id)
    if not found:
        raise ProblemError(not_found())
    return _seen(access, connection, found[0])


def _seen(
    access: Standing, connection: Connection[Any], found: tuple[StoredEntry, StoredBody | None]
) -> tuple[StoredEntry, StoredBody | None]:
    own = access.own_only
    if own is not None:
        source = str(orjson.loads(found[0].text)["event"]["source"]["id"])
        if foreign_sources(connection, access.log_id, own, [source]):
            raise ProblemError(not_found())
    return found


def _shown(entry: StoredEntry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "recorded_at": format_time6(micros(entry.recorded_at)),
        "entry_hash": entry.entry_hash.hex(),
        "entry": orjson.Fragment(entry.text),
    }


def _one(entry: StoredEntry, body: StoredBody | None) -> HttpResponse:
    shown = _shown(entry)
    if body is not None:
        shown["body"] = {"state": body.state}
    return json_response(shown)


def _body(entry: StoredEntry, body: StoredBody | None) -> HttpResponse:
    if body is None:
        raise ProblemError(not_found())
    if body.state == "erased":
        raise refuse("body-gone", "the body was erased; an entry of the log says when and by whom")
    if body.salt is None or body.body is None:
        raise refuse("body-not-stored", "the ledger has only the commitment to this body")
    stated = parse_entry(entry.text).event.body
    return HttpResponse(
        body.body,
        # Never the body's own type: what agents were sent must not run in a reader's browser.
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="entry-{entry.seq}.body"',
            "Muniment-Salt": base64.b64encode(body.salt).decode("ascii"),
            "Muniment-Body-Type": "" if stated is None else stated.type,
        },
    )


def _time(text: str | None, field: str) -> datetime | None:
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise refuse("malformed-query", "must look like 2026-03-01T14:23:07Z, with its time zone", field=field)
    return read


def _trace(text: str | None) -> bytes | None:
    if text is None:
        return None
    if len(text) != 32 or not set(text) <= set("0123456789abcdef"):
        raise refuse("malformed-query", "must be 32 hex digits in lower case", field="trace")
    return bytes.fromhex(text)
