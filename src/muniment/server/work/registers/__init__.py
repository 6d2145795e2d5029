"""The tables of the registers: what their lists ask, and how a file of each is brought in."""

from muniment.server.tables.registry import register
from muniment.server.work.registers.exceptions import EXCEPTIONS
from muniment.server.work.registers.library import ASSETS, POLICIES
from muniment.server.work.registers.remediation import FINDINGS, INCIDENTS, TASKS
from muniment.server.work.registers.risks import RISKS

EVERY = (EXCEPTIONS, RISKS, POLICIES, ASSETS, TASKS, FINDINGS, INCIDENTS)


def register_all() -> None:
    """Register every table; once, at start-up."""
    for table in EVERY:
        register(table)
