"""People sign in at a real server; what they get by mail lies in the installation's home."""

import email
import email.policy
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage

import pytest

from muniment.ledger.tenants import tenant_by_slug
from muniment.server.installation_tenants import create_tenant_with_log
from tests.support.browser import browser, visitor, visitors
from tests.support.people import Person, forget_failures, make_person
from tests.support.servers import Installation, Tenant

__all__ = ["browser", "visitor", "visitors"]


@pytest.fixture(autouse=True)
def nobody_has_to_wait(installation: Installation) -> None:
    """Every test begins with no failures counted, as all come from one address."""
    forget_failures(installation)


@pytest.fixture
def ada(installation: Installation, tenant: Tenant) -> Person:
    """An administrator with an authenticator app."""
    return make_person(installation, tenant)


@dataclass(frozen=True)
class Told:
    """What one entry says."""

    outcome: str
    labels: dict[str, str]
    text: str


@pytest.fixture
def entries(installation: Installation) -> Callable[..., list[Told]]:
    """Reads what a log says somebody did: `entries(subject, action, slug="installation")`, oldest first."""

    def read(subject: str, action: str, slug: str = "installation") -> list[Told]:
        with installation.database.connect("superuser", autocommit=True) as connection:
            rows = connection.execute(
                "SELECT outcome, coalesce(labels, '{}'), entry FROM ledger.entries e "
                "JOIN ledger.tenants t USING (tenant_id) WHERE t.slug = %s AND actor_id = %s AND action = %s "
                "ORDER BY seq",
                [slug, subject, action],
            ).fetchall()
        return [Told(outcome, dict(label.split("=", 1) for label in labels), text) for outcome, labels, text in rows]

    return read


@pytest.fixture
def mails(installation: Installation) -> Callable[..., EmailMessage]:
    """Waits for the newest message to an address whose text holds some words: `mails(address, "new password")`."""

    def wait(address: str, words: str) -> EmailMessage:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for path in sorted((installation.places.home / "mail").glob("*.log"), reverse=True):
                message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                if isinstance(message, EmailMessage) and message["to"] == address and words in message.get_content():
                    return message
            time.sleep(0.05)
        raise AssertionError(f"no message to {address} with {words!r} came")

    return wait


@pytest.fixture
def in_server(installation: Installation) -> Callable[..., str]:
    """Runs Python with the server's own settings, database and keys, in a process of its own; what it prints."""

    def run(code: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", f"import django; django.setup()\n{code}"],
            env={
                **os.environ,
                **installation.places.environment(),
                "MUNIMENT_APP_URL": installation.database.url("app"),
                "DJANGO_SETTINGS_MODULE": "muniment.server.settings",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture
def not_set_up(installation: Installation) -> Installation:
    """The installation as before its first administrator, with the first tenant."""
    with installation.database.connect("app", autocommit=True) as connection:
        if tenant_by_slug(connection, "default") is None:
            create_tenant_with_log(connection, installation.places, slug="default", name="Default")
    with installation.database.connect("superuser", autocommit=True) as connection:
        connection.execute("DELETE FROM django.members_membership WHERE slug = 'installation'")
    return installation
