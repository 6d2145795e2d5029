"""Waiting for a seal: however many clients wait for the same log, the database is asked for one of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.logfacts import log_facts

if TYPE_CHECKING:
    from muniment.server.access.standing import Standing

LONGEST: Final = 60.0
"""Seconds that a client is kept waiting at most, whatever the log promises."""
_EVERY: Final = 0.1

_looks: dict[int, asyncio.Task[int]] = {}


async def wait_for_seal(access: Standing, seq: int) -> None:
    """Return once a checkpoint covers an entry, or when the time in which it should have been sealed is over.

    Args:
        access: of the one who waits.
        seq: place of the entry.
    """
    loop = asyncio.get_running_loop()
    promised = await asyncio.to_thread(_promised, access)
    until = loop.time() + min(LONGEST, promised)
    while await _sealed(access) <= seq and loop.time() < until:
        await asyncio.sleep(_EVERY)


async def _sealed(access: Standing) -> int:
    """The size of the newest checkpoint; callers at the same time share one look."""
    look = _looks.get(access.log_id)
    if look is None:
        look = asyncio.ensure_future(asyncio.to_thread(_look, access))
        _looks[access.log_id] = look
        look.add_done_callback(lambda _: _looks.pop(access.log_id, None))
    return await asyncio.shield(look)


def _look(access: Standing) -> int:
    with access.transaction() as connection:
        found = read_checkpoint(connection, access.log_id, access.origin)
    return 0 if found is None else found.checkpoint.size


def _promised(access: Standing) -> float:
    with access.transaction() as connection:
        facts = log_facts(connection, access.log_id)
    return 0.0 if facts is None else float(facts.seal_within)
