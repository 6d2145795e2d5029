"""Anchors: timestamp tokens over sealed notes, as the database has them.

A token is recorded as an `anchor.record` entry, whose labels name its hash: whatever is anchored later covers that
entry too, and so shows that the older token existed while its certificates were still valid. That is all of renewal.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from psycopg import Connection

from muniment.core.times import format_time6
from muniment.ledger.queries import query

_MOST: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Anchor:
    """A stored token: nothing about it is proven here.

    Attributes:
        size: of the checkpoint whose sealed note it stamps.
        authority: who made it.
        stamped_at: the authority's time.
        valid_until: when the first certificate of its chain ends.
        seq: of its `anchor.record` entry.
        token: DER.
    """

    size: int
    authority: str
    stamped_at: datetime
    valid_until: datetime
    seq: int
    token: bytes


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an authority does that failed at least once for this log.

    Attributes:
        authority: its name.
        failures: in a row; 0 when the last attempt was good.
        failing_since: of the first of them.
        tried_at: of the last attempt.
        retry_at: when the next one comes.
        word, reason: of the last failure.
    """

    authority: str
    failures: int
    failing_since: datetime | None
    tried_at: datetime
    retry_at: datetime | None
    word: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """How one authority stands to the newest checkpoint of a log.

    Attributes:
        authority: its name.
        size: of the newest checkpoint.
        stamped: size of the checkpoint it stamped last; None before the first.
        seq, recorded_at, valid_until: of that token.
        news: there is something to stamp besides the ledger's own entries.
        may_try: no pause after a failure lasts any more.
        now: the database's clock.
    """

    authority: str
    size: int
    stamped: int | None
    seq: int | None
    recorded_at: datetime | None
    valid_until: datetime | None
    news: bool
    may_try: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class AnchorFacts:
    """How a log stands with its authorities.

    Attributes:
        newest: the token over the largest checkpoint; None before the first.
        failing: authorities whose last attempt gave no token.
    """

    newest: Anchor | None
    failing: tuple[Attempt, ...]

    def as_json(self) -> dict[str, object]:
        """The facts as a JSON object, without an authority's own words: `failing` says who, why and until when."""
        newest = self.newest
        return {
            "newest": newest
            and {
                "at": _moment(newest.stamped_at),
                "size": newest.size,
                "authority": newest.authority,
                "until": _moment(newest.valid_until),
                "entry": newest.seq,
            },
            "failing": [
                {
                    "authority": one.authority,
                    "word": one.word,
                    "since": _moment(one.failing_since),
                    "failures": one.failures,
                    "retry_at": _moment(one.retry_at),
                }
                for one in self.failing
            ],
        }


def outlooks(connection: Connection[Any], log_id: int, authorities: Sequence[str]) -> list[Outlook]:
    """How some authorities stand to the newest checkpoint; none while nothing is sealed."""
    rows = connection.execute(query("anchor_due"), {"log": log_id, "authorities": list(authorities)}).fetchall()
    return [Outlook(*row) for row in rows]


def newest_anchors(connection: Connection[Any], log_id: int, *, limit: int, below: int | None = None) -> list[Anchor]:
    """The newest tokens of a log, the one of the largest checkpoint first.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        limit: how many.
        below: only over checkpoints that are smaller.
    """
    return _anchors(connection, "anchors_newest", {"log": log_id, "limit": limit, "below": below})


def newest_by_authority(connection: Connection[Any], log_id: int) -> list[Anchor]:
    """Of each authority that ever made a token for a log, the one over the largest checkpoint; by name."""
    return _anchors(connection, "anchor_before", {"log": log_id, "above": -1, "up_to": _MOST})


def token_page(
    connection: Connection[Any], log_id: int, *, limit: int, after: tuple[int, str] | None = None
) -> list[Anchor]:
    """Tokens of a log, that of the largest checkpoint first, those over one checkpoint by authority.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        limit: how many.
        after: size and authority of the last one of the page before.
    """
    size, authority = after or (None, None)
    return _anchors(connection, "anchor_page", {"log": log_id, "limit": limit, "size": size, "authority": authority})


def anchors_of(connection: Connection[Any], log_id: int, sizes: Sequence[int]) -> list[Anchor]:
    """The tokens over some checkpoints, by size and authority."""
    return _anchors(connection, "anchors_of_sizes", {"log": log_id, "sizes": list(sizes)}) if sizes else []


def anchors_over(connection: Connection[Any], log_id: int, first: int, last: int, up_to: int) -> list[Anchor]:
    """The tokens that say that some entries existed at a time, the earliest of each authority.

    That over the smallest checkpoint that covers all of the entries; where there is none, the one that covers most.
    Where its certificates have ended: also what renews it, as far as there is something.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        first: seq of the first entry, and `last` of the last.
        last: see `first`.
        up_to: size of the largest checkpoint that may be used.

    Returns:
        For each authority: one over these entries, then each one that renews the one before it.
    """
    found = {one.authority: [one] for one in _covering(connection, log_id, "anchor_covering", last, up_to)}
    for one in _covering(connection, log_id, "anchor_before", first, min(last, up_to)):
        found.setdefault(one.authority, [one])
    now = datetime.now(UTC)
    for chain in found.values():
        while chain[-1].valid_until < now:
            old = chain[-1]
            parameters = {"log": log_id, "authority": old.authority, "seq": old.seq, "up_to": up_to}
            renewing = _anchors(connection, "anchor_renewing", parameters | {"before": old.valid_until})
            if not renewing:
                break
            chain += renewing
    return [one for _, chain in sorted(found.items()) for one in chain]


def attempts(connection: Connection[Any], log_id: int) -> list[Attempt]:
    """How the authorities of a log do that failed at least once."""
    rows = connection.execute(query("anchor_attempts"), {"log": log_id}).fetchall()
    return [Attempt(*row) for row in rows]


def anchor_facts(connection: Connection[Any], log_id: int, *, asked: Collection[str] | None = None) -> AnchorFacts:
    """How a log stands with its authorities.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        asked: names of the authorities that are asked now: of others no failure is told. None for all.
    """
    newest = newest_anchors(connection, log_id, limit=1)
    failing = (one for one in attempts(connection, log_id) if one.failures)
    told = tuple(one for one in failing if asked is None or one.authority in asked)
    return AnchorFacts(newest[0] if newest else None, told)


def cadence(connection: Connection[Any], log_id: int) -> int | None:
    """Seconds between two anchors of a log as its tenant chose them; None for the installation's own setting."""
    row = connection.execute(query("anchor_cadence"), {"log": log_id}).fetchone()
    return None if row is None else row[0]


def _moment(value: datetime | None) -> str | None:
    return None if value is None else format_time6(int(value.timestamp()) * 1_000_000 + value.microsecond)


def _covering(connection: Connection[Any], log_id: int, name: str, above: int, up_to: int) -> list[Anchor]:
    return _anchors(connection, name, {"log": log_id, "above": above, "up_to": up_to})


def _anchors(connection: Connection[Any], name: str, parameters: Mapping[str, object]) -> list[Anchor]:
    rows = connection.execute(query(name), parameters).fetchall()
    return [Anchor(row[0], row[1], row[2], row[3], row[4], bytes(row[5])) for row in rows]
