"""Putting the record of an entry together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson

from muniment.catalogs.marking import Marked, mark_controls
from muniment.catalogs.overrides import ResolvedMapping
from muniment.core.errors import VerificationFailed
from muniment.core.times import parse_time6, parse_time9
from muniment.ledger.proofs import NotSealed, tlog_proof
from muniment.ledger.read import StoredBody, StoredEntry
from muniment.ledger.surroundings import first_seal
from muniment.server.access.standing import Standing

if TYPE_CHECKING:
    from psycopg import Connection

SCHEMA: Final = "muniment-record/1"
NO_SINKS: Final = "no sink is configured"
_ROLES: Final = {True: "the log's key", False: "a cosigner"}


def record_of(
    reading: Connection[Any],
    reader: Standing,
    found: tuple[StoredEntry, StoredBody | None],
    mapping: ResolvedMapping,
    api: str,
) -> dict[str, Any]:
    """The record of an entry, as JSON values.

    Args:
        reading: in a transaction of the reader's tenant.
        reader: whose log it is.
        found: the entry and its body.
        mapping: in force for the tenant; its annotations are laid over the entry and marked.
        api: address of the API, without `/api`.
    """
    entry, body = found
    document: Mapping[str, Any] = orjson.loads(entry.text)
    event = document["event"]
    address = f"{api}/api/entries/{entry.seq}"
    marked = mark_controls(document["controls"], event.get("controls", ()), document["map"], event["action"], mapping)
    return {
        "schema": SCHEMA,
        "entry_version": document["v"],
        "event": f"{event['source']['id']}/{event['id']}",
        "action": event["action"],
        "outcome": event["outcome"],
        "actor": event["actor"],
        "resource": event.get("resource"),
        "submitted_by": document["by"],
        "occurred_at": event["occurred_at"],
        "occurred_ns": str(parse_time9(event["occurred_at"])),
        "recorded_at": document["recorded_at"],
        "recorded_ns": str(parse_time6(document["recorded_at"]) * 1000),
        "controls": [control_json(one) for one in marked],
        "mapping": {"baked": document["map"], "in_force": mapping.version, "digest": mapping.digest},
        "chain": {
            "log": document["log"],
            "seq": entry.seq,
            "entry_hash": entry.entry_hash.hex(),
            "prev": document["prev"],
            "hash": "SHA-256 over a zero byte and the entry's text",
        },
        "evidence": {
            "uri": f"{address}/text",
            "entry_hash": entry.entry_hash.hex(),
            "body": _body(body, event, address, reader),
        },
        "proof": _proof(reading, reader, entry, address),
        "delivery": {"sinks": [], "state": NO_SINKS},
    }


def control_json(one: Marked) -> dict[str, object]:
    """A control with why it is there; `recorded` says whether it stands in the entry, under its hash."""
    return {"id": one.control, "mark": str(one.mark), "by": one.by or None, "recorded": one.recorded}


def _body(
    body: StoredBody | None, event: Mapping[str, Any], address: str, reader: Standing
) -> dict[str, object] | None:
    if body is None or "body" not in event:
        return None
    disclosed = body.state == "stored" and reader.sees_bodies
    return {
        "state": body.state if disclosed or body.state != "stored" else "not disclosed",
        "commit": event["body"]["commit"],
        "len": event["body"]["len"],
        "uri": f"{address}/body" if disclosed else None,
        "hash": "SHA-256 over muniment/body/1, a zero byte, the salt of the header Muniment-Salt, and the body",
    }


def _proof(reading: Connection[Any], reader: Standing, entry: StoredEntry, address: str) -> dict[str, object]:
    try:
        made = tlog_proof(reading, reader.log_id, reader.origin, entry.seq)
    except NotSealed:
        return {"state": "not covered by a checkpoint yet", "checkpoint": None, "uri": None, "signatures": []}
    except VerificationFailed as error:
        return {"state": f"the stored tree gives no proof: {error}", "checkpoint": None, "uri": None, "signatures": []}
    first = first_seal(reading, reader.log_id, entry.seq)
    size = made.checkpoint.size
    return {
        "state": f"covered by checkpoint {size}",
        "checkpoint": {
            "size": size,
            "root": made.checkpoint.root.hex(),
            "first_size": None if first is None else first[0],
        },
        "uri": f"{address}/proof?size={size}",
        "signatures": [
            {"key": line.name, "key_id": line.key_id.hex(), "of": _ROLES[line.name == reader.origin]}
            for line in made.note.signatures
        ],
    }
