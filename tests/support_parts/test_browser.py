"""The browser of the tests notices what a person would not tell us about."""

import base64
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser

from tests.support.browser import PHONE, Visitor, totp, until, visiting

PAGES = {
    "/quiet": ("", "<!doctype html><title>quiet</title><link rel=icon href=data:,><p>nothing wrong</p>"),
    "/inline": ("script-src 'self'", "<!doctype html><link rel=icon href=data:,><script>alert(1)</script>"),
    "/throws": ("", "<!doctype html><link rel=icon href=data:,><script>throw new Error('thrown here')</script>"),
}
CREATE = """async () => {
  const made = await navigator.credentials.create({publicKey: {
    challenge: new Uint8Array(32), rp: {id: 'localhost', name: 'test'},
    user: {id: new Uint8Array([1, 2, 3]), name: 'anna', displayName: 'Anna'},
    pubKeyCredParams: [{type: 'public-key', alg: -7}],
    authenticatorSelection: {residentKey: 'required', userVerification: 'required'}}});
  return new Uint8Array(made.response.getAuthenticatorData()).slice(32, 37).join();
}"""
USE = """async () => {
  const got = await navigator.credentials.get({publicKey: {
    challenge: new Uint8Array(32), rpId: 'localhost', userVerification: 'required'}});
  return new Uint8Array(got.response.userHandle).join();
}"""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            policy, text = PAGES.get(self.path, ("", ""))
            self.send_response(200 if text else 404)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write((text or "<p>not here</p>").encode())

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_quiet_page_raises_no_complaint(visitor: Visitor, site: str) -> None:
    visitor.page.goto(f"{site}/quiet")
    assert visitor.page.title() == "quiet"
    assert visitor.complaints == []


@pytest.mark.parametrize(
    ("page", "said"),
    [("/inline", "content security policy: script-src"), ("/throws", "thrown here"), ("/missing", "404")],
)
def test_what_the_browser_complains_of_fails_the_test(browser: Browser, site: str, page: str, said: str) -> None:
    def visit() -> None:
        with visiting(browser) as somebody:
            somebody.page.goto(f"{site}{page}")
            until(somebody.page, "true")

    with pytest.raises(AssertionError, match="the browser complained") as failed:
        visit()
    assert said in str(failed.value)


def test_an_expected_complaint_passes(visitor: Visitor, site: str) -> None:
    visitor.expect("status of 404")
    visitor.page.goto(f"{site}/missing")
    assert visitor.complaints


def test_visitors_share_no_cookies(visitors: Callable[..., Visitor], site: str) -> None:
    one, other = visitors(), visitors(size=PHONE)
    one.page.goto(f"{site}/quiet")
    one.page.evaluate("document.cookie = 'mine=1'")
    other.page.goto(f"{site}/quiet")
    assert other.page.evaluate("document.cookie") == ""
    assert other.page.evaluate("window.innerWidth") == PHONE[0]


def test_the_authenticator_makes_and_uses_a_passkey(visitor: Visitor, site: str) -> None:
    key = visitor.authenticator()
    visitor.page.goto(f"{site}/quiet")
    flags, *counter = [int(byte) for byte in visitor.page.evaluate(CREATE).split(",")]
    assert flags & 0b101 == 0b101, "user present and user verified"
    assert struct.unpack(">I", bytes(counter))
    (held,) = key.credentials()
    assert held["rpId"] == "localhost"
    assert base64.b64decode(held["userHandle"]) == bytes([1, 2, 3])
    assert visitor.page.evaluate(USE) == "1,2,3"


def test_an_unverified_user_cannot_use_a_passkey_that_wants_one(visitor: Visitor, site: str) -> None:
    key = visitor.authenticator()
    visitor.page.goto(f"{site}/quiet")
    visitor.page.evaluate(CREATE)
    key.verify_user(False)
    assert visitor.page.evaluate(f"({USE})().then(() => 'used', (error) => error.name)") == "NotAllowedError"


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "94287082"), (1111111109, "07081804"), (1234567890, "89005924"), (20000000000, "65353130")],
)
def test_codes_are_those_of_rfc_6238(at: int, code: str) -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert totp(secret, at=at, digits=8) == code
    assert totp(secret.lower().rstrip("="), at=at) == code[-6:]
