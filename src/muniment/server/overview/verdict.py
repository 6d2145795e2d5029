"""Is the record intact? One sentence, made of what walks found and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from muniment.ledger.integrity import Integrity

STALE: Final = timedelta(hours=2)
"""Everything is read once an hour; after two hours without it the overview says so."""
STATEMENT: Final = (
    "This is the operator's own statement about the operator's own database. "
    "Proof that does not rest on it: a bundle, checked against a root key and a checkpoint that you keep."
)
State = Literal["intact", "broken", "unchecked"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the overview says first.

    Attributes:
        state: intact, broken, or unchecked while no walk has ended.
        sentence: the answer.
        detail: what it rests on.
        stale: the last walk that read everything lies too far back, or there is none.
    """

    state: State
    sentence: str
    detail: str
    stale: bool

    @property
    def seal(self) -> str:
        """The seal that stands beside the sentence."""
        return {"intact": "sealed", "broken": "broken"}.get(self.state, "unknown")


def verdict_of(found: Integrity, now: datetime) -> Verdict:
    """The verdict about a log.

    Args:
        found: how it stands.
        now: aware.
    """
    walk, full = found.walk, found.full
    stale = full is None or now - full.finished_at > STALE
    if walk is None:
        return Verdict("unchecked", "Not checked yet.", "No walk has read this log so far.", True)
    if found.cut and walk.ok:
        return Verdict(
            "broken",
            f"No: entries that walk {walk.number:,} read are missing or different now.",
            f"It ended with {walk.total_rows:,} entries; the log's end does not agree with that any more.",
            stale,
        )
    if not walk.ok:
        place = "" if walk.broken_at is None else f" The first broken place is entry {walk.broken_at:,}."
        return Verdict(
            "broken",
            f"No: walk {walk.number:,} found that the record does not hold.{place}",
            f"Checks that failed: {', '.join(failed_checks(walk.report)) or 'see the report'}.",
            stale,
        )
    if full is None:
        return Verdict(
            "unchecked",
            "Not checked in full yet.",
            f"Walk {walk.number:,} read a part of it, and that part holds.",
            True,
        )
    added = walk.total_rows - full.total_rows
    more = f" {added:,} newer {'entry was' if added == 1 else 'entries were'} read since." if added > 0 else ""
    entries = f"{full.total_rows:,} {'entry' if full.total_rows == 1 else 'entries'}"
    return Verdict(
        "intact", "Yes: every check that was made held.", f"Walk {full.number:,} read all {entries}.{more}", stale
    )


def failed_checks(report: dict[str, object]) -> list[str]:
    """Names of the checks that failed in a walk's report."""
    checks = report.get("checks")
    rows = checks if isinstance(checks, list) else []
    return [str(row["name"]) for row in rows if isinstance(row, dict) and row.get("state") == "failed"]
