"""Signing in through a provider: to it, back from it, and the page for everything that goes wrong on the way."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, cast
from urllib.parse import urlencode

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib.auth import logout
from django.db import connection as database
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from muniment.core.errors import MunimentError
from muniment.server.access.pages import page, page_standing, public_page, standing_of
from muniment.server.access.stepup import is_fresh
from muniment.server.accounts.addresses import client_address, network_of
from muniment.server.accounts.models import User
from muniment.server.accounts.nexts import safe_path
from muniment.server.capabilities import Capability
from muniment.server.members.workflow import NoSuch
from muniment.server.ratelimit import RateLimit
from muniment.server.recording import SERVER, record, record_apart
from muniment.server.sso import oidc, pending, saml, services, services_signin
from muniment.server.sso.models import SsoConnection, SsoIdentity
from muniment.server.sso.parties import relying_party, service_provider
from muniment.server.sso.refusal import SignInRefused
from muniment.server.sso.workflow import Claims
from muniment.server.tenants.middleware import tenant_of
from muniment.server.tenants.resolving import RequestTenant
from muniment.server.tenants.scope import tenant_scope

# Everybody may come here. To begin costs a question to the provider, so one network begins so many of a tenant's; to be
# refused costs an entry, so these are written out one by one for each tenant. What is beyond is told to wait.
_begun: Final = RateLimit(per_second=2, burst=60)
_refused: Final = RateLimit(per_second=1, burst=200)
_WHY: Final = "people sign in here, so they are not signed in yet"
# What anybody may know. Everything else would tell who has an account here, or how the connection is set up.
_PUBLIC: Final = {
    "provider-refused": "Your identity provider did not sign you in.",
    "provider-unreachable": "Your identity provider does not answer.",
    "no-sign-in": "This sign-in was not begun in this browser, took longer than ten minutes, or is finished already.",
    "no-connection": "This way to sign in is not in use.",
}


@public_page(reason=_WHY)
def choose(request: HttpRequest) -> HttpResponse:
    """The ways into a tenant."""
    tenant = _tenant(request)
    with tenant_scope(tenant.tenant_id):
        rows = list(SsoConnection.objects.filter(tenant_id=tenant.tenant_id, state="active").order_by("name"))
    return render(
        request,
        "sso/choose.html",
        {"connections": rows, "next": safe_path(request.GET.get("next")) or "", "tenant": tenant},
    )


@public_page(reason=_WHY)
def start(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Send the browser to the provider."""
    network = network_of(client_address(request))
    if _begun.take(f"{_tenant(request).tenant_id}/{network}", time.monotonic()) > 0:
        return render(request, "errors/429.html", status=429)
    return _guarded(request, connection_id, lambda tenant: _send(request, tenant, connection_id, "login"))


@page(needs=None, step_up="always", methods=("GET", "POST"))
def link(request: HttpRequest, connection_id: str) -> HttpResponseBase:
    """Link the account that is signed in with a provider's identity, or remove the link."""
    tenant = _tenant(request)
    row = SsoConnection.objects.filter(tenant_id=tenant.tenant_id, id=connection_id, state="active").first()
    if row is None:
        raise Http404
    subject = page_standing(request).subject
    user_id = subject.removeprefix("user:")
    if request.method == "POST" and request.POST.get("do") == "unlink":
        services_signin.unlink(tenant.tenant_id, row.id, user_id, by=subject)
        return HttpResponseRedirect(reverse("account:security"))
    if request.method == "POST":
        return _refusing(request, tenant, connection_id, lambda: _to_provider(request, row, "link", ""))
    linked = SsoIdentity.objects.filter(tenant_id=tenant.tenant_id, connection_id=row.id, user_id=user_id).exists()
    return render(request, "sso/link.html", {"connection": row, "linked": linked})


@page(needs=Capability.SSO_MANAGE, step_up="writes", methods=("POST",))
def trial(request: HttpRequest, connection_id: str) -> HttpResponseBase:
    """Try a connection out: sign in through it and see what the provider says, without anybody being let in."""
    try:
        row = services.connection(page_standing(request), connection_id)
    except NoSuch as error:
        raise Http404 from error
    return _refusing(request, _tenant(request), row.id, lambda: _to_provider(request, row, "test", ""))


