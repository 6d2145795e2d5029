"""Fixtures that every room may use.

`cluster`: a real embedded PostgreSQL, one for each test process. `database`: a migrated database of its own for each
test; `module_database`: one for all tests of a module. Both have `.url(role)` and `.connect(role)`, with the roles
superuser, migrator, app, ingest and auditor.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from muniment.ledger.embedded import EmbeddedPostgres
from tests.support.databases import Database, Databases, running_cluster

# How long an example takes says something about the machine, and nothing about the code.
settings.register_profile("muniment", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("muniment")


@pytest.fixture(scope="session")
def cluster() -> Iterator[EmbeddedPostgres]:
    with running_cluster() as started:
        yield started


@pytest.fixture(scope="session")
def databases(cluster: EmbeddedPostgres) -> Databases:
    return Databases(cluster)


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    with databases.fresh() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def module_database(databases: Databases) -> Iterator[Database]:
    with databases.fresh() as fresh:
        yield fresh
