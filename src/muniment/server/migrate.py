"""Bring a database's schema up to date: Django's migrations, run as the schema's owner through the migrator's login.

`python -m muniment.server.migrate` does it, with `MUNIMENT_MIGRATOR_URL`. It has a process of its own, so that the
server that serves requests never holds the migrator's password.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from muniment.core.errors import Refused
from muniment.ledger.roles import OWNER

# Migrated applications, by label and package.
APPLICATIONS: Final = {"ledger": "muniment.server.ledgerapp"}
OLDEST: Final = 150000
_SCHEMA: Final = "django"
# A migration that waits for a lock holds up everybody who queues behind it: it gives up and can be run again.
_LOCK_TIMEOUT: Final = "10s"
_STATEMENT_TIMEOUT: Final = "15min"
# "muniment" as a number; two migrations of one database wait for each other.
_ADVISORY_LOCK: Final = 0x6D756E696D656E74


def pending(url: str) -> list[str]:
    """The migrations which this version has and the database has not, as `label.name`.

    Args:
        url: as the migrator.

    Raises:
        Refused: if the server is too old, or the database has migrations that this version does not know.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        check_server(connection)
        known = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [f"{_SCHEMA}.django_migrations"]).fetchone()
        rows = (
            connection.execute("SELECT app, name FROM django.django_migrations").fetchall() if known == (True,) else []
        )
    applied = {f"{app}.{name}" for app, name in rows}
    wanted = _migrations()
    unknown = sorted(applied - set(wanted))
    if unknown:
        raise Refused(
            f"the database was migrated by a newer version of Muniment ({', '.join(unknown)} is not known here): "
            "upgrade first",
            "database",
        )
    return [name for name in wanted if name not in applied]


def migrate(url: str) -> list[str]:
    """Run what is pending, in a process of its own.

    Args:
        url: as the migrator.

    Returns:
        The names of the migrations that were run.

    Raises:
        Refused: with what the migration said, if it failed. It is one transaction: nothing of it stays.
    """
    names = pending(url)
    if names:
        run = subprocess.run(
            [sys.executable, "-m", "muniment.server.migrate"],
            env={**os.environ, "MUNIMENT_MIGRATOR_URL": url},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            said = (run.stderr.strip() or run.stdout.strip()).splitlines()
            raise Refused(f"the migration failed and changed nothing: {said[-1] if said else 'no message'}", "database")
    return names


def check_server(connection: psycopg.Connection) -> None:
    """Refuse a PostgreSQL that is too old, or a database that cannot hold every text.

    Raises:
        Refused: below version 15, or in another encoding than UTF8.
    """
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise Refused(
            f"the database is encoded in {encoding}; create one with ENCODING 'UTF8' TEMPLATE template0", "DATABASE_URL"
        )
    if connection.info.server_version < OLDEST:
        number = connection.info.parameter_status("server_version")
        raise Refused(f"PostgreSQL 15 or later is needed, and the server at DATABASE_URL is {number}", "DATABASE_URL")


def _migrations() -> list[str]:
    here = Path(__file__).parent
    return [
        f"{label}.{path.stem}"
        for label, package in APPLICATIONS.items()
        for path in sorted((here / package.rpartition(".")[2] / "migrations").glob("[0-9]*.py"))
    ]


def _run(url: str) -> None:
    import django
    from django.conf import settings
    from django.core.management import call_command

    parts = conninfo_to_dict(url)
    settings.configure(
        INSTALLED_APPS=list(APPLICATIONS.values()),
        USE_TZ=True,
        TIME_ZONE="UTC",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.pop("dbname"),
                "USER": parts.pop("user"),
                "PASSWORD": parts.pop("password", ""),
                "HOST": parts.pop("host", ""),
                "PORT": parts.pop("port", ""),
                "OPTIONS": {
                    **parts,
                    "options": f"-c role={OWNER} -c search_path={_SCHEMA} "
                    f"-c lock_timeout={_LOCK_TIMEOUT} -c statement_timeout={_STATEMENT_TIMEOUT}",
                },
            }
        },
    )
    django.setup()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        connection.execute(f"SET ROLE {OWNER}")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
        call_command("migrate", interactive=False, verbosity=0)


if __name__ == "__main__":
    _run(os.environ["MUNIMENT_MIGRATOR_URL"])
