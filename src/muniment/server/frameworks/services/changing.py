"""Changing what actions evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from muniment.catalogs.jsonplaces import read_json
from muniment.catalogs.overrides import ResolvedMapping, resolve, unchanged
from muniment.core.errors import Refused
from muniment.ledger.mappings import MAX_DOCUMENT, change_mapping
from muniment.ledger.system import active_log
from muniment.server.access.standing import Standing
from muniment.server.frameworks.services.reading import find_catalog, known_of
from muniment.server.recording import SERVER
from muniment.server.tenants.scope import ledger_connection


def resolved(document: Mapping[str, Any]) -> ResolvedMapping:
    """What would be in force with a tenant's overrides.

    Raises:
        Malformed: naming the field, such as `annotate.tool.call.add[0]`.
    """
    return resolve(document, own=known_of(_named(document)), find=find_catalog)


def put_in_force(
    standing: Standing, document: Mapping[str, Any] | None, *, replaces: str
) -> tuple[ResolvedMapping, int]:
    """Change the mapping, and record it; entries from the next one on are mapped by it.

    Args:
        standing: of who changes it.
        document: the overrides; None to put the base mapping back.
        replaces: the version that is in force as far as they know.

    Returns:
        What is in force now, and the place of its entry.

    Raises:
        Malformed: naming the field.
        Refused: if another version is in force than they know, or nothing would be changed.
    """
    mapping = unchanged() if document is None else resolved(document)
    if mapping.version == replaces:
        raise Refused(f"{replaces} is in force already", "document")
    text = "" if document is None else orjson.dumps(document, option=orjson.OPT_SORT_KEYS).decode()
    kind = standing.subject.partition(":")[0]
    with ledger_connection() as raw:
        seq, _number = change_mapping(
            raw,
            active_log(raw).log_id,
            by=standing.subject if kind == "user" else SERVER,
            actor=("user" if kind == "user" else "service", standing.subject),
            replaces=replaces,
            mapping=mapping,
            document=text,
        )
    return mapping, seq


def _named(document: Mapping[str, Any]) -> set[str]:
    """Every text in the document that could be a control id; which of them is one is judged later."""
    found: set[str] = set()
    waiting: list[object] = [document.get("entry"), document.get("annotate")]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list):
            found.update(each for each in one if isinstance(each, str) and "\0" not in each)
    return found


def read_document(text: str) -> Mapping[str, Any]:
    """The overrides as somebody wrote them.

    Raises:
        Malformed: naming the document's line.
    """
    return read_json(text.encode("utf-8", "replace"), "document", MAX_DOCUMENT)[1]
