"""Exceptions as an OSCAL plan of action and milestones, as they stood under a checkpoint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import orjson

from muniment.core.errors import Refused
from muniment.formats.poam import Basis, Deviation, Logged, Remedy, write_plan
from muniment.ledger.newest_steps import newest_steps
from muniment.ledger.population import Searched, searched
from muniment.ledger.read import StoredEntry
from muniment.server.access.standing import Standing
from muniment.server.moments import moment
from muniment.server.packets.building.registers import Extraction, own_criteria
from muniment.server.packets.building.registers_exceptions import Case, cases_of, step_held
from muniment.server.packets.building.registers_extract import EVER
from muniment.server.remediation.models import Finding, Task
from muniment.server.risks.models import RiskVersion
from muniment.server.risks.workflow import CLOSED


def plan_of(
    standing: Standing,
    *,
    api: str,
    controls: Sequence[str] = (),
    frameworks: Sequence[str] = (),
    size: int | None = None,
) -> tuple[Searched, bytes]:
    """The checkpoint, and the plan of every exception that was submitted under it.

    Args:
        standing: of who asks; in their tenant's open scope.
        api: address of the API, without `/api`.
        controls: only exceptions that name one of these, or none at all; with `frameworks`, any of both.
        frameworks: ids of catalogs.
        size: of a checkpoint; None for the newest.

    Raises:
        NotSealed: if there is no such checkpoint.
        Refused: if there is no exception: a plan has at least one item.
        VerificationFailed: for what is not what was recorded any more.
    """
    with standing.transaction() as reading:
        under = searched(reading, standing.log_id, size=size)
        extraction = Extraction(
            standing, reading, tuple(controls), tuple(frameworks), under.size, *EVER, own_criteria()
        )
        cases = cases_of(extraction)
        if not cases:
            raise Refused("no exception was submitted under this checkpoint: a plan has at least one item", "size")
        entries = extraction.entries({step.seq for case in cases for step in case.steps})
        remedies = _remedies(extraction, cases)
        over = _closed(under.size)
        deviations = [_deviation(case, entries, remedies.get(case.row.chain, ()), over) for case in cases]
    basis = Basis(under.origin, under.size, under.root.hex(), moment(under.sealed_at) or "", api)
    return under, write_plan(basis, deviations)


def _deviation(
    case: Case, entries: Mapping[int, StoredEntry], remedies: Sequence[Remedy], over: frozenset[str]
) -> Deviation:
    row = case.row
    return Deviation(
        id=row.id,
        title=row.title,
        policy=row.policy_id,
        scope=row.scope,
        reason=row.reason,
        residual_risk=row.residual_risk,
        risk_level=row.risk_level,
        compensating=row.compensating,
        owner=row.owner,
        ends_at=moment(row.ends_at) or "",
        controls=tuple(row.controls),
        compensating_controls=tuple(row.compensating_controls),
        steps=tuple(_logged(case, number, entries) for number in range(len(case.steps))),
        remedies=tuple(remedies),
        closed=row.chain in over,
        stale=case.stale,
    )


def _logged(case: Case, at: int, entries: Mapping[int, StoredEntry]) -> Logged:
    step = case.steps[at]
    decision, stored = case.decisions.get(step.id), entries[step.seq]
    step_held(step, decision, stored, at + 1)
    return Logged(
        kind=step.kind,
        target=step.target,
        by=step.by,
        comment=step.comment,
        at=moment(step.at) or "",
        seq=step.seq,
        hash=stored.entry_hash.hex(),
        digest="" if decision is None else decision.digest,
    )


def _remedies(extraction: Extraction, cases: Iterable[Case]) -> dict[str, list[Remedy]]:
    """Tasks of the findings that were accepted through an exception, by its chain, as they stood."""
    chain_of = {case.row.id: case.row.chain for case in cases}
    findings = dict(Finding.objects.filter(exception__in=chain_of).values_list("id", "exception"))
    stood = newest_steps(
        extraction.reading, extraction.standing.log_id, kind="task", actions=["task.change"], below=extraction.size
    )
    found: dict[str, list[Remedy]] = defaultdict(list)
    for task in Task.objects.filter(finding__in=findings).order_by("due_on", "id"):
        step = stood.get(task.id, {}).get("task.change")
        if step is not None:
            state, due_on = step.labels.get("state", ""), step.labels.get("due.on", task.due_on.isoformat())
            remedy = Remedy(task.id, task.title, task.text, state, due_on, step.seq)
            found[chain_of[findings[task.finding]]].append(remedy)
    return found


def _closed(size: int) -> frozenset[str]:
    """Chains whose risk the newest version under the checkpoint closed."""
    rows = RiskVersion.objects.filter(seq__lt=size).order_by("risk", "-version").distinct("risk")
    said = (orjson.loads(content) for content in rows.values_list("content", flat=True))
    return frozenset(one["chain"] for one in said if one["chain"] and one["state"] == CLOSED)
