"""One page of the trail, as pages and the API show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from muniment.core.errors import Malformed
from muniment.ledger.surroundings import frontier
from muniment.ledger.trail import trail
from muniment.server.access.standing import Standing
from muniment.server.explorer.rows import SealState, seal_state
from muniment.server.trail.deeds import ACTIONS, KINDS, Deed, deed_of, ids_in
from muniment.server.trail.names import names_for

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class ReadTrail:
    """Some of the trail: deeds with the state of their seals, and the cursor of the page after it."""

    rows: list[tuple[Deed, SealState]]
    cursor: str | None


def read_trail(
    connection: Connection[Any],
    standing: Standing,
    *,
    kind: str = "",
    person: str = "",
    limit: int = 50,
    cursor: str | None = None,
) -> ReadTrail:
    """One page of the trail.

    Args:
        connection: in a transaction of the tenant, whose `tenant_scope` is open.
        standing: whose tenant.
        kind: code of one of `KINDS`; "" for all.
        person: `usr_…`, or an actor's id as the ledger has it; "" for everybody.
        limit: 1 to 200.
        cursor: of the page before.

    Raises:
        Malformed: naming what cannot be read.
    """
    chosen = next((one.actions for one in KINDS if one.code == kind), None)
    if kind and chosen is None:
        raise Malformed(f"is none of {', '.join(one.code for one in KINDS)}", "kind")
    actor = f"user:{person}" if person.startswith("usr_") else person or None
    found = trail(
        connection,
        standing.log_id,
        actions=ACTIONS if chosen is None else chosen,
        actor=actor,
        limit=limit,
        cursor=cursor,
    )
    names = names_for(connection, standing, set().union(*(ids_in(entry) for entry in found.entries)))
    here = frontier(connection, standing.log_id)
    rows = [
        (deed_of(entry, names), "recorded" if here is None else seal_state(entry.seq, here)) for entry in found.entries
    ]
    return ReadTrail(rows, found.cursor)
