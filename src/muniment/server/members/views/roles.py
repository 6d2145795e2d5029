"""Roles: what there are, what each allows, and the tenant's own."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import MEANINGS, Capability
from muniment.server.members import listing, services
from muniment.server.members.directory import Directory, RoleState
from muniment.server.members.forms import DeleteRoleForm, RoleForm
from muniment.server.members.models import Role
from muniment.server.members.rows import read_directory, role_state
from muniment.server.members.views.attempts import attempt


@page(needs=Capability.MEMBER_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The tenant's roles, and every capability with what it allows."""
    directory = read_directory(timezone.now())
    rows = sorted(Role.objects.all(), key=lambda row: (not row.builtin, row.name.lower()))
    return render(
        request,
        "members/roles.html",
        {
            "roles": [(row, role_state(row), directory.users_of_role(row.id)) for row in rows],
            "capabilities": list(MEANINGS.items()),
            "may_change": page_standing(request).may(Capability.ROLE_MANAGE),
        },
    )


@page(needs=Capability.MEMBER_READ)
def role(request: HttpRequest, role_id: str) -> HttpResponse:
    """One role: what it allows and who holds it."""
    directory = read_directory(timezone.now())
    row, state = _role(role_id)
    return render(
        request,
        "members/role.html",
        {
            "role": row,
            "state": state,
            "meanings": listing.meanings(state.capabilities),
            "groups": [group for group in directory.groups.values() if role_id in group.roles],
            "uses": directory.users_of_role(role_id),
            "may_change": page_standing(request).may(Capability.ROLE_MANAGE) and not state.is_administrator,
            "delete_form": DeleteRoleForm(directory=directory, role_id=role_id),
        },
    )


@page(needs=Capability.ROLE_MANAGE, step_up="always", methods=("GET", "POST"))
def create(request: HttpRequest) -> HttpResponse:
    """Define a role."""
    form = RoleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = attempt(request, form, lambda: services.create_role(page_standing(request), **form.cleaned_data))
        if made is not None:
            messages.success(request, "Made. Nobody has it yet.")
            return HttpResponseRedirect(reverse("roles:role", args=[made.id]))
    status = 422 if request.method == "POST" else 200
    return render(request, "members/role_form.html", {"form": form, "role": None}, status=status)


@page(needs=Capability.ROLE_MANAGE, step_up="always", methods=("GET", "POST"))
def change(request: HttpRequest, role_id: str) -> HttpResponse:
    """Define a role anew."""
    row, _state = _role(role_id)
    initial = {
        name: getattr(row, name) for name in ("name", "description", "capabilities", "recorded_reads", "time_boxed")
    }
    form = RoleForm(request.POST or None, initial=initial, existing=True)
    if request.method == "POST" and form.is_valid():
        act = attempt(request, form, lambda: services.change_role(page_standing(request), role_id, **form.cleaned_data))
        if act is not None:
            messages.success(request, "Changed, for everybody who holds it.")
            return HttpResponseRedirect(reverse("roles:role", args=[role_id]))
    status = 422 if request.method == "POST" else 200
    return render(request, "members/role_form.html", {"form": form, "role": row}, status=status)


@page(needs=Capability.ROLE_MANAGE, step_up="writes", methods=("POST",))
def delete(request: HttpRequest, role_id: str) -> HttpResponse:
    """Delete a role, and say what replaces it."""
    directory: Directory = read_directory(timezone.now())
    form = DeleteRoleForm(request.POST, directory=directory, role_id=role_id)

    def act() -> bool:
        services.delete_role(page_standing(request), role_id, replacement_id=form.cleaned_data["replacement"] or None)
        return True

    if form.is_valid() and attempt(request, form, act):
        messages.success(request, "Deleted.")
        return HttpResponseRedirect(reverse("roles:list"))
    back = reverse("roles:role", args=[role_id])
    return render(request, "members/refused.html", {"form": form, "back": back}, status=422)


def _role(role_id: str) -> tuple[Role, RoleState]:
    row = Role.objects.filter(id=role_id).first()
    if row is None:
        raise Http404
    return row, role_state(row)
