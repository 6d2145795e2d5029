"""Whole installations for tests: `muniment up` as real processes, in a home of their own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from muniment.ledger.embedded import reachable_directory
from muniment.server.runtime import Places, Server, read_server
from tests.support.keeper import kept

EVENT = {"action": "tool.call", "actor": {"type": "agent", "id": "agent:test"}, "outcome": "success"}


def wait_for(true: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what}"
        time.sleep(0.02)


@dataclass
class Installation:
    """One home, and the command line in it."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def places(self) -> Places:
        return Places.of({"MUNIMENT_HOME": str(self.home), **self.environment})

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "muniment.cli.main", *arguments],
            env={**_clean(), "MUNIMENT_HOME": str(self.home), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == code, f"muniment {' '.join(arguments)}: exit {process.returncode}\n{said}"
        return said

    def up(self) -> str:
        return self.run("up", "--detach")

    def server(self) -> Server:
        found = read_server(self.places)
        assert found is not None
        return found

    def kill_server(self) -> None:
        pid = self.server().pid
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: read_server(self.places) is None, "the killed server's end")

    def kill_database(self) -> None:
        pid = int((self.places.postgres / "data" / "postmaster.pid").read_text().split("\n")[0])
        os.kill(pid, signal.SIGKILL)


@contextmanager
def installation() -> Iterator[Installation]:
    directory = reachable_directory("muniment-up-")
    made = Installation(directory / "home")
    down = [sys.executable, "-m", "muniment.cli.main", "down"]
    with kept(directory, down, {**_clean(), "MUNIMENT_HOME": str(made.home)}):
        yield made


@dataclass(frozen=True)
class Prepared:
    """A home that was started once and stopped, to be copied for each test.

    Attributes:
        said: what the first start printed.
        home: what is copied.
    """

    said: str
    home: Path

    @contextmanager
    def copy(self) -> Iterator[Installation]:
        """A copy in a place of its own, which nobody started yet."""
        with installation() as made:
            subprocess.run(["cp", "-a", str(self.home), str(made.home)], check=True)
            yield made


@contextmanager
def prepared() -> Iterator[Prepared]:
    with installation() as made:
        said = made.up()
        wait_for(lambda: bool(list(made.places.heads.glob("*.head"))), "a first checkpoint")
        made.run("down")
        yield Prepared(said, made.home)


def printed_key(said: str, scope: str) -> str:
    """The API key that the first start printed."""
    keys = re.findall(r"(mk_[0-9A-Z]{26}_[A-Za-z0-9_-]{43}) +# (append|read)", said)
    found: str = next(key for key, of in keys if of == scope)
    return found


def append(client: httpx.Client, key: str, **event: object) -> httpx.Response:
    return client.post("/api/events", json={"event": {**EVENT, **event}}, headers={"authorization": f"Bearer {key}"})


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("MUNIMENT_", "DATABASE_", "PG"))}
