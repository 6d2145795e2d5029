"""Taking a step: the rule, the entry, the step's row and the row of what takes it, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.attachments.services import NoSuch as NoSuchAttachment
from muniment.server.attachments.services import attachment_for, withdrawal_of, withheld
from muniment.server.capabilities import Capability
from muniment.server.registers.keeping import keep_entry
from muniment.server.registers.texts import checked_text
from muniment.server.remediation.contents import MAX_EVIDENCE
from muniment.server.remediation.models import Finding, Incident, Step, Task, step_id
from muniment.server.remediation.workflow import Actor, Kind, advance

Item: TypeAlias = Task | Finding | Incident

# Not `text`: what a history shows beside a step is its comment, not all that is said again.
_NAMES: Final = {"text": "description"}
_ALWAYS: Final = frozenset({"state", "number", "changed_at", "seq", "event"})


@dataclass(frozen=True, slots=True)
class Order:
    """What is given for a step.

    Attributes:
        comment: what was done or why, at most 4,000 characters.
        evidence: ids of attachments, at most 32.
        sets: new values by column.
    """

    comment: str = ""
    evidence: tuple[str, ...] = ()
    sets: Mapping[str, Any] = field(default_factory=dict)


def kind_of(row: Item) -> Kind:
    """What a row is: its resource type in entries, and what its steps are of."""
    return "task" if isinstance(row, Task) else "finding" if isinstance(row, Finding) else "incident"


def actor_of(standing: Standing, row: Item) -> Actor:
    """How somebody stands to what takes a step."""
    return Actor(
        standing.subject,
        standing.may(Capability.REGISTER_MANAGE),
        bool(row.owner) and row.owner == standing.subject,
    )


def take(actor: Actor, row: Item, step: str, order: Order) -> Step:
    """Take a step; call it last in a use case.

    Args:
        actor: who does.
        row: locked, or new with an id and nothing recorded.
        step: its name in the table.
        order: what is given for it.

    Raises:
        Malformed: naming what is missing.
        Refused: naming what stands against it.
    """
    kind = kind_of(row)
    new = row.number is None
    comment = checked_text(order.comment, "comment")
    evidence = checked_evidence(order.evidence)
    for name, value in order.sets.items():
        setattr(row, name, value)
    there = {name.name for name in row._meta.concrete_fields if getattr(row, name.name) not in (None, "", [], "none")}
    resolved_by = row.resolved_by if isinstance(row, Finding) else ""
    if comment:
        there.add("comment")
    before = "" if new else row.state
    rule = advance(kind, before, step, actor, there, resolved_by=resolved_by)
    if not new and (beyond := set(order.sets) - set(rule.sets)):
        raise Refused("cannot be changed by that step", sorted(beyond)[0])
    row.state, row.number = rule.after, 1 if new else row.number + 1
    row.changed_at = timezone.now()
    cause = "" if new else row.event
    if new:
        row.created_at = row.changed_at
    row.seq, row.event = keep_entry(
        actor.subject,
        f"{kind}.change",
        (kind, row.id),
        labels=_labels(row, step),
        body={
            **body_of(row),
            **({"comment": comment} if comment else {}),
            **({"evidence": evidence} if evidence else {}),
        },
        causes=[cause],
    )
    taken = Step(
        id=step_id(),
        tenant_id=row.tenant_id,
        kind=kind,
        item=row.id,
        number=row.number,
        step=step,
        before=before,
        after=row.state,
        comment=comment,
        evidence=[one["id"] for one in evidence],
        exception=row.exception if isinstance(row, Finding) and step == "accept" else "",
        by=actor.subject,
        at=row.changed_at,
        seq=row.seq,
        event=row.event,
    )
    taken.save(force_insert=True)
    if new:
        row.save(force_insert=True)
    else:
        row.save(update_fields=sorted({*_ALWAYS, *order.sets}))
    return taken


def checked_evidence(ids: Sequence[str]) -> list[dict[str, str]]:
    """Attachments that a step rests on, each with the hash of its bytes.

    Raises:
        Malformed: naming the field.
    """
    found = []
    for place, wanted in enumerate(dict.fromkeys(one.strip() for one in ids if one.strip())):
        if place == MAX_EVIDENCE:
            raise Malformed(f"names at most {MAX_EVIDENCE} attachments", "evidence")
        try:
            attachment = attachment_for(wanted)
        except NoSuchAttachment:
            raise Malformed(f"{ascii(wanted)[:60]} is no attachment here", "evidence") from None
        if withdrawal_of(attachment) is not None:
            raise Malformed(f"{wanted} was withdrawn", "evidence")
        if said := withheld(attachment):
            raise Malformed(f"{wanted} cannot stand as evidence: {said}", "evidence")
        found.append({"id": attachment.id, "sha256": attachment.sha256})
    return found


def body_of(row: Item) -> dict[str, Any]:
    """What the entry of a step commits to: all that the row says."""
    said: dict[str, Any] = {}
    for column in row._meta.concrete_fields:
        if column.name in ("tenant_id", "seq", "event", "created_at", "changed_at", "created_by"):
            continue
        value = getattr(row, column.name)
        if isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        elif hasattr(value, "isoformat"):
            value = value.isoformat()
        if value not in (None, "", []):
            said[_NAMES.get(column.name, column.name)] = value
    return said


def _labels(row: Item, step: str) -> dict[str, object]:
    said: dict[str, object] = {"step": step, "state": row.state, "number": row.number, "owner": row.owner}
    if isinstance(row, Task):
        return {**said, "due.on": row.due_on, "series": row.series, "turn": row.turn, "finding": row.finding}
    if isinstance(row, Finding):
        facts = {"asset": row.asset, "incident": row.incident, "exception": row.exception, "source": row.source}
        return {**said, "severity": row.severity, **facts}
    return {**said, "severity": row.severity, "entries": len(row.entries)}
