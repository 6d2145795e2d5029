"""Coverage of a framework: which requirements entries evidence by themselves, which an attachment, which nothing.

A requirement is evidenced automatically if an action maps to it or to a part of it. That says where evidence comes
from. It does not say that the requirement is met, and not that such an entry exists; `entries` counts those, where the
caller has counted.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from muniment.catalogs import actions
from muniment.catalogs.framework import Catalog, Requirement
from muniment.catalogs.overrides import ResolvedMapping


class Evidence(StrEnum):
    """Where the evidence of a requirement comes from."""

    AUTOMATIC = "automatic"
    ATTACHMENT = "attachment"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Covered:
    """One requirement.

    Attributes:
        control: its control id.
        label: what to call it where it stands alone.
        evidence: where evidence comes from; automatic goes before an attachment.
        baked: actions whose entries hold this control id, or that of a part, by the mapping in force.
        annotated: actions that are annotated with it and do not hold it.
        attachments: how many are attached to it and its parts.
        entries: how many entries of the period hold it, a part of it, or come from an annotated action; None if nobody
            counted.
    """

    control: str
    label: str
    evidence: Evidence
    baked: tuple[str, ...]
    annotated: tuple[str, ...]
    attachments: int
    entries: int | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """A framework under a mapping; the three numbers add up to the framework's own count."""

    catalog: str
    mapping: str
    rows: tuple[Covered, ...]
    automatic: int
    attachment: int
    nothing: int
    what: str
    title: str

    @property
    def statement(self) -> str:
        """The three numbers in one sentence that says what they do not mean."""
        total = len(self.rows)
        counted = [row for row in self.rows if row.evidence is Evidence.AUTOMATIC and row.entries is not None]
        seen = f", {sum(bool(row.entries) for row in counted)} of them with entries in the period" if counted else ""
        return (
            f"{self.title}: of {total:,} {self.what}, actions map to {self.automatic:,}{seen}; "
            f"{self.attachment:,} have an attachment only, {self.nothing:,} nothing. "
            "An entry is evidence of what happened, not that a requirement is met."
        )


def coverage(
    catalog: Catalog,
    mapping: ResolvedMapping,
    *,
    attachments: Mapping[str, int] | None = None,
    entries: Mapping[str, int] | None = None,
    own_actions: Collection[str] = (),
) -> Coverage:
    """Say of each requirement of a framework where its evidence comes from.

    Args:
        catalog: the framework.
        mapping: what is in force for the tenant.
        attachments: control id -> number of attachments.
        entries: control id -> number of entries that hold it or are annotated with it, in the period asked for.
        own_actions: actions under `x.` that the tenant is known to use; those that its overrides name count anyway.
    """
    codes = {*actions.registry(), *mapping.changed, *own_actions} - {"x"}
    baked: dict[str, set[str]] = {}
    annotated: dict[str, set[str]] = {}
    for action in codes:
        found = mapping.of(action)
        for control in found.entry:
            baked.setdefault(control, set()).add(action)
        for control in found.notes:
            annotated.setdefault(control, set()).add(action)
    parts = _parts(catalog)
    rows = []
    for row in catalog.counted:
        ids = [catalog.control_id(one) for one in (row, *parts.get(row.id, ()))]
        by = set().union(*(baked.get(control, ()) for control in ids))
        noted = set().union(*(annotated.get(control, ()) for control in ids)) - by
        attached = sum((attachments or {}).get(control, 0) for control in ids)
        rows.append(
            Covered(
                control=ids[0],
                label=catalog.name_of(row),
                evidence=Evidence.AUTOMATIC if by or noted else Evidence.ATTACHMENT if attached else Evidence.NOTHING,
                baked=tuple(sorted(by)),
                annotated=tuple(sorted(noted)),
                attachments=attached,
                entries=None if entries is None else sum(entries.get(control, 0) for control in ids),
            )
        )
    number = {kind: sum(one.evidence is kind for one in rows) for kind in Evidence}
    return Coverage(
        catalog.id,
        mapping.version,
        tuple(rows),
        number[Evidence.AUTOMATIC],
        number[Evidence.ATTACHMENT],
        number[Evidence.NOTHING],
        catalog.count.what,
        f"{catalog.title}, {catalog.version}",
    )


def requirement_ids(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """For each requirement by its control id: that id and those of its parts."""
    parts = _parts(catalog)
    return {
        catalog.control_id(row): tuple(catalog.control_id(one) for one in (row, *parts.get(row.id, ())))
        for row in catalog.counted
    }


def _parts(catalog: Catalog) -> dict[str, list[Requirement]]:
    """The parts of each requirement: those whose nearest counted row above is that requirement."""
    found: dict[str, list[Requirement]] = {}
    for row in catalog.requirements:
        if row.kind == "part":
            owner = next((above.id for above in catalog.above(row) if above.kind == "requirement"), None)
            if owner:
                found.setdefault(owner, []).append(row)
    return found
