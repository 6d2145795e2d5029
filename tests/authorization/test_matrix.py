"""Everybody asks everything. What may be answered is read from the rules; nothing here names a route."""

from collections.abc import Iterator

import httpx
import pytest
from django.db.models import AutoField

from muniment.server.capabilities import OF_SCOPE, Capability
from muniment.server.members.provisioning import BUILTIN
from tests.authorization.routes import Route, operations, pages
from tests.authorization.world import CANARY, World, tenant_models
from tests.support.servers import Installation, client_with

pytestmark = pytest.mark.long

ROLES = {role.code: role.capabilities for role in BUILTIN}
# Operations that nobody has to sign in for, each for a reason. One that is not here fails.
PUBLIC_OPERATIONS = {
    "GET /api/audit/verify": "the operator's own statement, public where the tenant leaves it on",
    "GET /api/audit/verify/{slug}": "the same",
    "GET /api/docs": "the page that shows the document",
    "GET /api/docs/{name}": "its script and style",
    "GET /healthz": "whether the server lives",
    "GET /readyz": "whether it can record",
    "GET /logs/{resource}": "checkpoint and keys note are public; it asks for a key itself for all else",
}
# Operations for everybody who is signed in, about themselves.
OWN_OPERATIONS = {"GET /api/tenants": "the tenants that one belongs to; an API key is nobody and is told so by 404"}
# What ends the membership is asked last.
LAST = "/leave"
# Where the proof of somebody's second factor leads on, and where they end a session: of no use for a matrix.
SAFE = ("GET", "HEAD")
LOGIN, STEP_UP = "/account/login", "/account/step-up"


@pytest.fixture(scope="module")
def world(installation: Installation) -> Iterator[World]:
    made = World(installation, installation.tenant(), installation.tenant())
    yield made
    made.close()


def ask(client: httpx.Client, route: Route, slug: str, values: dict[str, str] | None = None) -> httpx.Response:
    prefix = "" if route.path.startswith(("/logs/", "/healthz", "/readyz")) else f"/t/{slug}"
    url = prefix + route.url(values)
    if route.method in SAFE:
        # Streams never end by themselves: the headers say enough.
        with client.stream(route.method, url) as answer:
            if "text/event-stream" not in answer.headers.get("content-type", ""):
                answer.read()
            return answer
    if route.is_operation:
        return client.request(route.method, url, json={})
    return client.request(route.method, url, data={})


def is_sent_to(answer: httpx.Response, path: str) -> bool:
    where = answer.headers.get("location", "") + answer.headers.get("hx-redirect", "")
    return path in where.partition("?")[0]


def test_every_page_has_a_rule_and_every_public_one_a_reason() -> None:
    found = pages()
    assert len(found) > 20
    assert {route.access for route in found} <= {"tenant", "account", "public"}


def test_every_operation_asks_who_is_there_unless_it_is_listed_here() -> None:
    assert {str(route) for route in operations() if route.access == "public"} == set(PUBLIC_OPERATIONS)


