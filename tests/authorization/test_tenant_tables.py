"""The check of the migrations finds what it is there to find."""

import json
import subprocess
import sys

import pytest

# Each puts one migration on top of the newest of `tenants`, as somebody might write it, and prints the complaints.
SCRIPT = """
import json
from tests.tenant_tables import complaints, loaded
loader = loaded()
from django.db import migrations, models
from muniment.server.tenants.isolation import TenantIsolation

def table(fields, options=None):
    return migrations.CreateModel("Thing", [("id", models.BigAutoField(primary_key=True)), *fields], options or {})

TENANT = ("tenant_id", models.UUIDField())
CASES = {
    "sound": [table([TENANT], {"constraints": [TenantIsolation(name="thing_tenant")]})],
    "no policy": [table([TENANT])],
    "no tenant": [table([])],
    "policy in a later migration": [table([TENANT])],
    "many to many": [
        table([TENANT], {"constraints": [TenantIsolation(name="thing_tenant")]}),
        migrations.AddField("Thing", "hosts", models.ManyToManyField("tenants.tenanthost")),
    ],
    "isolation removed": [migrations.RemoveConstraint("tenanthost", "tenants_host_tenant")],
    "by hand": [migrations.RunSQL("CREATE TABLE thing (tenant_id uuid)")],
    "not forced": [migrations.RunSQL("ALTER TABLE tenants_host NO FORCE ROW LEVEL SECURITY")],
    "as python": [migrations.RunPython(migrations.RunPython.noop)],
    "model not migrated": [migrations.AddField("tenanthost", "note", models.TextField(default=""))],
}
(newest,) = [name for label, name in loader.graph.leaf_nodes("tenants")]
found = {}
for number, (case, operations) in enumerate(CASES.items()):
    loader.build_graph()
    added = type("Migration", (migrations.Migration,), {"operations": operations})(f"9{number:03}_case", "tenants")
    key = ("tenants", added.name)
    loader.graph.add_node(key, added)
    loader.graph.add_dependency(added, key, ("tenants", newest))
    if case == "policy in a later migration":
        later = type("Migration", (migrations.Migration,), {
            "operations": [migrations.AddConstraint("Thing", TenantIsolation(name="thing_tenant"))]
        })("9999_later", "tenants")
        loader.graph.add_node(("tenants", later.name), later)
        loader.graph.add_dependency(later, ("tenants", later.name), key)
    # What the models lack beside the added migration is not what is looked for, except where it is.
    found[case] = [
        line for line in complaints(loader) if case == "model not migrated" or "no migration says" not in line
    ]
print(json.dumps(found))
"""
FOUND = {
    "sound": "",
    "no policy": "tenants_thing has a tenant_id and no TenantIsolation",
    "no tenant": "tenants_thing has no tenant_id",
    "policy in a later migration": "_case: tenants_thing has a tenant_id and no TenantIsolation",
    "many to many": "tenants_thing_hosts has no tenant_id",
    "isolation removed": "takes the isolation tenants_host_tenant away",
    "by hand": "hand-written SQL says “CREATE TABLE”",
    "not forced": "hand-written SQL says “NO FORCE”",
    "as python": "RunPython runs without a tenant",
    "model not migrated": "no migration says: Remove field note",
}


@pytest.fixture(scope="module")
def complained() -> dict[str, list[str]]:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    said: dict[str, list[str]] = json.loads(run.stdout)
    return said


@pytest.mark.parametrize("case", FOUND)
def test_a_migration_that_leaves_a_table_open_fails_the_check(complained: dict[str, list[str]], case: str) -> None:
    if FOUND[case]:
        assert any(FOUND[case] in line for line in complained[case]), complained[case]
    else:
        assert complained[case] == []
