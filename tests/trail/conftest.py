"""A real server, a tenant of the test's own, and people who do things in it and read what was done."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.members.conftest import Acting, nobody_has_to_wait, signed_in
from tests.support.browser import browser, visitor, visitors
from tests.support.servers import Tenant

__all__ = [
    "Acting",
    "browser",
    "nobody_has_to_wait",
    "signed_in",
    "visitor",
    "visitors",
]
Trail = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def admin(signed_in: Callable[..., Acting], tenant: Tenant) -> Acting:
    """Ada Byron, an administrator of the tenant, who has just signed in."""
    return signed_in(tenant)


def rows(client: httpx.Client, slug: str, **query: object) -> list[dict[str, Any]]:
    """Deeds as the API gives them, newest first."""
    answer = client.get(f"/t/{slug}/api/trail", params={name: str(value) for name, value in query.items()})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["trail"]
    return found