def test_every_operation_names_a_capability_unless_it_is_listed_here() -> None:
    assert {str(route) for route in operations() if route.access == "account"} == set(OWN_OPERATIONS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_opens_what_it_allows_and_nothing_else(world: World, role: str) -> None:
    allowed, slug, wrong = ROLES[role], world.ours.made.slug, []
    seat = world.seat(role)
    with seat.client() as steady:
        for route in sorted([*pages(), *operations()], key=lambda route: route.path == LAST):
            if route.access == "public":
                continue
            may = route.access == "account" or not route.needs or any(need in allowed for need in route.needs)
            if route.method in SAFE or not may:
                answer = ask(steady, route, slug)
            else:
                with seat.client() as once:
                    answer = ask(once, route, slug)
            refused = answer.status_code in (401, 403) or is_sent_to(answer, LOGIN) or is_sent_to(answer, STEP_UP)
            if may and (refused or answer.status_code >= 500):
                wrong.append(f"{route}: {role} may, and got {answer.status_code} {answer.headers.get('location', '')}")
            if not may and answer.status_code != 403:
                wrong.append(f"{route}: {role} may not, and got {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(300)
def test_nobody_sees_nothing(world: World) -> None:
    slug, wrong = world.ours.made.slug, []
    with httpx.Client(verify=False, base_url=world.seat("viewer").person.base, timeout=30, trust_env=False) as client:
        for route in [*pages(), *operations()]:
            answer = ask(client, route, slug)
            if route.access == "public":
                ok = answer.status_code < 500 or route.path == "/readyz"
            elif route.is_operation:
                ok = answer.status_code == 401
            else:
                # A form without a session has no token either.
                ok = is_sent_to(answer, LOGIN) or (answer.status_code == 403 and route.method not in SAFE)
            if not ok:
                wrong.append(f"{route} ({route.access}): {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(300)
def test_who_belongs_elsewhere_finds_nothing_here(world: World) -> None:
    slug, wrong = world.ours.made.slug, []
    seat = world.seat("outsider")
    with seat.client() as client:
        for route in [*pages(), *operations()]:
            if route.access != "tenant":
                continue
            answer = ask(client, route, slug)
            if answer.status_code != 404:
                wrong.append(f"{route}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scope", ["append", "read"])
def test_a_key_opens_what_its_scope_allows_and_nothing_else(world: World, scope: str) -> None:
    allowed, slug, wrong = OF_SCOPE[scope], world.ours.made.slug, []
    with client_with(world.installation.url, world.ours.made.tokens[scope]) as client:
        for route in operations():
            if route.access == "public":
                continue
            if route.access == "account":
                if (own := ask(client, route, slug)).status_code != 404:
                    wrong.append(f"{route}: {own.status_code}")
                continue
            may = any(need in allowed for need in route.needs)
            answer = ask(client, route, slug)
            # An append key is refused by what it asks for where a read key is by the operation.
            by_scope = scope == "append" and Capability.LEDGER_APPEND in route.needs
            if may and (answer.status_code == 401 or answer.status_code >= 500):
                wrong.append(f"{route}: {answer.status_code}")
            if may and not by_scope and answer.status_code == 403:
                wrong.append(f"{route}: 403")
            if not may and answer.status_code != 403:
                wrong.append(f"{route}: may not, and got {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(300)
def test_a_key_of_another_tenant_opens_no_address_of_ours(world: World) -> None:
    wrong = []
    with client_with(world.installation.url, world.theirs.made.tokens["read"]) as client:
        for route in operations():
            if route.access == "public":
                continue
            answer = ask(client, route, world.ours.made.slug)
            if answer.status_code != 404:
                wrong.append(f"{route}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(900)
def test_nothing_of_another_tenant_comes_back_whatever_id_is_asked_for(world: World) -> None:
    ids = world.plant()
    # Rows that are keyed by their tenant share one id, and rows that are counted have each other's numbers.
    keys = [model._meta.pk for model in tenant_models()]
    assert len(ids) > sum(key.column != "tenant_id" and not isinstance(key, AutoField) for key in keys)
    slug, wrong, asked = world.ours.made.slug, [], 0
    seat = world.seat("administrator")
    # Lists first: what we ask for by name is itself recorded, in our log.
    routes = sorted([*pages(), *operations()], key=lambda route: bool(route.parameters))
    with seat.client() as steady:
        for at, route in enumerate(routes):
            if route.access != "tenant" or (route.method not in SAFE and not route.parameters):
                continue
            names = [name for name, kind in route.parameters if kind != "int"]
            # Ids of its own kind, all of them; of what shows something also a tenth of the others, in turn.
            kind = names[0].removesuffix("_id") if names else ""
            own = [identifier for identifier, of in ids.items() if kind in of]
            # A bare number is a place, and places are in every log: it names something of ours as well.
            others = [identifier for identifier in ids if not identifier.isdigit() and identifier not in own]
            asked_for = own if own and route.method not in SAFE else [*own, *others[at % 10 :: 10]]
            for identifier in asked_for if names else [""]:
                values = dict.fromkeys(names, identifier)
                if route.method in SAFE:
                    answer = ask(steady, route, slug, values)
                else:
                    with seat.client() as once:
                        answer = ask(once, route, slug, values)
                asked += 1
                shown = "" if not answer.is_stream_consumed else answer.text
                if CANARY in shown.replace(identifier, ""):
                    wrong.append(f"{route} with {identifier}: shows what is theirs")
                if names and answer.status_code < 400 and not is_sent_to(answer, "/t/"):
                    wrong.append(f"{route} with {identifier}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert asked > 50
