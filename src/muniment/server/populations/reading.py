"""Where the log of a reader stands."""

from __future__ import annotations

from muniment.ledger.surroundings import Frontier, frontier
from muniment.server.access.standing import Standing


def standing_of_log(standing: Standing) -> Frontier | None:
    """How far the log reaches and is sealed."""
    with standing.transaction() as reading:
        return frontier(reading, standing.log_id)
