"""The SQL files that make the ledger's schema, in the order in which they are applied."""

from pathlib import Path

from psycopg import Connection, sql

from muniment.ledger.roles import OWNER

_FILES = Path(__file__).parent / "sql"


def schema_files(after: str = "", through: str = "~") -> list[Path]:
    """The SQL files by name. Files in folders below are queries, not schema.

    Args:
        after: only files behind this one, a name without its ending.
        through: only files up to this one. Each migration runs a part of its own: what is new comes behind all others.
    """
    return sorted(path for path in _FILES.glob("*.sql") if after < path.stem <= through)


def apply(connection: Connection) -> None:
    """Run every SQL file, in one transaction, as the owner of the schema.

    Args:
        connection: as a role that may act as the owner; not in autocommit with an open transaction.
    """
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(OWNER)))
        for path in schema_files():
            # The files are part of the package: as trustworthy as this code.
            connection.execute(sql.SQL(path.read_text()))
