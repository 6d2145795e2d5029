"""People for tests: accounts made straight in the database, who sign in through the real pages.

Nothing here uses Django's models, so that tests with a browser can use it. A `Person` has a password, a verified
address, an authenticator app whose secret the test knows, and memberships with roles by their codes.
"""

from __future__ import annotations

import base64
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import psycopg
from argon2 import PasswordHasher
from psycopg.types.json import Jsonb

from muniment.core.identifiers import new_ulid
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.tenants import tenant_by_slug
from muniment.server.runtime import Places
from muniment.server.tenants.identifiers import INSTALLATION_SLUG
from muniment.server.tenants.secrets import load_kek, tenant_keys
from tests.support.browser import totp
from tests.support.databases import Database

# As cheap as the passwords of the servers that tests start.
_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([A-Za-z0-9]+)"')


class Served(Protocol):
    """A running server with its database and its keys, as `tests/support/servers.py` makes one."""

    @property
    def url(self) -> str: ...
    @property
    def database(self) -> Database: ...
    @property
    def places(self) -> Places: ...


@dataclass
class Person:
    """Somebody with an account.

    Attributes:
        served: where.
        user_id: `usr_…`.
        email, password, name: theirs.
        secret: of the authenticator app, base32; None for somebody without a second factor.
    """

    served: Served
    user_id: str
    email: str
    password: str
    name: str
    secret: str | None
    roles: dict[str, str] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """As the ledger names them."""
        return f"user:{self.user_id}"

    @property
    def base(self) -> str:
        """The server under the name that passkeys and cookies are bound to: `http://localhost:<port>`."""
        return f"http://localhost:{urlsplit(self.served.url).port}"

    def code(self) -> str:
        """What the authenticator app shows."""
        assert self.secret is not None
        return totp(self.secret)

    def forget_used_codes(self) -> None:
        """As if half a minute had gone by: the code that the app shows is taken once more."""
        self._execute(
            "UPDATE django.mfa_authenticator SET data = jsonb_set(data, '{last_step}', '0') "
            "WHERE user_id = %s AND type = 'totp'"
        )

    def client(self) -> httpx.Client:
        """A browser without a window, signed in nowhere."""
        return httpx.Client(verify=False, base_url=self.base, timeout=30, trust_env=False, follow_redirects=True)

    @contextmanager
    def signed_in(self, *, tenant: str | None = None) -> Iterator[httpx.Client]:
        """A client that is signed in with password and second factor."""
        with self.client() as client:
            self.sign_in(client, tenant=tenant)
            yield client

    def sign_in(self, client: httpx.Client, *, tenant: str | None = None) -> httpx.Response:
        """Sign in through the real forms, second factor included.

        Args:
            client: based at `base`.
            tenant: slug of the tenant under whose address to do it.

        Returns:
            The last page.
        """
        prefix = f"/t/{tenant}" if tenant else ""
        page = submit(client, f"{prefix}/account/login", {"email": self.email, "password": self.password})
        if self.secret is not None:
            self.forget_used_codes()
            page = submit(client, f"{prefix}/account/second-factor", {"code": self.code()})
            assert not page.request.url.path.endswith("/second-factor"), page.text
        assert "muniment_session" in client.cookies, page.text
        return page

    def sign_in_context(self, context: Any, *, tenant: str | None = None) -> None:
        """Sign a Playwright context in: by httpx, then its cookies are handed over."""
        with self.signed_in(tenant=tenant) as client:
            hand_over(client, context, self.base)

    def join(self, tenant_id: UUID, slug: str, *roles: str, until: str | None = None) -> None:
        """Make them a member, with roles by their codes (`administrator`, `auditor`, …)."""
        with self.served.database.connect("app", autocommit=True) as raw, tenant_transaction(raw, tenant_id):
            raw.execute(
                "INSERT INTO django.members_membership (id, tenant_id, slug, user_id, roles, groups, until, "
                "break_glass, joined_at) SELECT %s, %s, %s, %s, array_agg(id), '{}', %s::timestamptz, false, now() "
                "FROM django.members_role WHERE code = ANY(%s)",
                [_new_id("mem"), tenant_id, slug, self.user_id, until, list(roles)],
            )

    def _execute(self, statement: str) -> None:
        with self.served.database.connect("superuser", autocommit=True) as raw:
            raw.execute(statement, [self.user_id])


