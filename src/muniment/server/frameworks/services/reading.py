"""Catalogs and mapping as the tenant of the open `tenant_scope` has them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Final

from muniment.catalogs.catalogfile import parse_catalog
from muniment.catalogs.framework import Catalog
from muniment.catalogs.imported import check_replacement
from muniment.catalogs.known import check_known
from muniment.catalogs.mapping import MAPPING_VERSION
from muniment.catalogs.marking import actions_noted
from muniment.catalogs.overrides import ResolvedMapping, unchanged
from muniment.catalogs.shipped import catalog, catalog_ids
from muniment.core.errors import Malformed, VerificationFailed
from muniment.ledger.logfacts import tenant_log
from muniment.ledger.mappings import MappingVersion, add_controls, mapping_versions, own_controls
from muniment.ledger.mappings import mapping_in_force as mapping_of_log
from muniment.ledger.query import Evidence
from muniment.server.frameworks.models import CatalogImport
from muniment.server.tenants.scope import ledger_connection

if TYPE_CHECKING:
    from django.db.models import QuerySet

REMEMBERED: Final = 64
"""Imported catalogs that are kept read, over all tenants."""
_READ: OrderedDict[str, Catalog] = OrderedDict()
_LOCK: Final = Lock()


def mapping_in_force() -> ResolvedMapping:
    """What actions evidence for the tenant now."""
    with ledger_connection() as raw:
        log = tenant_log(raw)
        return unchanged() if log is None else mapping_of_log(raw, log)


def mapping_history() -> list[MappingVersion]:
    """Every change of the tenant's mapping, newest first."""
    with ledger_connection() as raw:
        log = tenant_log(raw)
        return [] if log is None else mapping_versions(raw, log)


def mapping_named(version: str) -> ResolvedMapping:
    """A mapping that is or was in force, by its version.

    Raises:
        Malformed: if none of the tenant's has that version.
    """
    if version == MAPPING_VERSION:
        return unchanged()
    for one in mapping_history():
        if one.version == version:
            return one.mapping
    raise Malformed(f"{version} was never in force here", "mapping")


def find_catalog(catalog_id: str) -> Catalog:
    """A catalog of the tenant's: its own import, or the shipped one.

    Raises:
        Malformed: if there is none of this id.
    """
    row = None if "\0" in catalog_id else _imports().filter(catalog=catalog_id).values_list("id", "digest").first()
    return catalog(catalog_id) if row is None else _imported(*row)


def catalogs() -> tuple[Catalog, ...]:
    """Every catalog of the tenant's, by id."""
    own = {name: (row, digest) for row, name, digest in _imports().values_list("id", "catalog", "digest")}
    return tuple(_imported(*own[one]) if one in own else catalog(one) for one in sorted({*catalog_ids(), *own}))


def newest_imports() -> list[CatalogImport]:
    """The tenant's imports that count, by catalog; without their documents."""
    return list(_imports().defer("document"))


def imports_of(catalog_id: str) -> list[CatalogImport]:
    """Every import of a catalog, newest first; without their documents."""
    rows = CatalogImport.objects.filter(catalog=catalog_id).order_by("-number")
    return [] if "\0" in catalog_id else list(rows.defer("document"))


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


def make_known(controls: Collection[str]) -> None:
    """Say that control ids are the tenant's own, so that events and mappings may name them; none is taken back."""
    with ledger_connection() as raw:
        add_controls(raw, controls)


def known_of(controls: Collection[str]) -> frozenset[str]:
    """Which of these control ids `make_known` was told of."""
    with ledger_connection() as raw:
        return own_controls(raw, controls)


def evidence_of(controls: Collection[str]) -> Evidence:
    """What to ask the log for: entries that hold one of some control ids, or whose action is annotated with one.

    An action that bakes an id in today is asked for as well where it did not always: entries from before are
    annotated with what today's mapping says.
    """
    return evidence_by_mapping()(controls)


def evidence_by_mapping() -> Callable[[Collection[str]], Evidence]:
    """`evidence_of` for many questions: the mapping is read once."""
    mapping = mapping_in_force()
    noted = actions_noted(mapping, [unchanged(), *(one.mapping for one in mapping_history())])
    named = sorted(action for action in mapping.changed if action.startswith("x."))

    def evidence(controls: Collection[str]) -> Evidence:
        actions = frozenset[str]().union(*(noted.get(one, frozenset()) for one in controls))
        # `x` does not speak for the actions that the mapping names.
        besides = tuple(named) if "x" in actions else ()
        return Evidence(tuple(sorted(set(controls))), tuple(sorted(actions)), besides)

    return evidence


def _imports() -> QuerySet[CatalogImport]:
    return CatalogImport.objects.order_by("catalog", "-number").distinct("catalog")


def _imported(row_id: str, digest: str) -> Catalog:
    """What an import holds. It stays in memory by the hash of its content; who may see it was asked of the database."""
    with _LOCK:
        if (held := _READ.get(digest)) is not None:
            _READ.move_to_end(digest)
            return held
    document = str(CatalogImport.objects.values_list("document", flat=True).get(pk=row_id)).encode()
    if sha256(document).hexdigest() != digest:
        raise VerificationFailed("the stored catalog is not the one that was recorded", row_id)
    made = parse_catalog(document, row_id)
    check_replacement(made)
    with _LOCK:
        _READ[digest] = made
        while len(_READ) > REMEMBERED:
            _READ.popitem(last=False)
    return made
