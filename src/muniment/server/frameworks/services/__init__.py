"""Use cases of catalogs and mapping: the only writers of their rows; all for the tenant of the open `tenant_scope`."""

from muniment.server.frameworks.services.changing import put_in_force, read_document, resolved
from muniment.server.frameworks.services.covering import Counted, covered
from muniment.server.frameworks.services.importing import bring_in, look_at, record_refused_import
from muniment.server.frameworks.services.reading import (
    catalogs,
    check_controls,
    evidence_by_mapping,
    evidence_of,
    find_catalog,
    imports_of,
    known_of,
    make_known,
    mapping_history,
    mapping_in_force,
    mapping_named,
    newest_imports,
)

__all__ = [
    "Counted",
    "bring_in",
    "catalogs",
    "check_controls",
    "covered",
    "evidence_by_mapping",
    "evidence_of",
    "find_catalog",
    "imports_of",
    "known_of",
    "look_at",
    "make_known",
    "mapping_history",
    "mapping_in_force",
    "mapping_named",
    "newest_imports",
    "put_in_force",
    "read_document",
    "record_refused_import",
    "resolved",
]
