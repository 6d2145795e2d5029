"""A tenant whose analyst attaches files and whose administrators look after data protection."""

from collections.abc import Iterator

import httpx
import pytest

from tests.attachments.conftest import Desk
from tests.support.people import Person, make_person
from tests.support.servers import Installation, Tenant

IBAN = "DE89 3704 0044 0532 0130 00"
PAN = "4111 1111 1111 1111"


@pytest.fixture(scope="module")
def signed_in(installation: Installation) -> Iterator[list[tuple[Person, httpx.Client]]]:
    """Two people, each signed in once."""
    people = [make_person(installation) for _ in range(2)]
    with people[0].signed_in() as first, people[1].signed_in() as second:
        yield [(people[0], first), (people[1], second)]


@pytest.fixture
def desk(installation: Installation, tenant: Tenant, signed_in: list[tuple[Person, httpx.Client]]) -> Desk:
    """Of an administrator, who attaches."""
    return _seat(installation, tenant, *signed_in[0])


@pytest.fixture
def officer(installation: Installation, tenant: Tenant, signed_in: list[tuple[Person, httpx.Client]]) -> Desk:
    """Of another administrator, who looks after data protection."""
    return _seat(installation, tenant, *signed_in[1])


def _seat(installation: Installation, tenant: Tenant, person: Person, client: httpx.Client) -> Desk:
    person.join(tenant.made.tenant_id, tenant.made.slug, "administrator")
    return Desk(installation, tenant, person, client)
