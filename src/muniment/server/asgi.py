"""The server's one ASGI application: appends and OTLP go to applications of their own, everything else to Django."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from importlib import import_module
from typing import TYPE_CHECKING, cast

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "muniment.server.settings")

from django.conf import settings
from django.core.asgi import get_asgi_application

from muniment.server.ingest.application import PATH, IngestApplication
from muniment.server.ingest.recorder import LedgerRecorder
from muniment.server.otlp.application import PATHS as OTLP_PATHS
from muniment.server.otlp.application import OtlpApplication
from muniment.server.pools import close_pools, database_url
from muniment.server.requestlimits import with_whole_body

if TYPE_CHECKING:
    from muniment.server.ingest.asgitypes import Application, Receive, Scope, Send


class Server:
    """Routes by path; opens the ledger's connections when the server starts and closes them when it stops."""

    def __init__(self, django: Application) -> None:
        self._django = django
        self._ingest: IngestApplication | None = None
        self._otlp: OtlpApplication | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and scope["path"] == PATH and self._ingest is not None:
            await self._ingest(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] in OTLP_PATHS and self._otlp is not None:
            await self._otlp(scope, receive, send)
        elif scope["type"] == "http":
            whole = await with_whole_body(scope, receive)
            if whole is not None:
                await self._ask_django(*whole, send)

    async def _ask_django(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            # The answer to GET; the HTTP server, which knows the request, leaves its body out.
            scope = {**scope, "method": "GET"}
        await self._django(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            try:
                recorder = await stack.enter_async_context(LedgerRecorder(database_url("ingest")))
                stack.callback(close_pools)
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            self._ingest = IngestApplication(recorder, settings.MAX_REQUEST_BYTES)
            self._otlp = OtlpApplication(recorder, settings.MAX_REQUEST_BYTES)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self._ingest = self._otlp = None
        await send({"type": "lifespan.shutdown.complete"})


application = Server(cast("Application", get_asgi_application()))
# Django loads the addresses, and with them every page and operation, for the first request: several seconds in which
# a server that says it is up would answer nobody.
import_module(settings.ROOT_URLCONF)
