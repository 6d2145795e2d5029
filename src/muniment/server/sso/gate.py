"""Single sign-on only: who must come through the tenant's provider, at sign-in and at every page afterwards.

A session that began with a password, with another tenant's provider, or through a connection that was switched off
since, does not open a tenant that demands its own.
Members with break-glass access are let in and that is recorded with a label of its own.
"""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

from allauth.account.internal.flows.login import get_authentication_records
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from muniment.server.accounts.models import User
from muniment.server.members.models import Membership
from muniment.server.paths import is_machine_path
from muniment.server.problems import CONTENT_TYPE, Problem
from muniment.server.ratelimit import RateLimit
from muniment.server.recording import record_apart
from muniment.server.sso.models import SsoConnection, SsoPolicy
from muniment.server.sso.workflow import State
from muniment.server.tenants.middleware import tenant_of
from muniment.server.tenants.scope import lookup_scope, tenant_scope

# The way in, the way out, and the account's own pages, which belong to no tenant.
_OPEN: Final = ("/sso/", "/account/", "/static/")
_told: Final = RateLimit(per_second=1 / 30, burst=5)
_TOLD: Final = "muniment_sso_break_glass"


def demands_sso(tenant_id: UUID, user_id: str) -> tuple[bool, bool]:
    """(the tenant demands single sign-on of this member, they may break the glass)."""
    with tenant_scope(tenant_id):
        if not SsoPolicy.objects.filter(tenant_id=tenant_id, enforced=True).exists():
            return False, False
        member = Membership.objects.filter(tenant_id=tenant_id, user_id=user_id).first()
    return member is not None, member is not None and member.break_glass


def came_through(request: HttpRequest, user: User, tenant_id: UUID) -> bool:
    """Whether this session began at a provider of this tenant, through a connection that is in use now."""
    through = {
        str(row.get("provider"))
        for row in get_authentication_records(request, user)
        if row.get("method") == "socialaccount" and row.get("tenant") == str(tenant_id)
    }
    if not through:
        return False
    with tenant_scope(tenant_id):
        return SsoConnection.objects.filter(tenant_id=tenant_id, id__in=through, state=State.ACTIVE).exists()


def keeps_out(request: HttpRequest, user: User, tenant_id: UUID) -> bool:
    """Whether a tenant demands its provider of somebody whose session began elsewhere, without break-glass access."""
    if came_through(request, user, tenant_id):
        return False
    demanded, glass = demands_sso(tenant_id, user.pk)
    return demanded and not glass


def at_sign_in(request: HttpRequest, user: User, methods: tuple[str, ...]) -> HttpResponse | None:
    """Refuse a password where the tenant that was named, or the person's only one, demands its provider."""
    if "socialaccount" in methods:
        return None
    tenant = tenant_of(request)
    if tenant is not None:
        homes = {tenant.tenant_id}
    else:
        with lookup_scope("muniment.user", user.pk):
            homes = set(Membership.objects.filter(user_id=user.pk).values_list("tenant_id", flat=True))
    demands = {home: demands_sso(home, user.pk) for home in homes}
    if not demands or not all(demanded and not glass for demanded, glass in demands.values()):
        return None
    for home in demands:
        _record(home, user, "denied", "sso-only")
    return render(request, "sso/only.html", {"tenant": tenant}, status=403)


class SsoOnly(MiddlewareMixin):
    """Keeps sessions that did not come through the provider out of tenants that demand it."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """Answer a page or problem instead of what was asked for."""
        tenant, user = tenant_of(request), request.user
        if tenant is None or request.path_info.startswith(_OPEN) or request.path_info == "/tenants":
            return None
        if not isinstance(user, User):
            return None
        if is_machine_path(request.path_info) and "HTTP_AUTHORIZATION" in request.META:
            # Such a request is its key's, whatever cookie it brings.
            return None
        if came_through(request, user, tenant.tenant_id):
            return None
        demanded, glass = demands_sso(tenant.tenant_id, user.pk)
        if not demanded:
            return None
        if glass:
            told = request.session.get(_TOLD, [])
            if str(tenant.tenant_id) not in told:
                _record(tenant.tenant_id, user, "success", "break-glass")
                request.session[_TOLD] = [*told, str(tenant.tenant_id)]
            return None
        # Asking again costs nothing, an entry stands for good: who goes on is refused as before, and written out less.
        if _told.take(f"{tenant.tenant_id}/{user.pk}", time.monotonic()) == 0:
            _record(tenant.tenant_id, user, "denied", "sso-only")
        if is_machine_path(request.path_info):
            problem = Problem("missing-capability", "this tenant lets people in through single sign-on alone")
            return HttpResponse(problem.body(), status=403, content_type=CONTENT_TYPE)
        return render(request, "sso/only.html", {"tenant": tenant}, status=403)


def _record(tenant_id: UUID, user: User, outcome: str, reason: str) -> None:
    record_apart(
        tenant_id,
        "user.login",
        by=user.subject,
        outcome=outcome,
        resource=("user", user.pk),
        labels={"reason": reason, "break_glass": "used" if reason == "break-glass" else ""},
    )
