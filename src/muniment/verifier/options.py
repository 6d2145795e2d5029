"""Verifying a file: how it is to be done, and what this machine learns from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from muniment.core.errors import Malformed
from muniment.verifier.bundle import Progress, check_bundle
from muniment.verifier.checker import LogChecker
from muniment.verifier.knownlogs import KnownLogs, Learned
from muniment.verifier.pins import PinnedCheckpoint, Pins
from muniment.verifier.report import Report, with_remarks


@dataclass(frozen=True, slots=True)
class Options:
    """How to verify.

    Attributes:
        pins: what the caller trusts.
        known: the known logs of this machine; None to leave them out.
        now: microseconds since the Unix epoch, UTC.
        api_key: read key for a live log.
        since_pin: fetch from a live log only what came after the pinned or known checkpoint.
        workers: processes for a bundle; None for one for each core.
        expected_live: a file that a live log has just written, which must not be behind what is known.
        patience: seconds to wait for a live log that is behind.
    """

    pins: Pins
    known: KnownLogs | None
    now: int
    api_key: str | None = None
    since_pin: bool = False
    workers: int | None = None
    expected_live: bool = False
    patience: float = 60.0

    def pins_for(self, *, live: bool) -> Callable[[str], Pins]:
        """The pins for an origin: the caller's, completed with what this machine knows."""

        def pins(origin: str) -> Pins:
            if self.known is None or self.pins.origin not in (None, origin):
                # What is known of a log adds nothing to the finding that it is not the pinned one.
                return self.pins
            return self.pins.merged(self.known.pins(origin, live=live or self.expected_live))

        return pins


class MalformedTarget(Malformed):
    """There is nothing of that name that could be verified."""


def verify_file(
    path: Path,
    options: Options,
    progress: Progress | None = None,
    *,
    others: Sequence[tuple[PinnedCheckpoint, str]] = (),
) -> Report:
    """Verify one bundle file, and let the known logs learn from it; the arguments are those of `check_file`.

    Raises:
        MalformedTarget: if the file cannot be opened.
    """
    checker, report = check_file(path, options, progress, others=others)
    return learnt(checker, report, options)


def check_file(
    path: Path,
    options: Options,
    progress: Progress | None = None,
    *,
    others: Sequence[tuple[PinnedCheckpoint, str]] = (),
) -> tuple[LogChecker, Report]:
    """Verify one bundle file.

    Args:
        path: the file.
        options: how.
        progress: told how far reading has come.
        others: checkpoints of the same log from elsewhere, and where from.

    Raises:
        MalformedTarget: if the file cannot be opened.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise MalformedTarget(f"cannot be opened: {error.strerror}", str(path)) from error
    with stream:
        return check_bundle(
            stream,
            options.pins_for(live=False),
            target=str(path),
            others=others,
            workers=options.workers,
            progress=progress,
        )


def learnt(checker: LogChecker, report: Report, options: Options) -> Report:
    """The report, with a sentence on what the known logs made of it."""
    if options.known is None or report.malformed:
        return report
    outcome = options.known.learn(checker, report, options.now)
    sentence = _said(outcome, checker, report, options.known)
    return with_remarks(report, sentence) if sentence else report


def _said(outcome: Learned, checker: LogChecker, report: Report, known: KnownLogs) -> str:
    before = checker.pins.known
    size = f"{before.size:,}" if before else ""
    match outcome:
        case "first use":
            return (
                f"First use: this machine had not met {report.origin} before. It now remembers entry 0, the keys and "
                f"the checkpoint of {report.size:,} entries, and will hold what comes later against them."
            )
        case "advanced":
            if before is not None and before.size == report.size:
                return "This machine now remembers the root key or a newer keys note of this log as well."
            return f"This machine had proven {size} entries of this log; it now remembers {report.size:,}."
        case "behind":
            return f"This is an older state: this machine has already proven {size} entries of this log."
        case "unproven":
            return (
                f"What this machine remembers stays at {size} entries: nothing here ends at that size, so the file "
                "cannot prove that it continues them."
            )
        case "fork":
            return (
                "Two histories of one log: this contradicts what this machine has proven before. Both signed notes "
                f"are kept as evidence in {known.directory / 'evidence'}."
            )
        case "unchanged" | "nothing":
            return ""
