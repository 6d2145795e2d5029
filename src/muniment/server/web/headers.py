"""Headers that every page has, and the one spelling of this machine's name under which passkeys work."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseRedirect
from django.http.request import split_domain_port
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from muniment.server.paths import is_machine_path

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class PageHeaders(MiddlewareMixin):
    """Content security policy and its kin for pages; the API's answers have their own."""

    def process_request(self, request: HttpRequest) -> HttpResponseBase | None:
        """Send who opens a page by the machine's loopback address to its name: an address cannot own a passkey."""
        if request.method != "GET" or is_machine_path(request.path_info):
            return None
        try:
            host, port = split_domain_port(request.get_host())
        except DisallowedHost:
            # Refused further in, so that the page which says so has these headers too.
            return None
        if host == "127.0.0.1":
            there = f"localhost:{port}" if port else "localhost"
            return HttpResponseRedirect(f"{request.scheme}://{there}{request.get_full_path()}")
        return None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add what is not there yet."""
        if is_machine_path(request.path):
            return response
        headers = response.headers
        headers.setdefault("Content-Security-Policy", POLICY)
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault("Cache-Control", "no-store")
        if settings.PUBLIC_URL.startswith("https://"):
            headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        return response
