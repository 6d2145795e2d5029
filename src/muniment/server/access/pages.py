"""Pages and who may see them: every view of the web application is wrapped by one of these, and a test walks the URLs.

A tenant's page runs inside one transaction of that tenant (`tenant_scope`), templates included: render with
`django.shortcuts.render`, not with a lazy response. An exception rolls the transaction back; refusals are recorded in
transactions of their own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, cast
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.response import SimpleTemplateResponse
from django.urls import reverse

from muniment.core.errors import MunimentError
from muniment.server.access.refusals import address_of, record_refusal
from muniment.server.access.standing import Standing, resolver
from muniment.server.access.stepup import is_fresh
from muniment.server.capabilities import MEANINGS, Capability
from muniment.server.given_reason import FIELD, ReasonNeededError, note_request
from muniment.server.recording import record
from muniment.server.tenants.middleware import tenant_of
from muniment.server.tenants.resolving import RequestTenant
from muniment.server.tenants.scope import tenant_scope

P = ParamSpec("P")
V = TypeVar("V")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class PageRule:
    """Who may open a page.

    Attributes:
        kind: `tenant` for members, `account` for whoever is signed in, `public` for everybody.
        needs: the capability, of tenant pages.
        step_up: a fresh second factor is asked for first; `writes` asks only where something is changed.
        methods: that the page answers.
        reason: why a public page is public.
    """

    kind: Literal["tenant", "account", "public"]
    needs: Capability | None
    step_up: Literal["no", "writes", "always"]
    methods: tuple[str, ...]
    reason: str = ""


def page(
    *,
    needs: Capability | None,
    step_up: Literal["no", "writes", "always"] = "no",
    methods: tuple[str, ...] = ("GET",),
) -> Callable[[View[P]], View[P]]:
    """A page of a tenant.

    Args:
        needs: the capability that opens it; None for every member.
        step_up: whether a fresh second factor is needed: never, for everything but GET, or always.
        methods: that it answers; HEAD comes with GET.
    """
    rule = PageRule("tenant", needs, step_up, methods)

    def wrap(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in _allowed(methods):
                return HttpResponseNotAllowed(_allowed(methods))
            if not request.user.is_authenticated:
                return _to_login(request)
            tenant = tenant_of(request)
            if tenant is None:
                return HttpResponseRedirect(reverse("tenants:choose"))
            standing = standing_of(request, tenant)
            if standing is None:
                record_refusal(
                    None,
                    by=f"user:{request.user.pk}",
                    resource=("tenant", tenant.slug),
                    labels={"reason": "not-a-member"},
                )
                raise Http404
            request.standing = standing  # type: ignore[attr-defined]
            if needs is not None and not standing.may(needs):
                return _refused(request, standing, needs)
            if _asks(step_up, request) and not is_fresh(request, tenant.step_up_seconds):
                return _to_step_up(request)
            return _run(request, standing, view, args, kwargs)

        return _ruled(guarded, view, rule)

    return wrap


def account_page(
    *, step_up: Literal["no", "writes", "always"] = "no", methods: tuple[str, ...] = ("GET",)
) -> Callable[[View[P]], View[P]]:
    """A page for whoever is signed in, about themselves; in no tenant."""
    rule = PageRule("account", None, step_up, methods)

    def wrap(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in _allowed(methods):
                return HttpResponseNotAllowed(_allowed(methods))
            if not request.user.is_authenticated:
                return _to_login(request)
            if _asks(step_up, request) and not is_fresh(request, 300):
                return _to_step_up(request)
            note_request(request)
            try:
                return view(request, *args, **kwargs)
            except ReasonNeededError as error:
                return _ask_reason(request, error)

        return _ruled(guarded, view, rule)

    return wrap


def public_page(*, reason: str, methods: tuple[str, ...] = ("GET",)) -> Callable[[View[P]], View[P]]:
    """A page for everybody.

    Args:
        reason: why it may be; shown in the list of routes.
        methods: that it answers.
    """
    rule = PageRule("public", None, "no", methods, reason)

    def wrap(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in _allowed(methods):
                return HttpResponseNotAllowed(_allowed(methods))
            return view(request, *args, **kwargs)

        return _ruled(guarded, view, rule)

    return wrap


def _ruled(guarded: Callable[..., HttpResponseBase], view: V, rule: PageRule) -> V:
    del view
    guarded.rule = rule  # type: ignore[attr-defined]
    return cast("V", guarded)  # it takes what the view takes


def standing_of(request: HttpRequest, tenant: RequestTenant) -> Standing | None:
    """The standing of the signed-in person in a tenant; asked of the database once a request."""
    if not request.user.is_authenticated:
        return None
    known = getattr(request, "standing", None)
    if isinstance(known, Standing) and known.tenant_id == tenant.tenant_id:
        return known
    with tenant_scope(tenant.tenant_id):
        return resolver().of_user(str(request.user.pk), tenant.tenant_id)


def page_standing(request: HttpRequest) -> Standing:
    """The standing that `page` found.

    Raises:
        TypeError: in a view that is not wrapped by `page`.
    """
    standing = getattr(request, "standing", None)
    if not isinstance(standing, Standing):
        raise TypeError("the view is not wrapped by page()")
    return standing


def _run(
    request: HttpRequest, standing: Standing, view: Callable[..., HttpResponseBase], args: Any, kwargs: Any
) -> HttpResponseBase:
    note_request(request)
    try:
        with tenant_scope(standing.tenant_id):
            response = view(request, *args, **kwargs)
            if isinstance(response, SimpleTemplateResponse):
                response = response.render()
            if standing.recorded_reads:
                record(
                    "record.read",
                    by=standing.subject,
                    resource=("page", address_of(request)),
                    labels={"method": request.method or ""},
                    body={"query": request.META.get("QUERY_STRING", "")[:4096]},
                )
            return response
    except ReasonNeededError as error:
        return _ask_reason(request, error)
    except MunimentError as error:
        record_refusal(
            standing.tenant_id,
            by=standing.subject,
            outcome="failure",
            resource=("page", address_of(request)),
            labels={"method": request.method or ""},
            body={"reason": str(error)},
        )
        return render(request, "errors/400.html", {"reason": error.reason, "where": error.where}, status=400)


def _ask_reason(request: HttpRequest, error: ReasonNeededError) -> HttpResponse:
    """Ask for the reason of a change that was rolled back, and send the same form again with it."""
    kept = [(name, value) for name, values in request.POST.lists() for value in values]
    context = {
        "action": error.action,
        "fault": error.reason,
        "kept": [pair for pair in kept if pair[0] not in ("csrfmiddlewaretoken", FIELD)],
        "files": sorted(request.FILES),
        "field": FIELD,
        "given": request.POST.get(FIELD, ""),
    }
    return render(request, "reasons/ask.html", context, status=422)


def _allowed(methods: tuple[str, ...]) -> tuple[str, ...]:
    return (*methods, "HEAD") if "GET" in methods else methods


def _asks(step_up: str, request: HttpRequest) -> bool:
    return step_up == "always" or (step_up == "writes" and request.method not in ("GET", "HEAD"))


def _refused(request: HttpRequest, standing: Standing, needs: Capability) -> HttpResponse:
    record_refusal(
        standing.tenant_id,
        by=standing.subject,
        resource=("page", address_of(request)),
        labels={"lacks": needs, "method": request.method or ""},
    )
    return render(request, "errors/403.html", {"capability": needs, "meaning": MEANINGS[needs]}, status=403)


def _here(request: HttpRequest) -> str:
    """Where to go back to: this page, or for what changes something the page it was sent from."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    referer = request.META.get("HTTP_REFERER", "")
    own = f"{request.scheme}://{request.get_host()}"
    return referer.removeprefix(own) if referer.startswith(own + "/") else request.path


def _leave(request: HttpRequest, url: str) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def _to_login(request: HttpRequest) -> HttpResponse:
    return _leave(request, redirect_to_login(_here(request), reverse("account_login")).url)


def _to_step_up(request: HttpRequest) -> HttpResponse:
    return _leave(request, reverse("account:step-up") + "?" + urlencode({"next": _here(request)}))


def rule_of(view: object) -> PageRule | None:
    """The rule of a view; None for one that has none."""
    return cast("PageRule | None", getattr(view, "rule", None))
