"""How many entries of a time evidence each requirement of a framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from muniment.ledger.queries import query

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Sought:
    """What evidences a requirement: entries that hold one of its control ids, and entries of annotated actions."""

    controls: tuple[str, ...]
    actions: frozenset[str]


def actions_seen(
    connection: Connection[Any], log_id: int, since: datetime | None, until: datetime | None
) -> dict[str, int]:
    """How many entries of a time have each action.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        since: recorded at or after; None for the beginning.
        until: recorded before; None for now.
    """
    rows = connection.execute(
        query("entries_of_actions"), {"log": log_id, "since": since, "until": until}, prepare=False
    ).fetchall()
    return {str(action): int(number) for action, number in rows}


def entries_of_requirements(
    connection: Connection[Any],
    log_id: int,
    requirements: Mapping[str, Sought],
    seen: Mapping[str, int],
    since: datetime | None,
    until: datetime | None,
) -> dict[str, int]:
    """How many entries of a time evidence each requirement, every entry once.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        requirements: by their control id.
        seen: of `actions_seen`, for the same time and in the same transaction.
        since: as there.
        until: as there.
    """
    asked = {"log": log_id, "since": since, "until": until}
    ids = sorted({one for sought in requirements.values() for one in sought.controls})
    rows = connection.execute(query("entries_of_controls"), {**asked, "controls": ids}, prepare=False).fetchall()
    held = {str(control): int(number) for control, number in rows}
    counted: dict[str, int] = {}
    for control, sought in requirements.items():
        present = [one for one in sought.controls if one in held]
        actions = sorted(action for action in sought.actions if seen.get(action))
        number = held[present[0]] if len(present) == 1 else 0
        # Only where one entry could be counted twice is there anything to look up.
        if len(present) > 1:
            number = _one(connection, "entries_of_requirement", {**asked, "controls": present})
        if present and actions:
            number -= _one(connection, "entries_of_both", {**asked, "controls": present, "actions": actions})
        counted[control] = number + sum(seen[action] for action in actions)
    return counted


def _one(connection: Connection[Any], name: str, parameters: dict[str, object]) -> int:
    row = connection.execute(query(name), parameters, prepare=False).fetchone()
    return int(row[0]) if row else 0
