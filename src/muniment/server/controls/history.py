"""The versions of a control as the ledger has them: each row against the entry that recorded it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from muniment.core.body import check_body
from muniment.core.canonical import parse_json
from muniment.core.entry import entry_hash, parse_entry
from muniment.core.errors import MunimentError
from muniment.ledger.disclosed import Disclosed, at_places
from muniment.ledger.surroundings import frontier
from muniment.server.access.standing import Standing
from muniment.server.controls.models import OwnControl
from muniment.server.controls.services import body_of, definition_of
from muniment.server.controls.workflow import differences
from muniment.server.explorer.rows import SealState, seal_state


@dataclass(frozen=True, slots=True)
class Told:
    """One version and what its entry says.

    Attributes:
        row: the version.
        changed: the fields in which it differs from the one before it; empty for the first.
        recorded_at: by the ledger's clock; None if the entry is not there.
        seal: of the entry; "broken" where it does not say what the row says.
        fault: why, "" if they agree.
    """

    row: OwnControl
    changed: tuple[str, ...]
    recorded_at: datetime | None
    seal: SealState | Literal["broken"]
    fault: str


def told(standing: Standing, rows: Sequence[OwnControl]) -> list[Told]:
    """Put the versions of a control beside their entries.

    Args:
        standing: of the reader.
        rows: oldest first.
    """
    with standing.transaction() as reading:
        here = frontier(reading, standing.log_id)
        found = {one.entry.seq: one for one in at_places(reading, standing.log_id, [row.seq for row in rows])}
    told_: list[Told] = []
    before: OwnControl | None = None
    for row in rows:
        there = found.get(row.seq)
        fault = _fault(row, there)
        changed = differences(definition_of(before), definition_of(row)) if before is not None else ()
        seal: SealState | Literal["broken"] = "broken" if fault or here is None else seal_state(row.seq, here)
        told_.append(Told(row, changed, None if there is None else there.entry.recorded_at, seal, fault))
        before = row
    return told_


def _fault(row: OwnControl, there: Disclosed | None) -> str:
    """What contradicts a row; "" if its entry, whose hash its text gives, commits to exactly what it says."""
    if there is None:
        return "the log does not have its entry"
    try:
        entry = parse_entry(there.entry.text)
    except MunimentError as error:
        return f"its entry cannot be read: {error.reason}"
    event, stored = entry.event, there.body
    if entry_hash(there.entry.text) != there.entry.entry_hash:
        return "the text of its entry gives another hash"
    if event.resource is None or event.resource.id != row.control or not event.action.startswith("control."):
        return "its entry is about something else"
    if event.body is None or stored is None or stored.body is None or stored.salt is None:
        return "the text that its entry commits to is not stored"
    try:
        check_body(event.body.commit, event.body.len, stored.salt, stored.body)
        said = parse_json(stored.body)
    except MunimentError as error:
        return f"the text that its entry commits to is another one: {error.reason}"
    return "" if _agree(body_of(row), said) else "the row says something else than its entry"


def _agree(row: dict[str, Any], said: object) -> bool:
    if not isinstance(said, dict):
        return False
    # A tenant can ask for a reason of every change: such a one stands in the entry alone.
    if "reason" not in row:
        said = {name: value for name, value in said.items() if name != "reason"}
    return bool(row == said)
