"""Notifications for programs, and for people beside the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from muniment.core.errors import Malformed, Refused
from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.notifications import services
from muniment.server.notifications.answers import message_json, notification_json, routing_json
from muniment.server.notifications.events import find_event
from muniment.server.notifications.routing import Choice, Hours, Routing, in_force
from muniment.server.notifications.shapes import (
    MessageList,
    MessageState,
    NotificationList,
    ReadOrder,
    ReadOut,
    RoutingOrder,
    RoutingOut,
)
from muniment.server.problems import refuse
from muniment.server.tenants.scope import tenant_scope

_MANAGE: Final = Needs(Capability.WORKFLOW_MANAGE)

Person = Annotated[str, Query(pattern=r"^(user:)?usr_[0-9A-Z]{26}$")]
Cursor = Annotated[str, Query(pattern=r"^[a-z]{3}_[0-9A-Z]{26}$")]
Limit = Annotated[int, Query(ge=1, le=200)]

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["notifications"])


@contextmanager
def scope(request: HttpRequest) -> Iterator[Standing]:
    """Run the block in the scope of the caller's tenant, refusals answered as problems.

    Raises:
        ProblemError: invalid-request with the field.
    """
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            yield standing
    except (Malformed, Refused) as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None


@router.get("/api/notifications", summary="Notifications", operation_id="notifications", response=NotificationList)
def listed(
    request: HttpRequest,
    person: Person | None = None,
    unread: bool = False,
    event: Annotated[str, Query(max_length=32)] = "",
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> HttpResponse:
    """One's own, newest first. An API key sees what everybody of the tenant was told, and not who has read it."""
    check_query(request, frozenset({"person", "unread", "event", "cursor", "limit"}))
    with scope(request) as standing:
        reader, whose = _asked_for(standing, person)
        if event:
            find_event(event)
        if unread and (not reader or whose != reader):
            raise Malformed("only one's own are known to be read or not", "unread")
        found = services.listed(whose, only_unread=unread, event=event, cursor=cursor or "", limit=limit)
        return json_response(
            {"notifications": [notification_json(row, reader) for row in found.rows], "cursor": found.older}
        )


@router.post("/api/notifications/read", summary="Mark as read", operation_id="read_notifications", response=ReadOut)
def read(request: HttpRequest, order: ReadOrder) -> HttpResponse:
    """Marks some of one's own as read, or everything up to one; others' are left as they are."""
    with scope(request) as standing:
        user_id = _own(standing)
        number = services.mark_read(user_id, order.ids)
        number += services.mark_all_read(user_id, up_to=order.up_to) if order.up_to else 0
        return json_response({"read": number})


@router.get("/api/notification-messages", summary="E-mails", operation_id="notification_messages", response=MessageList)
def messages(
    request: HttpRequest,
    person: Person | None = None,
    state: MessageState | None = None,
    cursor: Cursor | None = None,
    limit: Limit = 50,
) -> HttpResponse:
    """How the e-mails of the tenant went, newest first."""
    check_query(request, frozenset({"person", "state", "cursor", "limit"}))
    with scope(request):
        wanted = (person or "").removeprefix("user:")
        found = services.sent(state=state or "", user_id=wanted, cursor=cursor or "", limit=limit)
        return json_response({"messages": [message_json(row) for row in found.rows], "cursor": found.older})


@router.get(
    "/api/notification-routing", summary="How one is told", operation_id="notification_routing", response=RoutingOut
)
def routing(request: HttpRequest, person: Person | None = None) -> HttpResponse:
    """What holds for oneself; for somebody else, who holds workflow.manage may ask."""
    check_query(request, frozenset({"person"}))
    with scope(request) as standing:
        _, whose = _asked_for(standing, person)
        held = services.routing_of([whose])[whose] if whose else in_force(services.default_routing(), None)
        return json_response(routing_json(whose, held, own=services.own_routing(whose) is not None))


@router.put(
    "/api/notification-routing",
    summary="Say how one is told",
    operation_id="set_notification_routing",
    response=RoutingOut,
)
def set_routing(request: HttpRequest, order: RoutingOrder) -> HttpResponse:
    """Changes what holds for oneself; recorded. An API key is told of nothing."""
    with scope(request) as standing:
        user_id = _own(standing)
        own = services.own_routing(user_id)
        before = own or Routing(services.default_routing().hours)
        services.change_own(standing, _merged(before, order))
        return json_response(routing_json(user_id, services.routing_of([user_id])[user_id], own=True))


@router.get(
    "/api/notification-defaults",
    summary="How people are told by default",
    operation_id="notification_defaults",
    response=RoutingOut,
)
def defaults(request: HttpRequest) -> HttpResponse:
    """What holds for everybody of the tenant who chose nothing."""
    with scope(request):
        return json_response(routing_json("", in_force(services.default_routing(), None), own=False))


@router.put(
    "/api/notification-defaults",
    auth=_MANAGE,
    summary="Say how people are told by default",
    operation_id="set_notification_defaults",
    response=RoutingOut,
)
def set_defaults(request: HttpRequest, order: RoutingOrder) -> HttpResponse:
    """Changes what holds for everybody of the tenant who chose nothing; recorded."""
    with scope(request) as standing:
        services.change_default(standing, _merged(services.default_routing(), order))
        return json_response(routing_json("", in_force(services.default_routing(), None), own=False))


def _own(standing: Standing) -> str:
    """The person who asks.

    Raises:
        Refused: for an API key.
    """
    kind, _, user_id = standing.subject.partition(":")
    if kind != "user":
        raise Refused("an API key is told of nothing: this is for people", "person")
    return user_id


def _asked_for(standing: Standing, person: str | None) -> tuple[str, str]:
    """Who asks ("" for a key), and for whom ("" for everybody)."""
    kind, _, user_id = standing.subject.partition(":")
    reader = user_id if kind == "user" else ""
    wanted = (person or reader).removeprefix("user:")
    if reader and wanted != reader:
        standing.require(Capability.WORKFLOW_MANAGE)
    return reader, wanted


def _merged(before: Routing, order: RoutingOrder) -> Routing:
    hours = before.hours if order.hours is None else Hours(**order.hours.model_dump())
    given = {code: Choice(one.in_app, one.mail) for code, one in order.events.items()}
    return Routing(hours, {**before.choices, **given})
