"""What the database says when it does not answer as it should, as a problem: the same for pages and for the API."""

from __future__ import annotations

from typing import Final

import django.db
import psycopg

from muniment.server.problems import ProblemError, refuse

_RETRY: Final = {"retry-after": "2"}


def database_problem(error: BaseException | None) -> ProblemError | None:
    """The problem behind an error of the database; None if it is another one, or if the fault is in our statement.

    Args:
        error: of the driver, of its pool, or of Django, which wraps them.
    """
    if isinstance(error, psycopg.errors.QueryCanceled) or (
        isinstance(error, django.db.Error) and isinstance(error.__cause__, psycopg.errors.QueryCanceled)
    ):
        return refuse("unavailable", "the query took too long; narrow it", headers=_RETRY)
    if isinstance(error, psycopg.OperationalError | django.db.OperationalError | django.db.InterfaceError):
        return refuse("unavailable", "the database cannot be reached; try again", headers=_RETRY)
    if isinstance(error, psycopg.DataError | django.db.DataError):
        # Such as a NUL, or a number out of range: no column of ours holds it, so nothing can be found under it.
        return refuse("invalid-request", "the request holds a value that no field can have")
    return None
