"""Pages on which a tenant's sign-in is set up."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import MunimentError
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.accounts.models import User
from muniment.server.capabilities import Capability
from muniment.server.members.models import Membership, Role
from muniment.server.members.workflow import NoSuch
from muniment.server.sso import domains, services
from muniment.server.sso.forms import ConnectionForm, DomainForm
from muniment.server.sso.models import SsoConnection
from muniment.server.sso.parties import own_address
from muniment.server.sso.presets import PRESETS, preset_of

MANAGE = Capability.SSO_MANAGE


@page(needs=MANAGE)
def overview(request: HttpRequest) -> HttpResponse:
    """Connections, domains, and whether single sign-on is demanded."""
    return _overview(request, DomainForm())


@page(needs=MANAGE, step_up="always", methods=("GET", "POST"))
def create(request: HttpRequest, preset: str) -> HttpResponse:
    """Set up a connection."""
    if preset not in PRESETS:
        raise Http404
    standing = page_standing(request)
    form = ConnectionForm(request.POST or None, preset=PRESETS[preset], roles=_roles(standing))
    if request.method == "POST" and form.is_valid():
        try:
            row = services.create_connection(standing, form.wanted())
        except MunimentError as error:
            form.refuse(error)
        else:
            return HttpResponseRedirect(reverse("sso:connection", args=[row.id]))
    return _form(request, form, None)


@page(needs=MANAGE, step_up="writes", methods=("GET", "POST"))
def connection(request: HttpRequest, connection_id: str) -> HttpResponse:
    """One connection: what the provider must be told, and its settings."""
    standing = page_standing(request)
    row = _connection(standing, connection_id)
    form = ConnectionForm(request.POST or None, preset=preset_of(row.preset), roles=_roles(standing), row=row)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_connection(standing, row, form.wanted())
        except MunimentError as error:
            form.refuse(error)
        else:
            return HttpResponseRedirect(reverse("sso:connection", args=[row.id]))
    return _form(request, form, _connection(standing, connection_id))


@page(needs=MANAGE, step_up="writes", methods=("POST",))
def act(request: HttpRequest, connection_id: str, what: str) -> HttpResponse:
    """Switch a connection on or off, or delete it."""
    standing = page_standing(request)
    row = _connection(standing, connection_id)
    acts = {
        "activate": services.activate,
        "disable": services.disable,
        "delete": services.delete_connection,
    }
    if what not in acts:
        raise Http404
    acts[what](standing, row)
    if what == "delete":
        return HttpResponseRedirect(reverse("sso:list"))
    return HttpResponseRedirect(reverse("sso:connection", args=[row.id]))


@page(needs=MANAGE, step_up="writes", methods=("POST",))
def policy(request: HttpRequest) -> HttpResponse:
    """Demand single sign-on, or no longer."""
    services.enforce(page_standing(request), enforced=request.POST.get("enforced") == "yes")
    return HttpResponseRedirect(reverse("sso:list"))


@page(needs=MANAGE, step_up="writes", methods=("POST",))
def break_glass(request: HttpRequest) -> HttpResponse:
    """Give a member break-glass access, or take it."""
    services.set_break_glass(
        page_standing(request), request.POST.get("member", ""), allowed=request.POST.get("allowed") == "yes"
    )
    return HttpResponseRedirect(reverse("sso:list"))


@page(needs=MANAGE, step_up="writes", methods=("POST",))
def add_domain(request: HttpRequest) -> HttpResponse:
    """Note a domain that is to be verified."""
    form = DomainForm(request.POST)
    if form.is_valid():
        try:
            services.add_domain(page_standing(request), form.cleaned_data["domain"])
        except MunimentError as error:
            form.add_error("domain", error.reason)
        else:
            return HttpResponseRedirect(reverse("sso:list"))
    return _overview(request, form, status=422)


@page(needs=MANAGE, step_up="writes", methods=("POST",))
def domain(request: HttpRequest, domain_id: str, what: str) -> HttpResponse:
    """Verify a domain, or forget it."""
    standing = page_standing(request)
    try:
        row = services.domain(standing, domain_id)
    except NoSuch as error:
        raise Http404 from error
    if what == "verify":
        services.verify_domain(standing, row)
    elif what == "remove":
        services.remove_domain(standing, row)
    else:
        raise Http404
    return HttpResponseRedirect(reverse("sso:list"))


def _overview(request: HttpRequest, form: DomainForm, *, status: int = 200) -> HttpResponse:
    standing = page_standing(request)
    members = list(Membership.objects.filter(tenant_id=standing.tenant_id).order_by("joined_at"))
    people = {user.pk: user for user in User.objects.filter(pk__in=[member.user_id for member in members])}
    shown = services.verified_domains(standing)
    return render(
        request,
        "sso/overview.html",
        {
            "connections": services.connections(standing),
            "presets": PRESETS.values(),
            "domains": [(row, domains.challenge_address(row.domain)) for row in shown],
            "form": form,
            "enforced": services.is_enforced(standing),
            "glass": [(row, people[row.user_id]) for row in members if row.break_glass and row.user_id in people],
            "others": [(row, people[row.user_id]) for row in members if not row.break_glass and row.user_id in people],
        },
        status=status,
    )


def _form(request: HttpRequest, form: ConnectionForm, row: SsoConnection | None) -> HttpResponse:
    addresses = {}
    if row is not None:
        names = (
            {"Redirect URI": "oidc-callback"}
            if row.kind == "oidc"
            else {"Metadata (entity ID)": "saml-metadata", "Assertion consumer service": "saml-acs"}
        )
        addresses = {label: own_address(request, name, row.id) for label, name in names.items()}
    return render(
        request,
        "sso/connection.html",
        {"form": form, "connection": row, "preset": form.preset, "addresses": addresses},
        status=422 if form.errors else 200,
    )


def _connection(standing: Standing, connection_id: str) -> SsoConnection:
    try:
        return services.connection(standing, connection_id)
    except NoSuch as error:
        raise Http404 from error


def _roles(standing: Standing) -> list[Role]:
    return list(Role.objects.filter(tenant_id=standing.tenant_id).order_by("name"))
