"""Which operating system account runs the embedded database.

PostgreSQL refuses to run as root. Started by root, the server therefore gets an account of its own: the owner of the
data that is already there, or else a user id that nobody has. No account is created, no directory of others is opened.
"""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muniment.core.errors import Refused

# Ids that systemd's table of user ids lists as unused, below 65536 so that they exist inside containers too.
_OWN_IDS: Final = range(60817, 61184)

# What a child of ours needs from the environment. PGDATA, PGOPTIONS and their kind must not reach it.
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}


@dataclass(frozen=True, slots=True)
class Account:
    """A user and group id under which programs are run; `switch` says whether that differs from our own."""

    uid: int
    gid: int
    switch: bool

    def run(
        self, command: list[str], *, pass_fds: tuple[int, ...] = (), environment: Mapping[str, str] = _ENVIRONMENT
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end under this account, from the root directory, with a bare environment.

        Output goes through a file: a pipe would stay open in a server that the program leaves behind.
        """
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=dict(environment),
                pass_fds=pass_fds,
                check=False,
                user=self.uid if self.switch else None,
                group=self.gid if self.switch else None,
                extra_groups=[] if self.switch else None,
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, output.read(), "")

    def own(self, path: Path) -> None:
        """Give one file or directory to this account."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def own_tree(self, path: Path) -> None:
        """Give a directory and everything below it to this account."""
        if self.switch:
            for folder, folders, files in os.walk(path):
                for name in (*folders, *files):
                    self.own(Path(folder) / name)
            self.own(path)

    def unreachable(self, path: Path) -> Path | None:
        """The first directory on the way to `path`, itself included, which this account may not enter."""
        way = [str(place) for place in (*reversed(path.parents), path)]
        script = 'for d do [ -x "$d" ] || { printf %s "$d"; exit 1; }; done'
        found = self.run(["/bin/sh", "-c", script, "sh", *way])
        return Path(found.stdout) if found.returncode else None


def account_for(data: Path) -> Account:
    """The account for a data directory: its owner, an unused id for root, ourselves otherwise.

    Raises:
        Refused: if the data belong to someone whom we cannot act for, or no unused id is left.
    """
    me = os.geteuid()
    owner = data.stat() if data.exists() else None
    if owner is not None and owner.st_uid != 0 and me == 0:
        return Account(owner.st_uid, owner.st_gid, switch=True)
    if owner is not None and owner.st_uid != me:
        raise Refused(
            f"the database in {data} belongs to {_name(owner.st_uid)}, and this is {_name(me)}: "
            f"run the command as {_name(owner.st_uid)}",
            "postgres",
        )
    if me != 0:
        return Account(me, os.getegid(), switch=False)
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    for uid in _OWN_IDS:
        if uid not in taken:
            return Account(uid, uid, switch=True)
    raise Refused("no unused user id is left for the embedded database: run as an ordinary user instead", "postgres")


def initdb_account(server: Account) -> Account:
    """An account that the system's user table names: initdb looks itself up, the server does not.

    Raises:
        Refused: if there is none.
    """
    entries = {entry.pw_uid: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    if not server.switch:
        if server.uid in entries:
            return server
        raise Refused(
            f"user id {server.uid} has no entry in /etc/passwd, which PostgreSQL's initdb insists on: add one, "
            "or run as root, or set DATABASE_URL to a PostgreSQL of your own",
            "postgres",
        )
    known = [entry for entry in entries.values() if entry.pw_name == "nobody"] or list(entries.values())
    if not known:
        raise Refused("/etc/passwd names nobody but root: add an ordinary user, or set DATABASE_URL", "postgres")
    return Account(known[0].pw_uid, known[0].pw_gid, switch=True)


def reachable_directory(prefix: str) -> Path:
    """Make a new temporary directory in which an embedded database can live, whoever we are.

    Raises:
        Refused: if the database's account can enter none of the usual places.
    """
    account = account_for(Path("/nonexistent"))
    for base in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108
        if Path(base).is_dir() and account.unreachable(Path(base).resolve()) is None:
            place = Path(tempfile.mkdtemp(prefix=prefix, dir=Path(base).resolve()))
            if account.switch:
                place.chmod(0o711)
            return place
    raise Refused("the embedded database's account can enter neither TMPDIR nor /tmp nor /var/tmp", "postgres")


def _name(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user id {uid}"
