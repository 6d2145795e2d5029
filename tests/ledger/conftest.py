import pytest

from tests.ledger.append_world import Ledger
from tests.support.databases import Database


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """A tenant with a log and an append key, in a database of its own."""
    return Ledger(database)


@pytest.fixture(scope="module")
def module_ledger(module_database: Database) -> Ledger:
    """The same for all tests of a module, where they do not disturb one another."""
    return Ledger(module_database)
