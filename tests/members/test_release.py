"""Tenants of an older release: their built-in roles get what a newer one can do, and nothing else changes."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from muniment.server.capabilities import Capability
from muniment.server.members.provisioning import BUILTIN
from muniment.server.members.release import RolesFollow, added_by_release, follow_release
from tests.members.conftest import Acting
from tests.support.servers import Tenant

SignedIn = Callable[..., Acting]
# The capabilities that there were in the release before populations.
OLD = import_module("muniment.server.members.migrations.0003_role_known").first_release()


def made_by_older_release(tenant: Tenant) -> None:
    """The tenant's built-in roles as a release left them that knew `OLD` alone."""
    with tenant.in_database() as connection:
        connection.execute(
            "UPDATE django.members_role SET known = %s, capabilities = "
            "ARRAY(SELECT c FROM unnest(capabilities) c WHERE c = ANY(%s) ORDER BY c) WHERE builtin AND tenant_id = %s",
            [OLD, OLD, tenant.made.tenant_id],
        )
        connection.execute(
            "DELETE FROM django.members_role WHERE code = 'approver' AND tenant_id = %s", [tenant.made.tenant_id]
        )


def follow(tenant: Tenant) -> int:
    with tenant.installation.database.connect("app", autocommit=True) as connection:
        return follow_release(connection, tenant.made.tenant_id)


def roles(acting: Acting) -> dict[str, dict[str, Any]]:
    return {row["code"]: row for row in acting.did("GET", "roles")["roles"]}


def test_built_in_roles_of_an_older_tenant_get_what_the_release_adds(tenant: Tenant, signed_in: SignedIn) -> None:
    made_by_older_release(tenant)
    admin, analyst = signed_in(tenant), signed_in(tenant, "analyst")
    assert "sample.draw" not in roles(admin)["analyst"]["capabilities"]
    assert analyst.page("populations/new").status_code in (200, 403)
    assert follow(tenant) == 5
    shown = roles(admin)
    for role in BUILTIN:
        assert set(shown[role.code]["capabilities"]) == {str(one) for one in role.capabilities}, role.code
    changes = [row for row in admin.did("GET", "trail?kind=roles")["trail"] if "what=release" in row["labels"]]
    assert {row["about"] for row in changes} == {shown[code]["id"] for code in shown if code != "viewer"}
    assert {(row["what"], row["actor"]) for row in changes} == {
        ("gave a built-in role what a new version can do", "system:server")
    }
    assert follow(tenant) == 0
    assert len(admin.did("GET", "trail?kind=roles")["trail"]) == len(changes)


def test_what_a_tenant_took_or_made_itself_stays_as_it_is(tenant: Tenant, signed_in: SignedIn) -> None:
    made_by_older_release(tenant)
    admin = signed_in(tenant)
    old = roles(admin)["analyst"]
    kept = [code for code in old["capabilities"] if code != "body.read"]
    fields = {"name": "Analyst", "description": "", "recorded_reads": False, "time_boxed": False}
    admin.did("PUT", f"roles/{old['id']}", {**fields, "capabilities": kept})
    own = {"code": "own", "name": "Own", "capabilities": ["ledger.read"]}
    admin.did("POST", "roles", own)
    follow(tenant)
    shown = roles(admin)
    assert shown["own"]["capabilities"] == ["ledger.read"]
    assert "body.read" not in shown["analyst"]["capabilities"]
    assert "sample.mark" in shown["analyst"]["capabilities"]
    # What the tenant takes away after that does not come back with the next start.
    admin.did("PUT", f"roles/{old['id']}", {**fields, "capabilities": kept})
    assert follow(tenant) == 0
    assert set(roles(admin)["analyst"]["capabilities"]) == set(kept)


def test_a_tenant_of_this_release_is_left_alone_by_the_job(tenant: Tenant, signed_in: SignedIn) -> None:
    admin = signed_in(tenant)
    before = roles(admin)
    job = RolesFollow()
    with tenant.installation.database.connect("app", autocommit=True) as connection:
        assert job(connection) == job(connection) == "built-in roles have what this version gives them"
    assert roles(admin) == before
    assert admin.did("GET", "trail?kind=roles")["trail"] == []


def test_a_role_that_came_later_is_given_once_and_stays_deleted(tenant: Tenant, signed_in: SignedIn) -> None:
    made_by_older_release(tenant)
    admin = signed_in(tenant)
    assert "approver" not in roles(admin)
    follow(tenant)
    given = roles(admin)["approver"]
    assert "exception.approve" in given["capabilities"]
    for code in ("approver", "analyst"):
        admin.did("DELETE", f"roles/{roles(admin)[code]['id']}")
    assert follow(tenant) == 0
    assert not {"approver", "analyst"} & set(roles(admin))


def test_a_tenants_own_role_of_that_name_stays_its_own(tenant: Tenant, signed_in: SignedIn) -> None:
    made_by_older_release(tenant)
    admin = signed_in(tenant)
    admin.did("POST", "roles", {"code": "approver", "name": "Ours", "capabilities": ["ledger.read"]})
    follow(tenant)
    ours = roles(admin)["approver"]
    assert (ours["capabilities"], ours["builtin"]) == (["ledger.read"], False)


@pytest.mark.parametrize("role", BUILTIN, ids=lambda role: role.code)
def test_a_role_gets_nothing_that_a_new_tenants_would_not_have(role: Any) -> None:
    assert set(added_by_release(role.code, [], [])) == {str(one) for one in role.capabilities}
    assert added_by_release(role.code, [], [str(one) for one in Capability]) == []
    assert added_by_release("of-their-own", [], []) == []
