"""A walk's report as the page shows it: each check with what it means, its state, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from muniment.ledger.audit_walks import Walk

MEANINGS: Final = {
    "form": "Texts are written as the format says",
    "entries": "Each entry's text can be read and hashes to what is stored",
    "place": "Each entry names this log and its own place in it",
    "chain": "Each entry holds the hash of the one before",
    "time": "Times of recording never go back",
    "tree": "The tree over all entries has the root that was signed",
    "genesis": "Entry 0 is the one by which the log is known",
    "keys": "The root key names the keys that sign",
    "signatures": "Checkpoints are signed by the log's key",
    "cosignatures": "Checkpoints are cosigned",
    "pin": "The log still holds what was pinned or proven before",
    "bodies": "Stored payloads are those that were committed to",
    "sources": "No number of a source is missing without a name",
    "columns": "The database's columns and indexes say what the texts say",
    "head": "The log's end is not behind what was signed last",
    "anchors": "Timestamps from outside",
}
_WORDS: Final = {"passed": "Passed", "failed": "Failed", "not_made": "Not made"}
_KINDS: Final = {"passed": "good", "failed": "bad"}


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check: its name, what it means, its state in words, the badge's kind, and what was found."""

    name: str
    meaning: str
    state: str
    word: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class WalkReport:
    """A walk with its report laid out.

    Attributes:
        walk: as stored.
        since: place of the first entry that it read.
        checks: every check.
        findings: (check, where, reason) of the first broken places.
        findings_total: how many there were.
        remarks: further sentences.
    """

    walk: Walk
    since: int
    checks: tuple[CheckRow, ...]
    findings: tuple[tuple[str, str, str], ...]
    findings_total: int
    remarks: tuple[str, ...]

    @property
    def full(self) -> bool:
        """Whether everything was read."""
        return self.since == 0

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.walk.finished_at - self.walk.started_at).total_seconds()

    @property
    def passed(self) -> int:
        """Checks that passed."""
        return sum(row.state == "passed" for row in self.checks)

    @property
    def failed(self) -> int:
        """Checks that failed."""
        return sum(row.state == "failed" for row in self.checks)

    @property
    def not_made(self) -> int:
        """Checks that were not made."""
        return sum(row.state == "not_made" for row in self.checks)


def report_of(walk: Walk) -> WalkReport:
    """Lay a walk out."""
    report: dict[str, Any] = walk.report
    return WalkReport(
        walk,
        int(report.get("walk", {}).get("from", 0)),
        tuple(
            CheckRow(
                row["name"],
                MEANINGS.get(row["name"], ""),
                row["state"],
                _WORDS.get(row["state"], row["state"]),
                _KINDS.get(row["state"], ""),
                row.get("reason", ""),
            )
            for row in report.get("checks", [])
        ),
        tuple((row["check"], row["where"], row["reason"]) for row in report.get("findings", [])),
        int(report.get("findings_total", 0)),
        tuple(report.get("remarks", [])),
    )
