"""Hold the migrations to isolation: `python -m tests.tenant_tables`, part of `make check`.

After every single migration, each table of the server either belongs to a tenant (a `tenant_id`, and a
`TenantIsolation` that emits its policies and grants) or stands with its reason among the tables that belong to none.
Nothing takes an isolation away again, hand-written SQL makes no tables, and no model is ahead of its migrations.
Needs no database.
"""

import os
import re
import sys
from collections.abc import Iterator
from typing import Any

NO_TENANT_SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "muniment.server.settings",
    "MUNIMENT_APP_URL": "postgresql://nobody@127.0.0.1:1/none",
    "MUNIMENT_SECRET_KEY": "only to load the models",
}
TABLES_IN_SQL = re.compile(r"\b(create\s+(unlogged\s+)?table|no\s+force|disable\s+row|drop\s+policy|bypassrls)\b", re.I)
# The ledger's schema is SQL by design; tests/ledger/test_rls.py walks the catalog that results.
WRITTEN_IN_SQL = "ledger"


def loaded() -> Any:
    """Every migration of the server, read from the files alone."""
    os.environ.update(NO_TENANT_SETTINGS)
    import django
    from django.db.migrations.loader import MigrationLoader

    django.setup()
    return MigrationLoader(None, ignore_no_migrations=True)


def complaints_about_state(state: Any, where: str) -> Iterator[str]:
    """Tables that are neither isolated nor known to belong to no tenant, in one state of the project."""
    from muniment.server.migrate import SHARED_TABLES, UNUSED_TABLES
    from muniment.server.tenants.isolation import TenantIsolation

    for model in state.apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        isolated = any(isinstance(constraint, TenantIsolation) for constraint in model._meta.constraints)
        owned = any(field.column == "tenant_id" for field in model._meta.local_fields)
        shared = table in SHARED_TABLES or table in UNUSED_TABLES
        if owned and not isolated:
            yield f"{where}: {table} has a tenant_id and no TenantIsolation"
        if isolated and not owned:
            yield f"{where}: {table} has a TenantIsolation and no tenant_id"
        if not owned and not shared:
            yield f"{where}: {table} has no tenant_id; if it belongs to no tenant, say why in migrate.SHARED_TABLES"
        if owned and shared:
            yield f"{where}: {table} belongs to a tenant and is listed as shared"


def complaints_about_operations(migration: Any, where: str) -> Iterator[str]:
    """Steps of one migration that go around the models."""
    from django.db.migrations.operations import RunPython, RunSQL, SeparateDatabaseAndState
    from django.db.migrations.operations.models import RemoveConstraint

    for operation in migration.operations:
        if isinstance(operation, SeparateDatabaseAndState):
            yield f"{where}: the database and the models are told different things (SeparateDatabaseAndState)"
        if isinstance(operation, RunPython) and migration.app_label != WRITTEN_IN_SQL:
            yield f"{where}: RunPython runs without a tenant; write what it does as models or SQL"
        if isinstance(operation, RunSQL) and (found := TABLES_IN_SQL.search(str(operation.sql))):
            yield f"{where}: hand-written SQL says “{found[0]}”"
        if isinstance(operation, RemoveConstraint) and operation.name.endswith("_tenant"):
            yield f"{where}: takes the isolation {operation.name} away"


def complaints_about_missing(loader: Any) -> Iterator[str]:
    """Models that no migration makes as they are."""
    from django.apps import apps
    from django.db.migrations.autodetector import MigrationAutodetector
    from django.db.migrations.state import ProjectState

    changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(graph=loader.graph)
    for label, migrations in sorted(changes.items()):
        for migration in migrations:
            for operation in migration.operations:
                yield f"{label}: no migration says: {operation.describe()}"


def complaints(loader: Any) -> list[str]:
    """Everything that is wrong, in the order of the migrations."""
    from muniment.server.migrate import APPLICATIONS

    ours = {label for label, package in APPLICATIONS.items() if package.startswith("muniment.")}
    found: dict[str, None] = {}
    for label, name in sorted(loader.graph.nodes):
        migration = loader.graph.nodes[label, name]
        where = f"{label}.{name}"
        state = loader.project_state((label, name))
        if label in ours:
            found |= dict.fromkeys(complaints_about_operations(migration, where))
        if label in APPLICATIONS:
            found |= dict.fromkeys(complaints_about_state(state, where))
    if len(loader.migrated_apps - set(APPLICATIONS)) > 0:
        found |= dict.fromkeys(
            f"{label} has migrations and is not in migrate.APPLICATIONS"
            for label in sorted(loader.migrated_apps - set(APPLICATIONS))
        )
    return [*found, *complaints_about_missing(loader)]


def main() -> int:
    """Print what is wrong; 1 if anything is."""
    found = complaints(loaded())
    for line in found:
        print(line)
    print(f"{len(found)} complaints about tenant tables" if found else "tenant tables: ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
