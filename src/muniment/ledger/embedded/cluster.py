"""The embedded database's life: made once, started, found again, recovered, stopped.

What stands in its directory:

    data/                 PostgreSQL's own; owned by the account the server runs under
    superuser.password    0600
    port                  the port it had last, tried first at the next start
    running.lock          locked by the server's own processes for as long as one of them lives
    operation.lock        locked while somebody starts or stops it

`running.lock` is inherited by every server process, so the kernel itself says whether one is left. Process ids cannot:
they are reused after a reboot, and a killed server that nobody reaped still answers to its own.
"""

import fcntl
import hashlib
import os
import secrets
import shlex
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

import psycopg

from muniment.core.errors import Refused
from muniment.ledger.embedded.account import Account, account_for, initdb_account
from muniment.ledger.embedded.binaries import reachable_programs
from muniment.ledger.embedded.postmaster import Postmaster, members, read_postmaster
from muniment.ledger.embedded.settings import configuration

SUPERUSER: Final = "postgres"
_SOCKET_PATH_LIMIT: Final = 107 - len("/.s.PGSQL.65535")


@dataclass(frozen=True, slots=True)
class Status:
    """What the embedded database is doing.

    `running`: accepts connections. `starting`: a server is there and does not yet accept any (recovery after a crash).
    `stopped`: no process. `absent`: never made.
    """

    state: Literal["running", "starting", "stopped", "absent"]
    pid: int | None = None
    port: int | None = None


