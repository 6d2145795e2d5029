"""A real MCP server over streamable HTTP, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer


class NotesServer:
    """A few tools, a resource and a prompt."""

    def __init__(self, **options: Any) -> None:
        self.waiting = threading.Event()
        self.cancelled = threading.Event()
        app = self._built().streamable_http_app(**options)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/mcp"
        config = uvicorn.Config(
            app, ws="none", access_log=False, log_config=None, log_level=logging.CRITICAL, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]})
        self._thread.start()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()

    def _built(self) -> MCPServer:
        server = MCPServer("notes", version="1.2")

        @server.tool()
        def echo(text: str) -> str:
            return text

        @server.tool()
        def fail(text: str) -> str:
            raise ValueError(text)

        @server.tool()
        async def steps(count: int, context: Context[Any, Any]) -> str:
            for number in range(count):
                await context.report_progress(number + 1, count)
            return "done"

        @server.tool()
        async def wait() -> str:
            self.waiting.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
            return "late"

        @server.resource("note://one")
        def one() -> str:
            return "the first note"

        @server.prompt()
        def greet(name: str) -> str:
            return f"Greet {name}."

        return server
