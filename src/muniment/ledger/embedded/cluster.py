"""The embedded database's life: made once, started, found again, recovered, stopped.

What stands in its directory:

    data/                 PostgreSQL's own; owned by the account the server runs under
    muniment.conf         our settings, written at every start
    local.conf            the operator's settings, which win
    superuser.password    0600
    port                  the port it had last, tried first at the next start
    running.lock          locked by the server's own processes for as long as one of them lives
    operation.lock        locked while somebody starts or stops it

`running.lock` is inherited by every server process, so the kernel itself says whether one is left. Process ids cannot:
they are reused after a reboot, and a killed server that nobody reaped still answers to its own.
"""

import hashlib
import os
import shlex
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import psycopg

from muniment.core.errors import Refused
from muniment.ledger.embedded import locks
from muniment.ledger.embedded.account import Account, account_for
from muniment.ledger.embedded.binaries import reachable_programs
from muniment.ledger.embedded.initdb import PASSWORD_FILE, SUPERUSER, make_cluster
from muniment.ledger.embedded.postmaster import Postmaster, members, read_postmaster
from muniment.ledger.embedded.privatefile import write_private
from muniment.ledger.embedded.settings import configuration
from muniment.ledger.embedded.sockets import clear_sockets, is_socket_directory, ports, socket_directory


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
        with locks.operation(self.directory, deadline):
            account = account_for(self.data)
            self._check_way(account)
            if not self.data.exists():
                make_cluster(self.directory, self.data, account)
            if self._postmaster() is not None:
                self._connect_until(deadline)
                return False
            self._clear_remains(account, deadline)
            self._launch(account, deadline)
        return True

    def stop(self, *, patience: float = 60.0) -> bool:
        """Stop the server: open transactions are rolled back, what is committed is written out.

        Args:
            patience: seconds until the server is stopped hard (it recovers at the next start).

        Returns:
            True if a server was stopped, False if none was running.
        """
        if not self.data.is_dir():
            return False
        deadline = time.monotonic() + patience
        with locks.operation(self.directory, deadline):
            found = self._postmaster()
            if found is None and not locks.is_running(self.directory):
                return False
            for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                for pid in [found.pid] if found is not None and self._is_ours(found) else self.processes():
                    _send(pid, order)
                if self._wait_until_gone(deadline):
                    named = None if found is None else found.socket_directory
                    clear_sockets(self.directory, named, account_for(self.data))
                    return True
                deadline = time.monotonic() + 5.0
        raise Refused(f"the database in {self.directory} does not stop; processes: {self.processes()}", "postgres")

    def status(self) -> Status:
        """What the database is doing, seen from outside: no password is used, nothing is started."""
        if not self.data.exists():
            return Status("absent")
        found = self._postmaster()
        if found is None:
            return Status("stopped")
        return Status("running" if found.ready else "starting", found.pid, found.port)

    def processes(self) -> list[int]:
        """The ids of the server's processes, the postmaster apart."""
        return members(self._name, self.data.stat().st_uid)

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
        secret = (self.directory / PASSWORD_FILE).read_text().strip() if password is None else password
        return (
            f"postgresql://{quote(user, safe='')}:{quote(secret, safe='')}@/{quote(database, safe='')}"
            f"?host={quote(found.socket_directory, safe='')}&port={found.port}"
        )

    def is_its_socket(self, host: str) -> bool:
        """Whether a URL with this host was one of ours, or of the place where our data stood before they were moved."""
        place = Path(host)
        moved = (self.data / "PG_VERSION").exists() and place.parts[-2:] == (self.directory.name, "socket")
        return moved or is_socket_directory(self.directory, place)

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
                "(/var/lib/muniment), or run as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own",
                "postgres",
            )

    def _launch(self, account: Account, deadline: float) -> None:
        programs = reachable_programs(account, self.directory)
        write_private(self.directory / "muniment.conf", configuration(self._name, self._settings), 0o644)
        trouble = ""
        for port in ports(self.directory):
            sockets = socket_directory(self.directory, account)
            options = f"-c port={port} -c unix_socket_directories={shlex.quote(_list_item(str(sockets)))}"
            with locks.running(self.directory) as lock:
                # Without --log: what the server says before its log collector runs comes back as output.
                started = account.run(
                    [
                        str(programs / "pg_ctl"),
                        f"--pgdata={self.data}",
                        f"--timeout={max(1, int(deadline - time.monotonic()))}",
                        "--wait",
                        f"--options={options}",
                        "start",
                    ],
                    pass_fds=(lock,),
                )
            if started.returncode == 0:
                write_private(self.directory / "port", f"{port}\n")
                self._connect_until(deadline)
                return
            trouble = started.stdout + self._log_tail()
            if "Address already in use" not in trouble:
                break
        end = trouble[-2000:].strip()
        raise Refused(f"the database in {self.directory} does not start; its log ends with:\n{end}", "postgres")

    def _clear_remains(self, account: Account, deadline: float) -> None:
        """Make sure that no process of a killed server is left, then take its pid file away.

        A server process that outlives its postmaster may still write. PostgreSQL looks for such processes by what
        stands in the pid file, so that file goes only after the lock shows that they are gone.
        """
        if not self._wait_until_gone(min(deadline, time.monotonic() + 5.0)):
            for pid in self.processes():
                _send(pid, signal.SIGKILL)
            if not self._wait_until_gone(deadline):
                raise Refused(
                    f"processes of an earlier server still use {self.data} (perhaps in another container): "
                    "stop them first",
                    "postgres",
                )
        left = read_postmaster(self.data)
        clear_sockets(self.directory, None if left is None else left.socket_directory, account)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _connect_until(self, deadline: float) -> None:
        while True:
            try:
                with psycopg.connect(self.url(), connect_timeout=5) as connection:
                    connection.execute("SELECT 1")
                return
            except (psycopg.OperationalError, Refused) as error:
                said = str(error)
                if "password authentication failed" in said:
                    where = self.directory / PASSWORD_FILE
                    raise Refused(f"{where} does not hold this database's password", "postgres") from error
                if "FATAL:" in said and "the database system is" not in said:
                    raise Refused(f"the database in {self.directory} refuses us: {said}", "postgres") from error
                if time.monotonic() > deadline:
                    raise Refused(f"the database in {self.directory} does not answer: {error}", "postgres") from error
            time.sleep(0.05)

    def _postmaster(self) -> Postmaster | None:
        """The live postmaster of this data directory, if there is one."""
        found = read_postmaster(self.data)
        return found if found is not None and self._is_ours(found) else None

    def _is_ours(self, found: Postmaster) -> bool:
        return found.alive(self.data.stat().st_uid)

    def _wait_until_gone(self, deadline: float) -> bool:
        while locks.is_running(self.directory) or self._postmaster() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _log_tail(self) -> str:
        logs = sorted((self.data / "log").glob("postgresql-*.log"), key=lambda path: path.stat().st_mtime)
        return logs[-1].read_text(errors="replace")[-2000:] if logs else ""


def _send(pid: int, order: signal.Signals) -> None:
    try:
        os.kill(pid, order)
    except ProcessLookupError:
        return


def _list_item(text: str) -> str:
    """Quote one item of a list-valued server setting."""
    return '"' + text.replace('"', '""') + '"'
