"""Passkeys in a real browser: added, used as second factor, used alone, copied, removed."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

from tests.support.browser import Visitor
from tests.support.people import Person, make_person
from tests.support.servers import Installation, Tenant

Entries = Callable[..., list[Any]]


def add_passkey(page: Page, base: str, name: str = "Work laptop") -> None:
    page.goto(f"{base}/account/second-factors/new")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()


def type_password(page: Page, person: Person) -> None:
    page.goto(f"{person.base}/account/login")
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def use_passkey_alone(page: Page, person: Person) -> None:
    page.goto(f"{person.base}/account/login")
    page.get_by_role("button", name="Sign in with a passkey").click()


def left_account(page: Page) -> None:
    """Wait until the sign-in has led on; by the address, as the page's policy lets no text be run as a script."""
    page.wait_for_url(lambda url: "/account/" not in url)


def sign_out(visitor: Visitor) -> None:
    visitor.context.clear_cookies()


def test_a_passkey_is_a_second_factor_and_then_a_sign_in_of_its_own(
    installation: Installation, tenant: Tenant, visitor: Visitor, entries: Entries
) -> None:
    eve = make_person(installation, tenant, second_factor=False, sign_ins=1)
    page, keys = visitor.page, visitor.authenticator()
    type_password(page, eve)
    page.wait_for_url("**/account/second-factors/new*")
    add_passkey(page, eve.base)
    assert len(keys.credentials()) == 1
    assert keys.credentials()[0]["rpId"] == "localhost"

    sign_out(visitor)
    type_password(page, eve)
    page.get_by_role("button", name="Use a passkey").click()
    left_account(page)

    sign_out(visitor)
    use_passkey_alone(page, eve)
    left_account(page)
    page.goto(f"{eve.base}/account")
    page.get_by_role("heading", name="Account security").wait_for()
    assert page.get_by_text("Work laptop").is_visible()
    logins = [told.labels["method"] for told in entries(eve.subject, "user.login")]
    assert logins == ["password", "password+mfa", "passkey+mfa"]


def test_a_passkey_that_does_not_verify_its_user_signs_nobody_in(ada: Person, visitor: Visitor) -> None:
    page, keys = visitor.page, visitor.authenticator()
    ada.sign_in_context(visitor.context)
    add_passkey(page, ada.base)
    sign_out(visitor)
    keys.verify_user(False)
    use_passkey_alone(page, ada)
    page.get_by_text("No passkey was used").wait_for()
    page.goto(f"{ada.base}/account")
    page.wait_for_url(lambda url: "/account/login" in url)


def test_a_copied_passkey_is_refused_once_the_original_was_used(
    installation: Installation, ada: Person, visitor: Visitor, visitors: Callable[..., Visitor], entries: Entries
) -> None:
    page, keys = visitor.page, visitor.authenticator()
    ada.sign_in_context(visitor.context)
    add_passkey(page, ada.base)
    stolen = keys.credentials()[0]
    for _ in range(2):
        sign_out(visitor)
        use_passkey_alone(page, ada)
        left_account(page)
    thief = visitors()
    thief.expect("422")
    thief.authenticator().add(stolen)
    use_passkey_alone(thief.page, ada)
    thief.page.get_by_text("That passkey does not belong to an account here").wait_for()
    thief.page.goto(f"{ada.base}/account")
    thief.page.wait_for_url(lambda url: "/account/login" in url)


def test_a_step_up_takes_a_passkey(ada: Person, visitor: Visitor, entries: Entries) -> None:
    page = visitor.page
    visitor.authenticator()
    ada.sign_in_context(visitor.context)
    add_passkey(page, ada.base)
    page.goto(f"{ada.base}/account/step-up?next=/account/sessions")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(lambda url: "/step-up" not in url)
    assert entries(ada.subject, "mfa.verify")[-1].labels == {"factor": "webauthn"}


def test_a_passkey_is_renamed_and_removed_while_another_factor_stays(
    installation: Installation, ada: Person, visitor: Visitor, entries: Entries
) -> None:
    page = visitor.page
    visitor.authenticator()
    ada.sign_in_context(visitor.context)
    add_passkey(page, ada.base, name="Old key")
    page.goto(f"{ada.base}/account")
    page.get_by_role("link", name="Remove the passkey Old key").click()
    page.get_by_role("button", name="Remove it").click()
    page.get_by_text("It no longer opens your account").wait_for()
    assert page.get_by_text("The only one: it stays").is_visible()
    changes = [told.labels["change"] for told in entries(ada.subject, "mfa.change")]
    assert changes == ["added", "removed"]
