"""Where the server listens: a loopback port, and a private directory for its socket."""

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from muniment.ledger.embedded.account import Account

_PATH_LIMIT: Final = 107 - len("/.s.PGSQL.65535")
_TEMPORARY: Final = Path("/tmp")  # noqa: S108 - short, and what is made there is private
_PREFIX: Final = "muniment-"


def ports(directory: Path) -> Iterator[int]:
    """Ports to try: the one that was used last, if it is free, then some that are free now."""
    remembered = directory / "port"
    if remembered.exists():
        text = remembered.read_text().strip()
        if text.isdecimal() and 0 < int(text) < 65536 and _is_free(int(text)):
            yield int(text)
    for _ in range(5):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        yield port


def socket_directory(directory: Path, account: Account) -> Path:
    """A private directory whose name is short enough for a socket: beside the data, or else in /tmp."""
    place = directory / "socket"
    if len(os.fsencode(place)) > _PATH_LIMIT:
        place = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_TEMPORARY))
    place.mkdir(mode=0o700, exist_ok=True)
    account.own(place)
    return place


def is_socket_directory(directory: Path, place: Path) -> bool:
    """Whether `place` is a name that `socket_directory` gives."""
    return place == directory / "socket" or (place.parent == _TEMPORARY and place.name.startswith(_PREFIX))


def clear_sockets(directory: Path, named: str | None, account: Account) -> None:
    """Take away the socket and its lock file, which a killed server leaves with a process id in it.

    Args:
        directory: of the cluster.
        named: the directory that the pid file names; the server's account can write that file, so a name that we
            would not have given is passed over.
        account: the server's.
    """
    place = directory / "socket" if named is None else Path(named)
    if not is_socket_directory(directory, place):
        return
    try:
        found = place.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid:
        return
    for path in place.glob(".s.PGSQL.*"):
        path.unlink(missing_ok=True)
    if place != directory / "socket":
        place.rmdir()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As PostgreSQL does: connections of the server before us that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
