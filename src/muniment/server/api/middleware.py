"""What every answer of the Django side has: a request id, headers that keep browsers careful, problems in one form."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Final, cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from muniment.server.paths import is_machine_path
from muniment.server.problems import CONTENT_TYPE, NOTHING_HERE, Problem

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
_PLAIN: Final = {
    400: Problem("malformed-request", "the request cannot be read"),
    404: Problem("not-found", NOTHING_HERE),
    405: Problem("method-not-allowed", "use one of the methods that the Allow header names"),
    413: Problem("body-too-large", "the request body is too large"),
    500: Problem("internal", "the request failed here"),
}

Next = Callable[[HttpRequest], HttpResponseBase]
NextAsync = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def answers(get_response: Next | NextAsync) -> Next | NextAsync:
    """Complete each answer, and turn Django's own plain errors into problems."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> HttpResponseBase:
            return _complete(request, await cast("NextAsync", get_response)(request))

        return answer_async

    def answer(request: HttpRequest) -> HttpResponseBase:
        return _complete(request, cast("Next", get_response)(request))

    return answer


def _complete(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    offered = request.headers.get("X-Request-Id", "")
    response.headers["X-Request-Id"] = offered if _REQUEST_ID.fullmatch(offered) else secrets.token_hex(8)
    response.headers["X-Content-Type-Options"] = "nosniff"
    if not is_machine_path(request.path):
        return response
    if response.status_code == 405 and "Allow" in response.headers:
        methods = {name.strip() for name in response.headers["Allow"].split(",")}
        methods |= {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
        allowed = ", ".join(sorted(methods))
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
            del response.headers["Content-Type"]
        response.headers["Allow"] = allowed
    plain = response.headers.get("Content-Type", "").startswith("text/html")
    if plain and response.status_code in _PLAIN and isinstance(response, HttpResponse):
        response.content = _PLAIN[response.status_code].body()
        response.headers["Content-Type"] = CONTENT_TYPE
    if isinstance(response, HttpResponse) and response.status_code != 204:
        response.headers["Content-Length"] = str(len(response.content))
    response.headers.setdefault("Content-Security-Policy", _POLICY)
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Cache-Control", "no-store")
    return response
