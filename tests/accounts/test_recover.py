"""`muniment admin recover`: the operator helps somebody in who lost every second factor, and that is recorded."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from muniment.server.runtime import Places
from tests.support.people import Person, make_person, submit
from tests.support.servers import Installation, Tenant

Entries = Callable[..., list[Any]]
Said = subprocess.CompletedProcess[str]
GOOD = "seven quiet herons wade"
LINK = re.compile(r"http://localhost:\d+(/account/recover/[\w-]{43})")
OPERATOR = "system:muniment"


@dataclass(frozen=True)
class Operator:
    """Somebody with a shell on the machine."""

    installation: Installation
    home: Path

    def run(self, *arguments: str) -> Said:
        environment = {
            **os.environ,
            "MUNIMENT_HOME": str(self.home),
            "MUNIMENT_PUBLIC_URL": self.installation.url.replace("127.0.0.1", "localhost"),
        }
        return subprocess.run(
            [sys.executable, "-m", "muniment", "admin", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=60,
        )

    def link(self, email: str) -> str:
        """The path of a link made now."""
        said = self.run("recover", email)
        assert said.returncode == 0, said.stderr
        found = LINK.fullmatch(said.stdout.strip())
        assert found, said.stdout
        return found[1]


@pytest.fixture
def operator(installation: Installation, tmp_path: Path) -> Operator:
    """Finds the database of the running server by its home, as the ledger's owner does."""
    urls = Places(tmp_path, installation.places.keys, installation.places.heads).urls
    urls.mkdir(mode=0o700, parents=True)
    (urls / "app.url").write_text(installation.database.url("app"))
    return Operator(installation, tmp_path)


def factors(installation: Installation, person: Person) -> list[str]:
    with installation.database.connect("superuser", autocommit=True) as connection:
        rows = connection.execute(
            "SELECT type FROM django.mfa_authenticator WHERE user_id = %s ORDER BY type", [person.user_id]
        ).fetchall()
    return [row[0] for row in rows]


def about(entries: Entries, person: Person, action: str) -> list[Any]:
    return [told for told in entries(OPERATOR, action) if person.user_id in told.text]


def test_the_link_gives_a_new_password_and_asks_for_a_new_second_factor(
    installation: Installation, operator: Operator, ada: Person, entries: Entries, mails: Callable[..., EmailMessage]
) -> None:
    link = operator.link(ada.email.upper())
    with ada.client() as client:
        assert ada.email in client.get(link).text
        assert submit(client, link, {"password": "short"}).status_code == 422
        page = submit(client, link, {"password": GOOD})
        assert page.url.path == "/account/login"
        assert "Your password was changed" in page.text
        submit(client, "/account/login", {"email": ada.email, "password": GOOD})
        for path in ("/account", "/account/sessions", "/account/password"):
            assert client.get(path).url.path == "/account/second-factors/new", path
    assert factors(installation, ada) == []
    (told,) = entries(ada.subject, "mfa.change")
    assert told.labels == {
        "change": "recovered",
        "method": "operator-link",
        "removed": "1",
        "password": "changed",
        "sessions": "0",
    }
    assert GOOD not in told.text
    mails(ada.email, "recovery link that the operator made")


def test_making_a_link_ends_every_session_at_once_and_takes_nothing_else_away(
    installation: Installation, operator: Operator, ada: Person, entries: Entries
) -> None:
    with ada.signed_in() as here, ada.signed_in() as there:
        said = operator.run("recover", ada.email)
        assert "2 of their sessions ended" in said.stderr
        for client in (here, there):
            assert client.get("/account").url.path == "/account/login"
    assert factors(installation, ada) == ["totp"]
    with ada.signed_in() as client:
        assert client.get("/account").url.path == "/account"
    (revoked,) = about(entries, ada, "session.revoke")
    assert revoked.labels == {"whose": "another", "sessions": "2"}
    (made,) = about(entries, ada, "mfa.change")
    assert made.labels == {"change": "recovery-link-made", "minutes": "60"}


def test_a_link_is_used_once(operator: Operator, ada: Person, entries: Entries) -> None:
    link = operator.link(ada.email)
    with ada.client() as client, ada.client() as second:
        waiting = second.get(link)
        assert submit(client, link, {"password": GOOD}).url.path == "/account/login"
        again = client.get(link)
        assert again.status_code == 410
        assert "muniment admin recover" in again.text
        # Somebody who had opened it before it was used.
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', waiting.text)
        assert token
        late = second.post(link, data={"csrfmiddlewaretoken": token[1], "password": "nine loud geese paddle"})
        assert late.status_code == 410
    assert [told.labels["change"] for told in entries(ada.subject, "mfa.change")] == ["recovered"]


