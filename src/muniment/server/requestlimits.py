"""What a request may be before anybody looks at what it asks: a bounded body, a host that is ours, text without NUL."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest
from django.utils.deprecation import MiddlewareMixin

from muniment.server.ingest.requestbody import ClientGone, read_body
from muniment.server.paths import is_machine_path
from muniment.server.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable

    from muniment.server.ingest.asgitypes import Message, Receive, Scope

_REFUSED: Final = "muniment.refused"
_SESSION_KEY: Final = re.compile(r"[a-z0-9]{32}", re.ASCII)


async def with_whole_body(scope: Scope, receive: Receive) -> tuple[Scope, Receive] | None:
    """The request with its body read: Django would write a body of any size to the disk before it looks at it.

    Returns:
        What to give to Django instead; for a body that is too large or too slow, a request without one, which
        `RequestLimits` then refuses. None if the client went away.
    """
    headers = dict(scope["headers"])
    known = {name: headers[name] for name in (b"content-length", b"expect") if name in headers}
    try:
        body = await read_body(receive, known, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    except ClientGone:
        return None
    except ProblemError as error:
        body, scope = b"", {**scope, _REFUSED: error}
    message: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def replay() -> Message:
        nonlocal message
        if message is None:
            if _REFUSED in scope:
                # Asking for more would invite a client that waits for `100 Continue` to send what is refused.
                await asyncio.Event().wait()
            return await receive()
        first, message = message, None
        return first

    return scope, replay


class RequestLimits(MiddlewareMixin):
    """Refuses what no page and no operation has to deal with."""

    def process_request(self, request: HttpRequest) -> None:
        """Judge host, path and session cookie.

        Raises:
            DisallowedHost: for a page under a name that is not ours.
            Http404: for a path that nothing can be found under.
        """
        if not is_machine_path(request.path_info):
            request.get_host()
        if "\0" in request.path_info:
            raise Http404
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if key is not None and not _SESSION_KEY.fullmatch(key):
            # No session has such a name; a quoted cookie can spell a NUL, which the database would choke on.
            del request.COOKIES[settings.SESSION_COOKIE_NAME]

    def process_view(self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any) -> None:
        """Refuse a body that was not read, once it is known who sent it.

        Raises:
            ProblemError: body-too-large or request-timeout.
        """
        del view, args, kwargs
        refused = getattr(request, "scope", {}).get(_REFUSED)
        if refused is not None:
            raise refused
