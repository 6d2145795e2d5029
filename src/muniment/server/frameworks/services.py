"""What a tenant's catalogs and mapping say; all of it for the tenant of the open `tenant_scope`."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from muniment.catalogs.framework import Catalog
from muniment.catalogs.known import check_known
from muniment.catalogs.overrides import ResolvedMapping, unchanged
from muniment.catalogs.shipped import catalog, catalog_ids
from muniment.ledger.query import Evidence


def mapping_in_force() -> ResolvedMapping:
    """What actions evidence for the tenant now."""
    return unchanged()


def find_catalog(catalog_id: str) -> Catalog:
    """A catalog of the tenant's: its own import, or the shipped one.

    Raises:
        Malformed: if there is none of this id.
    """
    return catalog(catalog_id)


def catalogs() -> tuple[Catalog, ...]:
    """Every catalog of the tenant's, by id."""
    return tuple(find_catalog(one) for one in catalog_ids())


def check_controls(ids: Iterable[object], field: str = "controls", *, own: Collection[str] = ()) -> tuple[str, ...]:
    """Give control ids back if each is in a catalog of the tenant's, or among its own.

    Args:
        ids: as a caller sent them.
        field: as the error names it.
        own: ids of the tenant's own controls, `own:…`.

    Raises:
        Malformed: naming the field and the position.
    """
    return check_known(ids, field, own=own, find=find_catalog)


def evidence_of(controls: Collection[str]) -> Evidence:
    """What to ask the log for: entries that hold one of these control ids, or come from an action annotated with one."""
    mapping = mapping_in_force()
    actions = {action for control in controls for action in mapping.annotated_with(control)}
    return Evidence(
        tuple(sorted(controls)), tuple(sorted(actions)), tuple(sorted(x for x in mapping.changed if x.startswith("x.")))
    )
