"""Whether an entry that just came in is one of those that were asked for: judged as the ledger's queries judge it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from muniment.ledger.query import EntryFilter


def matches(asked: EntryFilter, recorded_at: datetime, document: Mapping[str, Any]) -> bool:
    """Whether an entry has everything in common that was asked for.

    Args:
        asked: the question.
        recorded_at: of the entry.
        document: its canonical text, parsed.
    """
    event = document["event"]
    resource = event.get("resource", {})
    if asked.since is not None and recorded_at < asked.since:
        return False
    if asked.until is not None and recorded_at >= asked.until:
        return False
    if asked.prefix is not None:
        if not event["action"].startswith(asked.prefix):
            return False
    elif asked.action is not None and event["action"] != asked.action:
        return False
    pairs = (
        (asked.actor, event["actor"]["id"]),
        (asked.tool, event.get("tool")),
        (asked.workspace, event.get("workspace")),
        (asked.resource, resource.get("id")),
        (asked.resource_type, resource.get("type")),
        (asked.outcome, event["outcome"]),
        (asked.source, event["source"]["id"]),
        (None if asked.trace is None else asked.trace.hex(), event.get("trace", {}).get("id")),
    )
    if any(wanted is not None and wanted != found for wanted, found in pairs):
        return False
    if asked.control is not None and asked.control not in document.get("controls", ()):
        return False
    return asked.label is None or asked.label in event.get("labels", ())
