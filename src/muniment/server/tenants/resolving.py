"""Which tenant a request is about: by host name, by path (`/t/<slug>/…`) or by the header `X-Tenant`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.conf import settings

from muniment.core.errors import Refused
from muniment.ledger.tenants import tenant_by_slug
from muniment.server.tenants.identifiers import INSTALLATION_SLUG
from muniment.server.tenants.models import TenantHost, TenantProfile
from muniment.server.tenants.scope import ledger_connection, lookup_scope, tenant_scope

SLUG: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PATH: Final = re.compile(rf"/t/({SLUG})(/.*)?", re.ASCII | re.DOTALL)
_SLUG: Final = re.compile(SLUG, re.ASCII)


@dataclass(frozen=True, slots=True)
class RequestTenant:
    """The tenant of a request. That somebody named it says nothing about what they may do there.

    Attributes:
        tenant_id: in the database.
        slug: its short name.
        name: for people.
        sample: its data were made up.
        step_up_seconds: how old a second factor may be for what needs a fresh one.
        prefix: of its addresses, `/t/<slug>`, or "" on a host of its own.
    """

    tenant_id: UUID
    slug: str
    name: str
    sample: bool
    step_up_seconds: int
    prefix: str


def split_path(path: str) -> tuple[str, str] | None:
    """(slug, rest) of a tenant's path, or None.

    >>> split_path("/t/acme/ledger"), split_path("/t/acme"), split_path("/login")
    (('acme', '/ledger'), ('acme', '/'), None)
    """
    match = _PATH.fullmatch(path)
    return None if match is None else (match[1], match[2] or "/")


def find_tenant(slug: str, *, prefix: str) -> RequestTenant | None:
    """The tenant of a slug; None if there is none."""
    if not _SLUG.fullmatch(slug):
        return None
    with ledger_connection() as raw:
        row = tenant_by_slug(raw, slug)
    if row is None:
        return None
    with tenant_scope(row.tenant_id):
        profile = TenantProfile.objects.filter(tenant_id=row.tenant_id).first()
    return RequestTenant(
        row.tenant_id,
        slug,
        row.name,
        bool(profile and profile.sample),
        profile.step_up_seconds if profile else 300,
        prefix,
    )


def tenant_in_scope() -> RequestTenant:
    """The tenant whose scope is open, for whoever was not asked under its address, such as a request with a key.

    Raises:
        Refused: outside of every scope.
    """
    with ledger_connection() as raw:
        row = raw.execute("SELECT slug FROM ledger.tenants").fetchone()
    found = None if row is None else find_tenant(str(row[0]), prefix=f"/t/{row[0]}")
    if found is None:
        raise Refused("no tenant is set in this transaction", "tenant")
    return found


def slug_of_host(host: str) -> str | None:
    """The slug of the tenant that a host name (without port) belongs to: one of its own, or `<slug>.<base domain>`."""
    host = host.lower().rstrip(".")
    if not host:
        return None
    for base in settings.TENANT_BASE_DOMAINS:
        if host.endswith("." + base):
            label = host.removesuffix("." + base)
            return label if _SLUG.fullmatch(label) and label != INSTALLATION_SLUG else None
    if host in settings.PLAIN_HOSTS:
        return None
    with lookup_scope("muniment.lookup", host):
        row = TenantHost.objects.filter(host=host).first()
    return None if row is None else row.slug