def make_person(
    served: Served,
    tenant: Any = None,
    *roles: str,
    name: str = "Ada Byron",
    email: str | None = None,
    second_factor: bool = True,
    sign_ins: int = 5,
    until: str | None = None,
) -> Person:
    """Somebody with an account, as if they had signed in before.

    Args:
        served: the running server.
        tenant: of which they are a member: anything with `.made.tenant_id` and `.made.slug`, or (id, slug).
        roles: codes of their roles there; administrator, if none is given.
        name: theirs.
        email: theirs; a new one if left out.
        second_factor: whether they have an authenticator app.
        sign_ins: how often they signed in before.
        until: when the membership ends, as PostgreSQL reads it.
    """
    person = Person(
        served,
        _new_id("usr"),
        email or f"{secrets.token_hex(6)}@people.example",
        f"correct-{secrets.token_hex(8)}-staple",
        name,
        base64.b32encode(secrets.token_bytes(20)).decode("ascii") if second_factor else None,
    )
    hashed = "argon2" + _HASHER.hash(person.password)
    with served.database.connect("app", autocommit=True) as raw, raw.transaction():
        raw.execute(
            "INSERT INTO django.accounts_user (id, password, email, name, is_active, sign_ins, theme, created_at) "
            "VALUES (%s, %s, %s, %s, true, %s, '', now())",
            [person.user_id, hashed, person.email, name, sign_ins],
        )
        raw.execute(
            'INSERT INTO django.account_emailaddress (user_id, email, verified, "primary") VALUES (%s, %s, true, true)',
            [person.user_id, person.email],
        )
        if person.secret is not None:
            _give_totp(raw, served, person.user_id, person.secret)
    if tenant is not None:
        made = getattr(tenant, "made", None)
        tenant_id, slug = (made.tenant_id, made.slug) if made is not None else tenant
        person.join(tenant_id, slug, *(roles or ("administrator",)), until=until)
    return person


def submit(client: httpx.Client, path: str, fields: Mapping[str, str]) -> httpx.Response:
    """Open a page and send its form, with the CSRF token that stands in it.

    Raises:
        AssertionError: if the page has no form.
    """
    page = client.get(path)
    token = csrf_token(page)
    return client.post(path, data={"csrfmiddlewaretoken": token, **fields}, headers={"Referer": str(page.url)})


def csrf_token(page: httpx.Response) -> str:
    """The token in the page's form."""
    found = _TOKEN.search(page.text)
    assert found, f"{page.request.method} {page.url} answered {page.status_code} without a form: {page.text[:2000]}"
    return found[1]


def hand_over(client: httpx.Client, context: Any, base: str) -> None:
    """Give a Playwright context the cookies of a client."""
    context.add_cookies(
        [{"name": cookie.name, "value": cookie.value or "", "url": base} for cookie in client.cookies.jar]
    )


def forget_failures(served: Served) -> None:
    """As if a day had gone by: nobody has to wait for a failed attempt."""
    with served.database.connect("superuser", autocommit=True) as raw:
        raw.execute("DELETE FROM django.accounts_throttle")


def _give_totp(raw: psycopg.Connection[Any], served: Served, user_id: str, secret: str) -> None:
    row = tenant_by_slug(raw, INSTALLATION_SLUG)
    assert row is not None, "the installation has no tenant of its own"
    raw.execute("SELECT set_config('muniment.tenant', %s, true)", [str(row.tenant_id)])
    keys = tenant_keys(raw, load_kek(served.places.keys), row.tenant_id)
    sealed = keys.seal(secret.encode("ascii"), purpose=f"mfa_authenticator.data/totp/{user_id}")
    raw.execute(
        "INSERT INTO django.mfa_authenticator (user_id, type, data, created_at) VALUES (%s, 'totp', %s, now())",
        [user_id, Jsonb({"secret": base64.b64encode(sealed).decode("ascii"), "last_step": 0})],
    )


def _new_id(prefix: str) -> str:
    return f"{prefix}_{new_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))}"
