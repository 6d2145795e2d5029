"""One running installation: HTTP server in this process, background beside it, embedded database under both.

`python -m muniment.server.runtime_service` is what `muniment up --detach` leaves behind.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from types import FrameType
from typing import Final

from muniment.core.errors import MunimentError
from muniment.ledger.embedded import EmbeddedPostgres
from muniment.server.installation import Database, open_database
from muniment.server.runtime import Places, ServerLock
from muniment.server.runtime_http import HttpServer, listening_socket

_LOG: Final = logging.getLogger("muniment.service")
_LOCK: Final = "MUNIMENT_LOCK_DESCRIPTOR"
_SOCKET: Final = "MUNIMENT_SOCKET_DESCRIPTOR"


class Service:
    """The processes and threads of a running installation.

    Args:
        places: of the installation.
        database: that is up.
        lock: held by this process.
        listening: the HTTP server's socket.
    """

    def __init__(self, places: Places, database: Database, lock: ServerLock, listening: socket.socket) -> None:
        self._places = places
        self._database = database
        self._lock = lock
        self._listening = listening
        self._port: int = listening.getsockname()[1]
        self._stopping = threading.Event()
        self._moved = False
        self._environment = {
            **places.environment(),
            "MUNIMENT_APP_URL": database.urls["app"],
            "MUNIMENT_INGEST_URL": database.urls["ingest"],
            "MUNIMENT_AUDITOR_URL": database.urls["auditor"],
        }

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Requests under way are answered, then everything that runs here is stopped."""
        os.environ.update(self._environment)
        # An administrator's password is needed to set up and to migrate, and by nothing that runs from here on.
        os.environ.pop("DATABASE_URL", None)
        # Uvicorn drains on these signals and then raises them once more, to whoever was there before it.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ignore)
        watchers = [threading.Thread(target=self._keep_background, name="background")]
        if self._database.embedded is not None:
            watchers.append(
                threading.Thread(target=self._keep_database, args=(self._database.embedded,), name="database")
            )
        for watcher in watchers:
            watcher.start()
        try:
            HttpServer(self._places, self._listening).serve_until_stopped()
        finally:
            (self._places.run / "server.json").unlink(missing_ok=True)
            self._stopping.set()
            for watcher in watchers:
                watcher.join()
            if self._database.embedded is not None and not self._moved:
                self._database.embedded.stop()
        if self._moved:
            self._begin_again()
        self._lock.release()

    def _ignore(self, number: int, frame: FrameType | None) -> None:
        del number, frame

    def _keep_background(self) -> None:
        pause = 0.5
        while not self._stopping.is_set():
            child = subprocess.Popen(
                [sys.executable, "-m", "muniment.server.background_jobs"],
                stdin=subprocess.PIPE,
                env={**os.environ, **self._environment},
            )
            while child.poll() is None and not self._stopping.wait(0.1):
                continue
            if child.poll() is None:
                _end(child)
                return
            _LOG.error("the background process ended (exit code %s); starting it again", child.returncode)
            self._stopping.wait(pause)
            pause = min(30.0, 2 * pause)

    def _keep_database(self, embedded: EmbeddedPostgres) -> None:
        pause = 0.5
        while not self._stopping.wait(pause):
            pause = 0.5
            if embedded.status().state != "stopped":
                continue
            _LOG.error("the database has stopped; starting it again")
            try:
                embedded.start()
                before, now = self._database.urls["app"], open_database(self._places, None).urls["app"]
            except MunimentError:
                _LOG.exception("the database does not start; trying again")
                pause = 5.0
                continue
            _LOG.warning("the database runs again")
            if now != before:
                _LOG.warning("another process took the database's port; it has a new one, and the server starts again")
                self._moved = True
                os.kill(os.getpid(), signal.SIGTERM)
                return

    def _begin_again(self) -> None:
        # Uvicorn has closed the socket that it was given.
        listening = listening_socket(self._port)
        arguments, environment, keep = detached_service(self._lock, listening)
        for descriptor in keep:
            os.set_inheritable(descriptor, True)
        os.execve(arguments[0], arguments, {**os.environ, **environment})  # noqa: S606 - our own interpreter


def detached_service(lock: ServerLock, listening: socket.socket) -> tuple[list[str], dict[str, str], tuple[int, ...]]:
    """How a process of its own is told to serve: arguments, environment, and the descriptors to hand on."""
    keep = (lock.descriptor, listening.fileno())
    return (
        [sys.executable, "-m", "muniment.server.runtime_service"],
        {_LOCK: str(keep[0]), _SOCKET: str(keep[1])},
        keep,
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(15)
    except subprocess.TimeoutExpired:
        _LOG.warning("a background job does not end; it is stopped hard (it takes up where it was at the next start)")
        child.kill()
        child.wait()


def main() -> None:
    """Serve with the lock and the socket that were handed over."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s", stream=sys.stderr)
    lock = ServerLock(int(os.environ.pop(_LOCK)))
    listening = socket.socket(fileno=int(os.environ.pop(_SOCKET)))
    listening.set_inheritable(False)
    places = Places.of()
    try:
        Service(places, open_database(places, None), lock, listening).run()
    except MunimentError as error:
        _LOG.critical("%s", error)
        sys.exit(1)


if __name__ == "__main__":
    main()
