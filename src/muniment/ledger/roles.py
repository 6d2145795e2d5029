"""The database roles: who they are, and their making. What each may do stands in the SQL files.

`muniment_owner` owns every table and function and cannot log in. `muniment_migrator` may act as the owner and is used
for migrations alone. `muniment_app`, `muniment_ingest` and `muniment_auditor` are what the server runs as.
"""

from collections.abc import Mapping
from typing import Final, Literal

from psycopg import Connection, sql

Role = Literal["migrator", "app", "ingest", "auditor"]
LOGIN_ROLES: Final[tuple[Role, ...]] = ("migrator", "app", "ingest", "auditor")
OWNER: Final = "muniment_owner"


def role_name(role: Role) -> str:
    """The name of a role in the database."""
    return f"muniment_{role}"


def existing_roles(connection: Connection) -> list[str]:
    """Which of our roles the cluster already has (roles belong to a cluster, not to one database)."""
    names = [OWNER, *(role_name(role) for role in LOGIN_ROLES)]
    rows = connection.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) ORDER BY 1", [names]).fetchall()
    return [str(row[0]) for row in rows]


def create_roles(connection: Connection, passwords: Mapping[Role, str]) -> None:
    """Create the roles that are missing, set the passwords, and let the owner build in this database.

    Args:
        connection: of an administrator of this database: a superuser, or a role with CREATEROLE that owns it.
        passwords: for every role that logs in. The server is sent SCRAM verifiers of them, so no log can hold one.
    """
    present = set(existing_roles(connection))
    if OWNER not in present:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(OWNER)))
    for role in LOGIN_ROLES:
        name = role_name(role)
        if name not in present:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
        verifier = connection.pgconn.encrypt_password(passwords[role].encode(), name.encode(), b"scram-sha-256")
        statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Literal(verifier.decode())))
    connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(OWNER), sql.Identifier(role_name("migrator"))))
    row = connection.execute("SELECT current_database()").fetchone()
    if row is None:  # pragma: no cover
        raise RuntimeError("current_database() gave no row")
    database = sql.Identifier(row[0])
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(sql.SQL("GRANT CREATE, CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(OWNER)))
    for role in LOGIN_ROLES:
        grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(role_name(role)))
        connection.execute(grant)
