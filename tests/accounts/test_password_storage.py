"""How passwords are kept and compared, seen from inside the server."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.people import Person, submit
from tests.support.servers import Installation

InServer = Callable[..., str]
GOOD = "seven quiet herons wade"

# What stands for time: how often argon2 runs until an attempt is answered.
COUNTED = """
from django.contrib.auth import authenticate, hashers
from muniment.server.accounts.models import User
User.objects.filter(email={emails!r}[0]).update(password=hashers.make_password("a password"))
runs = []
encode, verify = hashers.Argon2PasswordHasher.encode, hashers.Argon2PasswordHasher.verify
def counted(inner):
    def count(self, *args, **kwargs):
        runs.append(1)
        return inner(self, *args, **kwargs)
    return count
hashers.Argon2PasswordHasher.encode = counted(encode)
hashers.Argon2PasswordHasher.verify = counted(verify)
found = []
for email in {emails!r}:
    runs.clear()
    assert authenticate(None, email=email, password="not the password") is None
    found.append(len(runs))
print(found)
"""
COST = """
from django.contrib.auth import hashers
hasher = hashers.get_hasher()
kept = hashers.make_password("a password")
hasher.time_cost, hasher.memory_cost, hasher.parallelism = 1, 8, 1
cheap = hasher.encode("a password", "salt-of-the-test")
del hasher.time_cost, hasher.memory_cost, hasher.parallelism
print(kept, hasher.must_update(cheap))
"""
CHECK = """
from django.core.exceptions import ValidationError
from muniment.server.accounts import passwords
from muniment.server.accounts.models import User
try:
    print(passwords.check({password!r}, User(email="grace@people.example", name="Grace Hopper")))
except ValidationError as error:
    print(error.message)
"""


class Range(BaseHTTPRequestHandler):
    """A range service that knows one password."""

    def do_GET(self) -> None:
        digest = hashlib.sha1(GOOD.encode(), usedforsecurity=False).hexdigest().upper()
        body = f"{digest[5:]}:4\r\n".encode() if self.path.endswith(digest[:5]) else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        del args


@pytest.fixture
def breaches() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Range)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/range/"
    server.shutdown()
    server.server_close()


def test_a_password_is_kept_as_argon2id_and_nothing_else(installation: Installation, ada: Person) -> None:
    with ada.signed_in() as client:
        submit(client, "/account/password", {"present": ada.password, "password": GOOD})
    with installation.database.connect("superuser", autocommit=True) as connection:
        (kept,) = connection.execute(
            "SELECT password FROM django.accounts_user WHERE id = %s", [ada.user_id]
        ).fetchone() or ("",)
    assert kept.startswith("argon2$argon2id$v=19$m=")
    assert GOOD not in kept


def test_a_password_costs_what_is_advised_and_a_cheaper_hash_is_replaced(in_server: InServer) -> None:
    """19 MiB and two passes at least: OWASP, Password Storage Cheat Sheet."""
    kept, replaced = in_server(COST).split()
    cost = dict(part.split("=") for part in kept.split("$")[3].split(","))
    assert (int(cost["m"]) >= 19 * 1024, int(cost["t"]) >= 2) == (True, True)
    assert replaced == "True"


def test_an_address_that_nobody_has_costs_one_comparison_as_well(
    installation: Installation, ada: Person, in_server: InServer
) -> None:
    counted = in_server(COUNTED.format(emails=[ada.email, "nobody@people.example"]))
    known, unknown = counted.strip("[]").split(", ")
    assert known == unknown == "1"


def test_a_password_known_from_a_breach_is_refused_wherever_one_is_chosen(in_server: InServer, breaches: str) -> None:
    assert "known from a breach" in in_server(CHECK.format(password=GOOD), MUNIMENT_BREACH_URL=breaches)
    assert in_server(CHECK.format(password="nine loud geese paddle"), MUNIMENT_BREACH_URL=breaches) == "True"


def test_without_an_answer_of_the_breach_service_the_local_checks_decide_and_it_is_said(in_server: InServer) -> None:
    assert in_server(CHECK.format(password=GOOD), MUNIMENT_BREACH_URL="http://127.0.0.1:1/range/") == "False"
    assert in_server(CHECK.format(password=GOOD)) == "True"
    said: Any = in_server(CHECK.format(password="grace hopper 1906"), MUNIMENT_BREACH_URL="http://127.0.0.1:1/range/")
    assert "Too easy" in said
