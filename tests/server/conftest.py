"""The API as machines see it."""

import pytest

from tests.support.servers import Installation, Tenant


@pytest.fixture(scope="module")
def installation_tenant(installation: Installation) -> Tenant:
    """One tenant for all examples of a module's property tests."""
    return installation.tenant()
