"""Signing in with a password and a second factor."""

from tests.server.conftest import Installation, Tenant
from tests.support.people import make_person


def test_password_and_code_open_the_account_page(installation: Installation, tenant: Tenant) -> None:
    ada = make_person(installation, tenant)
    with ada.signed_in() as client:
        page = client.get("/account")
    assert page.status_code == 200
    assert page.url.path == "/account"
    assert "Account security" in page.text
