"""Anchoring the logs: which are due with which authority, asking, and recording what came of it.

An authority that fails is asked again after a pause that doubles from half a minute to an hour; each log waits for
itself, and an authority that cannot be reached is not asked for the other logs of the same round. What failed stands in
the tenant's log, in `anchor status`, in `/api/audit/verify` and on the overview until it works again.
"""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

from cryptography.hazmat.primitives.serialization import Encoding
from psycopg import Connection

from muniment.anchors.asking import DOWN, NoTimestamp, Obtained, obtain
from muniment.anchors.authorities import Authorities, Authority, MalformedAuthorities, load_authorities
from muniment.anchors.revocation import MAX_KEPT
from muniment.core.errors import Refused
from muniment.core.timestamp import note_imprint
from muniment.ledger.anchor_record import ask_for_growth, log_of, record_anchor, record_failure
from muniment.ledger.anchors import (
    Outlook,
    attempts,
    cadence,
    outlooks,
)
from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.tenants import LogSize, all_logs
from muniment.server.background import PartlyFailed
from muniment.server.runtime import Places
from muniment.verifier.anchors import TimestampTrust

RENEW_BEFORE: Final = timedelta(days=30)
"""How long before the certificates of a log's newest token end it is renewed, even where nothing new happened."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of asking one authority for one log.

    Attributes:
        origin: the log.
        authority: who was asked.
        size: of the checkpoint.
        seq: of the entry that records the token; None where it stamped this checkpoint before, or after a failure.
        obtained: the token; None after a failure.
        failure: why there is none.
        retry_at: when the next attempt comes, after a failure.
    """

    origin: str
    authority: str
    size: int
    seq: int | None = None
    obtained: Obtained | None = None
    failure: NoTimestamp | None = None
    retry_at: datetime | None = None


def authorities_file(places: Places) -> Path:
    """Where the authorities stand: `MUNIMENT_ANCHORS`, or `anchors.toml` in the installation's home."""
    return Path(os.environ.get("MUNIMENT_ANCHORS") or places.home / "anchors.toml").absolute()


def anchor(
    connection: Connection,
    log: LogSize,
    authority: Authority,
    *,
    clock: Callable[[], float] = time.time,
    failed: NoTimestamp | None = None,
) -> Outcome:
    """Have an authority stamp the newest checkpoint of a log, and record the token or the failure.

    Args:
        connection: as the app role, in autocommit; no transaction is open while the authority is asked.
        log: which.
        authority: whom.
        clock: seconds since the Unix epoch.
        failed: a failure that is known already; then the authority is not asked.

    Raises:
        Refused: if the log has no checkpoint yet.
    """
    with tenant_transaction(connection, log.tenant_id):
        stored = read_checkpoint(connection, log.log_id, log.origin)
    if stored is None:
        raise Refused("there is no checkpoint yet: nothing was sealed", log.origin)
    size = stored.checkpoint.size
    try:
        if failed is not None:
            raise failed
        obtained = obtain(authority, note_imprint(stored.note.encoded()), clock=clock)
    except NoTimestamp as error:
        with tenant_transaction(connection, log.tenant_id):
            retry_at = record_failure(
                connection,
                log_of(connection, log.log_id),
                authority=authority.name,
                size=size,
                word=error.word,
                reason=error.reason,
            )
        return Outcome(log.origin, authority.name, size, failure=error, retry_at=retry_at)
    with tenant_transaction(connection, log.tenant_id):
        seq = record_anchor(
            connection,
            log_id=log.log_id,
            size=size,
            authority=authority.name,
            token=obtained.token,
            imprint=obtained.imprint,
            stamped_at=datetime.fromtimestamp(obtained.stamped.time / 1_000_000, UTC),
            valid_until=datetime.fromtimestamp(obtained.stamped.until, UTC),
            evidence=evidence(obtained),
        )
    return Outcome(log.origin, authority.name, size, seq=seq, obtained=obtained)


def evidence(obtained: Obtained) -> dict[str, object]:
    """The body of an `anchor.record` entry: the token, the certificates up to the pinned one, and revocation lists.

    A list of more than 32 KiB is named by its hash alone; one that the token carries is in the token.
    """
    lists = [
        {"from": one.origin, "sha256": one.digest}
        | ({"der": _base64(one.der)} if len(one.der) <= MAX_KEPT and one.origin != "token" else {})
        for one in obtained.lists
    ]
    return {
        "token": _base64(obtained.token),
        "chain": [_base64(one.public_bytes(Encoding.DER)) for one in obtained.stamped.chain],
        "crls": lists,
        "notes": list(obtained.notes),
    }


