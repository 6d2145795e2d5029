"""Groups: who is in them, what they give, and what they are part of."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.core.errors import Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.accounts.models import User
from muniment.server.capabilities import Capability
from muniment.server.members import listing, services
from muniment.server.members.forms import GroupForm, GroupMemberForm, PlainForm
from muniment.server.members.rows import read_directory
from muniment.server.members.views.attempts import attempt


@page(needs=Capability.MEMBER_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The tenant's groups."""
    directory = read_directory(timezone.now())
    shown = [
        {
            "group": group,
            "parent": directory.groups.get(group.parent_id),
            "roles": sorted(directory.roles[role].name for role in directory.roles_of_group(group.id)),
            "members": sum(group.id in holder.groups for holder in directory.holders.values()),
        }
        for group in sorted(directory.groups.values(), key=lambda group: group.name.lower())
    ]
    may = page_standing(request).may(Capability.MEMBER_MANAGE)
    return render(request, "members/groups.html", {"groups": shown, "may_change": may})


@page(needs=Capability.MEMBER_READ)
def group(request: HttpRequest, group_id: str) -> HttpResponse:
    """One group."""
    return _group_page(request, group_id, GroupMemberForm())


@page(needs=Capability.MEMBER_MANAGE, step_up="always", methods=("GET", "POST"))
def create(request: HttpRequest) -> HttpResponse:
    """Make a group."""
    form = GroupForm(request.POST or None, directory=read_directory(timezone.now()))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        made = attempt(
            request,
            form,
            lambda: services.create_group(
                page_standing(request), name=given["name"], roles=given["roles"], parent_id=given["parent"]
            ),
        )
        if made is not None:
            messages.success(request, "Made. Nobody is in it yet.")
            return HttpResponseRedirect(reverse("groups:group", args=[made.id]))
    status = 422 if request.method == "POST" else 200
    return render(request, "members/group_form.html", {"form": form, "group": None}, status=status)


@page(needs=Capability.MEMBER_MANAGE, step_up="always", methods=("GET", "POST"))
def change(request: HttpRequest, group_id: str) -> HttpResponse:
    """Name, roles and parent of a group."""
    directory = read_directory(timezone.now())
    state = directory.groups.get(group_id)
    if state is None:
        raise Http404
    initial = {"name": state.name, "parent": state.parent_id, "roles": list(state.roles)}
    form = GroupForm(request.POST or None, directory=directory, group_id=group_id, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        done = attempt(
            request,
            form,
            lambda: services.change_group(
                page_standing(request), group_id, name=given["name"], roles=given["roles"], parent_id=given["parent"]
            ),
        )
        if done is not None:
            messages.success(request, "Changed, for everybody in it.")
            return HttpResponseRedirect(reverse("groups:group", args=[group_id]))
    status = 422 if request.method == "POST" else 200
    return render(request, "members/group_form.html", {"form": form, "group": state}, status=status)


@page(needs=Capability.MEMBER_MANAGE, step_up="writes", methods=("POST",))
def put(request: HttpRequest, group_id: str) -> HttpResponse:
    """Put a member into a group."""
    form = GroupMemberForm(request.POST)

    def act() -> bool:
        user = User.objects.filter(email__iexact=form.cleaned_data["email"]).values_list("id", flat=True).first()
        holder = read_directory(timezone.now()).member_of(f"user:{user}")
        if holder is None:
            raise Refused("no member has this address", "email")
        services.put_in_group(page_standing(request), group_id, holder.id)
        return True

    if form.is_valid() and attempt(request, form, act):
        messages.success(request, "In the group.")
        return HttpResponseRedirect(reverse("groups:group", args=[group_id]))
    return _group_page(request, group_id, form, status=422)


@page(needs=Capability.MEMBER_MANAGE, step_up="writes", methods=("POST",))
def take(request: HttpRequest, group_id: str) -> HttpResponse:
    """Take a member out of a group."""
    member_id = request.POST.get("member", "")[:30].replace("\0", "")

    def act() -> None:
        services.take_from_group(page_standing(request), group_id, member_id)

    return _done(request, act, "Taken out of the group.", reverse("groups:group", args=[group_id]))


@page(needs=Capability.MEMBER_MANAGE, step_up="writes", methods=("POST",))
def delete(request: HttpRequest, group_id: str) -> HttpResponse:
    """Delete a group."""

    def act() -> None:
        services.delete_group(page_standing(request), group_id)

    return _done(request, act, "Deleted.", reverse("groups:list"), back=reverse("groups:group", args=[group_id]))


def _done(request: HttpRequest, act: Callable[[], None], said: str, go: str, *, back: str = "") -> HttpResponse:
    form = PlainForm(request.POST)

    def acted() -> bool:
        act()
        return True

    if form.is_valid() and attempt(request, form, acted):
        messages.success(request, said)
        return HttpResponseRedirect(go)
    return render(request, "members/refused.html", {"form": form, "back": back or go}, status=422)


def _group_page(request: HttpRequest, group_id: str, form: GroupMemberForm, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    directory = read_directory(now)
    state = directory.groups.get(group_id)
    if state is None:
        raise Http404
    rows = listing.members(listing.MemberQuery(group=group_id), directory, now)[:500]
    own = state.roles & directory.roles.keys()
    return render(
        request,
        "members/group.html",
        {
            "group": state,
            "line": directory.line_of(group_id)[1:],
            "inside": [other for other in directory.groups.values() if other.parent_id == group_id],
            "own_roles": [directory.roles[role] for role in sorted(own)],
            "inherited": [directory.roles[role] for role in sorted(directory.roles_of_group(group_id) - own)],
            "members": listing.listed(rows, directory, now),
            "form": form,
            "may_change": page_standing(request).may(Capability.MEMBER_MANAGE),
        },
        status=status,
    )
