"""The state directory of a machine: where spools, known logs and dead letters are kept, and who each agent is."""

import contextlib
import hashlib
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from muniment.core.errors import Refused
from muniment.core.identifiers import new_ulid

_FILE_NAME_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


@dataclass(frozen=True, slots=True)
class State:
    """One state directory (mode 0700: bodies lie in the spool in clear).

    Attributes:
        root: the directory; made when it is first used.
    """

    root: Path

    @classmethod
    def find(cls, environ: Mapping[str, str] | None = None) -> "State":
        """The directory named by `MUNIMENT_STATE`, or `~/.local/state/muniment`."""
        env = os.environ if environ is None else environ
        if named := env.get("MUNIMENT_STATE"):
            return cls(Path(named).expanduser().absolute())
        return cls(Path.home() / ".local" / "state" / "muniment")

    @property
    def spool(self) -> Path:
        """Directory of `<source>/<epoch>/` spools."""
        return self.root / "spool"

    @property
    def sources(self) -> Path:
        """Directory of source ids, one file per agent name and machine."""
        return self.root / "sources"

    @property
    def known_logs(self) -> Path:
        """Directory of the checkpoints that this machine has proven."""
        return self.root / "known-logs"

    @property
    def dead_letter(self) -> Path:
        """Directory of events that the ledger refused for good, and of damaged segments."""
        return self.root / "dead-letter"

    def source_id(self, agent: str) -> str:
        """The source id of an agent's name on this machine, made on first use.

        Two processes that ask at the same time get the same id: the file appears complete, by a hard link.
        A state directory that was copied to another machine yields a new id there.

        Raises:
            Refused: if the stored id cannot be read or made.
        """
        path = self.sources / f"{_file_name(agent)}.{_machine_mark()}"
        try:
            if not path.exists():
                self._make_source(path)
            text = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"the source id of {agent!r} cannot be read or made: {error}", str(path)) from error
        if not (len(text) == 30 and text.startswith("src_") and text[4:].isalnum()):
            raise Refused("holds no source id; remove the file to get a new source id", str(path))
        return text

    def _make_source(self, path: Path) -> None:
        make_private(self.sources)
        fresh = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        ulid = new_ulid(time.time_ns() // 1_000_000, os.urandom(10))
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, f"src_{ulid}\n".encode("ascii"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            # Another process may have been first: then its id holds.
            with contextlib.suppress(FileExistsError):
                os.link(fresh, path)
        finally:
            fresh.unlink()
        sync_directory(self.sources)


def make_private(directory: Path) -> None:
    """Make a directory and its parents; the last one is readable by its owner only."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable.

    Raises:
        OSError: if the disk says no.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes) -> None:
    """Write a small file so that a reader, or a crash, sees the old content or the new, never a part.

    Raises:
        OSError: if it cannot be written.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def _file_name(agent: str) -> str:
    raw = agent.encode("utf-8", "surrogatepass")
    name = "".join(chr(b) if chr(b) in _FILE_NAME_SAFE else f"%{b:02X}" for b in raw)
    return name if 0 < len(name) <= 160 else f"{name[:90]}~{hashlib.sha256(raw).hexdigest()}"


def _machine_mark() -> str:
    """Sixteen hex digits that differ from machine to machine; the machine id itself is not disclosed."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        machine = ""
    return hashlib.sha256(b"muniment/machine/1\0" + (machine or socket.gethostname()).encode()).hexdigest()[:16]
