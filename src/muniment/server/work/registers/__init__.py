"""The tables of exceptions and risks; the other registers say themselves which they have."""

from muniment.server.tables.registry import register
from muniment.server.work.registers.exceptions import EXCEPTIONS
from muniment.server.work.registers.risks import RISKS


def register_all() -> None:
    """Register both; once, at start-up."""
    for table in (EXCEPTIONS, RISKS):
        register(table)
