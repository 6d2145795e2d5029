"""Taking a step: the row, the step, what was frozen, the entry, and everybody who wants to know; all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from muniment.core.errors import Refused
from muniment.ledger.system import active_log
from muniment.server.exceptions.models import Decision, PolicyException, Rest, Step, decision_id, step_id
from muniment.server.exceptions.services.freezing import Frozen, freeze
from muniment.server.exceptions.steps import Stepped, tell
from muniment.server.exceptions.workflow import CHANGEABLE, STANDING, Kind, Matter, Party
from muniment.server.recording import record
from muniment.server.tenants.scope import ledger_connection


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that the rules allow, as it is to be kept.

    Attributes:
        kind: of the step.
        after: the matter after it.
        party: who takes it.
        at: when.
        comment: what they say.
        level: which approval it is, from 1; 0 for other steps.
        frozen: what a decision applies to; None if nothing is decided.
        labels: more of them, for the entry.
        body: more of what is too long for a label.
    """

    kind: Kind
    after: Matter
    party: Party
    at: datetime
    comment: str = ""
    level: int = 0
    frozen: Frozen | None = None
    labels: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)


def take(row: PolicyException, taken: Taken) -> Stepped:
    """Keep a step in the open transaction, with its entry; call it last.

    Args:
        row: the exception, locked; its other columns may have been set for this step.
        taken: what was allowed.
    """
    source, created = row.state, row.steps == 0
    row.state, row.steps = taken.after.state, row.steps + 1
    if taken.kind == "approve":
        row.level = taken.level
        if row.state in STANDING:
            row.approved_at = taken.at
    if taken.kind in ("stale", "attest"):
        row.stale_at = (row.stale_at or taken.at) if taken.after.stale else None
        row.attested_at = taken.at if taken.kind == "attest" else row.attested_at
    if row.state not in STANDING | CHANGEABLE | {"under_review"}:
        row.closed_at = taken.at
    step = Step(
        id=step_id(),
        tenant_id=row.tenant_id,
        exception=row.id,
        number=row.steps,
        kind=taken.kind,
        source="" if created else source,
        target=row.state,
        round=row.round,
        level=taken.level,
        by=taken.party.by,
        on_behalf_of=taken.party.on_behalf_of,
        comment=taken.comment,
        at=taken.at,
    )
    decision = None if taken.frozen is None else _decision(row, step, taken.frozen)
    step.seq, step.event = _noted(row, step, decision, taken)
    # From the entry on, nothing else is recorded until this transaction ends: what is there now is what was changed
    # before this decision, and whatever changes later finds it.
    if taken.frozen is not None and freeze(row).basis != taken.frozen.basis:
        raise Refused("what it rests on was changed at this moment: look at it again", "basis")
    if created:
        row.seq, row.event = step.seq, step.event
    # The step first: the row goes on by a step that is there.
    step.save(force_insert=True)
    if decision is not None and taken.frozen is not None:
        decision.seq, decision.event = step.seq, step.event
        decision.save(force_insert=True)
        Rest.objects.bulk_create(
            Rest(
                tenant_id=row.tenant_id,
                exception=row.id,
                decision=decision.id,
                number=decision.number,
                kind=kind,
                subject=subject,
                digest=digest,
            )
            for kind, subject, digest in taken.frozen.rests
        )
    row.save(force_insert=created)
    stepped = Stepped(row, step, decision)
    tell(stepped)
    return stepped


def _decision(row: PolicyException, step: Step, frozen: Frozen) -> Decision:
    sealed = frozen.seal(
        exception=row.id, kind=step.kind, by=step.by, on_behalf_of=step.on_behalf_of, level=step.level, round=step.round
    )
    return Decision(
        id=decision_id(),
        tenant_id=row.tenant_id,
        exception=row.id,
        step=step.id,
        number=step.number,
        kind=step.kind,
        content=sealed.text,
        basis=frozen.basis,
        digest=sealed.digest,
        at=step.at,
    )


def _noted(row: PolicyException, step: Step, decision: Decision | None, taken: Taken) -> tuple[int, str]:
    labels: dict[str, object] = {
        "exception": row.id,
        "step": step.id,
        "number": step.number,
        "from": step.source,
        "to": step.target,
        "level": f"{step.level}/{row.levels}" if step.level else "",
        "behalf": step.on_behalf_of,
        "rules": row.rules,
        "renews": row.renews,
        **taken.labels,
    }
    body: dict[str, Any] = dict(taken.body)
    if step.comment:
        body["comment"] = step.comment
    if decision is not None:
        labels |= {"decision": decision.id, "digest": decision.digest, "basis": decision.basis}
        body["decision"] = decision.content
    receipt = record(
        f"exception.{step.kind}",
        by=step.by,
        resource=("exception", row.id),
        labels=labels,
        causes=[row.event] if row.event else [],
        body=body or None,
    )
    with ledger_connection() as raw:
        return receipt.seq, f"{active_log(raw).source}/{receipt.id}"
