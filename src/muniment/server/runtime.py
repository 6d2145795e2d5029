"""Where a running installation keeps things, and how one process sees what another one of it does."""

import fcntl
import json
import os
import pwd
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from muniment.core.errors import Refused
from muniment.ledger.roles import Role

_ROOT_HOME: Final = Path("/var/lib/muniment")


@dataclass(frozen=True, slots=True)
class Places:
    """The directories of one installation.

    Attributes:
        home: holds everything that has no place of its own.
        keys: signing keys and the key encryption key; the latter may not stand on the database's volume.
        heads: the last signed head of each log; to be kept off the database's volume and out of its backups.
    """

    home: Path
    keys: Path
    heads: Path

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Places":
        """The places that `MUNIMENT_HOME`, `MUNIMENT_KEYS` and `MUNIMENT_HEADS` name, or their defaults."""
        default = _ROOT_HOME if os.geteuid() == 0 else _home_directory(environment) / ".local/share/muniment"
        home = Path(environment.get("MUNIMENT_HOME") or default).absolute()
        return cls(
            home,
            Path(environment.get("MUNIMENT_KEYS") or home / "keys").absolute(),
            Path(environment.get("MUNIMENT_HEADS") or home / "heads").absolute(),
        )

    @property
    def postgres(self) -> Path:
        """The embedded database."""
        return self.home / "postgres"

    @property
    def urls(self) -> Path:
        """One 0600 file for each role, with the URL under which it reaches the database."""
        return self.home / "database"

    @property
    def kek(self) -> Path:
        """The key encryption key, which wraps the tenants' data keys."""
        return self.keys / "kek.key"

    @property
    def run(self) -> Path:
        """What the running processes say about themselves."""
        return self.home / "run"

    @property
    def log(self) -> Path:
        """What a detached server writes."""
        return self.home / "log" / "server.log"

    def make(self) -> None:
        """Make the directories that are missing; nothing that stands already is opened or closed.

        Raises:
            Refused: if one cannot be made.
        """
        for path in (self.home, self.keys, self.urls, self.run):
            self._check_owner(path)
        try:
            if not self.home.is_dir():
                self.home.mkdir(parents=True, mode=0o700)
                if os.geteuid() == 0:
                    # The embedded database does not run as root and passes through here; what is private is 0700 below.
                    self.home.chmod(0o711)
            for path in (self.keys, self.heads, self.urls, self.run, self.log.parent):
                path.mkdir(parents=True, mode=0o700, exist_ok=True)
        except OSError as error:
            raise Refused(
                f"cannot make {error.filename}: {error.strerror}; set MUNIMENT_HOME to a directory of yours"
            ) from error

    def _check_owner(self, path: Path) -> None:
        """Files of two owners in one installation end with a start that fails for either."""
        if path.is_dir() and (owner := path.stat().st_uid) != os.geteuid():
            raise Refused(f"{path} belongs to user id {owner}, and this is {os.geteuid()}: run it as that user")

    def environment(self) -> dict[str, str]:
        """The variables by which a child process finds the same places."""
        return {"MUNIMENT_HOME": str(self.home), "MUNIMENT_KEYS": str(self.keys), "MUNIMENT_HEADS": str(self.heads)}

    def database_url(self, role: Role) -> str:
        """The URL of one role, as the last start wrote it.

        Raises:
            Refused: if there is no installation here, or it is not ours to read.
        """
        path = self.urls / f"{role}.url"
        try:
            return path.read_text(encoding="utf-8").strip()
        except FileNotFoundError as error:
            raise Refused(f"there is no ledger in {self.home} yet: muniment up", "MUNIMENT_HOME") from error
        except PermissionError as error:
            raise Refused(f"this user may not read {path}: run as the ledger's owner", "MUNIMENT_HOME") from error


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, as it describes itself once it accepts requests."""

    pid: int
    url: str
    started_at: float
    version: str


class ServerLock:
    """Held by the server's process for as long as it lives; whoever cannot have it knows that a server runs."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        os.set_inheritable(descriptor, False)

    @classmethod
    def take(cls, places: Places) -> "ServerLock | None":
        """Take the lock, or None if a server has it."""
        descriptor = os.open(places.run / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Whoever only looks holds it for a moment.
        for _ in range(10):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.02)
            else:
                return cls(descriptor)
        os.close(descriptor)
        return None

    def release(self) -> None:
        """Give it back; a process that inherited it still holds it."""
        os.close(self.descriptor)


def server_is_running(places: Places) -> bool:
    """Whether some process serves this installation."""
    if not places.run.is_dir():
        return False
    lock = ServerLock.take(places)
    if lock is None:
        return True
    lock.release()
    return False


def read_server(places: Places) -> Server | None:
    """What the running server says about itself; None if none runs or it is not ready yet."""
    found = _read_json(places.run / "server.json")
    if found is None or not server_is_running(places):
        return None
    return Server(int(found["pid"]), str(found["url"]), float(found["started_at"]), str(found["version"]))


def write_server(places: Places, server: Server) -> None:
    """Say that this process serves."""
    write_json(places.run / "server.json", asdict(server))


@dataclass(frozen=True, slots=True)
class JobState:
    """How a background job does.

    Attributes:
        name: of the job.
        beat_at: when it last finished a round, good or bad; seconds since the Unix epoch.
        good_at: when it last finished a good round; 0 before the first.
        failures: bad rounds since the last good one.
        error: what the last bad round said; empty after a good one.
        note: what the last good round did, in a few words.
    """

    name: str
    beat_at: float
    good_at: float
    failures: int
    error: str
    note: str


def read_jobs(places: Places) -> list[JobState]:
    """The states of the background jobs, as last written; empty before the first start."""
    found = _read_json(places.run / "background.json")
    return [] if found is None else [JobState(**job) for job in found["jobs"]]


def write_jobs(places: Places, jobs: list[JobState]) -> None:
    """Publish the states of the background jobs."""
    write_json(places.run / "background.json", {"jobs": [asdict(job) for job in jobs]})


def write_json(path: Path, value: dict[str, object]) -> None:
    """Replace a 0600 file in one step; it need not outlive a power cut."""
    write_private(path, json.dumps(value) + "\n", durable=False)


def write_private(path: Path, text: str, *, durable: bool = True) -> None:
    """Replace a file, readable by its owner alone, in one step; on the disk before this returns if `durable`."""
    staging = path.with_name(f".{path.name}.{os.getpid()}")
    staging.unlink(missing_ok=True)
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        if durable:
            os.fsync(stream.fileno())
    staging.rename(path)


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found if isinstance(found, dict) else None


def _home_directory(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("HOME") or pwd.getpwuid(os.geteuid()).pw_dir)
