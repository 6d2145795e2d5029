"""What an asset may say, and how it goes from its first version to its end: rules without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from muniment.core.errors import Malformed, Refused
from muniment.server.registers.texts import checked_line, checked_text, digest_of

Criticality = Literal["low", "medium", "high", "critical"]

CRITICALITIES: Final = {"low": "Low", "medium": "Medium", "high": "High", "critical": "Critical"}
"""From the least to the most."""
KINDS: Final = {
    "application": "Application",
    "service": "Service",
    "agent": "Agent",
    "model": "Model",
    "database": "Database",
    "host": "Host",
    "network": "Network",
    "endpoint": "Endpoint",
    "data": "Data",
    "site": "Site",
    "other": "Other",
}
IN_USE: Final = "in-use"
RETIRED: Final = "retired"
STATUSES: Final = {IN_USE: "In use", RETIRED: "Retired"}
FIELDS: Final = ("name", "owner", "criticality", "kind", "description", "status")


class Unchanged(Refused):
    """The new version of an asset would say what the one before it says."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A step that an asset may take, and the fields that must hold something for it."""

    before: str
    after: str
    needs: tuple[str, ...]


TRANSITIONS: Final = (
    Transition("", IN_USE, ("name",)),
    Transition(IN_USE, IN_USE, ("name",)),
    Transition(IN_USE, RETIRED, ("reason",)),
)
"""From "" an asset is listed. What is retired stays so; its code is not used again."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a version of an asset says.

    Attributes:
        name: 1 to 200 characters.
        owner: `user:usr_…`, or "" for nobody yet.
        criticality: one of `CRITICALITIES`.
        kind: one of `KINDS`.
        description: at most 4,000 characters.
        status: one of `STATUSES`.
        reason: why it was changed or retired, at most 4,000 characters.
    """

    name: str
    owner: str = ""
    criticality: str = "medium"
    kind: str = "other"
    description: str = ""
    status: str = IN_USE
    reason: str = ""


def checked(after: Definition, before: Definition | None = None) -> Definition:
    """A version as it may be kept; who owns it is checked elsewhere.

    Args:
        after: what is to be kept.
        before: the version that it follows; None if the asset is being listed.

    Raises:
        Malformed: naming the field.
        Refused: if the asset may not go from the one status to the other.
        Unchanged: if it says what the version before says.
    """
    kept = replace(
        after,
        name=checked_line(after.name, "name", least=0),
        description=checked_text(after.description, "description"),
        reason=checked_text(after.reason, "reason"),
    )
    if kept.criticality not in CRITICALITIES:
        raise Malformed(f"is one of {', '.join(CRITICALITIES)}", "criticality")
    if kept.kind not in KINDS:
        raise Malformed(f"is one of {', '.join(KINDS)}", "kind")
    was = "" if before is None else before.status
    step = next((one for one in TRANSITIONS if (one.before, one.after) == (was, kept.status)), None)
    if step is None:
        if was == RETIRED:
            raise Refused("it is retired; what takes its place is an asset of its own", "status")
        raise Refused(f"an asset cannot become {STATUSES.get(kept.status, 'that').lower()} here", "status")
    for name in step.needs:
        if not getattr(kept, name):
            raise Malformed({"reason": "say why"}.get(name, "must not be empty"), name)
    if before is not None and differences(before, kept) == ():
        raise Unchanged("nothing would be changed", "name")
    return kept


def differences(before: Definition, after: Definition) -> tuple[str, ...]:
    """The fields in which two versions differ; a reason alone is no difference."""
    return tuple(name for name in FIELDS if getattr(before, name) != getattr(after, name))


def changed(before: Definition, given: Mapping[str, object]) -> Definition:
    """A version with some fields of the one before replaced; the reason is never taken over."""
    return replace(before, **{"reason": "", **given})  # type: ignore[arg-type]


def digest(asset: str, number: int, said: Definition) -> str:
    """The digest of a version: 64 hex digits that change with anything it says."""
    return digest_of(
        "asset",
        {
            "asset": asset,
            "number": number,
            "name": said.name,
            "owner": said.owner,
            "criticality": said.criticality,
            "kind": said.kind,
            "description": said.description,
            "status": said.status,
        },
    )
