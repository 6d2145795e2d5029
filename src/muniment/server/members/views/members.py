"""The list of members, and the page of each."""

from __future__ import annotations

from typing import cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.ledger.query import EntryFilter, find_entries
from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.members import listing, services
from muniment.server.members.forms import HolderForm, PlainForm, group_choices, role_choices
from muniment.server.members.rows import read_directory
from muniment.server.members.trail import Deed, deeds
from muniment.server.members.views.attempts import attempt
from muniment.server.tenants.scope import ledger_connection

_STATES = (("", "All"), ("active", "Active"), ("ending", "With an end"), ("ended", "Ended"))


@page(needs=Capability.MEMBER_READ)
def index(request: HttpRequest) -> HttpResponse:
    """Members, searched, filtered and sorted by the address."""
    now = timezone.now()
    directory = read_directory(now)
    asked = _asked(request)
    number = _page_number(request)
    rows = list(listing.members(asked, directory, now)[(number - 1) * listing.PAGE : number * listing.PAGE + 1])
    found = listing.listed(rows[: listing.PAGE], directory, now)
    return render(
        request,
        "members/list.html",
        {
            "members": found,
            "asked": asked,
            "first": (number - 1) * listing.PAGE + 1,
            "last": (number - 1) * listing.PAGE + len(found),
            "previous": _address(request, page=number - 1) if number > 1 else "",
            "next": _address(request, page=number + 1) if len(rows) > listing.PAGE else "",
            "roles": role_choices(directory),
            "groups": group_choices(directory),
            "states": [(name, label, _address(request, state=name), name == asked.state) for name, label in _STATES],
            "all": reverse("members:list"),
            "filtered": bool(asked.search or asked.role or asked.group or asked.state),
            "may_invite": page_standing(request).may(Capability.MEMBER_MANAGE),
            "waiting": services.open_invitations(now).count(),
        },
    )


@page(needs=Capability.MEMBER_READ)
def member(request: HttpRequest, member_id: str) -> HttpResponse:
    """One member: roles, groups, what they add up to and through what, and what the person did last."""
    now = timezone.now()
    directory = read_directory(now)
    holder = directory.holders.get(member_id)
    if holder is None or holder.kind != "member":
        raise Http404
    standing = page_standing(request)
    (row,) = listing.listed(listing.members(listing.MemberQuery(), directory, now).filter(id=member_id), directory, now)
    return render(
        request,
        "members/member.html",
        {
            "member": row,
            "held": [
                (directory.roles[role], [group for group in through if group is not None], None in through)
                for role, through in directory.sources(holder).items()
            ],
            "groups": [directory.groups[group] for group in sorted(holder.groups) if group in directory.groups],
            "power": directory.power(holder),
            "allowances": listing.allowances(directory, holder),
            "deeds": _deeds(request, holder.subject) if standing.may(Capability.TRAIL_READ) else None,
            "own": holder.subject == standing.subject,
            "may_change": standing.may(Capability.MEMBER_MANAGE) and holder.subject != standing.subject,
        },
    )


@page(needs=Capability.MEMBER_MANAGE, step_up="always", methods=("GET", "POST"))
def change(request: HttpRequest, member_id: str) -> HttpResponse:
    """Roles, groups and end of a member."""
    now = timezone.now()
    directory = read_directory(now)
    holder = directory.holders.get(member_id)
    if holder is None or holder.kind != "member":
        raise Http404
    (row,) = listing.listed(listing.members(listing.MemberQuery(), directory, now).filter(id=member_id), directory, now)
    day = None if holder.until is None else holder.until.date()
    initial = {"roles": list(holder.roles), "groups": list(holder.groups), "until": day}
    form = HolderForm(request.POST or None, directory=directory, initial=initial)
    if request.method == "POST" and form.is_valid():
        changed = attempt(
            request,
            form,
            lambda: services.change_member(
                page_standing(request),
                member_id,
                roles=form.cleaned_data["roles"],
                groups=form.cleaned_data.get("groups", ()),
                until=form.end(holder.until),
            ),
        )
        if changed is not None:
            messages.success(request, "Changed. It counts from the member's next request on.")
            return HttpResponseRedirect(reverse("members:member", args=[member_id]))
    status = 422 if request.method == "POST" else 200
    return render(request, "members/change.html", {"form": form, "member": row}, status=status)


@page(needs=Capability.MEMBER_MANAGE, step_up="writes", methods=("POST",))
def remove(request: HttpRequest, member_id: str) -> HttpResponse:
    """End a membership."""
    form = PlainForm(request.POST)

    def act() -> bool:
        services.remove_member(page_standing(request), member_id)
        return True

    if form.is_valid() and attempt(request, form, act):
        messages.success(request, "Removed. Entries that name the person stay as they are.")
        return HttpResponseRedirect(reverse("members:list"))
    return _not_done(request, form, reverse("members:member", args=[member_id]))


@page(needs=None, step_up="writes", methods=("POST",))
def leave(request: HttpRequest) -> HttpResponse:
    """End one's own membership."""
    form = PlainForm(request.POST)
    standing = page_standing(request)
    holder = read_directory(timezone.now()).member_of(standing.subject)
    if holder is None:
        raise Http404

    def act() -> bool:
        services.remove_member(standing, holder.id)
        return True

    if form.is_valid() and attempt(request, form, act):
        return HttpResponseRedirect(reverse("tenants:choose"))
    return _not_done(request, form, reverse("members:member", args=[holder.id]))


def _not_done(request: HttpRequest, form: PlainForm, back: str) -> HttpResponse:
    return render(request, "members/refused.html", {"form": form, "back": back}, status=422)


def _deeds(request: HttpRequest, subject: str) -> list[Deed]:
    with ledger_connection() as raw:
        found = find_entries(raw, page_standing(request).log_id, EntryFilter(actor=subject), limit=10)
    return deeds(found.entries)


def _asked(request: HttpRequest) -> listing.MemberQuery:
    state = request.GET.get("state", "")
    return listing.MemberQuery(
        search=request.GET.get("q", "").replace("\0", "").strip()[:254],
        role=request.GET.get("role", "")[:30].replace("\0", ""),
        group=request.GET.get("group", "")[:30].replace("\0", ""),
        state=cast("listing.State", state if state in {name for name, _ in _STATES} else ""),
        sort=request.GET.get("sort", "name")[:16],
    )


def _page_number(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 7 and int(text) > 0 else 1


def _address(request: HttpRequest, **changed: object) -> str:
    kept = {name: value for name, value in request.GET.items() if name != "page"}
    asked = {name: value for name, value in (kept | changed).items() if value not in ("", None)}
    return "?" + urlencode(asked)
