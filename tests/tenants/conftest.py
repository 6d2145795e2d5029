"""A server whose operator lets tenants have host names under `customers.example`, and two tenants in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import django
import httpx
import pytest

from muniment.server.runtime import Places
from tests.members.conftest import Acting, admin, nobody_has_to_wait, signed_in, told
from tests.support.databases import Databases
from tests.support.people import Person, make_person, submit
from tests.support.servers import Installation, Tenant, installed

# The models are read in this process; the server has the database.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "muniment.server.settings")
django.setup()

__all__ = ["admin", "nobody_has_to_wait", "signed_in", "told"]

# Names with a dot in front may be tenants'; a name that is listed as it is belongs to the installation.
HOSTS = "localhost,127.0.0.1,.localhost,portal.example,.customers.example"


@pytest.fixture(scope="session")
def installation(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installed(databases, tmp_path_factory.mktemp("tenants"), MUNIMENT_HOSTS=HOSTS) as made:
        yield made


def environment(places: Places, app_url: str, **more: str) -> dict[str, str]:
    """What the server is started with."""
    return {**os.environ, **places.environment(), "MUNIMENT_APP_URL": app_url, "MUNIMENT_HOSTS": HOSTS, **more}


@pytest.fixture
def other(installation: Installation) -> Tenant:
    """Another tenant beside `tenant`."""
    return installation.tenant()


@pytest.fixture(scope="module")
def settled(installation: Installation) -> Iterator[Acting]:
    """An administrator whom all tests of a module share: for what is refused, and leaves nothing behind."""
    tenant = installation.tenant()
    person = make_person(installation, tenant)
    with person.signed_in(tenant=tenant.made.slug) as client:
        yield Acting(person, client, tenant.made.slug)


class Visitor:
    """A browser without a window, which reaches the server under any host name."""

    def __init__(self, installation: Installation, client: httpx.Client) -> None:
        self.port = urlsplit(installation.url).port
        self.client = client

    def get(self, path: str, host: str = "localhost", **headers: str) -> httpx.Response:
        """A request under a host name, with the port that the server listens on."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers={"Host": f"{host}:{self.port}", **sent}, follow_redirects=False)

    def sign_in(self, person: Person, host: str) -> None:
        """Sign in under a host name of a tenant's, where the browser holds no cookie yet."""
        self.client.cookies.clear()
        self.client.headers["Host"] = f"{host}:{self.port}"
        self.client.headers["Referer"] = f"http://{host}:{self.port}/"
        submit(self.client, "/account/login", {"email": person.email, "password": person.password})
        person.forget_used_codes()
        submit(self.client, "/account/second-factor", {"code": person.code()})
        assert "muniment_session" in self.client.cookies


@pytest.fixture
def visitor(installation: Installation) -> Iterator[Visitor]:
    """Somebody who is signed in nowhere."""
    with httpx.Client(verify=False, base_url=installation.url, timeout=30, trust_env=False) as client:
        yield Visitor(installation, client)


@pytest.fixture
def set_settings(installation: Installation) -> Callable[..., None]:
    """Put settings into the row of a tenant: `set_settings(slug, security_contact="…")`."""

    def put(slug: str, **columns: object) -> None:
        assert columns
        with installation.database.connect("superuser", autocommit=True) as raw:
            for column, value in columns.items():
                changed = raw.execute(
                    f"UPDATE django.tenants_profile SET {column} = %s "
                    "WHERE tenant_id = (SELECT tenant_id FROM ledger.tenants WHERE slug = %s)",
                    [value, slug],
                )
                assert changed.rowcount == 1

    return put
