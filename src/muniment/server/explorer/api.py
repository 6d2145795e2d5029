"""What the explorer's pages show, for programs: saved views, an entry's neighbours, its causes and effects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import ConfigDict, Field

from muniment.core.errors import Malformed, Refused
from muniment.core.times import format_time6, format_time9
from muniment.server.access.operations import Needs, standing_in
from muniment.server.api.answers import json_response, micros
from muniment.server.api.entries import entry_for
from muniment.server.capabilities import Capability
from muniment.server.explorer import services
from muniment.server.explorer.causality import Happening, causality_of
from muniment.server.explorer.details import Neighbour, neighbours
from muniment.server.explorer.models import SavedView
from muniment.server.explorer.reading import quick_transaction
from muniment.server.explorer.shapes import Graph, Neighbours, ViewList, ViewOut
from muniment.server.problems import refuse
from muniment.server.tenants.scope import tenant_scope

router = Router(auth=Needs(Capability.LEDGER_READ), tags=["read"])


class NewView(Schema):
    """A view to be saved."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=services.MAX_NAME)]
    query: Annotated[str, Field(max_length=8192, description="of the ledger page: filters and columns")] = ""
    shared: Annotated[bool, Field(description="shown to everybody; for people whose reading is not recorded")] = False
    default: Annotated[bool, Field(description="opens by itself, for its owner")] = False


@router.get("/api/views", summary="Saved views of the ledger", operation_id="list_views", response=ViewList)
def views(request: HttpRequest) -> HttpResponse:
    """One's own views and the shared ones, by name; at most 100 are anybody's own."""
    standing = standing_in(request)
    with tenant_scope(standing.tenant_id):
        found = services.views_for(standing)
    return json_response({"views": [_view(view) for view in found]})


@router.post("/api/views", summary="Save a view of the ledger", operation_id="save_view", response={201: ViewOut})
def save(request: HttpRequest, view: NewView) -> HttpResponse:
    """Keeps filters under a name; a view of one's own with that name is replaced."""
    standing = standing_in(request)
    with _refusals(), tenant_scope(standing.tenant_id):
        saved = services.save_view(
            standing, name=view.name, query=view.query, shared=view.shared, is_default=view.default
        )
    return json_response(_view(saved), status=201)


@router.get("/api/views/{view_id}", summary="One saved view", operation_id="get_view", response=ViewOut)
def get(request: HttpRequest, view_id: str) -> HttpResponse:
    """A view of one's own, or a shared one."""
    standing = standing_in(request)
    with _refusals(), tenant_scope(standing.tenant_id):
        return json_response(_view(services.view_for(standing, view_id)))


@router.delete("/api/views/{view_id}", summary="Remove a saved view", operation_id="remove_view", response={204: None})
def remove(request: HttpRequest, view_id: str) -> HttpResponse:
    """Removes a view of one's own; who may manage the tenant removes shared ones too."""
    standing = standing_in(request)
    with _refusals(), tenant_scope(standing.tenant_id):
        services.remove_view(standing, view_id)
    return HttpResponse(status=204)


@router.get(
    "/api/entries/{int:seq}/neighbours",
    summary="The entries around one",
    operation_id="neighbours",
    response=Neighbours,
)
def around(request: HttpRequest, seq: int) -> HttpResponse:
    """The entries before and after, each with whether its link to this one holds."""
    standing = standing_in(request)
    with quick_transaction(standing) as reading:
        entry, _body = entry_for(standing, reading, seq)
        before, after = neighbours(reading, standing.log_id, entry)
    return json_response({"seq": seq, "before": _neighbour(before), "after": _neighbour(after)})


@router.get(
    "/api/entries/{int:seq}/graph", summary="Causes and effects of an entry", operation_id="graph", response=Graph
)
def graph(request: HttpRequest, seq: int) -> HttpResponse:
    """Entries joined to this one by the causes that events name, in the order of time; `cut` says if there are more."""
    standing = standing_in(request)
    with quick_transaction(standing) as reading:
        entry, _body = entry_for(standing, reading, seq)
        found = causality_of(reading, standing.log_id, entry)
    return json_response(
        {
            "seq": seq,
            "recorded_at": format_time6(micros(entry.recorded_at)),
            "nodes": [_happening(happening) for happening in found.happenings],
            "edges": [{"cause": cause, "effect": effect} for cause, effect in found.edges],
            "missing": list(found.missing),
            "cut": found.cut,
            "searched": {"trace": found.in_trace, "entries_after": found.searched},
        }
    )


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except services.NoSuchView as error:
        raise refuse("not-found", error.reason) from None
    except Malformed as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None
    except Refused as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None


def _view(view: SavedView) -> dict[str, object]:
    return {
        "id": view.id,
        "name": view.name,
        "query": view.query,
        "shared": view.shared,
        "default": view.is_default,
        "created_by": view.created_by,
        "created_at": format_time6(micros(view.created_at)),
    }


def _neighbour(found: Neighbour | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {"seq": found.seq, "entry_hash": found.hash, "action": found.action, "link_holds": found.holds}


def _happening(found: Happening) -> dict[str, object]:
    return {
        "event": found.reference,
        "seq": found.seq,
        "relation": found.relation,
        "depth": found.depth,
        "occurred_at": format_time9(found.occurred_at),
        "action": found.action,
        "actor": found.actor,
        "target": found.target,
        "outcome": found.outcome,
    }
