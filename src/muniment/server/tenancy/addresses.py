"""Where a tenant's pages stand, for somebody who is under another tenant's host name."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port

from muniment.server.tenants.resolving import slug_of_host


def address_of(request: HttpRequest, slug: str) -> str | None:
    """The address of a tenant's first page, as a link on the page that answers a request.

    Under a host name that stands for one tenant, a path that names another leads nowhere. The other tenant is then
    at the installation's public address, or at the subdomain beside this one.

    Args:
        request: that is answered.
        slug: of the tenant.

    Returns:
        A path or a URL; None where the server does not know any address of the tenant.
    """
    host, port = split_domain_port(request.get_host())
    if slug_of_host(host) in (None, slug):
        return f"/t/{slug}/"
    if settings.PUBLIC_URL:
        return f"{settings.PUBLIC_URL}/t/{slug}/"
    for base in settings.TENANT_BASE_DOMAINS:
        if host.endswith("." + base):
            return f"{request.scheme}://{slug}.{base}{':' + port if port else ''}/"
    return None