class Anchoring:
    """The background job: anchors every log that is due."""

    LOOK_EVERY: ClassVar[float] = 15.0

    def __init__(self, places: Places, clock: Callable[[], float] = time.time) -> None:
        self._file = authorities_file(places)
        self._clock = clock

    def __call__(self, connection: Connection) -> str:
        """Do one round.

        Raises:
            PartlyFailed: naming every authority that gives no token, until it does again.
            MalformedAuthorities: if the file cannot be used.
        """
        authorities = load_authorities(self._file)
        if not authorities.all:
            return "no timestamp authority is configured"
        done: list[Outcome] = []
        failing: set[str] = set()
        down: dict[str, NoTimestamp] = {}
        for log in all_logs(connection):
            if log.state == "active":
                done += self._log(connection, log, authorities, down)
                failing |= self._failing(connection, log, authorities)
        if failing:
            shown = sorted(failing)
            raise PartlyFailed("; ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else ""))
        stamped = [outcome for outcome in done if outcome.seq is not None]
        return (
            f"anchored {stamped[-1].origin} at size {stamped[-1].size} with {stamped[-1].authority}" if stamped else ""
        )

    def _log(
        self, connection: Connection, log: LogSize, authorities: Authorities, down: dict[str, NoTimestamp]
    ) -> list[Outcome]:
        with tenant_transaction(connection, log.tenant_id):
            every = cadence(connection, log.log_id) or authorities.every
            seen = outlooks(connection, log.log_id, [one.name for one in authorities.all])
            due = {one.authority for one in seen if is_due(one, every)}
            idle = [one for one in seen if wants_growth(one, every)]
            if idle:
                ask_for_growth(connection, log_of(connection, log.log_id), idle[0])
        done = []
        for authority in authorities.all:
            if authority.name not in due:
                continue
            outcome = anchor(connection, log, authority, clock=self._clock, failed=down.get(authority.name))
            if outcome.failure is not None and outcome.failure.word in DOWN:
                down[authority.name] = outcome.failure
            done.append(outcome)
        return done

    def _failing(self, connection: Connection, log: LogSize, authorities: Authorities) -> set[str]:
        """Every configured authority whose last attempt for this log failed, in this round or before."""
        names = {one.name for one in authorities.all}
        with tenant_transaction(connection, log.tenant_id):
            found = attempts(connection, log.log_id)
        return {
            f"{one.authority} gives no timestamp ({one.word}): {one.reason}"
            for one in found
            if one.failures and one.authority in names
        }


def is_due(outlook: Outlook, every: int) -> bool:
    """Whether an authority is to stamp the newest checkpoint now.

    Args:
        outlook: how it stands to that checkpoint.
        every: seconds between two anchors.
    """
    if not outlook.may_try or not _time_has_come(outlook, every):
        return False
    if outlook.stamped is None:
        return True
    grown = outlook.size > outlook.stamped
    return grown and (outlook.news or (_ends_soon(outlook) and outlook.seq is not None and outlook.size > outlook.seq))


def wants_growth(outlook: Outlook, every: int) -> bool:
    """Whether a token ends soon and no checkpoint covers its record, because the log is idle."""
    if outlook.seq is None or not _time_has_come(outlook, every):
        return False
    return _ends_soon(outlook) and outlook.size <= outlook.seq


def overdue(outlooks_: Sequence[Outlook], every: int) -> list[str]:
    """Names of the authorities that should have stamped the newest checkpoint by now, twice the cadence ago."""
    return [one.authority for one in outlooks_ if is_due(one, 2 * every)]


def trusted(places: Places) -> TimestampTrust | None:
    """What walks trust of timestamps: the pinned certificates of all authorities; None without any.

    None also where the file is unusable: the job that anchors says so, and a walk over all else is not held up by it.
    """
    try:
        found = load_authorities(authorities_file(places))
    except MalformedAuthorities:
        return None
    pinned = dict.fromkeys(one for authority in found.all for one in authority.pinned)
    return TimestampTrust(tuple(pinned), int(time.time())) if pinned else None


def check_authorities(places: Places) -> Authorities:
    """The authorities of the installation.

    Raises:
        Refused: if there are none, saying how to name one.
        MalformedAuthorities: if the file cannot be used.
    """
    path = authorities_file(places)
    found = load_authorities(path)
    if not found.all:
        raise Refused(
            f'no timestamp authority is configured: write [[authority]] with name, url and pinned = "root.pem" '
            f"into {path} (docs/anchors.md)",
            "anchors",
        )
    return found


def _time_has_come(outlook: Outlook, every: int) -> bool:
    return outlook.recorded_at is None or outlook.now - outlook.recorded_at >= timedelta(seconds=every)


def _ends_soon(outlook: Outlook) -> bool:
    return outlook.valid_until is not None and outlook.valid_until - outlook.now < RENEW_BEFORE


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
