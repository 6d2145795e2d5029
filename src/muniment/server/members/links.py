"""The address of the page that accepts an invitation."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def join_link(request: HttpRequest, slug: str, token: str) -> str:
    """Where whoever is invited goes.

    Args:
        request: of the inviter.
        slug: of the tenant.
        token: of the invitation.
    """
    # With a public URL set, a forged Host header does not choose where the link leads.
    base = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    return f"{base}/t/{slug}/join/{token}"
