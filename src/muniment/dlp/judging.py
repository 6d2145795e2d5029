"""What is done about a file, from what was found in it and what its tenant wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from muniment.core.errors import Malformed
from muniment.dlp.findings import BUILT_IN, IBAN, PAN, PASSPORT, PESEL
from muniment.dlp.patterns import MAX_PATTERNS, Pattern
from muniment.dlp.scanning import HOSTILE, SCANNED, Scan

ALLOW: Final = "allow"
QUARANTINE: Final = "quarantine"
BLOCK: Final = "block"
ACTIONS: Final = (ALLOW, QUARANTINE, BLOCK)
PICTURES: Final = "pictures"
UNREAD: Final = "unscannable"
CONDITIONS: Final = (PICTURES, UNREAD, HOSTILE)
"""What a file may be, beside what may stand in it."""
NEVER_ALLOWED: Final = frozenset({UNREAD, HOSTILE})
MAX_REASON: Final = 1_000

# How antivirus answers, beside the name of what it found.
CLEAN: Final = "clean"
NOT_ASKED: Final = "not scanned by antivirus"
NO_ANSWER: Final = "antivirus did not answer"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done where something is found.

    Attributes:
        action: one of `ACTIONS`.
        reason: why it is allowed; needed with `allow`, else may be "".
    """

    action: str
    reason: str = ""

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise Malformed(f"is one of {', '.join(ACTIONS)}", "action")
        if len(self.reason) > MAX_REASON or any(ord(one) < 32 and one not in "\n\t" for one in self.reason):
            raise Malformed(f"has at most {MAX_REASON:,} characters, no control characters", "reason")
        if self.action == ALLOW and not self.reason.strip():
            raise Malformed("say why it is allowed", "reason")


def _usual() -> dict[str, Rule]:
    return {
        PAN: Rule(BLOCK),
        PESEL: Rule(QUARANTINE),
        IBAN: Rule(QUARANTINE),
        PASSPORT: Rule(QUARANTINE),
        PICTURES: Rule(QUARANTINE),
        UNREAD: Rule(QUARANTINE),
        HOSTILE: Rule(QUARANTINE),
    }


@dataclass(frozen=True, slots=True)
class Policy:
    """What a tenant wants.

    Attributes:
        rules: by detector (`pan`, …, `pattern:<name>`) and condition (`pictures`, `unscannable`, `hostile`).
        patterns: of the tenant, by name.
    """

    rules: Mapping[str, Rule] = field(default_factory=_usual)
    patterns: tuple[Pattern, ...] = ()

    def __post_init__(self) -> None:
        names = [one.name for one in self.patterns]
        if len(names) > MAX_PATTERNS:
            raise Malformed(f"are at most {MAX_PATTERNS}", "patterns")
        if names != sorted(set(names)):
            raise Malformed("are sorted by name, each once", "patterns")
        wanted = {*BUILT_IN, *CONDITIONS, *(one.kind for one in self.patterns)}
        if missing := sorted(wanted - set(self.rules)):
            raise Malformed("is not said", f"rules.{missing[0]}")
        if unknown := sorted(set(self.rules) - wanted):
            raise Malformed("is neither a detector nor a condition", f"rules.{unknown[0]}")
        for name in sorted(NEVER_ALLOWED):
            if self.rules[name].action == ALLOW:
                raise Malformed("what could not be read is quarantined or blocked, never allowed", f"rules.{name}")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is done about a file.

    Attributes:
        action: the strictest of all that apply.
        reasons: one line for each thing that applies, the strictest first; they name kinds and counts, no values.
    """

    action: str
    reasons: tuple[str, ...]


def judge(policy: Policy, scan: Scan, antivirus: str) -> Judgement:
    """What is done about a file.

    Args:
        policy: of the tenant.
        scan: what was found.
        antivirus: `CLEAN`, `NOT_ASKED`, `NO_ANSWER`, or the name of what was found.
    """
    found: list[tuple[str, str]] = []
    for kind, count in scan.counts:
        found.append(_applied(policy.rules[kind], f"{kind}: {count:,} found"))
    if scan.coverage != SCANNED:
        name = HOSTILE if scan.coverage == HOSTILE else UNREAD
        found.append(_applied(policy.rules[name], f"{name}: {scan.reason}"))
    if scan.pictures:
        found.append(_applied(policy.rules[PICTURES], f"pictures: {scan.pictures:,} that no OCR engine read"))
    if antivirus == NO_ANSWER:
        found.append((QUARANTINE, NO_ANSWER))
    elif antivirus not in (CLEAN, NOT_ASKED):
        found.append((BLOCK, f"antivirus found {antivirus}"))
    found.sort(key=lambda one: -ACTIONS.index(one[0]))
    action = found[0][0] if found else ALLOW
    return Judgement(action, tuple(reason for _, reason in found) or ("nothing was found",))


def _applied(rule: Rule, said: str) -> tuple[str, str]:
    return rule.action, f"{said}; {rule.action} by policy" + (f": {rule.reason}" if rule.action == ALLOW else "")
