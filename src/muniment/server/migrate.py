"""Bring a database's schema up to date: Django's migrations, run as the schema's owner through the migrator's login.

`python -m muniment.server.migrate` does it, with `MUNIMENT_MIGRATOR_URL`. It has a process of its own, so that the
server that serves requests never holds the migrator's password.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from muniment.core.errors import Refused
from muniment.ledger.roles import OWNER

# Migrated applications, by label and package.
APPLICATIONS: Final = {
    "ledger": "muniment.server.ledgerapp",
    "contenttypes": "django.contrib.contenttypes",
    "auth": "django.contrib.auth",
    "sessions": "django.contrib.sessions",
    "tenants": "muniment.server.tenants",
    "accounts": "muniment.server.accounts",
    "members": "muniment.server.members",
    "explorer": "muniment.server.explorer",
    "populations": "muniment.server.populations",
    "reasons": "muniment.server.reasons",
    "signing": "muniment.server.signing",
    "statements": "muniment.server.statements",
    "controls": "muniment.server.controls",
    "policies": "muniment.server.policies",
    "assets": "muniment.server.assets",
    "frameworks": "muniment.server.frameworks",
    "matrix": "muniment.server.matrix",
    "reports": "muniment.server.reports",
    "exports": "muniment.server.exports",
    "dlp": "muniment.server.dlp",
    "attachments": "muniment.server.attachments",
    "packets": "muniment.server.packets",
    "packet_building": "muniment.server.packets.building",
    "notifications": "muniment.server.notifications",
    "reminders": "muniment.server.reminders",
    "remediation": "muniment.server.remediation",
    "approvals": "muniment.server.approvals",
    "exceptions": "muniment.server.exceptions",
    "risks": "muniment.server.risks",
    "anomalies": "muniment.server.anomalies",
    "comments": "muniment.server.comments",
    "work": "muniment.server.work",
    "sso": "muniment.server.sso",
    "account": "allauth.account",
    "mfa": "allauth.mfa",
    "socialaccount": "allauth.socialaccount",
    "usersessions": "allauth.usersessions",
}
# Tables that belong to no tenant, each with the reason. Every other table has a tenant_id and `TenantIsolation`, which
# brings its own grants; a test compares this list with the database.
SHARED_TABLES: Final = {
    "accounts_user": "a person may belong to several tenants",
    "accounts_throttle": "failed attempts, before anyone is known; names are keyed hashes",
    "accounts_recovery": "of a person; tokens are hashes",
    "account_emailaddress": "of a person",
    "account_emailconfirmation": "of a person",
    "mfa_authenticator": "of a person; secrets are sealed",
    "usersessions_usersession": "of a person",
    "django_session": "before a tenant is known",
    "socialaccount_socialaccount": "of a person; uid names the connection",
}
# Tables that libraries bring and nothing here uses: nobody is granted anything.
UNUSED_TABLES: Final = frozenset(
    {
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "django_content_type",
        "django_migrations",
        "socialaccount_socialapp",
        "socialaccount_socialtoken",
    }
)
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
    wanted = known_migrations()
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


def known_migrations() -> list[str]:
    """Every migration of this version, as `label.name`, by application."""
    names = []
    for label, package in APPLICATIONS.items():
        found = importlib.util.find_spec(package)
        if found is None or not found.submodule_search_locations:
            raise Refused(f"the package {package} is not installed: pip install 'muniment[server]'", "database")
        here = Path(found.submodule_search_locations[0]) / "migrations"
        names += [f"{label}.{path.stem}" for path in sorted(here.glob("[0-9]*.py"))]
    return names


def database_settings(url: str) -> dict[str, Any]:
    """Django's settings of the database as the schema's owner sees it, by the migrator's login."""
    parts = conninfo_to_dict(url)
    return {
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


def grant_statements() -> list[str]:
    """What the application's role may do with the tables of no tenant."""
    return [
        f"GRANT USAGE ON SCHEMA {_SCHEMA} TO muniment_app, muniment_auditor",
        *(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {_SCHEMA}.{table} TO muniment_app" for table in SHARED_TABLES),
    ]


def _run(url: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "muniment.server.settings"
    import django
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection as migrated
    from django.db import transaction

    settings.DATABASES = {"default": database_settings(url)}
    django.setup()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        connection.execute(f"SET ROLE {OWNER}")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")
        # All of it or nothing: no table stands without its grants, and what failed can simply be run again.
        with transaction.atomic(), migrated.cursor() as cursor:
            call_command("migrate", interactive=False, verbosity=0)
            for statement in grant_statements():
                cursor.execute(statement)


if __name__ == "__main__":
    _run(os.environ["MUNIMENT_MIGRATOR_URL"])
