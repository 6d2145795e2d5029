"""A connection's row as the protocols see it: addresses of this server, opened secrets."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from muniment.server.sso.models import SsoConnection
from muniment.server.sso.oidc import RelyingParty
from muniment.server.sso.presets import preset_of
from muniment.server.sso.saml import ServiceProvider
from muniment.server.tenants.middleware import tenant_of
from muniment.server.tenants.secrets import open_sealed


def own_address(request: HttpRequest, name: str, connection_id: str) -> str:
    """The absolute address of one of our pages for a connection, the same for every way to the tenant's path.

    Args:
        request: in the tenant.
        name: of the route, without its namespace.
        connection_id: of the connection.
    """
    path = reverse(f"sso:{name}", args=[connection_id])
    tenant = tenant_of(request)
    if settings.PUBLIC_URL and tenant is not None and tenant.prefix:
        return f"{settings.PUBLIC_URL}{path}"
    return request.build_absolute_uri(path)


def secret_purpose(connection_id: str) -> str:
    """What a connection's client secret is sealed for."""
    return f"sso.secret/{connection_id}"


def relying_party(request: HttpRequest, row: SsoConnection) -> RelyingParty:
    """What we are to an OpenID provider; opens the client secret.

    Raises:
        VerificationFailed: if the sealed secret does not open.
    """
    secret = b"" if row.secret is None else open_sealed(row.tenant_id, secret_purpose(row.id), bytes(row.secret))
    return RelyingParty(
        row.issuer,
        row.client_id,
        secret.decode(),
        own_address(request, "oidc-callback", row.id),
        preset_of(row.preset),
        row.pinned,
        row.groups_claim,
        row.email_claim or "email",
    )


def service_provider(request: HttpRequest, row: SsoConnection) -> ServiceProvider:
    """What we are to a SAML identity provider."""
    return ServiceProvider(
        own_address(request, "saml-metadata", row.id),
        own_address(request, "saml-acs", row.id),
        row.idp_entity_id,
        row.idp_sign_in_url,
        tuple(row.idp_certificates),
        row.groups_claim,
        "" if row.email_claim == "email" else row.email_claim,
    )
