"""A real server whose tenants sign in through real providers on loopback."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from muniment.ledger.connection import tenant_transaction
from tests.support.browser import browser, visitor, visitors
from tests.support.databases import Databases
from tests.support.oidc import OidcProvider
from tests.support.people import Person, csrf_token, make_person
from tests.support.saml import SamlIdp
from tests.support.servers import Installation, Tenant, installed

__all__ = ["browser", "visitor", "visitors"]

# Names under .test stand for this machine, and domains are asked on a port of ours; else as `muniment up` serves.
SERVE = """
import socket, sys
found = socket.getaddrinfo
def getaddrinfo(host, *rest, **more):
    return found("127.0.0.1" if str(host).endswith(".test") else host, *rest, **more)
socket.getaddrinfo = getaddrinfo
from muniment.server.sso import domains
domains.challenge_address = lambda domain: f"http://{domain}:{sys.argv[2]}{domains.PATH}"
from muniment.server.runtime import Places
from muniment.server.runtime_http import HttpServer
HttpServer(Places.of(), socket.socket(fileno=int(sys.argv[1]))).serve_until_stopped()
"""


class WellKnown:
    """The web server of every domain under .test: `tokens` by host name."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        tokens = self.tokens

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host = self.headers["Host"].partition(":")[0]
                found = tokens.get(host) if self.path == "/.well-known/muniment-domain" else None
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write((found or "nothing").encode())

            def log_message(self, format: str, *arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture(scope="session")
def well_known() -> Iterator[WellKnown]:
    made = WellKnown()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="session")
def sso_server(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, well_known: WellKnown
) -> Iterator[Installation]:
    port = str(well_known.server.server_address[1])
    home = tmp_path_factory.mktemp("sso")
    with installed(databases, home, port, program=SERVE, MUNIMENT_PRIVATE_PROVIDERS="1") as made:
        yield made


@pytest.fixture(scope="session")
def oidc_process() -> Iterator[OidcProvider]:
    with OidcProvider() as provider:
        yield provider


@pytest.fixture
def provider(oidc_process: OidcProvider) -> Iterator[OidcProvider]:
    yield oidc_process
    oidc_process.attack(None)
    oidc_process.sign_in_as(None)


@pytest.fixture(scope="session")
def idp_process() -> Iterator[SamlIdp]:
    with SamlIdp() as idp:
        yield idp


@pytest.fixture
def idp(idp_process: SamlIdp) -> Iterator[SamlIdp]:
    yield idp_process
    idp_process.attack(None)
    idp_process.sign_in_as(None)


