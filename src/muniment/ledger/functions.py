"""Calling the ledger's SQL functions that record an entry of their own."""

from typing import Any

from psycopg import Connection

from muniment.catalogs.mapping import base_controls
from muniment.ledger.refused import named_refusals


def call(conn: Connection[Any], statement: str, *parameters: object) -> object:
    """Run a statement that gives one value.

    Raises:
        Refused: if the function refuses.
        psycopg.Error: if the database fails otherwise.
    """
    with named_refusals():
        row = conn.execute(statement, parameters).fetchone()
    return None if row is None else row[0]


def optional_seq(conn: Connection[Any], statement: str, *parameters: object) -> int | None:
    """Run a function that gives the seq of the entry it recorded, or None where there was nothing left to do."""
    value = call(conn, statement, *parameters)
    if value is not None and not isinstance(value, int):
        raise TypeError(f"a seq is an integer, not {value!r}")
    return value


def recorded_seq(conn: Connection[Any], statement: str, *parameters: object) -> int:
    """Run a function that gives the seq of the entry it recorded."""
    value = optional_seq(conn, statement, *parameters)
    if value is None:
        raise TypeError("the function recorded no entry")
    return value


def controls_column(action: str) -> str | None:
    """The control ids that the base mapping gives an action, as the SQL functions take them: separated by tabs."""
    return "\t".join(base_controls(action)) or None
