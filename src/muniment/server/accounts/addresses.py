"""From which network address a request comes."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The client's address; what a header says of it counts only as far as trusted proxies wrote it.

    With `MUNIMENT_TRUSTED_PROXIES` = n, the n-th entry of X-Forwarded-For from the right is what the outermost trusted
    proxy saw. Anything that is no address, or too short a list, leaves the address of the connection.
    """
    connected = _address(request.META.get("REMOTE_ADDR", "")) or "0.0.0.0"  # noqa: S104
    hops = settings.TRUSTED_PROXIES
    if hops <= 0:
        return connected
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    return (_address(forwarded[-hops]) if len(forwarded) >= hops else None) or connected


def network_of(address: str) -> str:
    """What one subscriber has: an IPv4 address, or the /64 of an IPv6 address.

    >>> network_of("192.0.2.7"), network_of("2001:db8:1:2:3:4:5:6")
    ('192.0.2.7', '2001:db8:1:2::')
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False).network_address)


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text.strip("[]").partition("%")[0]))
    except ValueError:
        return None
