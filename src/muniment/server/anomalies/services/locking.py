"""Who writes the same rows waits, or goes on without."""

from __future__ import annotations

from django.db import connection


def one_at_a_time(name: str) -> None:
    """Let others who want the same name wait until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def alone(name: str) -> bool:
    """Whether nobody else holds the name; until this transaction ends, nobody will."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        (free,) = cursor.fetchone()
    return bool(free)