class EmbeddedPostgres:
    """One PostgreSQL cluster in one directory.

    Args:
        directory: made if missing; its parents must be there, or be ours to make.
        settings: server settings that win over our own; for tests and for machines out of the ordinary.
    """

    def __init__(self, directory: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.directory = directory.absolute()
        self.data = self.directory / "data"
        self._settings = dict(settings or {})
        self._name = "muniment-" + hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:12]

    def start(self, *, patience: float = 120.0) -> bool:
        """Make the cluster if there is none, start it if it is not running, and wait until it answers.

        Args:
            patience: seconds to wait for a server that recovers from a crash.

        Returns:
            True if this call started it, False if it was found running.

        Raises:
            Refused: if it cannot be started; the message names the reason and the end of the server's log.
        """
        deadline = time.monotonic() + patience
        self._make_directory()
        with self._operation(deadline):
            account = account_for(self.data)
            self._check_way(account)
            if not self.data.exists():
                self._initialise(account)
            if self._found_running(deadline):
                return False
            self._clear_remains(deadline)
            self._launch(account, deadline)
        return True

    def stop(self, *, patience: float = 60.0) -> bool:
        """Stop the server: open transactions are rolled back, what is committed is written out.

        Args:
            patience: seconds until the server is stopped hard (it recovers at the next start).

        Returns:
            True if a server was stopped, False if none was running.
        """
        if not self.directory.is_dir():
            return False
        deadline = time.monotonic() + patience
        with self._operation(deadline):
            found = self._postmaster()
            if found is None and not self._lock_is_held():
                return False
            sockets = self.directory / "socket" if found is None else Path(found.socket_directory)
            for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                for pid in [found.pid] if found is not None and found.alive() else members(self._name):
                    _send(pid, order)
                if self._wait_until_gone(deadline):
                    self._clear_sockets(sockets)
                    return True
                deadline = time.monotonic() + 5.0
        raise Refused(
            f"the database in {self.directory} does not stop; its processes: {members(self._name)}", "postgres"
        )

    def status(self) -> Status:
        """What the database is doing, seen from outside: no password is used, nothing is started."""
        if not self.data.exists():
            return Status("absent")
        found = self._postmaster()
        if found is None:
            return Status("stopped")
        return Status("running" if found.ready else "starting", found.pid, found.port)

    def url(self, *, user: str = SUPERUSER, password: str | None = None, database: str = "postgres") -> str:
        """A connection URL through the private socket, for as long as the server keeps running.

        Args:
            password: of `user`; the superuser's own is read from its file.

        Raises:
            Refused: if the database is not running.
        """
        found = self._postmaster()
        if found is None:
            raise Refused(f"the database in {self.directory} is not running: muniment up", "postgres")
        secret = self._password() if password is None else password
        return (
            f"postgresql://{quote(user, safe='')}:{quote(secret, safe='')}@/{quote(database, safe='')}"
            f"?host={quote(found.socket_directory, safe='')}&port={found.port}"
        )

    # -- making it ---------------------------------------------------------------------------------------------------

    def _make_directory(self) -> None:
        if not self.directory.is_dir():
            self.directory.mkdir(parents=True, mode=0o700)
        if os.geteuid() == 0 and self.directory.stat().st_uid == 0:
            # Ours, and entered by the server's account on the way to its data; what is private in it has its own mode.
            self.directory.chmod(0o711)

    def _check_way(self, account: Account) -> None:
        blocked = account.unreachable(self.directory) if account.switch else None
        if blocked is not None:
            raise Refused(
                f"PostgreSQL does not run as root, and user id {account.uid}, under which it is started instead, "
                f"may not enter {blocked}: set MUNIMENT_HOME to a place below directories that others may enter "
                f"(/var/lib/muniment), "
                f"or run as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own",
                "postgres",
            )

    def _initialise(self, account: Account) -> None:
        """Make the cluster beside its final place and move it there whole, so that half of one is never found."""
        for left in self.directory.glob("data.new-*"):
            shutil.rmtree(left)
        maker = initdb_account(account)
        staging = self.directory / f"data.new-{os.getpid()}"
        staging.mkdir(mode=0o700)
        password = secrets.token_urlsafe(32)
        handed = staging / "password"
        handed.touch(mode=0o600)
        handed.write_text(password + "\n")
        maker.own_tree(staging)
        programs = reachable_programs(account, self.directory)
        made = maker.run(
            [
                str(programs / "initdb"),
                f"--pgdata={staging / 'data'}",
                f"--username={SUPERUSER}",
                f"--pwfile={handed}",
                "--auth=scram-sha-256",
                "--data-checksums",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-instructions",
            ]
        )
        if made.returncode:
            shutil.rmtree(staging)
            raise Refused(f"initdb could not make the database in {self.directory}: {made.stdout.strip()}", "postgres")
        data = staging / "data"
        (data / "log").mkdir(mode=0o700)
        with (data / "postgresql.conf").open("a") as configured:
            configured.write("\ninclude = 'muniment.conf'\ninclude_if_exists = 'local.conf'\n")
        (data / "local.conf").write_text("# Your own settings: they win over muniment.conf. See docs/operate.md.\n")
        account.own_tree(data)
        _write_private(self.directory / "superuser.password", password + "\n")
        data.rename(self.data)
        shutil.rmtree(staging)

    # -- starting it -------------------------------------------------------------------------------------------------

    def _launch(self, account: Account, deadline: float) -> None:
        programs = reachable_programs(account, self.directory)
        conf = self.data / "muniment.conf"
        conf.write_text(configuration(self._name, self._settings))
        account.own(conf)
        first_log = self.data / "log" / "start.log"
        trouble = ""
        for port in self._ports():
            sockets = self._socket_directory(account)
            options = f"-c port={port} -c unix_socket_directories={shlex.quote(_guc_list_item(str(sockets)))}"
            first_log.write_text("")
            account.own(first_log)
            lock = os.open(self.directory / "running.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                seconds = max(1, int(deadline - time.monotonic()))
                started = account.run(
                    [
                        str(programs / "pg_ctl"),
                        f"--pgdata={self.data}",
                        f"--log={first_log}",
                        f"--timeout={seconds}",
                        "--wait",
                        f"--options={options}",
                        "start",
                    ],
                    pass_fds=(lock,),
                )
            finally:
                os.close(lock)
            if started.returncode == 0:
                _write_private(self.directory / "port", f"{port}\n")
                self._connect_until(deadline)
                return
            trouble = first_log.read_text(errors="replace") + self._log_tail()
            if "Address already in use" not in trouble:
                break
        raise Refused(
            f"the database in {self.directory} does not start; its log ends with:\n{trouble[-2000:]}", "postgres"
        )

    def _found_running(self, deadline: float) -> bool:
        found = self._postmaster()
        if found is None:
            return False
        self._connect_until(deadline)
        return True

    def _clear_remains(self, deadline: float) -> None:
        """Make sure that no process of a killed server is left, then take its pid file away.

        A server process that outlives its postmaster may still write. PostgreSQL looks for such processes by what
        stands in the pid file, so that file goes only after the lock shows that they are gone.
        """
        if not self._wait_until_gone(min(deadline, time.monotonic() + 5.0)):
            for pid in members(self._name):
                _send(pid, signal.SIGKILL)
            if not self._wait_until_gone(deadline):
                raise Refused(
                    f"processes of an earlier server still use {self.data} (perhaps in another container): "
                    "stop them first",
                    "postgres",
                )
        left = read_postmaster(self.data)
        self._clear_sockets(self.directory / "socket" if left is None else Path(left.socket_directory))
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _clear_sockets(self, place: Path) -> None:
        """Take away the socket and its lock file, which a killed server leaves with a process id in it."""
        for path in place.glob(".s.PGSQL.*"):
            path.unlink(missing_ok=True)
        if place != self.directory / "socket" and place.is_dir():
            place.rmdir()

    def _connect_until(self, deadline: float) -> None:
        while True:
            try:
                with psycopg.connect(self.url(), connect_timeout=5) as connection:
                    connection.execute("SELECT 1")
                return
            except (psycopg.OperationalError, Refused) as error:
                said = str(error)
                if "password authentication failed" in said:
                    where = self.directory / "superuser.password"
                    raise Refused(f"{where} does not hold this database's password", "postgres") from error
                if "FATAL:" in said and "the database system is" not in said:
                    raise Refused(f"the database in {self.directory} refuses us: {said}", "postgres") from error
                if time.monotonic() > deadline:
                    raise Refused(f"the database in {self.directory} does not answer: {error}", "postgres") from error
            time.sleep(0.05)

    def _ports(self) -> Iterator[int]:
        remembered = self.directory / "port"
        if remembered.exists():
            text = remembered.read_text().strip()
            if text.isdecimal() and _is_free(int(text)):
                yield int(text)
        for _ in range(5):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port: int = probe.getsockname()[1]
            yield port

    def _socket_directory(self, account: Account) -> Path:
        """A private directory whose name is short enough for a socket: beside the data, or else in /tmp."""
        place = self.directory / "socket"
        if len(os.fsencode(place)) > _SOCKET_PATH_LIMIT:
            place = Path(tempfile.mkdtemp(prefix="muniment-", dir="/tmp"))
        place.mkdir(mode=0o700, exist_ok=True)
        account.own(place)
        return place

    # -- looking at it -----------------------------------------------------------------------------------------------

    def _postmaster(self) -> Postmaster | None:
        """The live postmaster of this data directory, if there is one."""
        found = read_postmaster(self.data)
        return found if found is not None and found.alive() else None

    def _lock_is_held(self) -> bool:
        try:
            lock = os.open(self.directory / "running.lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def _wait_until_gone(self, deadline: float) -> bool:
        while self._lock_is_held() or self._postmaster() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _password(self) -> str:
        return (self.directory / "superuser.password").read_text().strip()

    def _log_tail(self) -> str:
        logs = sorted((self.data / "log").glob("postgresql-*.log"), key=lambda path: path.stat().st_mtime)
        return logs[-1].read_text(errors="replace")[-2000:] if logs else ""

    @contextmanager
    def _operation(self, deadline: float) -> Iterator[None]:
        """Hold the lock under which the server is started and stopped.

        Raises:
            Refused: if another process holds it beyond the deadline.
        """
        lock = os.open(self.directory / "operation.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Refused(f"another process is starting or stopping {self.directory}", "postgres") from None
                    time.sleep(0.05)
            yield
        finally:
            os.close(lock)


def _send(pid: int, order: signal.Signals) -> None:
    try:
        os.kill(pid, order)
    except ProcessLookupError:
        return


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As PostgreSQL does: connections of the server before us that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _guc_list_item(text: str) -> str:
    """Quote one item of a list-valued server setting."""
    return '"' + text.replace('"', '""') + '"'


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, in one step."""
    staging = path.with_name(f"{path.name}.{os.getpid()}")
    staging.unlink(missing_ok=True)
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    staging.rename(path)
