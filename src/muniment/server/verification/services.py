"""What the verify page does: orders a walk, and says what a verifier is to pin."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from muniment.keys import KeyRing
from muniment.ledger.integrity import Integrity
from muniment.server.background_walks import CHANNEL
from muniment.server.problems import refuse
from muniment.server.ratelimit import RateLimit

if TYPE_CHECKING:
    from psycopg import Connection

    from muniment.server.access.standing import Standing

_orders: Final = RateLimit(per_second=1 / 30, burst=2)


def order_walk(connection: Connection[Any], standing: Standing) -> None:
    """Ask the background process to read the whole log now; asking again before it has begun changes nothing.

    Args:
        connection: in a transaction; the notice goes out when that commits.
        standing: whose log.

    Raises:
        ProblemError: rate-limited.
    """
    wait = _orders.take(str(standing.log_id), time.monotonic())
    if wait:
        raise refuse("rate-limited", "a walk was ordered a moment ago", headers={"retry-after": str(int(wait) + 1)})
    connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(standing.log_id)])


def pin_of(found: Integrity, *, checkpoint: bool = False) -> str:
    """What a verifier pins about a log, as `MUNIMENT_PIN` takes it: one line of JSON.

    Args:
        found: how the log stands.
        checkpoint: also its newest checkpoint. A bundle must then show the tree at that size, which those of the
            shipper and of single entries do not.

    Raises:
        Refused: if the installation's root key is not known here.
    """
    pin: dict[str, object] = {
        "origin": found.facts.origin,
        "genesis": found.facts.genesis_hash.hex(),
        "root": KeyRing(settings.PLACES.keys).root_verifier().vkey,
    }
    if checkpoint and found.checkpoint is not None:
        sealed = found.checkpoint.checkpoint
        pin["checkpoint"] = {"size": sealed.size, "root": sealed.root.hex()}
    return json.dumps(pin)
