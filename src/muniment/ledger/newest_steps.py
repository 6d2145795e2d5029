"""How the things that the server keeps stood under a checkpoint, by the entries of their steps and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from muniment.ledger.queries import query

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class NewestStep:
    """An entry that recorded a step of something.

    Attributes:
        action: of the entry.
        seq: its place.
        labels: name to value.
    """

    action: str
    seq: int
    labels: Mapping[str, str]


def newest_steps(
    connection: Connection[Any], log_id: int, *, kind: str, actions: Sequence[str], below: int
) -> dict[str, dict[str, NewestStep]]:
    """The newest step of each action, for everything of a kind, by its id and the action.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        kind: type of the resource, such as `exception`.
        actions: that are its steps.
        below: only entries before this place count.
    """
    given = {"log": log_id, "actions": list(actions), "type": kind, "below": below}
    found: dict[str, dict[str, NewestStep]] = {}
    for wanted, action, seq, labels in connection.execute(query("newest_steps"), given, prepare=False):
        told = dict(label.split("=", 1) for label in labels or () if "=" in label)
        found.setdefault(wanted, {})[action] = NewestStep(action, seq, told)
    return found
