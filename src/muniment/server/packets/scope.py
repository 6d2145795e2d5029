"""What a packet is to hold, as a value. Places that nobody filled are kept: they say "not supplied"."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import orjson

from muniment.core.canonical import dump_json
from muniment.core.errors import Malformed
from muniment.core.identifiers import check_control

SLOTS: Final = {
    "penetration-test": "Penetration-test summary",
    "management-response": "Management response",
    "policy": "Policies",
    "certificate": "Certificates",
    "screenshot": "Screenshots",
    "other": "Other files",
}
"""Places for attachments, by the kind that belongs there."""
MAX_NAME: Final = 120
MAX_CONTROLS: Final = 500
MAX_EACH: Final = 100


@dataclass(frozen=True, slots=True)
class Scope:
    """What a packet is to hold.

    Attributes:
        name: in words, 1 to 120 characters on one line.
        controls: ids of frameworks, or the tenant's own (`own:…`).
        frameworks: ids of catalogs whose controls belong to it.
        since, until: first and last day of the audit's period, UTC; None for no bound.
        workspace: where it happened; "" for everywhere.
        populations, samples: ids of saved ones.
        slots: for each of `SLOTS`, ids of attachments (of one version each); empty where nothing was supplied.
        statements, reports: which are wanted, by their ids.
    """

    name: str
    controls: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    workspace: str = ""
    populations: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    slots: tuple[tuple[str, tuple[str, ...]], ...] = tuple((slot, ()) for slot in SLOTS)
    statements: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= MAX_NAME or not self.name.isprintable() or self.name != self.name.strip():
            raise Malformed(f"has 1 to {MAX_NAME} characters on one line", "name")
        for field, values, most in (
            ("controls", self.controls, MAX_CONTROLS),
            ("frameworks", self.frameworks, MAX_EACH),
            ("populations", self.populations, MAX_EACH),
            ("samples", self.samples, MAX_EACH),
            ("statements", self.statements, MAX_EACH),
            ("reports", self.reports, MAX_EACH),
        ):
            if len(values) > most:
                raise Malformed(f"are at most {most}", field)
            if list(values) != sorted(set(values)):
                raise Malformed("are sorted and each named once", field)
            if any(not 1 <= len(one) <= 96 or not one.isascii() or not one.isprintable() for one in values):
                raise Malformed("are ids: 1 to 96 printable ASCII characters", field)
        for control in self.controls:
            check_control(control, "controls")
        if len(self.workspace) > 64 or not (self.workspace.isascii() and self.workspace.isprintable()):
            raise Malformed("is the name of a workspace", "workspace")
        if self.since and self.until and self.since > self.until:
            raise Malformed("is before the period begins", "to")
        if tuple(slot for slot, _ in self.slots) != tuple(SLOTS):
            raise Malformed(f"are {', '.join(SLOTS)}", "slots")
        if any(len(files) > MAX_EACH or len(files) != len(set(files)) for _, files in self.slots):
            raise Malformed(f"name at most {MAX_EACH} attachments each, and each once", "slots")
        if not (self.controls or self.frameworks or self.populations or self.samples):
            raise Malformed("a packet holds controls, frameworks, populations or samples; name some", "controls")

    @property
    def attachments(self) -> tuple[str, ...]:
        """Every attachment that it names."""
        return tuple(one for _, files in self.slots for one in files)

    @property
    def missing(self) -> tuple[str, ...]:
        """Slots that nobody filled."""
        return tuple(slot for slot, files in self.slots if not files)

    def document(self) -> dict[str, object]:
        """It as JSON values; `text` is their canonical form."""
        return {
            "name": self.name,
            "controls": list(self.controls),
            "frameworks": list(self.frameworks),
            "from": "" if self.since is None else self.since.isoformat(),
            "to": "" if self.until is None else self.until.isoformat(),
            "workspace": self.workspace,
            "populations": list(self.populations),
            "samples": list(self.samples),
            "slots": {slot: list(files) for slot, files in self.slots},
            "statements": list(self.statements),
            "reports": list(self.reports),
        }

    def text(self) -> str:
        """It as canonical JSON (RFC 8785)."""
        return dump_json(self.document()).decode()

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON, 64 hex digits."""
        return hashlib.sha256(self.text().encode()).hexdigest()


def scope_of(
    *,
    name: str,
    controls: Sequence[str] = (),
    frameworks: Sequence[str] = (),
    since: date | None = None,
    until: date | None = None,
    workspace: str = "",
    populations: Sequence[str] = (),
    samples: Sequence[str] = (),
    slots: dict[str, Sequence[str]] | None = None,
    statements: Sequence[str] = (),
    reports: Sequence[str] = (),
) -> Scope:
    """A scope of what was given in any order, each thing once or more often.

    Raises:
        Malformed: naming the field.
    """
    given = slots or {}
    if unknown := sorted(set(given) - set(SLOTS)):
        raise Malformed(f"{ascii(unknown[0])[:40]} is none of {', '.join(SLOTS)}", "slots")
    return Scope(
        name.strip(),
        _sorted(controls),
        _sorted(frameworks),
        since,
        until,
        workspace.strip(),
        _sorted(populations),
        _sorted(samples),
        tuple((slot, _sorted(given.get(slot, ()))) for slot in SLOTS),
        _sorted(statements),
        _sorted(reports),
    )


def stored_scope(text: str) -> Scope:
    """The scope that `Scope.text` wrote."""
    said: dict[str, Any] = orjson.loads(text)
    return scope_of(
        name=said["name"],
        controls=said["controls"],
        frameworks=said["frameworks"],
        since=date.fromisoformat(said["from"]) if said["from"] else None,
        until=date.fromisoformat(said["to"]) if said["to"] else None,
        workspace=said["workspace"],
        populations=said["populations"],
        samples=said["samples"],
        slots=said["slots"],
        statements=said["statements"],
        reports=said["reports"],
    )


def _sorted(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({one.strip() for one in given if one.strip()}))
