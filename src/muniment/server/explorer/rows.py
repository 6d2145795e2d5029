"""Entries as the table and the graph show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import orjson

from muniment.core.times import parse_time9
from muniment.ledger.read import StoredEntry
from muniment.ledger.surroundings import Frontier

SealState = Literal["recorded", "sealed", "anchored", "broken"]
FRAMEWORKS: Final = {"soc2": "SOC 2", "hipaa": "HIPAA", "cfr11": "21 CFR 11", "iso27001": "ISO 27001"}
PERSON: Final = "user:usr_"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry in the table. Everything in it but `seq` and `state` may have been chosen by an attacker.

    Attributes:
        seq: its place.
        recorded_at: by the ledger's clock.
        occurred_at: nanoseconds since the Unix epoch, as its source says.
        state: of its seal.
        action: what happened.
        actor: who did it; `actor_type` what that is and `name` the person's name where it is known.
        target: the tool, or else the resource; `target_kind` says which.
        outcome: success, failure, denied or unknown.
        workspace: where.
        controls: (id, shortened) of each control that it evidences.
        source: the source's id, and `event` the event's.
        trace: hex, or "".
        labels: `name=value` each.
    """

    seq: int
    recorded_at: datetime
    occurred_at: int
    state: SealState
    action: str
    actor: str
    actor_type: str
    name: str
    target: str
    target_kind: str
    outcome: str
    workspace: str
    controls: tuple[tuple[str, str], ...]
    source: str
    event: str
    trace: str
    labels: tuple[str, ...]


def seal_state(seq: int, standing: Frontier) -> SealState:
    """The state of an entry's seal."""
    if standing.broken_at is not None and seq == standing.broken_at:
        return "broken"
    if seq < standing.anchored:
        return "anchored"
    return "sealed" if seq < standing.sealed else "recorded"


def parsed(entry: StoredEntry) -> dict[str, Any]:
    """An entry's canonical text as Python objects."""
    found: dict[str, Any] = orjson.loads(entry.text)
    return found


def row_of(entry: StoredEntry, document: Mapping[str, Any], standing: Frontier, names: Mapping[str, str]) -> Row:
    """An entry as a row.

    Args:
        entry: as stored.
        document: `parsed(entry)`.
        standing: of its log.
        names: people's names by actor id.
    """
    event = document["event"]
    actor, resource = event["actor"], event.get("resource", {})
    target, kind = (event["tool"], "tool") if "tool" in event else (resource.get("id", ""), resource.get("type", ""))
    return Row(
        seq=entry.seq,
        recorded_at=entry.recorded_at,
        occurred_at=parse_time9(event["occurred_at"]),
        state=seal_state(entry.seq, standing),
        action=event["action"],
        actor=actor["id"],
        actor_type=actor["type"],
        name=names.get(actor["id"], ""),
        target=target,
        target_kind=kind,
        outcome=event["outcome"],
        workspace=event.get("workspace", ""),
        controls=tuple((control, shortened_control(control)) for control in document.get("controls", ())),
        source=event["source"]["id"],
        event=event["id"],
        trace=event.get("trace", {}).get("id", ""),
        labels=tuple(event.get("labels", ())),
    )


def shortened_control(control: str) -> str:
    """`soc2:CC7.2` as `CC7.2`; the whole id stays in the tooltip."""
    return control.partition(":")[2] or control


def people_in(documents: Iterable[Mapping[str, Any]]) -> set[str]:
    """Actor ids that stand for people."""
    actors = {str(document["event"]["actor"]["id"]) for document in documents}
    return {actor for actor in actors if actor.startswith(PERSON)}
