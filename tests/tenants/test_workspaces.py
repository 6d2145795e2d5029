"""Workspaces: pinned to a region of the tenant's when they are made, and from then on."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.members.conftest import Acting, Told
from tests.support.servers import Tenant


def test_a_tenant_begins_with_one_in_its_logs_region(settled: Acting) -> None:
    answer = settled.did("GET", "workspaces")
    assert [(row["name"], row["region"]) for row in answer["workspaces"]] == [("default", "local")]
    assert answer["regions"] == ["local"]


def test_one_is_made_in_a_region_and_it_is_recorded(admin: Acting, told: Callable[..., list[Told]]) -> None:
    made = admin.did("POST", "workspaces", {"name": "payments.eu", "region": "local"}, status=201)
    (entry,) = told(admin.slug, "workspace.change")
    assert (entry.actor, entry.resource) == (admin.person.subject, made["id"])
    assert entry.labels == {"what": "create", "region": "local"}
    assert '"workspace":"payments.eu"' in entry.text
    assert "payments.eu" in admin.page("settings").text


def test_a_region_in_which_the_tenant_has_no_log_is_refused(
    admin: Acting, tenant: Tenant, other: Tenant, told: Callable[..., list[Told]]
) -> None:
    with other.in_database() as raw:
        raw.execute("SET session_replication_role = replica")
        raw.execute("UPDATE ledger.logs SET region = 'elsewhere' WHERE log_id = %s", [other.made.log_id])
    for region in ("elsewhere", "", "LOCAL", "local ", "nowhere\u0000"):
        answer = admin.ask("POST", "workspaces", {"name": "w", "region": region})
        assert answer.status_code == 422, region
        assert answer.json()["field"] == "region"
    # The form offers the tenant's own regions, and takes no other.
    page = admin.send("settings/workspaces", {"name": "w", "region": "elsewhere"}, from_="settings")
    assert page.status_code == 422
    assert 'value="elsewhere"' not in page.text
    assert [row["name"] for row in admin.did("GET", "workspaces")["workspaces"]] == ["default"]
    assert not told(admin.slug, "workspace.change")


@pytest.mark.parametrize("name", ["", " w", "w ", ".w", "-w", "a/b", "ä", "w\n", "x" * 65, "default"], ids=ascii)
def test_a_name_that_no_event_could_carry_or_that_is_taken_is_refused(settled: Acting, name: str) -> None:
    answer = settled.ask("POST", "workspaces", {"name": name, "region": "local"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"].rpartition(".")[2] == "name"


def test_two_tenants_may_have_workspaces_of_one_name(
    admin: Acting, signed_in: Callable[..., Acting], other: Tenant
) -> None:
    them = signed_in(other)
    ours, theirs = (
        acting.did("POST", "workspaces", {"name": "shared", "region": "local"})["id"] for acting in (admin, them)
    )
    shown = {row["id"]: row["name"] for row in them.did("GET", "workspaces")["workspaces"]}
    assert sorted(shown.values()) == ["default", "shared"]
    assert theirs in shown
    assert ours not in shown


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_no_request_changes_or_removes_one(settled: Acting, method: str) -> None:
    before = settled.did("GET", "workspaces")
    (row,) = before["workspaces"]
    assert settled.ask(method, f"workspaces/{row['id']}", {"region": "elsewhere"}).status_code in (404, 405)
    if method != "POST":
        assert settled.ask(method, "workspaces", {"name": "default", "region": "elsewhere"}).status_code == 405
    assert settled.did("GET", "workspaces") == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE django.tenants_workspace SET region = 'elsewhere'",
        "UPDATE django.tenants_workspace SET name = 'another'",
        "DELETE FROM django.tenants_workspace",
        "INSERT INTO django.tenants_workspace (id, tenant_id, name, region, created_at) SELECT id, tenant_id, name, "
        "'elsewhere', created_at FROM django.tenants_workspace ON CONFLICT (id) DO UPDATE SET region = 'elsewhere'",
    ],
)
def test_the_database_itself_keeps_the_pin(tenant: Tenant, statement: str) -> None:
    with tenant.installation.database.connect("app") as app:
        app.execute("SELECT set_config('muniment.tenant', %s, true)", [str(tenant.made.tenant_id)])
        assert app.execute("SELECT region FROM django.tenants_workspace").fetchall() == [("local",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(statement)
