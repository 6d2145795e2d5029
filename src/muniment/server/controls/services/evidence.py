"""Which of the tenant's controls there are, and what of the log evidences a control."""

from __future__ import annotations

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
