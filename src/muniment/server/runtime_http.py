"""The HTTP server of one installation: a loopback socket, uvicorn, and what it says once it accepts requests."""

import logging
import os
import socket
import time
from typing import Final

import uvicorn

from muniment.core.errors import Refused
from muniment.server import stopping
from muniment.server.runtime import Places, Server, write_server
from muniment.version import __version__

DEFAULT_PORT: Final = 8717
HOST: Final = "127.0.0.1"
_DRAIN: Final = 20


def listening_socket(port: int | None) -> socket.socket:
    """A socket on loopback: on the port asked for, or else on the first free one from 8717 on.

    Raises:
        Refused: if the port asked for is taken.
    """
    wanted = range(DEFAULT_PORT, DEFAULT_PORT + 100) if port is None else range(port, port + 1)
    for number in wanted:
        found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((HOST, number))
            # Listening now: a port that two servers bind with SO_REUSEADDR is only taken by the one that listens.
            found.listen(2048)
        except OSError:
            found.close()
            continue
        return found
    if port is None:
        raise Refused(f"no port from {DEFAULT_PORT} to {DEFAULT_PORT + 99} is free on {HOST}", "port")
    raise Refused(f"port {port} on {HOST} is taken: choose another with --port, or leave it out", "port")


class HttpServer(uvicorn.Server):
    """Uvicorn with our application, which tells the installation where it listens as soon as it does."""

    def __init__(self, places: Places, listening: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                "muniment.server.asgi:application",
                loop="uvloop",
                http="httptools",
                ws="none",
                lifespan="on",
                access_log=False,
                log_config=None,
                log_level=logging.WARNING,
                server_header=False,
                # Whom to believe about the client's address is decided by the application (MUNIMENT_TRUSTED_PROXIES).
                proxy_headers=False,
                backlog=2048,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=_DRAIN,
            )
        )
        self._places = places
        self._listening = listening

    def serve_until_stopped(self) -> None:
        """Serve until SIGTERM or SIGINT; requests that have begun are answered first.

        Raises:
            Refused: if the application did not come up; why stands in the log before it.
        """
        self.run(sockets=[self._listening])
        if not self.started:
            raise Refused("the server did not start: see the message above", "server")

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then say where."""
        await super().startup(sockets)
        if self.started:
            port = self._listening.getsockname()[1]
            write_server(self._places, Server(os.getpid(), f"http://{HOST}:{port}", time.time(), __version__))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the answers that go on for as long as somebody listens, then stop as uvicorn does."""
        stopping.stop()
        await super().shutdown(sockets)
