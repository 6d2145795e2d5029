"""Populations: all the entries of a log that have something in common, up to a checkpoint.

A population ends at a checkpoint, so that it stays what it is while the log grows, and so that one signature stands
over every entry in it. It rests on the same columns and index tables as every question to the log; that these agree
with the entries is what the audit walk checks (`ledger.audit`), and a verifier with the whole log.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from muniment.core.errors import Malformed
from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.logfacts import log_facts
from muniment.ledger.proofs import NotSealed
from muniment.ledger.queries import query
from muniment.ledger.query import EntryFilter, conditions, is_frequent, leads, parameters_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg import Connection

Stratum = Literal["actor", "action", "outcome", "workspace", "day"]
STRATA: Final[tuple[Stratum, ...]] = get_args(Stratum)
"""By what a population can be divided; a day is one of UTC, by the ledger's clock."""
_GROUPED: Final = b"GROUP BY 1 ORDER BY 1"


@dataclass(frozen=True, slots=True)
class Searched:
    """What of a log was searched: the places from 0 to `size` - 1, under a checkpoint.

    Attributes:
        origin: the log's name.
        size: of the checkpoint.
        root: its root, 32 bytes.
        sealed_at: when it was stored.
        recorded: entries of the log at the time; what lies beyond `size` was not searched.
        mapping: version of the action mapping that the log writes into its entries.
    """

    origin: str
    size: int
    root: bytes
    sealed_at: datetime
    recorded: int
    mapping: str

    @property
    def left_out(self) -> int:
        """Entries that were recorded and not searched, because the checkpoint does not cover them."""
        return self.recorded - self.size


def searched(connection: Connection[Any], log_id: int, *, size: int | None = None) -> Searched:
    """What there is to search.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        size: of a checkpoint; None for the newest.

    Raises:
        NotSealed: if there is no such checkpoint.
    """
    facts = log_facts(connection, log_id)
    found = None if facts is None else read_checkpoint(connection, log_id, facts.origin, size)
    if facts is None or found is None:
        raise NotSealed("there is no checkpoint" if size is None else f"there is no checkpoint of size {size}", "size")
    at = found.checkpoint
    return Searched(facts.origin, at.size, at.root, found.sealed_at, facts.size, facts.mapping)


def in_range(asked: EntryFilter, size: int) -> EntryFilter:
    """The same question to the places before `size` alone, oldest first."""
    return replace(asked, below=size, newest_first=False)


def count_members(connection: Connection[Any], log_id: int, asked: EntryFilter) -> int:
    """How many entries of a log match, exactly.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        asked: of `in_range`.
    """
    row = connection.execute(
        _statement(connection, log_id, "population_count", asked), _parameters(log_id, asked), prepare=False
    )
    return int((row.fetchone() or (0,))[0])


@dataclass(frozen=True, slots=True)
class Ways:
    """How entries evidence something: `recorded` hold one of its ids, `annotated` only have an annotated action."""

    recorded: int
    annotated: int


def count_ways(connection: Connection[Any], log_id: int, asked: EntryFilter) -> Ways:
    """How many entries of a log match by which way, exactly.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        asked: of `in_range`, with evidence.

    Raises:
        Malformed: if no evidence was asked for.
    """
    if asked.evidence is None:
        raise Malformed("is what the ways lead by", "evidence")
    if leads(asked) == "evidence":
        text = query("population_held") + query("members_by_evidence")
    else:
        text = query("population_ways") + query("members_by_entry") + conditions(asked)
    recorded, every = connection.execute(text, _parameters(log_id, asked), prepare=False).fetchone() or (0, 0)
    return Ways(int(recorded), int(every) - int(recorded))


def member_places(connection: Connection[Any], log_id: int, asked: EntryFilter) -> Sequence[int]:
    """The places of the entries that match, ascending.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        asked: of `in_range`.
    """
    cursor = connection.cursor(binary=True)
    text = _statement(connection, log_id, "population_places", asked)
    row = cursor.execute(text, _parameters(log_id, asked), prepare=False).fetchone()
    return _places(None if row is None else row[0])


def member_strata(
    connection: Connection[Any], log_id: int, asked: EntryFilter, stratum: Stratum
) -> dict[str, Sequence[int]]:
    """The same for each stratum, by its name; an entry without a workspace is in the stratum "".

    Raises:
        Malformed: for a stratum that is none of `STRATA`.
    """
    if stratum not in STRATA:
        raise Malformed(f"is one of {', '.join(STRATA)}", "stratum")
    also = conditions(asked, frequent=is_frequent(connection, log_id, asked))
    text = query("population_strata") + query("members_by_entry") + also + _GROUPED
    parameters = {**_parameters(log_id, asked), "stratum": stratum}
    rows = connection.cursor(binary=True).execute(text, parameters, prepare=False).fetchall()
    return {str(name): _places(packed) for name, packed in rows}


def _statement(connection: Connection[Any], log_id: int, name: str, asked: EntryFilter) -> bytes:
    if leads(asked) in ("control", "evidence"):
        return query(name) + query(f"members_by_{leads(asked)}")
    frequent = is_frequent(connection, log_id, asked)
    return query(name) + query("members_by_entry") + conditions(asked, frequent=frequent)


def _parameters(log_id: int, asked: EntryFilter) -> dict[str, object]:
    if asked.below is None:
        raise Malformed("a population ends at a checkpoint: ask in_range()", "below")
    return parameters_of(log_id, asked)


def _places(packed: bytes | None) -> Sequence[int]:
    places = array("Q", packed or b"")
    # As the database sends them, the largest byte stands first.
    if array("H", [1]).tobytes() == b"\1\0":
        places.byteswap()
    return places
