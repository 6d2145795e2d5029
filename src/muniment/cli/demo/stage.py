"""The throw-away installation that the demonstration plays on, driven by the same commands that a user types."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
import httpx
import psycopg

from muniment.core.errors import Refused
from muniment.server.installation import DATABASE, embedded_postgres
from muniment.server.runtime import Places

_TOKEN = re.compile(r"mk_[0-9A-Z]{26}_[A-Za-z0-9_-]{43}")
_PATIENCE = 30.0


class Stage:
    """A running ledger in a folder of its own.

    Attributes:
        folder: holds the installation, the client's state and what is exported.
        places: of the installation.
        origin: the name of its log.
        setup_link: opens once, for the first administrator.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places = Places(folder / "home", folder / "home/keys", folder / "home/heads")
        self.origin = ""
        self.setup_link = ""
        self.environment: dict[str, str] = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("MUNIMENT_", "DATABASE_URL"))},
            **self.places.environment(),
            "MUNIMENT_STATE": str(folder / "state"),
        }
        self._url = ""
        self._keys: dict[str, str] = {}

    def up(self) -> None:
        """Start it: `muniment up --detach`, as an evaluation: everything stands in one folder."""
        said = self.run("up", "--detach", "--evaluation").stdout
        tokens = _TOKEN.findall(said)
        url = re.search(r"server +(http://\S+)", said)
        origin = re.search(r"with the log (\S+)\.", said)
        if len(tokens) < 2 or url is None or origin is None:
            raise Refused(f"`muniment up` did not say where it runs:\n{said}", "demo")
        setup = re.search(r"http://localhost:\d+/setup\?token=\S+", said)
        self.setup_link = setup[0] if setup else ""
        self._url, self.origin = url[1], origin[1]
        self._keys = {"append": tokens[0], "read": tokens[1]}

    def down(self) -> None:
        """Stop it: `muniment down`."""
        self.run("down")

    def hold(self, scope: str, key: str) -> None:
        """Keep another API key, for `run` and `client` under this name."""
        self._keys[scope] = key

    @property
    def url(self) -> str:
        """Where the server listens."""
        return self._url

    @property
    def log_url(self) -> str:
        """The log as a C2SP tiled log."""
        return f"{self._url}/logs/{self.origin}"

    def client(self, scope: str) -> dict[str, str]:
        """The environment of a client with an append key, a read key, or one that was given to `hold`."""
        return {**self.environment, "MUNIMENT_URL": self._url, "MUNIMENT_KEY": self._keys[scope]}

    def run(
        self, *arguments: str, scope: str | None = None, expect: int = 0, state: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `muniment` with these arguments.

        Raises:
            Refused: if its exit code is another than expected.
        """
        environment = self.client(scope) if scope else self.environment
        if state is not None:
            environment = {**environment, "MUNIMENT_STATE": str(state)}
        return self.program([sys.executable, "-m", "muniment", *arguments], environment, expect)

    def program(
        self, arguments: list[str], environment: Mapping[str, str], expect: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run some program in the stage's folder."""
        done = subprocess.run(
            arguments,
            env=dict(environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != expect:
            raise Refused(
                f"`{shlex.join(arguments[-6:])}` ended with {done.returncode}, not {expect}:\n"
                f"{done.stdout}{done.stderr}",
                "demo",
            )
        return done

    def get(self, path: str, **parameters: str | int) -> httpx.Response:
        """Read from the API with the read key."""
        answer = httpx.get(
            f"{self._url}{path}",
            params=parameters,
            headers={"Authorization": f"Bearer {self._keys['read']}"},
            timeout=10,
        )
        answer.raise_for_status()
        return answer

    def append(self, event: Mapping[str, object]) -> None:
        """Hand in one event with the append key, as a plain HTTP client does."""
        answer = httpx.post(
            f"{self._url}/api/events",
            json={"event": event},
            headers={"Authorization": f"Bearer {self._keys['append']}"},
            timeout=10,
        )
        answer.raise_for_status()

    def problems(self) -> str:
        """What `muniment status` complains about."""
        status = subprocess.run(
            [sys.executable, "-m", "muniment", "status"],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return "\n".join(line for line in status.stdout.splitlines() if "PROBLEM" in line)

    def sealed_size(self) -> int:
        """How many entries the newest checkpoint covers; 0 without one."""
        answer = httpx.get(f"{self.log_url}/checkpoint", timeout=10)
        return int(answer.text.split("\n")[1]) if answer.status_code == 200 else 0

    def all_sealed(self) -> bool:
        """Whether the newest checkpoint covers the newest entry."""
        newest = self.get("/api/entries", order="newest", limit=1).json()["entries"]
        return bool(newest) and self.sealed_size() > int(newest[0]["entry"]["seq"])

    def wait(self, what: str, done: Callable[[], bool]) -> None:
        """Wait until something is so.

        Raises:
            Refused: after half a minute.
        """
        deadline = time.monotonic() + _PATIENCE
        while not done():
            if time.monotonic() > deadline:
                raise Refused(f"waited {_PATIENCE:.0f} s in vain for {what}; see {self.places.log}", "demo")
            time.sleep(0.05)

    @contextmanager
    def superuser(self) -> Iterator[psycopg.Connection]:
        """The insider's connection: the embedded database's superuser. Commits at the end."""
        with psycopg.connect(embedded_postgres(self.places).url(database=DATABASE)) as connection:
            yield connection


def shown(command: str) -> None:
    """Show a command as it would be typed."""
    click.echo(click.style("  $ ", dim=True) + click.style(command, bold=True))
