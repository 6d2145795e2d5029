"""Whether the columns of an entry's row say what its hashed text says."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from muniment.core.event import event_hash
from muniment.core.times import parse_time9

COLUMNS = (
    "recorded_at",
    "entry_hash",
    "prev",
    "submitter",
    "mapping",
    "controls",
    "event_id",
    "action",
    "actor_type",
    "actor_id",
    "outcome",
    "occurred_at",
    "source_id",
    "epoch",
    "source_seq",
    "source_prev",
    "tool",
    "workspace",
    "resource_type",
    "resource_id",
    "trace_id",
    "span_id",
    "labels",
    "causes",
    "event_controls",
    "body_commit",
    "body_len",
    "body_type",
    "body_scheme",
)
"""Columns 1 to 29 of walk_entries.sql, in its order; column 0 is seq, 30 the text, 31 to 33 the body."""

_EVENT = b'"event":'
_LOG = b',"log":"'


@dataclass(frozen=True, slots=True)
class Said:
    """What an entry's text says, as its row must repeat it.

    Attributes:
        columns: the values of `COLUMNS`.
        event_hash: hash of the event inside, 32 bytes.
    """

    columns: tuple[object, ...]
    event_hash: bytes


def said(text: bytes) -> Said | None:
    """Read a text only as far as columns go; None if that fails. Its form is for the check `entries` to judge."""
    try:
        entry = orjson.loads(text)
        event, body, trace = entry["event"], entry["event"].get("body"), entry["event"].get("trace")
        resource, source = event.get("resource"), event["source"]
        columns = (
            entry["recorded_at"],
            sha256(b"\x00" + text).digest(),
            bytes.fromhex(entry["prev"]),
            entry["by"],
            entry["map"],
            entry.get("controls"),
            event["id"],
            event["action"],
            event["actor"]["type"],
            event["actor"]["id"],
            event["outcome"],
            parse_time9(event["occurred_at"]),
            source["id"],
            _hex(source.get("epoch")),
            source.get("seq"),
            _hex(source.get("prev")),
            event.get("tool"),
            event.get("workspace"),
            resource and resource["type"],
            resource and resource["id"],
            trace and _hex(trace["id"]),
            trace and _hex(trace.get("span")),
            event.get("labels"),
            event.get("causes"),
            event.get("controls"),
            body and _hex(body["commit"]),
            body and body["len"],
            body and body["type"],
            body and body["scheme"],
        )
        start = text.index(_EVENT) + len(_EVENT)
        return Said(columns, event_hash(text[start : text.rindex(_LOG)]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def differing(row: tuple[Any, ...], told: Said) -> list[str]:
    """Names of the columns that differ from the text."""
    held = (_time6(row[1]), *row[2:30])
    if held == told.columns:
        return []
    return [name for name, mine, theirs in zip(COLUMNS, held, told.columns, strict=True) if mine != theirs]


def _hex(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value)


def _time6(time: datetime) -> str:
    # The connection's time zone is UTC.
    return time.isoformat(timespec="microseconds")[:26] + "Z"
