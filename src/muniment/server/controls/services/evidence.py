"""Which of the tenant's controls there are, and what of the log evidences a control."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date

from muniment.catalogs.overrides import ResolvedMapping
from muniment.ledger.query import Evidence
from muniment.server.controls.models import OwnControl
from muniment.server.controls.workflow import PREFIX
from muniment.server.frameworks.services import evidence_of as evidence_of_all


def newest() -> list[OwnControl]:
    """Every control of the tenant whose `tenant_scope` is open, as it stands, by its code."""
    return list(OwnControl.objects.order_by("code", "-number").distinct("code"))


def own_ids() -> frozenset[str]:
    """The control ids of the tenant's own controls, retired ones too: `own:AI-7`."""
    return frozenset(f"{PREFIX}{code}" for code in OwnControl.objects.values_list("code", flat=True).distinct())


def evidence_of(control_id: str) -> Evidence:
    """What of the log evidences a control under the mapping in force.

    Of a framework's control: the entries that hold its id, and those of the actions that are annotated with it. Of one
    of the tenant's own: the entries that hold its id or that of one of its criteria, and those of the actions that are
    annotated with any of these. An id that names nothing evidences itself alone; whoever takes one from outside checks
    it first.

    Args:
        control_id: `own:AI-7`, or one of a framework such as `soc2:CC6.1`.
    """
    return evidence_of_all((control_id, *_criteria(control_id)))


def _criteria(control_id: str) -> tuple[str, ...]:
    if not control_id.startswith(PREFIX) or "\0" in control_id:
        return ()
    row = OwnControl.objects.filter(code=control_id.removeprefix(PREFIX)).order_by("-number").first()
    return () if row is None else tuple(row.criteria)


def evidence_of_each(rows: Iterable[OwnControl], mapping: ResolvedMapping) -> dict[str, Evidence]:
    """The same for many of the tenant's controls at once, by control id.

    Args:
        rows: as they stand.
        mapping: in force.
    """
    besides = tuple(sorted(one for one in mapping.changed if one.startswith("x.")))
    noted: dict[str, tuple[str, ...]] = {}
    found = {}
    for row in rows:
        controls = tuple(sorted((row.control, *row.criteria)))
        actions: set[str] = set()
        for control in controls:
            if control not in noted:
                noted[control] = mapping.annotated_with(control)
            actions.update(noted[control])
        found[row.control] = Evidence(controls, tuple(sorted(actions)), besides)
    return found


def first_days() -> dict[str, date]:
    """The day of UTC on which each control was defined, by its code."""
    rows = OwnControl.objects.filter(number=1).values_list("code", "created_at")
    return {code: at.astimezone(UTC).date() for code, at in rows}
