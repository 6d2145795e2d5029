"""Fixtures that every room may use.

`cluster`: a real embedded PostgreSQL, one for each test process. `database`: a migrated database of its own for each
test; `module_database`: one for all tests of a module. Both have `.url(role)` and `.connect(role)`, with the roles
superuser, migrator, app, ingest and auditor.

`installation`: a real server, shared by all tests that one process runs; `tenant`: a tenant in it, for one test. A room
whose server must be another one has an `installation` of its own.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from muniment.ledger.embedded import EmbeddedPostgres
from tests.support.databases import Database, Databases, running_cluster
from tests.support.people import forget_failures
from tests.support.servers import Installation, Tenant, installed

# How long an example takes says something about the machine, and nothing about the code.
settings.register_profile("muniment", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("muniment")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first: one that begins last would leave the other processes with nothing to do."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One short line for each kind of failure, last: what is left to see of a log that is cut at its end."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for what in ("failed", "error"):
        for report in terminalreporter.getreports(what):
            crash = getattr(report.longrepr, "reprcrash", None)
            said = (crash.message if crash else str(report.longrepr)).strip().partition("\n")[0]
            kinds.setdefault((what, said[:90]), []).append(report.nodeid)
    for (what, said), names in sorted(kinds.items(), key=lambda kind: len(kind[1])):
        terminalreporter.write_line(f"{what} {len(names)} x {said} | first: {names[0]}")


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


@pytest.fixture(scope="session")
def server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(databases, tmp_path_factory.mktemp("server"), MUNIMENT_MAX_REQUEST=str(2 << 20)) as made:
        yield made


@pytest.fixture(scope="module")
def installation(server: Installation) -> Installation:
    # Attacks on sign-in come from the address from which everybody else signs in.
    forget_failures(server)
    return server


@pytest.fixture
def tenant(installation: Installation) -> Tenant:
    return installation.tenant()
