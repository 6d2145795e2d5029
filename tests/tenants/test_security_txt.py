"""security.txt of each tenant, by RFC 9116."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from muniment.core.errors import Refused
from muniment.server.tenancy.workflow import contact_uri, security_txt
from tests.members.conftest import Acting
from tests.support.servers import Tenant
from tests.tenants.conftest import Visitor
from tests.tenants.test_settings import DEFAULTS

PATH = "/.well-known/security.txt"


def fields(text: str) -> dict[str, list[str]]:
    """The fields of a file, each line held to the grammar of section 4."""
    assert text.endswith("\n")
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        match = re.fullmatch(r"([A-Za-z-]+): (\S.*)", line)
        assert match is not None, line
        found.setdefault(match[1], []).append(match[2])
    return found


def test_each_tenant_has_its_own(
    admin: Acting, signed_in: Callable[..., Acting], visitor: Visitor, other: Tenant
) -> None:
    them = signed_in(other)
    admin.did(
        "PUT",
        "settings",
        DEFAULTS | {"security_contact": "sec@acme.example", "security_policy_url": "https://acme.example/policy"},
    )
    them.did("PUT", "settings", DEFAULTS | {"security_contact": "https://other.example/report"})
    for path, host in ((f"/t/{admin.slug}{PATH}", "localhost"), (PATH, f"{admin.slug}.localhost")):
        answer = visitor.get(path, host)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        said = fields(answer.text)
        assert said["Contact"] == ["mailto:sec@acme.example"]
        assert said["Policy"] == ["https://acme.example/policy"]
        assert said["Preferred-Languages"] == ["en"]
    assert fields(visitor.get(PATH, f"{them.slug}.localhost").text)["Contact"] == ["https://other.example/report"]


def test_it_expires_once_ahead_and_within_a_year(admin: Acting, visitor: Visitor) -> None:
    admin.did("PUT", "settings", DEFAULTS | {"security_contact": "+49 30 1234".replace(" ", "-")})
    said = fields(visitor.get(f"/t/{admin.slug}{PATH}").text)
    assert said["Contact"] == ["tel:+49-30-1234"]
    (expires,) = said["Expires"]
    ahead = datetime.strptime(expires, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(days=30) < ahead < timedelta(days=365)


def test_without_a_contact_there_is_none(admin: Acting, visitor: Visitor) -> None:
    assert visitor.get(f"/t/{admin.slug}{PATH}").status_code == 404
    admin.did("PUT", "settings", DEFAULTS | {"security_policy_url": "https://acme.example/policy"})
    assert visitor.get(f"/t/{admin.slug}{PATH}").status_code == 404


def test_the_installations_own_stands_where_no_tenant_is_named(
    visitor: Visitor, set_settings: Callable[..., None]
) -> None:
    set_settings("installation", security_contact="")
    assert visitor.get(PATH).status_code == 404
    set_settings("installation", security_contact="mailto:operator@example.org")
    assert fields(visitor.get(PATH).text)["Contact"] == ["mailto:operator@example.org"]


def test_an_address_that_is_not_https_is_no_canonical_one(admin: Acting, visitor: Visitor) -> None:
    """RFC 9116, section 2.5.2: a web address in it begins with https."""
    admin.did("PUT", "settings", DEFAULTS | {"security_contact": "sec@acme.example"})
    assert "Canonical" not in visitor.get(f"/t/{admin.slug}{PATH}").text
    now = datetime(2026, 1, 1, tzinfo=UTC)
    said = fields(security_txt("mailto:s@a.example", "", "https://a.example/.well-known/security.txt", now))
    assert said["Canonical"] == ["https://a.example/.well-known/security.txt"]
    assert "Canonical" not in fields(security_txt("mailto:s@a.example", "", "http://a.example/x", now))


def test_the_settings_page_shows_where_it_stands(admin: Acting) -> None:
    assert "there is no security.txt" in admin.page("settings").text
    admin.did("PUT", "settings", DEFAULTS | {"security_contact": "sec@acme.example"})
    page = admin.page("settings").text
    assert f'href="/t/{admin.slug}{PATH}"' in page
    assert "mailto:sec@acme.example" in page


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028", "\x85", " x"])
def test_a_contact_adds_no_line(end: str) -> None:
    for text in ("a@b.example", "https://b.example/", "+49301234"):
        with pytest.raises(Refused, match="e-mail address"):
            contact_uri(f"{text}{end}Contact: mailto:evil@example.org")