@dataclass
class Home:
    """A tenant with its administrator, signed in."""

    tenant: Tenant
    admin: Person
    client: httpx.Client

    @property
    def slug(self) -> str:
        return self.tenant.made.slug

    @property
    def base(self) -> str:
        return self.admin.base

    def at(self, path: str) -> str:
        return f"/t/{self.slug}{path}"

    def post(self, path: str, form_at: str | None = None, **fields: str) -> httpx.Response:
        """Send a form of the administrator's, with the token of the page at `form_at`."""
        page = self.client.get(self.at(form_at or path))
        return self.client.post(
            self.at(path),
            data={"csrfmiddlewaretoken": csrf_token(page), **fields},
            headers={"Referer": str(page.url)},
        )

    def role(self, code: str) -> str:
        return str(self.row("SELECT id FROM django.members_role WHERE code = %s", code)[0])

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        database = self.tenant.installation.database
        with (
            database.connect("app", autocommit=True) as raw,
            tenant_transaction(raw, self.tenant.made.tenant_id),
        ):
            return raw.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> tuple[Any, ...]:
        (found,) = self.rows(query, *values)
        return found

    def run(self, statement: str, *values: object) -> None:
        database = self.tenant.installation.database
        with (
            database.connect("app", autocommit=True) as raw,
            tenant_transaction(raw, self.tenant.made.tenant_id),
        ):
            raw.execute(statement, values)

    def recorded(self, action: str) -> list[tuple[str, list[str]]]:
        """(outcome, labels) of the tenant's entries with this action, oldest first."""
        return [
            (outcome, sorted(labels or []))
            for outcome, labels in self.rows(
                "SELECT outcome, labels FROM ledger.entries WHERE action = %s ORDER BY seq", action
            )
        ]

    def reasons(self) -> list[str]:
        """Why claims were refused, oldest first."""
        return [
            label.removeprefix("reason=")
            for outcome, labels in self.recorded("idp.claim")
            if outcome == "denied"
            for label in labels
            if label.startswith("reason=")
        ]

    def members(self) -> dict[str, set[str]]:
        """Codes of direct roles, by e-mail address."""
        codes = dict(self.rows("SELECT id, code FROM django.members_role"))
        return {
            email: {codes[role] for role in roles}
            for email, roles in self.rows(
                "SELECT u.email, m.roles FROM django.members_membership m "
                "JOIN django.accounts_user u ON u.id = m.user_id"
            )
        }

    def verify_domain(self, domain: str) -> None:
        """As if the domain had been verified through its web server, which `test_domains` does."""
        self.run(
            "INSERT INTO django.sso_domain (id, tenant_id, domain, token, verified_at, method, created_at) "
            "VALUES (%s, %s, %s, 't', now(), 'well-known', now())",
            f"dom_{self.slug[:20]}",
            self.tenant.made.tenant_id,
            domain,
        )

    def set_up_oidc(self, provider: OidcProvider, *, name: str = "Our OpenID", **fields: str) -> str:
        """A connection with a provider, switched on; its id."""
        made = self.post(
            "/sign-in/new/generic",
            name=name,
            value=provider.issuer,
            client_id="to be known",
            client_secret="to be known",
            groups_claim="groups",
            email_claim="email",
        )
        connection = _connection_in(made)
        client = provider.client(f"{self.base}{self.at(f'/sso/{connection}/callback')}")
        changed = self.post(
            f"/sign-in/connections/{connection}",
            **{
                "name": name,
                "value": provider.issuer,
                "client_id": client.client_id,
                "client_secret": client.client_secret,
                "groups_claim": "groups",
                "email_claim": "email",
                **fields,
            },
        )
        assert changed.status_code == 200, changed.text
        self.switch_on(connection)
        return connection

    def set_up_saml(self, idp: SamlIdp, *, name: str = "Our SAML", **fields: str) -> str:
        """A connection with an identity provider, switched on; its id."""
        made = self.post(
            "/sign-in/new/saml",
            **{"name": name, "metadata": idp.metadata, "groups_claim": "groups", "email_claim": "email", **fields},
        )
        connection = _connection_in(made)
        idp.trust(self.client.get(self.at(f"/sso/{connection}/metadata")).text)
        self.switch_on(connection)
        return connection

    def switch_on(self, connection: str) -> None:
        """As if the trial, which has tests of its own, had gone well; then through the page."""
        self.run("UPDATE django.sso_connection SET state = 'tested' WHERE id = %s", connection)
        done = self.post(f"/sign-in/connections/{connection}/activate", f"/sign-in/connections/{connection}")
        assert done.status_code == 200, done.text

    def link(self, connection: str, subject: str, person: Person) -> None:
        """As if a person had linked their account, which has a test of its own."""
        self.run(
            "INSERT INTO django.sso_identity (id, tenant_id, connection_id, subject, user_id, created_at) "
            "VALUES (%s, %s, %s, %s, %s, now())",
            f"idn_{person.user_id[4:]}",
            self.tenant.made.tenant_id,
            connection,
            subject,
            person.user_id,
        )


def _connection_in(page: httpx.Response) -> str:
    found = re.search(r"/sign-in/connections/(sso_[0-9A-Z]{26})", str(page.url))
    assert found, f"{page.status_code} {page.url}: {page.text}"
    return found[1]


def make_home(installation: Installation) -> Home:
    tenant = installation.tenant()
    admin = make_person(installation, tenant)
    client = admin.client()
    admin.sign_in(client, tenant=tenant.made.slug)
    return Home(tenant, admin, client)


@pytest.fixture
def home(sso_server: Installation) -> Iterator[Home]:
    made = make_home(sso_server)
    yield made
    made.client.close()


@pytest.fixture(scope="module")
def shared_home(sso_server: Installation) -> Iterator[Home]:
    """One tenant for all tests of a module that only look at what was recorded last."""
    made = make_home(sso_server)
    yield made
    made.client.close()


@pytest.fixture
def other_home(sso_server: Installation) -> Iterator[Home]:
    made = make_home(sso_server)
    yield made
    made.client.close()


@pytest.fixture
def browser_client(home: Home) -> Iterator[httpx.Client]:
    """Somebody's browser, signed in nowhere."""
    with home.admin.client() as client:
        yield client


def signed_in_as(client: httpx.Client, home: Home) -> str | None:
    """Whose session a client has, by the sessions' own table; None for nobody's."""
    key = client.cookies.get("muniment_session", domain="localhost.local") or client.cookies.get("muniment_session")
    if key is None:
        return None
    with home.tenant.installation.database.connect("superuser", autocommit=True) as raw:
        row = raw.execute(
            "SELECT user_id FROM django.usersessions_usersession WHERE session_key = %s", [key]
        ).fetchone()
    return None if row is None else str(row[0])


def until_callback(client: httpx.Client, url: str) -> str:
    """Where the provider sends the browser back to, not followed."""
    page = client.get(url, follow_redirects=False)
    while "/callback?" not in page.headers["location"]:
        page = client.get(page.url.join(page.headers["location"]), follow_redirects=False)
    return page.headers["location"]


def answer_saml(client: httpx.Client, home: Home, idp: SamlIdp, connection: str, name_id: str) -> httpx.Response:
    """Sign in through SAML: to the provider, its answer posted, and back."""
    sent = client.get(home.at(f"/sso/{connection}/start"), follow_redirects=False)
    assert sent.status_code == 302, sent.text
    answer = idp.answer(sent.headers["location"], name_id)
    return client.post(answer.url, data=answer.fields)
