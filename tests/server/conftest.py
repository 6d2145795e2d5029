"""The API as machines see it, and whole installations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.installations import Installation as Whole
from tests.support.installations import Prepared, prepared
from tests.support.installations import installation as whole_installation
from tests.support.servers import Installation, Tenant
from tests.support.volumes import directory_on_another_volume


@pytest.fixture(scope="module")
def installation_tenant(installation: Installation) -> Tenant:
    """One tenant for all examples of a module's property tests."""
    return installation.tenant()


@pytest.fixture
def home() -> Iterator[Whole]:
    """An installation that nobody started yet."""
    with whole_installation() as made:
        yield made


@pytest.fixture(scope="session")
def once() -> Iterator[Prepared]:
    with prepared() as made:
        yield made


@pytest.fixture
def stopped(once: Prepared) -> Iterator[Whole]:
    """An installation that was started before and holds sealed logs, for tests of what comes after the first start."""
    with once.copy() as made:
        yield made


@pytest.fixture
def other_volume() -> Iterator[Path]:
    with directory_on_another_volume() as found:
        yield found
