"""The overview: one verdict first, figures that are right, and nothing for those who may not see it."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from muniment.keys import KeyRing
from muniment.ledger.activity import control_evidence, entries_each_minute, setbacks
from muniment.ledger.audit_walks import walk_log
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.heads import HeadDirectory
from muniment.verifier.pins import Pins
from tests.support.browser import DESKTOP, PHONE, visiting
from tests.support.people import Person, make_person
from tests.support.servers import Installation, Tenant

EVENT = {"action": "tool.call", "actor": {"type": "agent", "id": "agent:test"}}


@pytest.fixture
def ada(installation: Installation, tenant: Tenant) -> Person:
    return make_person(installation, tenant)


def send(tenant: Tenant, outcome: str = "success", count: int = 1, action: str = "tool.call") -> None:
    with tenant.client() as client:
        for _ in range(count):
            answer = client.post("/api/events", json={"event": {**EVENT, "action": action, "outcome": outcome}})
            assert answer.is_success, answer.text


def walk(tenant: Tenant) -> None:
    places = tenant.installation.places
    with tenant.installation.database.connect("app", autocommit=True) as connection:
        walk_log(
            connection,
            tenant.made.tenant_id,
            tenant.made.log_id,
            pins=Pins(root=KeyRing(places.keys).root_verifier()),
            heads=HeadDirectory(places.heads),
        )


def home(person: Person, tenant: Tenant) -> str:
    with person.signed_in(tenant=tenant.made.slug) as client:
        page = client.get(f"/t/{tenant.made.slug}/")
    assert page.status_code == 200
    return page.text


def overview(tenant: Tenant) -> dict[str, object]:
    with tenant.client("read") as client:
        found: dict[str, object] = client.get("/api/overview").json()
    return found


def test_before_the_first_walk_nothing_is_called_intact(tenant: Tenant, ada: Person) -> None:
    page = home(ada, tenant)
    assert "Not checked yet." in page
    assert "Yes: every check" not in page
    assert overview(tenant)["verdict"]["state"] == "unchecked"  # type: ignore[index]


def test_after_a_walk_that_held_it_says_so_as_the_operators_statement(tenant: Tenant, ada: Person) -> None:
    send(tenant)
    tenant.installation.seal()
    walk(tenant)
    page = home(ada, tenant)
    assert "Yes: every check that was made held." in page
    assert "operator&#x27;s own statement" in page
    assert "Nobody outside this installation has stamped" in page


def test_an_answer_that_is_hours_old_is_called_old(tenant: Tenant, ada: Person) -> None:
    tenant.installation.seal()
    walk(tenant)
    with tenant.in_database() as owner, owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute(
            "UPDATE ledger.walks SET finished_at = finished_at - interval '3 hours' WHERE log_id = %s",
            [tenant.made.log_id],
        )
    assert "Old answer" in home(ada, tenant)


def test_entries_that_wait_longer_than_promised_are_called_late(tenant: Tenant, ada: Person) -> None:
    with tenant.in_database() as owner, owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute(
            "UPDATE ledger.entries SET recorded_at = recorded_at - interval '1 minute' WHERE log_id = %s AND seq = 0",
            [tenant.made.log_id],
        )
    assert overview(tenant)["sealing"]["late"] is True  # type: ignore[index]
    assert ">Late<" in home(ada, tenant)


def test_refusals_and_failures_of_the_last_day_are_counted_by_action(tenant: Tenant) -> None:
    send(tenant, "denied", 2)
    send(tenant, "failure", 1, "file.access")
    send(tenant, "success", 3)
    rows = overview(tenant)["setbacks"]
    assert isinstance(rows, list)
    assert {(row["outcome"], row["action"], row["entries"]) for row in rows} == {
        ("denied", "tool.call", 2),
        ("failure", "file.access", 1),
    }


def test_minutes_add_up_to_what_was_recorded(tenant: Tenant, installation: Installation) -> None:
    send(tenant, count=7)
    with (
        installation.database.connect("app", autocommit=True) as connection,
        tenant_transaction(connection, tenant.made.tenant_id),
    ):
        minutes = entries_each_minute(connection, tenant.made.log_id)
        (size,) = connection.execute(
            "SELECT size FROM ledger.heads WHERE log_id = %s", [tenant.made.log_id]
        ).fetchone() or (0,)
    assert len(minutes) == 60
    assert sum(minute.entries for minute in minutes) == size
    assert [after.at - before.at for before, after in pairwise(minutes)] == [timedelta(minutes=1)] * 59


def test_counts_end_where_they_are_told_to(tenant: Tenant, installation: Installation) -> None:
    send(tenant, "denied", 5)
    since = datetime.now(UTC) - timedelta(days=1)
    with (
        installation.database.connect("app", autocommit=True) as connection,
        tenant_transaction(connection, tenant.made.tenant_id),
    ):
        (row,) = setbacks(connection, tenant.made.log_id, since=since, cap=3)
        (control,) = control_evidence(connection, tenant.made.log_id, ["soc2:CC7.2"], since=since, cap=4)
        (nothing,) = control_evidence(connection, tenant.made.log_id, ["soc2:CC9.9"], since=since, cap=4)
    assert (row.entries, control.entries, nothing.entries, nothing.latest) == (3, 4, 0, None)


def test_a_missing_tenant_gives_nothing(tenant: Tenant, installation: Installation) -> None:
    send(tenant, "denied")
    other = installation.tenant()
    since = datetime.now(UTC) - timedelta(days=1)
    with (
        installation.database.connect("app", autocommit=True) as connection,
        tenant_transaction(connection, other.made.tenant_id),
    ):
        assert entries_each_minute(connection, tenant.made.log_id) == []
        assert setbacks(connection, tenant.made.log_id, since=since, cap=9) == []


def test_a_control_without_evidence_is_not_called_safe(tenant: Tenant, ada: Person) -> None:
    page = home(ada, tenant)
    assert "none recorded" in page
    assert "No evidence recorded is not zero risk" in page


def test_who_may_not_read_the_ledger_is_told_so_and_shown_none_of_it(
    installation: Installation, tenant: Tenant
) -> None:
    with tenant.in_database() as owner:
        owner.execute(
            "UPDATE django.members_role SET capabilities = '{}' WHERE tenant_id = %s AND code = 'viewer'",
            [tenant.made.tenant_id],
        )
    nobody = make_person(installation, tenant, "viewer")
    page = home(nobody, tenant)
    assert "Your roles do not let you see its ledger" in page
    assert "Is the record intact" not in page
    with nobody.signed_in(tenant=tenant.made.slug) as client:
        assert client.get(f"/t/{tenant.made.slug}/api/overview").status_code == 403


def test_warnings_and_jobs_are_for_those_who_run_the_tenant(
    installation: Installation, tenant: Tenant, ada: Person
) -> None:
    installation.say_that_sealing_works()
    assert "The root key still lies on this machine" in home(ada, tenant)
    assert "Background jobs" in home(ada, tenant)
    analyst = make_person(installation, tenant, "analyst")
    page = home(analyst, tenant)
    assert "root key still lies" not in page
    assert "Background jobs" not in page


def test_somebody_of_another_tenant_finds_nothing_here(installation: Installation, tenant: Tenant) -> None:
    stranger = make_person(installation, installation.tenant())
    with stranger.signed_in() as client:
        for path in ("", "verify", "sources", "keys", "trail", "api/overview", "api/sources", "api/keys", "api/trail"):
            assert client.get(f"/t/{tenant.made.slug}/{path}").status_code == 404, path


PAGES = (
    "",
    "verify",
    "sources",
    "sources/connect",
    "sources/connect/python",
    "keys",
    "keys/new",
    "keys/services/new",
    "trail",
)


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-light", "phone-dark"])
def test_pages_are_usable_by_everybody(
    tenant: Tenant, ada: Person, browser: Browser, size: tuple[int, int], scheme: str
) -> None:
    send(tenant, "denied", 3)
    tenant.installation.seal()
    walk(tenant)
    with visiting(browser, size=size, scheme=scheme, bypass_csp=True) as visitor:
        ada.sign_in_context(visitor.context, tenant=tenant.made.slug)
        for path in PAGES:
            visitor.page.goto(f"{ada.base}/t/{tenant.made.slug}/{path}")
            found = Axe().run(visitor.page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()[:3000]}"
            overflow = visitor.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, f"/{path} is {overflow} pixels too wide"
            assert re.search(r"\S", visitor.page.title())
