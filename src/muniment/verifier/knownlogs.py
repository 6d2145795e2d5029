"""Known logs: the last checkpoint of every log that this machine has proven, as ssh keeps known hosts.

Rules:

- A log is known by its origin and the hash of its entry 0. One origin has one entry 0 until a human accepts another.
- The first verification of a log is recorded, and reported, as first use.
- A newer checkpoint is taken only after a proof that the log still contains the known one. The size never falls.
- A smaller log is behind: with a file that is no news, with a live log that stays behind it is a failure.
- Another root for a known size, or a log that does not contain the known checkpoint, is evidence of a fork: both
  notes are kept side by side, and what was known stays known.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from muniment.core.errors import Refused
from muniment.core.times import format_time6
from muniment.verifier.checker import LogChecker
from muniment.verifier.knownlog import KnownLog, read_known_log
from muniment.verifier.pins import PinnedCheckpoint, Pins
from muniment.verifier.report import NEEDED, Report

Learned = Literal["first use", "advanced", "unchanged", "behind", "unproven", "fork", "nothing"]


class KnownLogs:
    """The known logs in one directory, one file each.

    Args:
        directory: made when it is first written to, with mode 0700.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> KnownLogs:
        """Those below `MUNIMENT_STATE`, by default `~/.local/state/muniment`."""
        state = environment.get("MUNIMENT_STATE")
        base = Path(state) if state else Path.home() / ".local" / "state" / "muniment"
        return cls(base / "known-logs")

    def all(self) -> list[KnownLog]:
        """Every known log, sorted by origin; retired ones last within an origin.

        Raises:
            MalformedKnownLog: if a file cannot be read.
        """
        if not self.directory.is_dir():
            return []
        logs = [read_known_log(path) for path in sorted(self.directory.glob("*.json"))]
        return sorted(logs, key=lambda log: (log.origin, log.retired, log.genesis))

    def get(self, origin: str) -> KnownLog | None:
        """The log of that origin that is not retired.

        Raises:
            MalformedKnownLog: if a file cannot be read.
        """
        return next((log for log in self.all() if log.origin == origin and not log.retired), None)

    def pins(self, origin: str, *, live: bool) -> Pins:
        """What is known about the log of that origin; empty pins if nothing is."""
        known = self.get(origin)
        return known.pins(live=live) if known else Pins()

    def learn(self, checker: LogChecker, report: Report, now: int) -> Learned:
        """Take over what a verification has proven.

        Args:
            checker: it was given this store's pins for the log (`pins`), and has seen all of it.
            report: its report.
            now: microseconds since the Unix epoch, UTC.

        Returns:
            What was done; `fork` after both notes were saved as evidence, `nothing` if the log was not verified.

        Raises:
            OSError: if the store cannot be written.
        """
        last = checker.last
        if last is None:
            return "nothing"
        with self._locked():
            known = self.get(report.origin)
            if known is not None and _forked(known, checker, report):
                self._keep_evidence(known, checker, now)
                return "fork"
            if report.verdict != "verified":
                return "nothing"
            fresh = _known(checker, now)
            if fresh is None:
                return "nothing"
            if known is None:
                self._write(fresh)
                return "first use"
            return self._advance(known, fresh, checker)

    def accept(self, checker: LogChecker, report: Report, now: int) -> KnownLog:
        """Learn a log in place of the one known under the same origin, which is retired. A human's decision.

        Args:
            checker: it has seen the new log, without the pins of the old one.
            report: its report.
            now: microseconds since the Unix epoch, UTC.

        Raises:
            Refused: if the new log did not verify (but for the pin), or continues the known one.
        """
        fresh = _known(checker, now)
        held = all(report.check(name).state == "passed" for name in NEEDED)
        if report.malformed or set(report.failed) - {"pin"} or not held or fresh is None:
            raise Refused("what does not verify is not accepted", report.origin)
        with self._locked():
            known = self.get(fresh.origin)
            if known is not None and known.genesis == fresh.genesis and _contains(checker, known.checkpoint):
                raise Refused("it is the known log: there is nothing to accept", fresh.origin)
            if known is not None:
                self._keep_evidence(known, checker, now)
                self._write(replace(known, retired=True))
            self._write(fresh)
        return fresh

    def forget(self, origin: str) -> int:
        """Delete everything known under an origin; gives how many logs that were."""
        with self._locked():
            logs = [log for log in self.all() if log.origin == origin]
            for log in logs:
                self._path(log).unlink()
            _sync(self.directory)
        return len(logs)

    def evidence(self) -> list[Path]:
        """Directories with evidence of forks, oldest first."""
        return sorted((self.directory / "evidence").glob("*")) if self.directory.is_dir() else []

    def _advance(self, known: KnownLog, fresh: KnownLog, checker: LogChecker) -> Learned:
        if fresh.genesis != known.genesis:
            return "nothing"
        if fresh.checkpoint.size < known.checkpoint.size:
            return "behind"
        if known.checkpoint not in checker.met:
            # Also when another process has moved on meanwhile: this run proved nothing about what is known now.
            return "unproven"
        better = replace(
            fresh,
            first_seen=known.first_seen,
            root=fresh.root or known.root,
            keys_note=fresh.keys_note or known.keys_note,
        )
        if fresh.checkpoint == known.checkpoint and better.root == known.root and better.keys_note == known.keys_note:
            return "unchanged"
        self._write(better)
        return "advanced"

    def _keep_evidence(self, known: KnownLog, checker: LogChecker, now: int) -> None:
        name = f"{format_time6(now).replace(':', '')}-{_name(known.origin, known.genesis)[:16]}"
        directory = self.directory / "evidence" / name
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _replace(directory / f"known-{known.checkpoint.size}.note", known.note)
        size = checker.last.checkpoint.size if checker.last else 0
        _replace(directory / f"offered-{size}.note", checker.last_note)

    def _path(self, log: KnownLog) -> Path:
        return self.directory / f"{_name(log.origin, log.genesis)}.json"

    def _write(self, log: KnownLog) -> None:
        text = json.dumps(log.as_json(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        _replace(self._path(log), text.encode("utf-8"))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.directory / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _contains(checker: LogChecker, checkpoint: PinnedCheckpoint) -> bool:
    return checkpoint in checker.met and checkpoint not in checker.contradicted


def _forked(known: KnownLog, checker: LogChecker, report: Report) -> bool:
    """Whether keys that would be believed have signed a whole log that contradicts the known one."""
    if report.check("signatures").state != "passed" or report.check("tree").state != "passed":
        return False
    return checker.genesis not in (None, known.genesis) or known.checkpoint in checker.contradicted


def _known(checker: LogChecker, now: int) -> KnownLog | None:
    last, keyring = checker.last, checker.keyring
    genesis = checker.genesis or checker.pins.genesis or keyring.genesis
    if last is None or genesis is None or last.checkpoint.size == 0:
        return None
    checkpoint = PinnedCheckpoint(last.checkpoint.size, last.checkpoint.root)
    return KnownLog(
        origin=checker.origin,
        genesis=genesis,
        checkpoint=checkpoint,
        note=checker.last_note,
        root=checker.pins.root if keyring.attested else None,
        log_key=keyring.keys.log_key_at(checkpoint.size) if keyring.keys else None,
        keys_note=keyring.data if keyring.attested else b"",
        first_seen=now,
        proven=now,
    )


def _name(origin: str, genesis: bytes) -> str:
    return hashlib.sha256(f"{origin}\n{genesis.hex()}\n".encode()).hexdigest()[:32]


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that after a crash it holds either what it held or all of `data`."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
