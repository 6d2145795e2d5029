"""What a server writes about itself into `postmaster.pid`, and what the kernel says about its processes."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# How far a server's own start time may lie from the kernel's, in seconds: the clock may be set between the two.
_CLOCK_SLACK: Final = 5


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The contents of `postmaster.pid`.

    Source: PostgreSQL, src/include/utils/pidfile.h (line numbers of the fields).
    """

    pid: int
    data: str
    started_at: int
    port: int
    socket_directory: str
    ready: bool

    def alive(self, uid: int) -> bool:
        """Whether `pid` is a live server of this data directory, rather than a corpse or a stranger with its number.

        Args:
            uid: owner of the data, under whom the server must run.
        """
        if _state(self.pid) in (None, "Z", "X") or _owner(self.pid) != uid:
            return False
        command = _command(self.pid)
        if not command[0].endswith(b"postgres"):
            return False
        # Started by us, or by hand with the directory given in another way: then the time of its start tells.
        return os.fsencode(self.data) in command or abs(_started_at(self.pid) - self.started_at) <= _CLOCK_SLACK


def read_postmaster(data: Path) -> Postmaster | None:
    """Read `postmaster.pid`; None if it is missing or not yet whole."""
    try:
        lines = (data / "postmaster.pid").read_text(errors="replace").split("\n")
    except FileNotFoundError:
        return None
    if len(lines) < 6 or not all(lines[number].isdecimal() for number in (0, 2, 3)):
        return None
    ready = len(lines) > 7 and lines[7].strip() == "ready"
    return Postmaster(int(lines[0]), lines[1], int(lines[2]), int(lines[3]), lines[4], ready)


def members(cluster_name: str, uid: int) -> list[int]:
    """The ids of this user's live processes whose title says that they belong to the cluster."""
    title = f"postgres: {cluster_name}:".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            pid = int(entry.name)
            if _command(pid)[0].startswith(title) and _owner(pid) == uid:
                found.append(pid)
    return found


def _command(pid: int) -> list[bytes]:
    """The words of a process's command line; one empty word if there is no such process, or only its corpse."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return [b""]


def _state(pid: int) -> str | None:
    """The one-letter state of a process, None if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()[0]


def _started_at(pid: int) -> float:
    """When a process started, in seconds since the Unix epoch; 0 if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    ticks = int(text.rpartition(")")[2].split()[19])
    boot = next(
        int(line.split()[1]) for line in Path("/proc/stat").read_text().split("\n") if line.startswith("btime ")
    )
    return boot + ticks / os.sysconf("SC_CLK_TCK")


def _owner(pid: int) -> int | None:
    """The user id that a process runs under, None if there is no such process."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except (FileNotFoundError, ProcessLookupError):
        return None
