"""What a tenant decides about itself: bounds that bind, and a ledger entry for each change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.members.conftest import Acting, Told
from tests.support.servers import Tenant

DEFAULTS: dict[str, Any] = {
    "security_contact": "",
    "security_policy_url": "",
    "step_up_seconds": 300,
    "session_hours": 12,
    "mfa_from_first_login": False,
}


def test_a_change_is_recorded_with_what_it_was_and_the_contact_is_not_told(
    admin: Acting, told: Callable[..., list[Told]]
) -> None:
    wanted = DEFAULTS | {"security_contact": "ada@acme.example", "step_up_seconds": 60, "mfa_from_first_login": True}
    answer = admin.did("PUT", "settings", wanted)
    assert answer["security_contact"] == "mailto:ada@acme.example"
    assert admin.did("GET", "settings") == answer
    (entry,) = told(admin.slug, "tenant.settings")
    assert entry.actor == admin.person.subject
    assert entry.labels == {"changed": "mfa_from_first_login,security_contact,step_up_seconds"}
    assert "ada@acme" not in entry.text
    # The same once more changes nothing, and nothing is recorded.
    admin.did("PUT", "settings", wanted)
    assert len(told(admin.slug, "tenant.settings")) == 1


def test_settings_are_the_tenants_own(admin: Acting, signed_in: Callable[..., Acting], other: Tenant) -> None:
    admin.did("PUT", "settings", DEFAULTS | {"step_up_seconds": 42})
    assert signed_in(other).did("GET", "settings")["step_up_seconds"] == 300


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("step_up_seconds", 29),
        ("step_up_seconds", 3601),
        ("step_up_seconds", 0),
        ("step_up_seconds", -300),
        ("session_hours", 0),
        # Sessions end after twelve hours whatever a tenant says: it can only be stricter.
        ("session_hours", 13),
        ("session_hours", 10**12),
        ("mfa_from_first_login", None),
        ("security_contact", "javascript:alert(1)"),
        ("security_contact", "http://acme.example/report"),
        ("security_contact", "https://"),
        ("security_contact", "ada@acme.example\nExpires: 2099-01-01T00:00:00Z"),
        ("security_contact", "x" * 64 + "@" + "y" * 190),
        ("security_policy_url", "http://acme.example/policy"),
        ("security_policy_url", "https://acme.example/a b"),
        ("security_policy_url", "https://[::1"),
        ("security_policy_url", "https://acme.example/" + "x" * 255),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_is_out_of_bounds_is_refused_by_its_name(
    settled: Acting, told: Callable[..., list[Told]], field: str, value: object
) -> None:
    answer = settled.ask("PUT", "settings", DEFAULTS | {field: value})
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"].rpartition(".")[2] == field
    assert settled.did("GET", "settings") == DEFAULTS | {"public_verification": True}
    assert not told(settled.slug, "tenant.settings")


def test_the_form_says_what_is_wrong_beside_the_field_and_keeps_what_was_typed(admin: Acting) -> None:
    form = {"step_up_seconds": "60", "session_hours": "4", "security_contact": "nobody", "security_policy_url": ""}
    page = admin.send("settings/change", form, from_="settings/change")
    assert page.status_code == 422
    assert "Must be an e-mail address, an https address or a telephone number with +" in page.text
    assert 'value="nobody"' in page.text
    page = admin.send("settings/change", form | {"security_contact": "a@acme.example"}, from_="settings/change")
    assert page.status_code == 200
    assert "Saved." in page.text
    assert "at most 60 seconds old" in page.text
    assert "4 hours" in page.text


def test_there_is_no_setting_that_is_not_known(settled: Acting) -> None:
    for more in ({"second_factor": False}, {"mfa": "off"}, {"sample": True}, {"tenant_id": settled.slug}):
        assert settled.ask("PUT", "settings", DEFAULTS | more).status_code == 422
    assert settled.ask("PUT", "settings", {"step_up_seconds": 60}).status_code == 422


def test_the_longest_contact_fits(admin: Acting) -> None:
    longest = "x" * 64 + "@" + "y" * 183
    assert admin.did("PUT", "settings", DEFAULTS | {"security_contact": longest})["security_contact"][7:] == longest


def test_public_verification_is_switched_and_recorded(admin: Acting, tenant: Tenant, visitor: Any) -> None:
    def status(origin: str) -> int:
        return int(visitor.get(f"/api/audit/verify?log={origin}").status_code)

    shown = status(tenant.origin)
    assert shown in (200, 404, 503)
    admin.did("PUT", "settings/verification", {"public": False})
    assert admin.did("GET", "settings")["public_verification"] is False
    with tenant.in_database() as raw:
        row = raw.execute(
            "SELECT actor_id FROM ledger.entries WHERE log_id = %s AND action = 'tenant.change' ORDER BY seq DESC",
            [tenant.made.log_id],
        ).fetchone()
    assert row == (admin.person.subject,)
