"""How busy a log is and what it holds as evidence: bounded questions, cheap at a million entries too."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from psycopg import Connection

from muniment.ledger.queries import query


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of the database's clock and how many entries were recorded in it."""

    at: datetime
    entries: int


@dataclass(frozen=True, slots=True)
class Setback:
    """Entries of one action that were refused or failed.

    Attributes:
        outcome: denied or failure.
        action: of the entries.
        entries: how many.
        latest: when the newest was recorded.
    """

    outcome: str
    action: str
    entries: int
    latest: datetime


@dataclass(frozen=True, slots=True)
class ControlEvidence:
    """How much evidence of one control was recorded.

    Attributes:
        control: its id.
        entries: how many, counted up to the cap that was asked for.
        latest: when the newest was recorded; None without one.
    """

    control: str
    entries: int
    latest: datetime | None


def entries_each_minute(connection: Connection[Any], log_id: int, *, minutes: int = 60) -> list[Minute]:
    """Entries of each of the last minutes, oldest first; the last one is not over.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        minutes: how many.
    """
    rows = connection.execute(
        query("entries_each_minute"), {"log": log_id, "minutes": minutes}, prepare=False
    ).fetchall()
    return [Minute(at, following[1] - size) for (at, size), following in pairwise(rows)]


def setbacks(connection: Connection[Any], log_id: int, *, since: datetime, cap: int) -> list[Setback]:
    """What was refused or failed, by action, most frequent first.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        since: recorded at or after; aware.
        cap: the newest so many of each outcome are looked at.
    """
    parameters = {"log": log_id, "since": since, "cap": cap}
    return [Setback(*row) for row in connection.execute(query("setbacks"), parameters, prepare=False)]


def control_evidence(
    connection: Connection[Any], log_id: int, controls: Sequence[str], *, since: datetime, cap: int
) -> list[ControlEvidence]:
    """Evidence of each control, in the order in which they were named.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        controls: ids.
        since: recorded at or after; aware.
        cap: no control is counted further.
    """
    parameters = {"log": log_id, "controls": list(controls), "since": since, "cap": cap}
    return [ControlEvidence(*row) for row in connection.execute(query("control_evidence"), parameters, prepare=False)]
