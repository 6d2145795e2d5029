"""Host names of a tenant's own: the first tenant that asks gets the name; what is the installation's nobody gets."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from tests.members.conftest import Acting
from tests.support.servers import Tenant


def test_a_name_that_is_taken_is_refused_and_its_tenant_stays_unsaid(
    admin: Acting, signed_in: Callable[..., Acting], other: Tenant
) -> None:
    name = f"{secrets.token_hex(5)}.customers.example"
    first = admin.did("POST", "hosts", {"host": name}, status=201)
    them = signed_in(other)
    for spelled in (name, name.upper(), f" {name}. "):
        answer = them.ask("POST", "hosts", {"host": spelled})
        assert answer.status_code == 422
        assert (answer.json()["field"], answer.json()["detail"]) == ("host", "host: this host name is taken")
        assert admin.slug not in answer.text
    assert them.did("GET", "hosts") == {"hosts": []}
    page = them.send("settings/hosts", {"host": name}, from_="settings")
    assert page.status_code == 422
    assert "This host name is taken" in page.text
    assert f'href="/t/{admin.slug}' not in page.text
    # Nor can they take it away: the id is as unknown to them as any other.
    assert them.ask("DELETE", f"hosts/{first['id']}").status_code == 404
    assert them.send(f"settings/hosts/{first['id']}/remove", {}, from_="settings").status_code == 404
    assert [row["id"] for row in admin.did("GET", "hosts")["hosts"]] == [first["id"]]


def test_a_name_can_be_had_again_once_it_was_given_up(
    admin: Acting, signed_in: Callable[..., Acting], other: Tenant
) -> None:
    name = f"{secrets.token_hex(5)}.customers.example"
    made = admin.did("POST", "hosts", {"host": name}, status=201)
    admin.did("DELETE", f"hosts/{made['id']}", status=204)
    assert signed_in(other).did("POST", "hosts", {"host": name}, status=201)["host"] == name


@pytest.mark.parametrize(
    "name",
    [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "::1",
        "portal.example",
        "PORTAL.example.",
        "another-tenant.localhost",
        "a.b.localhost",
        "10.0.0.1",
        "ledger.acme.1",
        "0x7f.1",
    ],
)
def test_a_name_of_the_installation_and_an_address_are_nobodys(settled: Acting, name: str) -> None:
    answer = settled.ask("POST", "hosts", {"host": name})
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == "host"
    assert settled.did("GET", "hosts") == {"hosts": []}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "acme",
        "-a.customers.example",
        "a-.customers.example",
        "a..customers.example",
        ".customers.example",
        "*.customers.example",
        "https://a.customers.example",
        "a.customers.example:443",
        "a.customers.example/x",
        "a_b.customers.example",
        "ä.customers.example",
        "a.customers.example\u0000",
        "a\r\n.customers.example",
        "x" * 64 + ".customers.example",
        ("x" * 60 + ".") * 4 + "customers.example",
    ],
    ids=ascii,
)
def test_what_is_no_host_name_is_refused(settled: Acting, name: str) -> None:
    answer = settled.ask("POST", "hosts", {"host": name})
    assert answer.status_code == 422, answer.text
    assert settled.did("GET", "hosts") == {"hosts": []}


def test_the_refusal_of_an_installations_name_says_how_the_operator_lets_it_go(settled: Acting) -> None:
    assert "with a dot in front" in settled.ask("POST", "hosts", {"host": "portal.example"}).json()["detail"]


def test_a_tenant_has_at_most_twenty(admin: Acting) -> None:
    mark = secrets.token_hex(4)
    for number in range(20):
        admin.did("POST", "hosts", {"host": f"{mark}-{number}.customers.example"}, status=201)
    answer = admin.ask("POST", "hosts", {"host": f"{mark}-20.customers.example"})
    assert answer.status_code == 422
    assert "at most 20" in answer.json()["detail"]
