"""A real Chromium for tests, and the second factors of those who sit before it.

A conftest takes the fixtures over by name: `from tests.support.browser import browser, visitor, visitors`. Tests that
use them are plain functions and reach the server over HTTP or psycopg, not through Django's models: Playwright's
synchronous interface keeps an event loop running in the thread. A browser therefore lives as long as one test module,
and asyncio tests of other modules find the thread free again.
"""

import base64
import hashlib
import hmac
import re
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
)
DESKTOP, TABLET, PHONE = (1440, 900), (1024, 768), (390, 844)

# The browser's own message about a blocked resource names the directive in its own words; this one can be matched.
_REPORT_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) => {
  console.error(`content security policy: ${event.effectiveDirective} blocked ${event.blockedURI || 'inline'}`);
});
"""


class Visitor:
    """One person's browser: cookies, pages and authenticators that nobody else sees.

    Attributes:
        context: its Playwright context.
        page: its first page.
        complaints: what the console said in error, what scripts threw, what the content security policy blocked.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []
        self._expected: list[re.Pattern[str]] = []
        context.add_init_script(_REPORT_VIOLATIONS)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))
        self.page: Page = context.new_page()

    def expect(self, pattern: str) -> None:
        """Take complaints that match for granted, as the browser makes one of every page with status 403."""
        self._expected.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        """Complaints that no test asked for."""
        return [text for text in self.complaints if not any(pattern.search(text) for pattern in self._expected)]

    def authenticator(self, page: Page | None = None, *, verifies_user: bool = True) -> "Authenticator":
        """Plug a security key that keeps passkeys into one page (the first, if none is named)."""
        return Authenticator(self.context.new_cdp_session(page or self.page), verifies_user=verifies_user)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location.get("url", "")
            self.complaints.append(f"{message.text} ({where})")


class Authenticator:
    """A virtual CTAP2 authenticator: holds passkeys, is always present, and verifies its user or not.

    WebAuthn needs a host name: use `http://localhost:<port>`, never an address of numbers.
    """

    def __init__(self, session: CDPSession, *, verifies_user: bool) -> None:
        self._session = session
        session.send("WebAuthn.enable", {"enableUI": False})
        made = session.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": True,
                    "hasUserVerification": True,
                    "isUserVerified": verifies_user,
                    "automaticPresenceSimulation": True,
                }
            },
        )
        self._id: str = made["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        """The passkeys it holds: credentialId, privateKey (PKCS #8), signCount, userHandle (all base64), rpId."""
        found: list[dict[str, Any]] = self._send("WebAuthn.getCredentials")["credentials"]
        return found

    def add(self, credential: dict[str, Any]) -> None:
        """Put a passkey in: what `credentials` of another gave, as a cloned key would hold it."""
        self._send("WebAuthn.addCredential", credential=credential)

    def verify_user(self, verified: bool) -> None:
        """Whether the next use finds its user verified."""
        self._send("WebAuthn.setUserVerified", isUserVerified=verified)

    def unplug(self) -> None:
        self._send("WebAuthn.removeVirtualAuthenticator")

    def _send(self, method: str, **parameters: object) -> dict[str, Any]:
        answer: dict[str, Any] = self._session.send(method, {"authenticatorId": self._id, **parameters})
        return answer


def until(page: Page, expression: str, seconds: float = 15) -> None:
    """Wait until an expression is true. Playwright's own way evaluates text in the page, which our policy refuses."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {expression}"
        page.wait_for_timeout(50)


@contextmanager
def visiting(
    browser: Browser, *, size: tuple[int, int] = DESKTOP, scheme: str = "light", **settings: Any
) -> Iterator[Visitor]:
    """A new visitor, whose browser must not have complained when the block is left without an error."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light", **settings
    )
    context.set_default_timeout(15_000)
    try:
        visitor = Visitor(context)
        yield visitor
        complaints = visitor.unexpected()
        assert not complaints, f"the browser complained: {complaints}"
    finally:
        context.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """One visitor with a desktop's window."""
    with visiting(browser) as made:
        yield made


@pytest.fixture
def visitors(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Makes further visitors, who know nothing of each other: `visitors(size=PHONE, scheme="dark")`."""
    with ExitStack() as open_ones:
        yield lambda **settings: open_ones.enter_context(visiting(browser, **settings))


def totp(secret: str, *, at: float | None = None, digits: int = 6, period: int = 30) -> str:
    """The code that an authenticator app shows.

    Args:
        secret: base32, with or without padding and spaces.
        at: seconds since the Unix epoch; now, if absent.
        period: seconds.

    Source: RFC 6238 §4; RFC 4226 §5.3.
    """
    plain = secret.replace(" ", "").upper()
    key = base64.b32decode(plain + "=" * (-len(plain) % 8))
    counter = int(time.time() if at is None else at) // period
    digest = hmac.new(key, struct.pack(">Q", counter), hashlib.sha1).digest()
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 0xF)
    return str((number & 0x7FFFFFFF) % 10**digits).zfill(digits)
