"""Which of the tenant's controls there are, and what of the log evidences a control."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date

from muniment.ledger.query import Evidence
from muniment.server.controls.models import OwnControl
from muniment.server.controls.workflow import PREFIX, in_order
from muniment.server.frameworks.services import evidence_by_mapping


def newest() -> list[OwnControl]:
    """Every control of the tenant whose `tenant_scope` is open, as it stands, by its code."""
    rows = OwnControl.objects.order_by("code", "-number").distinct("code")
    return sorted(rows, key=lambda row: in_order(row.code))


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
    return evidence_by_mapping()((control_id, *_criteria(control_id)))


def _criteria(control_id: str) -> tuple[str, ...]:
    if not control_id.startswith(PREFIX) or "\0" in control_id:
        return ()
    row = OwnControl.objects.filter(code=control_id.removeprefix(PREFIX)).order_by("-number").first()
    return () if row is None else tuple(row.criteria)


def evidence_of_each(rows: Iterable[OwnControl]) -> dict[str, Evidence]:
    """The same for many of the tenant's controls at once, by control id; the mapping is read once.

    Args:
        rows: as they stand.
    """
    evidence = evidence_by_mapping()
    return {row.control: evidence((row.control, *row.criteria)) for row in rows}


def first_days() -> dict[str, date]:
    """The day of UTC on which each control was defined, by its code."""
    rows = OwnControl.objects.filter(number=1).values_list("code", "created_at")
    return {code: at.astimezone(UTC).date() for code, at in rows}
