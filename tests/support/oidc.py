"""A real OpenID provider for tests: npm `oidc-provider` on loopback, with users, clients and attacks of our choosing.

`python -m tests.support.oidc` installs it (once for each lock file, below `.cache/`), as `make test` does beforehand.
"""

import fcntl
import hashlib
import json
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from playwright._impl._driver import compute_driver_executable

HERE = Path(__file__).resolve().parent / "oidc"
CACHE = HERE.parents[2] / ".cache"
SOURCES = (".npmrc", "package.json", "package-lock.json", "provider.mjs")


@dataclass(frozen=True, slots=True)
class OidcClient:
    """What a relying party is given by its provider."""

    client_id: str
    client_secret: str


class OidcProvider:
    """A provider that runs for as long as the block.

    Attributes:
        issuer: its address and its issuer claim.
        attacks: the names that `attack` takes.
    """

    def __init__(self) -> None:
        self.issuer = ""
        self.attacks: tuple[str, ...] = ()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [node(), str(installed() / "provider.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        hello = self._answer()
        self.issuer = hello["issuer"]
        self.attacks = tuple(hello["attacks"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._running()
        process.communicate(timeout=30)
        self._process = None

    def client(self, *redirect_uris: str, **settings: object) -> OidcClient:
        """Register a relying party; `settings` are client metadata (RFC 7591)."""
        made = OidcClient(f"client-{secrets.token_hex(6)}", secrets.token_urlsafe(32))
        self._tell(
            "client",
            client_id=made.client_id,
            client_secret=made.client_secret,
            redirect_uris=list(redirect_uris),
            **settings,
        )
        return made

    def user(
        self,
        sub: str,
        *,
        email: str | None = None,
        email_verified: bool | None = True,
        groups: Sequence[str] = (),
        claims: Mapping[str, object] | None = None,
    ) -> None:
        """Make or change a user; a claim that is None is not sent."""
        told = {"email": email, "email_verified": email_verified, "groups": list(groups), **(claims or {})}
        self._tell("user", sub=sub, claims={name: value for name, value in told.items() if value is not None})

    def sign_in_as(self, sub: str | None) -> None:
        """Sign everyone in as `sub` without asking; `"nobody"` refuses, None shows a page with one button a user."""
        self._tell("sign_in_as", sub=sub)
        self._tell("forget_sessions")

    def attack(self, name: str | None) -> None:
        """Send bad ID tokens (or userinfo) from now on; None for honest ones."""
        if name is not None and name not in self.attacks:
            raise ValueError(f"{name!r} is none of {', '.join(self.attacks)}")
        self._tell("attack", name=name)

    def _tell(self, command: str, **given: object) -> None:
        pipe = self._running().stdin
        if pipe is None:
            raise RuntimeError("the provider has no standard input")
        pipe.write(json.dumps({"command": command, **given}) + "\n")
        pipe.flush()
        if self._answer() != {"done": command}:
            raise RuntimeError(f"the provider did not do {command}")

    def _answer(self) -> dict[str, object] | dict[str, str]:
        pipe = self._running().stdout
        line = pipe.readline() if pipe is not None else ""
        if not line:
            raise RuntimeError("the OpenID provider ended")
        return json.loads(line)

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the OpenID provider is not running")
        return self._process


def node() -> str:
    """The node that Playwright brings along: newer than the distribution's, and the same on every machine."""
    return str(compute_driver_executable()[0])


def installed() -> Path:
    """The directory of the installed provider, made when its sources changed or it is not there.

    Raises:
        RuntimeError: npm is missing or failed.
    """
    digest = hashlib.sha256(b"\0".join((HERE / name).read_bytes() for name in SOURCES)).hexdigest()[:16]
    place = CACHE / f"oidc-{digest}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "oidc.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "installed").exists():
            _install(place)
    return place


def _install(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    for name in SOURCES:
        shutil.copyfile(HERE / name, place / name)
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError("npm is missing: run `make parts` as root, or install node and npm")
    done = subprocess.run(
        [npm, "ci", "--ignore-scripts"],
        cwd=place,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"npm ci failed for tests/support/oidc:\n{done.stdout}{done.stderr}")
    (place / "installed").touch()


if __name__ == "__main__":
    print(f"OpenID provider of the tests: {installed().name}")
