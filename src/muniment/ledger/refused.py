"""Refusals by the ledger's SQL functions, told apart by their error code."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from muniment.core.errors import Refused


class LedgerUnavailable(Refused):
    """The database could not be reached, or was lost on the way. Send the same again: ids make a retry safe.

    Whether the batch was recorded is unknown; nothing was acknowledged.
    """


class KeyRefused(Refused):
    """The API key is unknown, revoked, read-only or of another log; or a submitter may not be named so."""


class ClockBehind(Refused):
    """The database clock is over five minutes behind the last entry. Nothing was recorded; set it right, then retry."""


class LogClosed(Refused):
    """The log does not exist in this tenant, or is closed."""


class BatchRefused(Refused):
    """The batch as a whole is out of shape; nothing of it was recorded."""


class WrongTenant(Refused):
    """The transaction is in another tenant, or in none where one is needed."""


class WrongIsolation(Refused):
    """The transaction is not READ COMMITTED."""


class BodyKept(Refused):
    """There is no body to erase, or it is the ledger's own and stays."""


class MappingChanged(Refused):
    """Another mapping is in force than the caller went by. Nothing was recorded; read it anew and try again."""


_BY_CODE: dict[str, type[Refused]] = {
    "MU001": KeyRefused,
    "MU002": ClockBehind,
    "MU003": LogClosed,
    "MU004": BatchRefused,
    "MU005": WrongTenant,
    "MU006": WrongIsolation,
    "MU007": BodyKept,
    "MU008": MappingChanged,
    "MU009": MappingChanged,
}


@contextmanager
def named_refusals() -> Iterator[None]:
    """Turn the database's refusals into the classes above; other database errors pass as they are."""
    try:
        yield
    except psycopg.Error as error:
        kind = _BY_CODE.get(error.sqlstate or "")
        if kind is None:
            raise
        raise kind(error.diag.message_primary or str(error)) from error
