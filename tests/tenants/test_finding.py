"""A tenant is found by path, subdomain, host name of its own, or the header of machine paths; never two at once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from tests.members.conftest import Acting
from tests.support.people import make_person
from tests.support.servers import Tenant
from tests.tenants.conftest import Visitor


def own_name() -> str:
    return f"ledger-{secrets.token_hex(5)}.customers.example"


def origin_asked(visitor: Visitor, tenant: Tenant, path: str, host: str, **headers: str) -> Any:
    """What the log of the found tenant is called, asked with a read key of `tenant`; the status where it is no 200."""
    bearer = f"Bearer {tenant.made.tokens['read']}"
    answer = visitor.get(path, host, Authorization=bearer, **headers)
    return answer.json()["origin"] if answer.status_code == 200 else answer.status_code


def test_each_way_of_naming_a_tenant_finds_it(admin: Acting, visitor: Visitor, tenant: Tenant, other: Tenant) -> None:
    slug, name = tenant.made.slug, own_name()
    admin.did("POST", "hosts", {"host": name}, status=201)
    for path, host, headers in (
        (f"/t/{slug}/api/log", "localhost", {}),
        ("/api/log", f"{slug}.localhost", {}),
        ("/api/log", name, {}),
        ("/api/log", "localhost", {"X_Tenant": slug}),
    ):
        assert origin_asked(visitor, tenant, path, host, **headers) == tenant.origin, (path, host)
        # The tenant that was named decides, and not the key: a key of another tenant opens nothing here.
        assert origin_asked(visitor, other, path, host, **headers) == 404, (path, host)


def test_the_pages_of_each_way_stay_inside_it(admin: Acting, visitor: Visitor, tenant: Tenant) -> None:
    slug, name = tenant.made.slug, own_name()
    admin.did("POST", "hosts", {"host": name}, status=201)
    for path, host, prefix in (
        (f"/t/{slug}/ledger", "localhost", f"/t/{slug}"),
        ("/ledger", f"{slug}.localhost", ""),
        ("/ledger", name, ""),
    ):
        answer = visitor.get(path, host)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith(f"{prefix}/account/login?"), (path, host)


def test_a_person_signs_in_and_works_under_a_host_name_of_the_tenants_own(
    admin: Acting, visitor: Visitor, tenant: Tenant
) -> None:
    name = own_name()
    admin.did("POST", "hosts", {"host": name}, status=201)
    visitor.sign_in(make_person(tenant.installation, tenant, "viewer"), name)
    page = visitor.get("/ledger", name)
    assert page.status_code == 200
    assert "A tenant of the tests" in page.text
    assert f"/t/{tenant.made.slug}" not in page.text


def test_a_tenant_is_not_found_by_a_header_on_pages(visitor: Visitor, tenant: Tenant) -> None:
    answer = visitor.get("/ledger", X_Tenant=tenant.made.slug)
    assert answer.headers["location"].startswith("/account/login?")


@pytest.mark.parametrize("way", ["path", "subdomain", "own host", "own host and subdomain's path"])
def test_a_header_that_contradicts_is_refused(settled: Acting, visitor: Visitor, other: Tenant, way: str) -> None:
    name = own_name()
    settled.did("POST", "hosts", {"host": name}, status=201)
    path, host = {
        "path": (f"/t/{settled.slug}/api/roles", "localhost"),
        "subdomain": ("/api/roles", f"{settled.slug}.localhost"),
        "own host": ("/api/roles", name),
        "own host and subdomain's path": (f"/t/{settled.slug}/api/roles", name),
    }[way]
    visitor.client.cookies = settled.client.cookies
    cookie = {"Cookie": "; ".join(f"{key}={value}" for key, value in settled.client.cookies.items())}
    assert visitor.get(path, host, X_Tenant=settled.slug, **cookie).status_code == 200
    for contradicting in (
        other.made.slug,
        "nosuch0000000",
        "",
        settled.slug.upper(),
        f"{settled.slug},{other.made.slug}",
    ):
        assert visitor.get(path, host, X_Tenant=contradicting, **cookie).status_code == 404, contradicting


def test_a_path_under_another_tenants_host_is_refused(
    admin: Acting, visitor: Visitor, tenant: Tenant, other: Tenant
) -> None:
    name = own_name()
    admin.did("POST", "hosts", {"host": name}, status=201)
    for host in (name, f"{tenant.made.slug}.localhost"):
        for path in ("ledger", "account/login", "api/log", ".well-known/security.txt"):
            assert visitor.get(f"/t/{other.made.slug}/{path}", host).status_code == 404, (host, path)
    assert visitor.get(f"/t/{tenant.made.slug}/account/login", name).status_code == 200


@pytest.mark.parametrize("label", ["nosuch0000000", "-", "a_b", "xn--", "installation.x", "x.y"])
def test_a_subdomain_that_is_no_tenant_finds_none(visitor: Visitor, label: str) -> None:
    answer = visitor.get("/ledger", f"{label}.localhost")
    assert answer.status_code in (400, 404) or answer.headers["location"].startswith("/account/login?")
    assert visitor.get("/api/log", f"{label}.localhost").status_code in (400, 401, 404)


def test_the_installations_own_tenant_has_no_subdomain(visitor: Visitor) -> None:
    """Its name is what the server is called where nobody chose a tenant."""
    assert visitor.get("/ledger", "installation.localhost").headers["location"].startswith("/account/login?")


def test_case_and_a_dot_at_the_end_of_a_host_name_say_nothing(admin: Acting, visitor: Visitor, tenant: Tenant) -> None:
    name = own_name()
    admin.did("POST", "hosts", {"host": name.upper() + "."}, status=201)
    assert [row["host"] for row in admin.did("GET", "hosts")["hosts"]] == [name]
    for spelled in (name, name.upper(), name + ".", name.title()):
        assert origin_asked(visitor, tenant, "/api/log", spelled) == tenant.origin, spelled


def test_a_host_name_is_forgotten_when_it_is_taken_back(
    admin: Acting, visitor: Visitor, tenant: Tenant, told: Callable[..., Any]
) -> None:
    name = own_name()
    made = admin.did("POST", "hosts", {"host": name}, status=201)
    assert origin_asked(visitor, tenant, "/api/log", name) == tenant.origin
    admin.did("DELETE", f"hosts/{made['id']}", status=204)
    assert visitor.get("/ledger", name).headers["location"].startswith("/account/login?next=/ledger")
    assert not admin.did("GET", "hosts")["hosts"]
    changes = [entry.labels for entry in told(tenant.made.slug, "tenant.settings")]
    assert [(label["what"], label["host"]) for label in changes] == [("add-host", name), ("remove-host", name)]