@public_page(reason=_WHY)
def oidc_callback(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Back from an OpenID provider."""

    def finish(tenant: RequestTenant) -> HttpResponse:
        answer = {name: str(request.GET[name]) for name in request.GET}
        sign_in = pending.take(request, answer.get("state", ""), connection_id)
        if sign_in is None:
            raise SignInRefused("no-sign-in", "no sign-in of this session has this state")
        row = services_signin.active_connection(tenant.tenant_id, connection_id, testing=sign_in.process == "test")
        if row.kind != "oidc":
            raise SignInRefused("no-connection")
        claims = oidc.redeem(
            oidc.discover(row.issuer),
            relying_party(request, row),
            answer=answer,
            nonce=sign_in.nonce,
            verifier=sign_in.verifier,
            now=int(time.time()),
        )
        return _finish(request, tenant, row, sign_in, claims)

    return _guarded(request, connection_id, finish)


@public_page(reason="the identity provider's page posts here; the response is signed", methods=("POST",))
@csrf_exempt
def saml_acs(request: HttpRequest, connection_id: str) -> HttpResponse:
    """A SAML response, posted from the provider's site and so without our session: checked, kept, and fetched again."""

    def receive(tenant: RequestTenant) -> HttpResponse:
        row = _saml_connection(tenant, connection_id)
        assertion = saml.check_response(
            service_provider(request, row), request.POST.get("SAMLResponse", ""), now=datetime.now(UTC)
        )
        ticket = services_signin.receive(tenant.tenant_id, row, assertion)
        # RelayState is the provider's to fill: it is not read.
        return HttpResponseRedirect(reverse("sso:saml-finish", args=[row.id]) + "?" + urlencode({"ticket": ticket}))

    return _guarded(request, connection_id, receive)


@public_page(reason=_WHY)
def saml_finish(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Back in our site, with our session: it must be the one that asked."""

    def finish(tenant: RequestTenant) -> HttpResponse:
        row = _saml_connection(tenant, connection_id)
        answered, claims = services_signin.collect(tenant.tenant_id, row, request.GET.get("ticket", ""))
        sign_in = pending.take(request, answered, connection_id)
        if sign_in is None:
            raise SignInRefused("no-sign-in", "no sign-in of this session made the request that was answered")
        if sign_in.process != "test":
            services_signin.active_connection(tenant.tenant_id, connection_id)
        return _finish(request, tenant, row, sign_in, claims)

    return _guarded(request, connection_id, finish)


@public_page(reason="identity providers fetch it; it holds addresses and nothing secret")
def saml_metadata(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Our metadata for one connection."""
    tenant = _tenant(request)
    with tenant_scope(tenant.tenant_id):
        row = SsoConnection.objects.filter(tenant_id=tenant.tenant_id, id=connection_id, kind="saml").first()
    if row is None:
        raise Http404
    return HttpResponse(saml.own_metadata(service_provider(request, row)), content_type="application/samlmetadata+xml")


def _send(request: HttpRequest, tenant: RequestTenant, connection_id: str, process: pending.Process) -> HttpResponse:
    row = services_signin.active_connection(tenant.tenant_id, connection_id)
    return _to_provider(request, row, process, safe_path(request.GET.get("next")) or "")


def _to_provider(request: HttpRequest, row: SsoConnection, process: pending.Process, next_path: str) -> HttpResponse:
    user = "" if process == "login" else str(request.user.pk)
    now = int(time.time())
    if row.kind == "saml":
        url, request_id = saml.sign_in_request(service_provider(request, row))
        pending.begin(request, request_id, pending.SignIn(row.id, process, user, next_path, begun_at=now))
        return _leave(request, url, posted=process != "login")
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    url = oidc.authorization_url(
        oidc.discover(row.issuer),
        relying_party(request, row),
        state=state,
        nonce=nonce,
        verifier=verifier,
        fresh=process == "test",
    )
    pending.begin(request, state, pending.SignIn(row.id, process, user, next_path, nonce, verifier, now))
    return _leave(request, url, posted=process != "login")


def _leave(request: HttpRequest, url: str, *, posted: bool) -> HttpResponse:
    """A redirect; after a form, a page with a link, because a form must not lead to another site (form-action)."""
    if posted:
        return render(request, "sso/leave.html", {"url": url})
    return HttpResponseRedirect(url)


def _finish(
    request: HttpRequest, tenant: RequestTenant, row: SsoConnection, sign_in: pending.SignIn, claims: Claims
) -> HttpResponse:
    if sign_in.process == "login":
        return _log_in(request, tenant, row, sign_in, claims)
    user = request.user
    if not isinstance(user, User) or user.pk != sign_in.user:
        raise SignInRefused("other-account", "another account is signed in now than the one that began")
    if sign_in.process == "link":
        if not is_fresh(request, tenant.step_up_seconds):
            raise SignInRefused("step-up", "the second factor was given too long ago")
        services_signin.link(tenant, row, claims, user)
        return render(request, "sso/linked.html", {"connection": row})
    standing = standing_of(request, tenant)
    if standing is None or not standing.may(Capability.SSO_MANAGE):
        raise SignInRefused("other-account", "managing sign-in is no longer allowed to who began")
    with tenant_scope(tenant.tenant_id):
        services.mark_tested(standing, row)
    request.standing = standing  # type: ignore[attr-defined]
    return render(request, "sso/tested.html", {"connection": row, "claims": claims})


def _log_in(
    request: HttpRequest, tenant: RequestTenant, row: SsoConnection, sign_in: pending.SignIn, claims: Claims
) -> HttpResponse:
    if request.user.is_authenticated:
        # What the earlier account left in the session is not for the one that comes.
        logout(request)
    admitted = services_signin.admit(tenant, row, claims)
    request.session.cycle_key()
    # The claim's subject stays in the tenant's tables: this record is kept in the session.
    record_authentication(request, admitted.user, "socialaccount", provider=row.id, tenant=str(tenant.tenant_id))
    login = Login(
        user=admitted.user,
        email=admitted.user.email,
        redirect_url=sign_in.next_path or f"{tenant.prefix}/",
    )
    return cast("HttpResponse", perform_login(request, login))


def _saml_connection(tenant: RequestTenant, connection_id: str) -> SsoConnection:
    row = services_signin.active_connection(tenant.tenant_id, connection_id, testing=True)
    if row.kind != "saml":
        raise SignInRefused("no-connection")
    return row


def _guarded(request: HttpRequest, connection_id: str, act: Callable[[RequestTenant], HttpResponse]) -> HttpResponse:
    tenant = _tenant(request)
    return _refusing(request, tenant, connection_id, lambda: act(tenant))


def _refusing(
    request: HttpRequest, tenant: RequestTenant, connection_id: str, act: Callable[[], HttpResponse]
) -> HttpResponse:
    """What `act` answers, or the refusal: recorded with its reason, shown without it to who is not setting up."""
    try:
        return act()
    except SignInRefused as error:
        code, detail = error.code, error.detail
    except MunimentError as error:
        code, detail = "not-possible", str(error)
    if _refused.take(str(tenant.tenant_id), time.monotonic()) > 0:
        return render(request, "errors/429.html", status=429)
    standing = standing_of(request, tenant)
    shown = standing is not None and standing.may(Capability.SSO_MANAGE)
    _tell(request, tenant, connection_id, code, detail)
    return render(
        request,
        "sso/refused.html",
        {
            "why": _PUBLIC.get(code, "You are not let in this way."),
            "code": code if shown else "",
            "detail": detail if shown else "",
        },
        status=403,
    )


def _tell(request: HttpRequest, tenant: RequestTenant, connection_id: str, code: str, detail: str) -> None:
    about: dict[str, Any] = {
        "by": f"user:{request.user.pk}" if request.user.is_authenticated else SERVER,
        "outcome": "denied",
        "resource": ("connection", connection_id[:30]),
        "labels": {"reason": code},
        "body": {"detail": detail} if detail else None,
    }
    if database.in_atomic_block:
        # A page of who manages sign-in: its transaction goes on, nothing is rolled back.
        record("idp.claim", **about)
    else:
        record_apart(tenant.tenant_id, "idp.claim", **about)


def _tenant(request: HttpRequest) -> RequestTenant:
    tenant = tenant_of(request)
    if tenant is None:
        raise Http404
    return tenant
