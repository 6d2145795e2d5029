"""Recording anchors: tokens, failures, the growth that a renewal needs, and how often a log is anchored."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg import Connection

from muniment.catalogs.mapping import MAPPING_VERSION
from muniment.core.errors import Refused
from muniment.core.event import Actor, Resource
from muniment.ledger.anchors import Outlook
from muniment.ledger.functions import controls_column, optional_seq
from muniment.ledger.queries import query
from muniment.ledger.refused import named_refusals
from muniment.ledger.system import ActiveLog, record_system

SYSTEM: Final = "system:muniment"
MAX_REASON: Final = 512


def record_anchor(
    connection: Connection[Any],
    *,
    log_id: int,
    size: int,
    authority: str,
    token: bytes,
    imprint: bytes,
    stamped_at: datetime,
    valid_until: datetime,
    evidence: Mapping[str, object],
    by: str = SYSTEM,
) -> int | None:
    """Record a token that was proven; the seq of its entry, or None if this authority stamped this checkpoint before.

    Args:
        connection: as the app role, in a transaction of the log's tenant.
        log_id: the log.
        size: of the checkpoint.
        authority: who made the token.
        token: DER.
        imprint: SHA-256 of the sealed note, 32 bytes.
        stamped_at: the authority's time.
        valid_until: when the first certificate of its chain ends.
        evidence: the entry's body besides the token: certificates, revocation lists; JSON.
        by: who records it.

    Raises:
        Refused: if there is no such active log in the tenant.
    """
    with named_refusals():
        row = connection.execute(
            query("record_anchor"),
            {
                "by": by,
                "log": log_id,
                "size": size,
                "authority": authority,
                "token": token,
                "imprint": imprint,
                "stamped": stamped_at,
                "until": valid_until,
                "body": json.dumps(evidence, sort_keys=True, separators=(",", ":")).encode(),
                "salt": secrets.token_bytes(32),
                "mapping": MAPPING_VERSION,
                "controls": controls_column("anchor.record"),
            },
        ).fetchone()
    return None if row is None else row[0]


def record_failure(
    connection: Connection[Any], log: ActiveLog, *, authority: str, size: int, word: str, reason: str
) -> datetime:
    """Count a failure, and record it where it is another one than the last; gives when to try again.

    Args:
        connection: as the app role, in a transaction of the log's tenant.
        log: the log.
        authority: who gave no token.
        size: of the checkpoint that was to be stamped.
        word: why, in one word.
        reason: why, in a sentence.
    """
    reason = "".join(c if c.isprintable() else "?" for c in reason)[:MAX_REASON]
    parameters = {"log": log.log_id, "authority": authority, "word": word, "reason": reason}
    with named_refusals():
        failures, retry_at, news = connection.execute(query("count_anchor_failure"), parameters).fetchone() or (0, 0, 0)
    if news:
        record_system(
            connection,
            by=SYSTEM,
            log=log,
            action="anchor.refuse",
            actor=Actor(SYSTEM, "system"),
            outcome="failure",
            resource=Resource(str(size), "checkpoint"),
            labels=[f"anchor.authority={authority}", f"anchor.word={word}"],
            body={"reason": reason, "failures": failures},
        )
    if not isinstance(retry_at, datetime):
        raise TypeError("count_anchor_failure() gave no time")
    return retry_at


def ask_for_growth(connection: Connection[Any], log: ActiveLog, outlook: Outlook) -> bool:
    """Let an idle log grow by one entry, so that a checkpoint comes to cover the record of its newest token.

    Returns:
        False if it was asked for before.
    """
    parameters = {"log": log.log_id, "seq": outlook.seq, "since": outlook.recorded_at}
    row = connection.execute(query("anchor_renewal_asked"), parameters).fetchone()
    if row is None or row[0]:
        return False
    record_system(
        connection,
        by=SYSTEM,
        log=log,
        action="anchor.renew",
        actor=Actor(SYSTEM, "system"),
        resource=Resource(str(outlook.stamped), "checkpoint"),
        labels=[f"anchor.authority={outlook.authority}"],
    )
    return True


def log_of(connection: Connection[Any], log_id: int) -> ActiveLog:
    """An active log by its number.

    Raises:
        Refused: if the transaction's tenant has no such log, or it is closed.
    """
    row = connection.execute(
        "SELECT log_id, origin, system_source, region FROM ledger.logs WHERE state = 'active' AND log_id = %s", [log_id]
    ).fetchone()
    if row is None:
        raise Refused("there is no such active log in this tenant", f"log {log_id}")
    return ActiveLog(*row)


def set_cadence(connection: Connection[Any], *, by: str, log_id: int, every: int) -> int | None:
    """Set the seconds between two anchors, 60 to a year; the seq of the entry that tells so, or None if they were."""
    statement = "SELECT ledger.set_anchor_cadence(%s, %s, %s, %s, %s)"
    return optional_seq(connection, statement, by, log_id, every, MAPPING_VERSION, controls_column("tenant.change"))
