"""Row level security as a Django constraint: a tenant table without it does not pass `make check`.

A model that has a `tenant_id` puts `TenantIsolation` into `Meta.constraints`. Its migration then enables and forces
row level security, emits the policies, and grants the application what it may do; nothing else grants anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import BaseConstraint, Model

TENANT: Final = "tenant_id = (SELECT nullif(current_setting('muniment.tenant', true), '')::uuid)"
APP_ROLE: Final = "muniment_app"
AUDITOR_ROLE: Final = "muniment_auditor"
ALL: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
APPEND_ONLY: Final = ("SELECT", "INSERT")
"""Grants of a table whose rows stand as they were written: the database lets the application neither change nor remove
them."""
NEVER_REMOVED: Final = ("SELECT", "INSERT", "UPDATE")
"""Grants of a table whose rows go on by their workflow and stay."""


class TenantIsolation(BaseConstraint):
    """Rows are seen and written by the transaction's tenant alone; with no tenant set there are none.

    Args:
        name: unique in the database, as for every constraint.
        lookups: columns by which one row may be read before the tenant is known, each with the transaction-local
            setting that must hold its value, for example `{"host": "muniment.lookup"}`.
        grants: what the application's role may do.
    """

    def __init__(
        self, *, name: str, lookups: Mapping[str, str] | None = None, grants: tuple[str, ...] | list[str] = ALL
    ) -> None:
        super().__init__(name=name)
        self.lookups = dict(lookups or {})
        self.grants = tuple(grants)
        if not set(self.grants) <= set(ALL):
            raise ValueError(f"grants are some of {ALL}, not {self.grants}")

    def statements(self, table: str) -> list[str]:
        """The SQL that isolates a table."""
        policies = [f'CREATE POLICY "{self.name}" ON {table} USING ({TENANT}) WITH CHECK ({TENANT})']
        for column, setting in sorted(self.lookups.items()):
            found = f"\"{column}\" = (SELECT nullif(current_setting('{setting}', true), ''))"
            policies.append(f'CREATE POLICY "{self.name}_{column}" ON {table} FOR SELECT TO {APP_ROLE} USING ({found})')
        return [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            *policies,
            f"GRANT {', '.join(self.grants)} ON {table} TO {APP_ROLE}",
            f"GRANT SELECT ON {table} TO {AUDITOR_ROLE}",
        ]

    def constraint_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        """Nothing inside CREATE TABLE; the statements follow once the table is there."""
        if model is not None and schema_editor is not None:
            schema_editor.deferred_sql.extend(self.statements(schema_editor.quote_name(model._meta.db_table)))
        return ""

    def create_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        """The statements for a table that is there already."""
        if model is None or schema_editor is None:
            raise TypeError("a model and a schema editor are needed")
        return "; ".join(self.statements(schema_editor.quote_name(model._meta.db_table)))

    def remove_sql(self, model: type[Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        """Isolation is changed by adding another one first, never just taken away."""
        raise NotImplementedError("a tenant table keeps its isolation")

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """The database judges each row when it is written."""

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        """How a migration writes it down."""
        path, args, kwargs = super().deconstruct()
        if self.lookups:
            kwargs["lookups"] = self.lookups
        if self.grants != ALL:
            kwargs["grants"] = list(self.grants)
        return path, args, kwargs

    def __eq__(self, other: object) -> bool:
        if isinstance(other, TenantIsolation):
            return (self.name, self.lookups, self.grants) == (other.name, other.lookups, other.grants)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((self.name, tuple(sorted(self.lookups.items())), self.grants))

    def clone(self) -> Self:
        """A copy, as Django makes of every constraint of a model."""
        return type(self)(name=self.name, lookups=self.lookups, grants=self.grants)
