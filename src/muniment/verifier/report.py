"""What a verification found: one line per check of docs/format.md section 8, a verdict, and the first broken place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from muniment.verifier.anchors import AnchorFound

State = Literal["passed", "failed", "not_made"]
Verdict = Literal["verified", "failed", "malformed"]
Trust = Literal["pinned", "self-attested"]

CHECK_NAMES: Final = (
    "form",
    "entries",
    "place",
    "chain",
    "time",
    "tree",
    "genesis",
    "keys",
    "signatures",
    "cosignatures",
    "pin",
    "bodies",
    "sources",
    "columns",
    "head",
    "anchors",
)
"""Every check, in the order of docs/format.md section 8."""

NEEDED: Final = ("form", "entries", "place", "chain", "tree", "signatures")
"""The checks that must have passed before anything is called verified."""

EXIT_CODES: Final[Mapping[Verdict, int]] = {"verified": 0, "failed": 1, "malformed": 2}


@dataclass(frozen=True, slots=True)
class Check:
    """How one check ended.

    Attributes:
        name: one of `CHECK_NAMES`.
        state: passed, failed, or not made.
        reason: what was checked, what is wrong, or why the check was not made; one sentence, no full stop.
        count: how many things (entries, pairs, checkpoints, bodies, sources) the state speaks of.
    """

    name: str
    state: State
    reason: str
    count: int = 0

    def as_json(self) -> dict[str, object]:
        """The check as a JSON object."""
        return {"name": self.name, "state": self.state, "reason": self.reason, "count": self.count}


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken place.

    Attributes:
        check: the check it fails, one of `CHECK_NAMES`.
        reason: what is wrong there.
        where: `entry 4711`, `checkpoint 4712`, `line 5`, or a name.
        position: leaf index (or tree size) at which it was met, for ordering; -1 when it belongs to no place.
    """

    check: str
    reason: str
    where: str
    position: int = -1

    def as_json(self) -> dict[str, object]:
        """The finding as a JSON object."""
        return {"check": self.check, "where": self.where, "reason": self.reason}

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Report:
    """Everything one verification says.

    A report never claims more than its checks: `verified` with trust `self-attested` means that the material agrees
    with itself and with keys that its own author chose.

    Attributes:
        target: the file, directory or address that was verified.
        origin: the log's origin, empty when it could not be read.
        size: entries under the last checkpoint.
        root: that checkpoint's root, hex; empty when there is none.
        genesis: hash of entry 0, hex; empty when entry 0 was not present.
        entries: how many entries were present.
        checks: one for each of `CHECK_NAMES`, in that order.
        findings: the first broken places in the order in which they were met (at most as many as the checker keeps).
        findings_total: how many there were altogether.
        malformed: the material could not be read to its end.
        trust: `pinned` when what passed was held against something the caller brought along; None unless verified.
        trust_reason: in words, what the trust rests on.
        remarks: further sentences (first use, sources without numbering, ...).
        parts: one for each file of a folder.
        anchors: timestamp tokens that were looked at and did not fail.
    """

    target: str
    origin: str
    size: int
    root: str
    genesis: str
    entries: int
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    findings_total: int
    malformed: bool
    trust: Trust | None
    trust_reason: str
    remarks: tuple[str, ...] = ()
    parts: tuple[Report, ...] = field(default=())
    anchors: tuple[AnchorFound, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """`verified`, `failed` or `malformed` as docs/format.md section 8 defines them."""
        if self.malformed:
            return "malformed"
        if any(check.state == "failed" for check in self.checks):
            return "failed"
        if any(self.check(name).state != "passed" for name in NEEDED):
            return "failed"
        return "verified"

    @property
    def exit_code(self) -> int:
        """0 verified, 1 failed, 2 malformed."""
        return EXIT_CODES[self.verdict]

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that failed, in order."""
        return tuple(check.name for check in self.checks if check.state == "failed")

    @property
    def first_broken(self) -> Finding | None:
        """The broken place that a reader of the log meets first."""
        placed = [finding for finding in self.findings if finding.position >= 0]
        if placed:
            return min(placed, key=lambda finding: finding.position)
        return self.findings[0] if self.findings else None

    def check(self, name: str) -> Check:
        """The check of that name.

        Raises:
            KeyError: if there is no check of that name.
        """
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)

    def as_json(self) -> dict[str, object]:
        """The report as a JSON object; keys are stable."""
        first = self.first_broken
        value: dict[str, object] = {
            "target": self.target,
            "verdict": self.verdict,
            "trust": self.trust,
            "trust_reason": self.trust_reason,
            "origin": self.origin,
            "genesis": self.genesis,
            "size": self.size,
            "root": self.root,
            "entries": self.entries,
            "first_broken": first.as_json() if first else None,
            "checks": [check.as_json() for check in self.checks],
            "findings": [finding.as_json() for finding in self.findings],
            "findings_total": self.findings_total,
            "remarks": list(self.remarks),
        }
        if self.anchors:
            value["anchors"] = [anchor.as_json() for anchor in self.anchors]
        if self.parts:
            value["parts"] = [part.as_json() for part in self.parts]
        return value


def with_remarks(report: Report, *sentences: str) -> Report:
    """The same report with further sentences."""
    return replace(report, remarks=(*report.remarks, *sentences))