def test_a_newer_link_puts_an_older_one_out_of_use(operator: Operator, ada: Person) -> None:
    older, newer = operator.link(ada.email), operator.link(ada.email)
    with ada.client() as client:
        assert client.get(older).status_code == 410
        assert client.get(newer).status_code == 200


def test_a_link_is_over_after_its_hour(installation: Installation, operator: Operator, ada: Person) -> None:
    link = operator.link(ada.email)
    with installation.database.connect("superuser", autocommit=True) as connection:
        row = connection.execute(
            "UPDATE django.accounts_recovery SET expires_at = expires_at - interval '60 minutes' WHERE user_id = %s "
            "RETURNING expires_at <= now()",
            [ada.user_id],
        ).fetchone()
    assert row == (True,)
    with ada.client() as client:
        assert client.get(link).status_code == 410
    assert factors(installation, ada) == ["totp"]


def test_the_table_of_links_opens_nothing(installation: Installation, operator: Operator, ada: Person) -> None:
    link = operator.link(ada.email)
    with installation.database.connect("superuser", autocommit=True) as connection:
        (kept,) = connection.execute(
            "SELECT token_hash FROM django.accounts_recovery WHERE user_id = %s", [ada.user_id]
        ).fetchall()
    assert kept[0] not in link
    with ada.client() as client:
        assert client.get(f"/account/recover/{kept[0]}").status_code == 410


def test_a_password_known_to_a_thief_opens_nothing_between_making_and_using_the_link(
    operator: Operator, ada: Person
) -> None:
    operator.link(ada.email)
    with ada.client() as thief:
        page = submit(thief, "/account/login", {"email": ada.email, "password": ada.password})
        assert page.url.path == "/account/second-factor"
        assert thief.get("/account/second-factors/new").url.path == "/account/login"


def test_guessing_links_ends_in_waiting(operator: Operator, ada: Person) -> None:
    link = operator.link(ada.email)
    with ada.client() as client:
        answers = [client.get(f"/account/recover/{at:043d}").status_code for at in range(13)]
        assert answers == [410] * 11 + [429] * 2
        assert client.get(link).status_code == 429


def test_recovering_ends_what_locked_the_person_out(operator: Operator, ada: Person) -> None:
    with ada.client() as stranger:
        for _ in range(6):
            submit(stranger, "/account/login", {"email": ada.email, "password": "not the password"})
        assert submit(stranger, "/account/login", {"email": ada.email, "password": "again"}).status_code == 429
    link = operator.link(ada.email)
    with ada.client() as client:
        submit(client, link, {"password": GOOD})
        page = submit(client, "/account/login", {"email": ada.email, "password": GOOD})
    assert page.url.path == "/account/second-factors/new"


def test_somebody_who_never_added_a_second_factor_has_to_after_recovery(
    installation: Installation, tenant: Tenant, operator: Operator
) -> None:
    eve = make_person(installation, tenant, second_factor=False, sign_ins=0)
    link = operator.link(eve.email)
    with eve.client() as client:
        submit(client, link, {"password": GOOD})
        submit(client, "/account/login", {"email": eve.email, "password": GOOD})
        assert client.get("/account").url.path == "/account/second-factors/new"


@pytest.mark.parametrize("address", ["nobody@people.example", "' OR '1'='1@people.example", "%@people.example"])
def test_an_address_that_nobody_has_is_refused_in_one_sentence(
    operator: Operator, address: str, entries: Entries
) -> None:
    before = len(entries(OPERATOR, "mfa.change"))
    said = operator.run("recover", address)
    assert (said.returncode, said.stdout) == (1, "")
    assert "nobody here has this address" in said.stderr
    assert "Traceback" not in said.stderr
    assert len(entries(OPERATOR, "mfa.change")) == before


def test_a_name_in_place_of_an_address_is_refused(operator: Operator) -> None:
    said = operator.run("recover", "ada")
    assert said.returncode == 1
    assert "by the address" in said.stderr


def test_a_closed_account_is_not_recovered(installation: Installation, operator: Operator, ada: Person) -> None:
    link = operator.link(ada.email)
    with installation.database.connect("superuser", autocommit=True) as connection:
        connection.execute("UPDATE django.accounts_user SET is_active = false WHERE id = %s", [ada.user_id])
    assert "closed" in operator.run("recover", ada.email).stderr
    with ada.client() as client:
        assert client.get(link).status_code == 410


def test_who_is_not_the_owner_of_the_installation_makes_no_link(installation: Installation, tmp_path: Path) -> None:
    said = Operator(installation, tmp_path / "elsewhere").run("recover", "ada@people.example")
    assert said.returncode == 1
    assert "muniment up" in said.stderr


def test_help_says_what_ends_what_stays_and_what_is_recorded(operator: Operator) -> None:
    said = " ".join(operator.run("recover", "--help").stdout.split())
    for words in ("All their sessions end at once", "stay as they are until the link is used", "entries of the"):
        assert words in said
