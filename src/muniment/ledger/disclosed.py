"""Entries together with their bodies, where many of them are asked for at once: by place, by label, by action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from muniment.core.errors import Malformed
from muniment.ledger.queries import query
from muniment.ledger.read import StoredBody, StoredEntry, time_bounds

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import Connection

MOST: Final = 10_000
"""Entries that are given at once."""


@dataclass(frozen=True, slots=True)
class Disclosed:
    """An entry with what is known of its body; `body` is None for an event that has none."""

    entry: StoredEntry
    body: StoredBody | None


def at_places(connection: Connection[Any], log_id: int, places: Sequence[int]) -> list[Disclosed]:
    """The entries at some places, in the order of the log; places that the log does not have are left out.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        places: at most 10,000.

    Raises:
        Malformed: for more.
    """
    if len(places) > MOST:
        raise Malformed(f"at most {MOST:,} places are read at once", "places")
    if not places:
        return []
    since, until = time_bounds(connection, log_id, min(places), max(places))
    parameters = {"log": log_id, "seqs": list(places), "since": since, "until": until}
    return _read(connection, "bodies_of_places", parameters)


def with_labels(
    connection: Connection[Any], log_id: int, *, action: str, labels: Sequence[str], limit: int = MOST
) -> list[Disclosed]:
    """The entries of one action that carry one of some labels, in the order of the log.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        action: of the entries.
        labels: `key=value` each.
        limit: of entries, 1 to 10,000.
    """
    if not labels:
        return []
    parameters = {"log": log_id, "action": action, "labels": list(labels), "limit": min(limit, MOST)}
    return _read(connection, "entries_with_labels", parameters)


def of_actions(
    connection: Connection[Any],
    log_id: int,
    actions: Sequence[str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    below: int | None = None,
    limit: int,
) -> list[Disclosed]:
    """The newest entries with one of some actions, newest first.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        actions: exact ones, or `x.*` for all under `x.`.
        since: recorded at or after.
        until: recorded before.
        below: only places before this one; the last place of a page gives the next.
        limit: of entries, 1 to 10,000.
    """
    exact = sorted({one for action in actions for one in _expanded(connection, log_id, action)})
    if not exact:
        return []
    parameters = {
        "log": log_id, "actions": exact, "since": since, "until": until, "below": below, "limit": min(limit, MOST),
    }  # fmt: skip
    return _read(connection, "changes", parameters)


def _expanded(connection: Connection[Any], log_id: int, action: str) -> list[str]:
    if not action.endswith(".*"):
        return [action]
    prefix = action[:-1]
    # The character after the dot: nothing under the prefix sorts behind it.
    parameters = {"log": log_id, "prefix": prefix, "beyond_prefix": prefix[:-1] + "/"}
    return [str(row[0]) for row in connection.execute(query("actions_under"), parameters, prepare=False).fetchall()]


def _read(connection: Connection[Any], name: str, parameters: dict[str, Any]) -> list[Disclosed]:
    rows = connection.cursor(binary=True).execute(query(name), parameters, prepare=False).fetchall()
    return [
        Disclosed(
            StoredEntry(seq, recorded_at, entry_hash, text.encode()),
            None if state is None else StoredBody(state, salt, body),
        )
        for seq, recorded_at, entry_hash, text, state, salt, body in rows
    ]
