"""The first start as a newcomer lives it: the printed link, an account, an app, a passkey, and signing in again."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.screenshots.site import Site
from tests.support.browser import Visitor, totp

Look = Callable[[Page, str], None]


@dataclass(frozen=True)
class Newcomer:
    """Who sets the installation up.

    Attributes:
        email, password: to sign in with.
        name: as others see it.
    """

    email: str = "ada@brightwater.example"
    password: str = "seventeen lanterns by the quiet weir"
    name: str = "Ada Byron"

    def set_up(self, of: Site, visitor: Visitor, look: Look) -> str:
        """Go through the first start; returns the secret of the authenticator app.

        Args:
            of: the installation.
            visitor: whose browser it is; gets a passkey.
            look: is shown each step, with its title.
        """
        page = visitor.page
        visitor.authenticator()
        page.goto(of.setup_link)
        look(page, "first start 1: the account")
        page.get_by_label("E-mail").fill(self.email)
        page.get_by_label("Name").fill(self.name)
        page.locator("input[type=password]").fill(self.password)
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("heading", name="Add a second factor").wait_for()
        look(page, "first start 2: an authenticator app")
        secret = "".join(page.locator("pre, code").first.inner_text().split())
        page.get_by_label("Code").fill(totp(secret))
        page.get_by_role("button", name="Add the app").click()
        page.get_by_role("heading", name="Your recovery codes").wait_for()
        look(page, "first start 3: recovery codes")
        page.get_by_role("link", name="I have kept them").click()
        page.get_by_role("heading", name="Add a passkey").wait_for()
        look(page, "first start 4: a passkey")
        page.get_by_label("Name").fill("Ada's key")
        page.get_by_role("button", name="Add a passkey").click()
        page.wait_for_url("**/t/default/**")
        look(page, "first start 5: the empty overview")
        return secret

    def sign_in(self, of: Site, visitor: Visitor, secret: str, look: Look) -> None:
        """Sign in anew, with password and authenticator app."""
        page = visitor.page
        page.goto(f"{of.origin}/account/login")
        look(page, "signing in 1: the password")
        page.get_by_label("E-mail").fill(self.email)
        page.locator("input[type=password]").fill(self.password)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_label("Code").wait_for()
        look(page, "signing in 2: the second factor")
        self._give_code(page, secret)
        page.wait_for_url(lambda url: "/account/" not in url)
        look(page, "signing in 3: where it leads")

    def step_up(self, page: Page, address: str, secret: str) -> None:
        """Give a fresh second factor where a page asks for one."""
        page.goto(address)
        self._give_code(page, secret)
        page.wait_for_url(lambda url: "/account/step-up" not in url)

    def _give_code(self, page: Page, secret: str) -> None:
        # Each code opens once: the next one comes within half a minute.
        step = time.time() // 30
        while time.time() // 30 == step:
            time.sleep(0.25)
        page.get_by_label("Code").fill(totp(secret))
        page.get_by_role("button", name="Go on").click()
