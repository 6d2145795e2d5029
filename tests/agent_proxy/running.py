"""A proxy that runs in this process, on a real socket, and what it has recorded."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any

import uvicorn

from muniment.agent.mcp.http import HttpRecorder
from muniment.agent.mcp.observer import McpRecorder, McpSession
from muniment.agent.models.contents import Contents
from muniment.agent.models.recorder import ModelRecorder
from muniment.agent.proxy.application import ReverseProxy
from muniment.agent.proxy.exchange import MAX_HELD, Recorder
from muniment.agent.proxy.guard import Guard
from muniment.agent.proxy.upstream import Upstream
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from muniment.core.event import Event
from tests.agent.reading_back import events, frames


class RunningProxy:
    """Serves until closed."""

    def __init__(self, application: ReverseProxy, recorder: Recorder, spool: Spool, state: State) -> None:
        self.recorder = recorder
        self.spool = spool
        self.state = state
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        config = uvicorn.Config(
            application,
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level=logging.CRITICAL,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]})
        self._thread.start()

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()
        self.spool.close()

    @property
    def address(self) -> tuple[str, int]:
        return self._listening.getsockname()

    def events(self) -> list[Event]:
        """What is recorded by now."""
        return events(self.state)

    def bodies(self) -> list[bytes]:
        """The body of each event, in order; empty where there is none."""
        return [frame.body or b"" for frame in frames(self.state)]


def model_proxy(
    upstream: str, state: State, contents: Contents = Contents.HASH, *, max_held: int = MAX_HELD, **options: Any
) -> RunningProxy:
    """A proxy before a model API."""
    spool = Spool("tester", state=state)
    recorder = ModelRecorder(spool, contents, **options)
    application = ReverseProxy(Upstream(upstream), recorder, Guard(), max_held=max_held)
    return RunningProxy(application, recorder, spool, state)


def mcp_proxy(
    upstream: str, state: State, *, max_held: int = MAX_HELD, durable: bool = False, **options: Any
) -> RunningProxy:
    """A proxy before an MCP server."""
    spool = Spool("tester", state=state, durable=durable)
    target = Upstream(upstream)
    labels = {"mcp.transport": "http"}
    recorder = McpRecorder(spool, "notes", "wks-1", durable=durable, framing="body", labels=labels, **options)
    proxied = HttpRecorder(
        target.path, lambda: McpSession(recorder), waits=recorder.blocks, fails_closed=recorder.fails_closed
    )
    application = ReverseProxy(target, proxied, Guard(), prefix=False, max_held=max_held)
    running = RunningProxy(application, proxied, spool, state)
    running.url += target.path.decode("ascii")
    return running
