"""Pages of a tenant's settings, the choice between tenants, and security.txt."""

from __future__ import annotations

from dataclasses import asdict

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.core.errors import Refused
from muniment.server.access.pages import account_page, page, page_standing, public_page
from muniment.server.capabilities import Capability
from muniment.server.members.services import memberships_of
from muniment.server.recording import installation_tenant
from muniment.server.tenancy import services
from muniment.server.tenancy.addresses import address_of
from muniment.server.tenancy.forms import HostForm, PublicForm, SettingsForm, WorkspaceForm
from muniment.server.tenancy.workflow import Settings, security_txt
from muniment.server.tenants.middleware import tenant_of
from muniment.server.tenants.models import TenantHost, Workspace
from muniment.server.tenants.resolving import RequestTenant
from muniment.server.tenants.scope import tenant_scope


@account_page()
def choose(request: HttpRequest) -> HttpResponse:
    """One's tenants; whoever has one alone goes straight there."""
    found = [(one, address_of(request, one.slug)) for one in memberships_of(str(request.user.pk))]
    if len(found) == 1 and (address := found[0][1]) is not None:
        return HttpResponseRedirect(address)
    return render(request, "tenancy/choose.html", {"found": found, "here": tenant_of(request)})


@page(needs=Capability.TENANT_MANAGE)
def settings(request: HttpRequest) -> HttpResponse:
    """The settings as they are."""
    return _settings_page(request)


@page(needs=Capability.TENANT_MANAGE, step_up="always", methods=("GET", "POST"))
def change(request: HttpRequest) -> HttpResponse:
    """Change the settings."""
    form = SettingsForm(request.POST or None, initial=asdict(services.read_settings()))
    if request.method == "POST" and form.is_valid():
        try:
            services.change_settings(page_standing(request), Settings(**form.cleaned_data))
        except Refused as error:
            _say(form, error)
        else:
            messages.success(request, "Saved.")
            return HttpResponseRedirect(reverse("tenants:settings"))
    return render(request, "tenancy/change.html", {"form": form}, status=422 if request.method == "POST" else 200)


@page(needs=Capability.TENANT_MANAGE, step_up="writes", methods=("POST",))
def verification(request: HttpRequest) -> HttpResponse:
    """Make the result of the audit walk public, or not."""
    form = PublicForm(request.POST)
    form.is_valid()
    services.publish_verification(page_standing(request), public=form.cleaned_data["public"])
    return HttpResponseRedirect(reverse("tenants:settings"))


@page(needs=Capability.TENANT_MANAGE, step_up="writes", methods=("POST",))
def workspace(request: HttpRequest) -> HttpResponse:
    """Make a workspace."""
    form = WorkspaceForm(request.POST, regions=services.regions())
    if form.is_valid():
        try:
            services.create_workspace(page_standing(request), **form.cleaned_data)
        except Refused as error:
            _say(form, error)
        else:
            messages.success(request, "Made.")
            return HttpResponseRedirect(reverse("tenants:settings"))
    return _settings_page(request, workspace_form=form, status=422)


@page(needs=Capability.TENANT_MANAGE, step_up="writes", methods=("POST",))
def host(request: HttpRequest) -> HttpResponse:
    """Add a host name."""
    form = HostForm(request.POST)
    if form.is_valid():
        try:
            services.add_host(page_standing(request), _tenant(request).slug, host=form.cleaned_data["host"])
        except Refused as error:
            _say(form, error)
        else:
            messages.success(request, "Added.")
            return HttpResponseRedirect(reverse("tenants:settings"))
    return _settings_page(request, host_form=form, status=422)


@page(needs=Capability.TENANT_MANAGE, step_up="writes", methods=("POST",))
def unhost(request: HttpRequest, host_id: str) -> HttpResponse:
    """Take a host name back."""
    if not services.remove_host(page_standing(request), host_id):
        raise Http404
    messages.success(request, "Removed.")
    return HttpResponseRedirect(reverse("tenants:settings"))


@public_page(reason="RFC 9116: who finds a hole must find where to report it")
def security_text(request: HttpRequest) -> HttpResponse:
    """Where to report vulnerabilities: of the tenant, or of the installation."""
    tenant = tenant_of(request)
    with tenant_scope(installation_tenant() if tenant is None else tenant.tenant_id):
        known = services.read_settings()
    if not known.security_contact:
        raise Http404
    text = security_txt(
        known.security_contact,
        known.security_policy_url,
        request.build_absolute_uri(reverse("tenants:security-txt")),
        timezone.now(),
    )
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def _settings_page(
    request: HttpRequest,
    *,
    workspace_form: WorkspaceForm | None = None,
    host_form: HostForm | None = None,
    status: int = 200,
) -> HttpResponse:
    known = services.read_settings()
    return render(
        request,
        "tenancy/settings.html",
        {
            "known": known,
            "public": services.is_verification_public(),
            "security_txt": request.build_absolute_uri(reverse("tenants:security-txt")),
            "workspaces": Workspace.objects.order_by("name"),
            "hosts": TenantHost.objects.order_by("host"),
            "workspace_form": workspace_form or WorkspaceForm(regions=services.regions()),
            "host_form": host_form or HostForm(),
        },
        status=status,
    )


def _tenant(request: HttpRequest) -> RequestTenant:
    tenant = tenant_of(request)
    if tenant is None:
        raise Http404
    return tenant


def _say(form: forms.Form, error: Refused) -> None:
    form.add_error(error.where if error.where in form.fields else None, error.reason[:1].upper() + error.reason[1:])
