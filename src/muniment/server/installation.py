"""The database side of an installation: the embedded PostgreSQL or one's own, its roles, and the URL of each."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict

from muniment.core.errors import Malformed, Refused
from muniment.ledger.embedded import EmbeddedPostgres
from muniment.ledger.roles import LOGIN_ROLES, Role, create_roles, existing_roles, role_name
from muniment.server.migrate import check_server, migrate
from muniment.server.runtime import Places, write_private

DATABASE: Final = "muniment"


@dataclass(frozen=True, slots=True)
class Database:
    """A database that is up, migrated, and reachable under each role.

    Attributes:
        urls: by role.
        embedded: the embedded PostgreSQL, or None for one's own.
        migrated: the migrations that were run just now.
    """

    urls: Mapping[Role, str]
    embedded: EmbeddedPostgres | None
    migrated: tuple[str, ...]


def embedded_postgres(places: Places) -> EmbeddedPostgres:
    """The embedded database of an installation, running or not."""
    return EmbeddedPostgres(places.postgres)


def open_database(places: Places, admin_url: str | None, *, reset_passwords: bool = False) -> Database:
    """Start the embedded database, or use one's own; make roles, passwords and schema where they are missing.

    Args:
        places: of the installation; made.
        admin_url: of one's own PostgreSQL, as an administrator of that database. None for the embedded one, or for the
            one that an earlier start set up: its roles' URLs are known, and an administrator is no longer needed.
        reset_passwords: give roles that another home made new passwords.

    Raises:
        Refused: if the database cannot be reached, is too old, or belongs to another installation.
        Malformed: if `admin_url` is no URL.
    """
    embedded = None
    if admin_url is None and not reset_passwords and (known := _own_urls(places)):
        _connect(known["migrator"]).close()
        return Database(known, None, tuple(migrate(known["migrator"])))
    if admin_url is None:
        embedded = embedded_postgres(places)
        embedded.start()
        _make_embedded(embedded)
        admin_url = embedded.url(database=DATABASE)
    with _connect(admin_url) as connection:
        check_server(connection)
        passwords = _passwords(places.urls)
        present = existing_roles(connection)
        if not passwords or reset_passwords:
            if present and embedded is None and not reset_passwords:
                raise Refused(
                    f"the server has the roles {', '.join(present)} already, and {places.urls} does not know their "
                    "passwords: copy that directory from the host that made them, or run "
                    "`muniment db reset-passwords` (which locks that host out)",
                    "DATABASE_URL",
                )
            passwords = {role: secrets.token_urlsafe(32) for role in LOGIN_ROLES}
        urls = {role: _url(admin_url, role_name(role), passwords[role]) for role in LOGIN_ROLES}
        if not _all_log_in(urls):
            # Files first: roles whose passwords nobody knows would stop the next start.
            _write_urls(places.urls, urls)
            create_roles(connection, passwords)
    _write_urls(places.urls, urls)
    return Database(urls, embedded, tuple(migrate(urls["migrator"])))


def _make_embedded(embedded: EmbeddedPostgres) -> None:
    with psycopg.connect(embedded.url(), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        # Our roles have no business in the databases that every cluster has.
        connection.execute("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC")


def _connect(admin_url: str) -> Connection:
    try:
        return psycopg.connect(admin_url, autocommit=True, connect_timeout=10)
    except psycopg.ProgrammingError as error:
        raise Malformed(f"not a PostgreSQL URL: {error}", "DATABASE_URL") from error
    except psycopg.OperationalError as error:
        raise Refused(f"the database cannot be reached: {error}", "DATABASE_URL") from error


def _passwords(urls: Path) -> dict[Role, str]:
    """The passwords of all roles, or none if one is missing."""
    found: dict[Role, str] = {}
    for role in LOGIN_ROLES:
        path = urls / f"{role}.url"
        if path.exists():
            password = conninfo_to_dict(path.read_text(encoding="utf-8").strip()).get("password")
            if isinstance(password, str):
                found[role] = password
    return found if len(found) == len(LOGIN_ROLES) else {}


def _own_urls(places: Places) -> dict[Role, str]:
    """The URLs of one's own PostgreSQL as an earlier start wrote them; none if that start used the embedded one."""
    if not _passwords(places.urls):
        return {}
    urls: dict[Role, str] = {role: places.database_url(role) for role in LOGIN_ROLES}
    host = str(conninfo_to_dict(urls["app"]).get("host") or "")
    return {} if embedded_postgres(places).is_its_socket(host) else urls


def _write_urls(directory: Path, urls: Mapping[Role, str]) -> None:
    for role, url in urls.items():
        path = directory / f"{role}.url"
        if not path.exists() or path.read_text(encoding="utf-8").strip() != url:
            write_private(path, url + "\n")


def _url(admin_url: str, user: str, password: str) -> str:
    """The administrator's URL with another user and password."""
    parts = {key: str(value) for key, value in conninfo_to_dict(admin_url).items() if value is not None}
    parts.pop("user", None)
    parts.pop("password", None)
    name = parts.pop("dbname", DATABASE)
    where = ""
    if "host" in parts and re.fullmatch(r"[A-Za-z0-9.-]+", parts["host"]):
        where = parts.pop("host") + (f":{parts.pop('port')}" if parts.get("port", "").isdecimal() else "")
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in parts.items())
    who = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return f"postgresql://{who}@{where}/{quote(name, safe='')}" + (f"?{query}" if query else "")


def _all_log_in(urls: Mapping[Role, str]) -> bool:
    for url in urls.values():
        try:
            psycopg.connect(url, connect_timeout=10).close()
        except psycopg.OperationalError:
            return False
    return True
