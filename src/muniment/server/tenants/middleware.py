"""Finds the tenant of each request and gives its pages their prefix, so that `{% url %}` stays inside the tenant."""

from __future__ import annotations

from typing import cast

from django.core.exceptions import DisallowedHost
from django.http import Http404, HttpRequest
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from django.utils.deprecation import MiddlewareMixin

from muniment.server.paths import is_machine_path
from muniment.server.tenants.resolving import RequestTenant, find_tenant, slug_of_host, split_path

# The ledger's own machine-readable addresses find tenant and log by key, origin or name, and count who asks first.
_WITHOUT = ("/logs/", "/healthz", "/readyz", "/static/", "/api/events", "/api/audit/verify")


class TenantMiddleware(MiddlewareMixin):
    """Sets `request.tenant`; a tenant that does not exist is a 404 before anything else is done.

    So is a request that names two tenants: by its host, its path and (for the API) its header, whichever two differ.
    """

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """Find the tenant, and take its prefix off the path that is resolved."""
        tenant: RequestTenant | None = None
        found = split_path(request.path_info)
        if found is not None:
            slug, rest = found
            tenant = find_tenant(slug, prefix=f"/t/{slug}")
            if (
                tenant is None
                or slug_of_host(_host(request)) not in (None, slug)
                or _header(request, rest) not in (None, slug)
            ):
                raise Http404
            request.path_info = rest
            set_script_prefix(f"/t/{slug}/")
        elif not request.path_info.startswith(_WITHOUT):
            named = slug_of_host(_host(request))
            header = _header(request, request.path_info)
            if named is not None and header is not None and named != header:
                raise Http404
            name = named if named is not None else header
            tenant = None if name is None else find_tenant(name, prefix="")
            if tenant is None and name is not None:
                raise Http404
        request.tenant = tenant  # type: ignore[attr-defined]
        return None


def _header(request: HttpRequest, path: str) -> str | None:
    """The tenant that the header names, where it is read: at addresses of the API that are a tenant's."""
    if not path.startswith("/api/") or path.startswith(_WITHOUT):
        return None
    return request.headers.get("X-Tenant")


def _host(request: HttpRequest) -> str:
    try:
        host, _port = split_domain_port(request.get_host())
    except DisallowedHost:
        # The API answers under every name that leads here, and by that name finds no tenant.
        if is_machine_path(request.path_info):
            return ""
        raise
    return host


def tenant_of(request: HttpRequest) -> RequestTenant | None:
    """The tenant of a request, or None."""
    return cast("RequestTenant | None", getattr(request, "tenant", None))
