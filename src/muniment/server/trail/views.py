"""The page of the trail."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from muniment.server.access.pages import page, page_standing
from muniment.server.accounts.models import User
from muniment.server.capabilities import Capability
from muniment.server.members.models import Membership
from muniment.server.trail.deeds import KINDS
from muniment.server.trail.reading import read_trail

MOST_PEOPLE: Final = 500


@page(needs=Capability.TRAIL_READ)
def index(request: HttpRequest) -> HttpResponse:
    """What people did here, newest first."""
    standing = page_standing(request)
    kind, person = request.GET.get("kind", ""), request.GET.get("person", "")
    with standing.transaction() as connection:
        found = read_trail(connection, standing, kind=kind, person=person, cursor=request.GET.get("cursor"))
    members = list(Membership.objects.values_list("user_id", flat=True)[:MOST_PEOPLE])
    people = [(row.id, row.name or row.email) for row in User.objects.filter(id__in=members).order_by("name", "email")]
    return render(
        request,
        "trail/list.html",
        {
            "rows": found.rows,
            "cursor": found.cursor,
            "paged": "cursor" in request.GET,
            "kind": kind,
            "kinds": KINDS,
            "actions": next((one.actions for one in KINDS if one.code == kind), ()),
            "person": person,
            "person_name": dict(people).get(person, person),
            "people": people,
            "may_read_ledger": standing.may(Capability.LEDGER_READ),
        },
    )
