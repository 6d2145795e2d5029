"""Entries of every kind, as the formats are given them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from muniment.core.canonical import dump_json
from muniment.core.entry import entry_hash
from muniment.formats.exported import Control, Exported, Frame

ORIGIN = "log.example/7f3a"
AWFUL = (
    '=cmd|"/c calc"!A1',
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "'quoted",
    'a "b"',
    "ｆ＝",
    "＝1",
    "עברית",
    "a\nb",
    "<b>",
)


def frame(entries: int, **changes: Any) -> Frame:
    given: dict[str, Any] = {
        "origin": ORIGIN,
        "genesis": "00" * 32,
        "size": 1000,
        "root": "ab" * 32,
        "note": f"{ORIGIN}\n1000\nq6urq6s=\n\n— {ORIGIN} c2lnbmF0dXJl\n",
        "sealed_at": "2026-03-02T00:00:00.000000Z",
        "mapping": "base-1",
        "mapping_digest": "cd" * 32,
        "question": {"control": "soc2:CC6.1"},
        "evidence": {"controls": ["soc2:CC6.1"], "actions": []},
        "entries": entries,
        "api": "https://ledger.example",
        "software": "0.0.0",
    }
    return Frame(**{**given, **changes})


def entry(seq: int, action: str = "tool.call", prev: bytes = bytes(32), **event: Any) -> Exported:
    said: dict[str, Any] = {
        "action": action,
        "actor": {"id": "agent:research-01", "type": "agent"},
        "controls": ["soc2:CC6.1"],
        "id": "evt_01KAY9M2Z7Q4WXYH3J8V5T6R0C",
        "occurred_at": "2026-03-01T14:23:07.847291001Z",
        "outcome": "success",
        "resource": {"id": "https://x.example/y", "type": "tool"},
        "source": {"id": "src_01KAY9M2Z7Q4WXYH3J8V5T6R0C"},
        **event,
    }
    document = {
        "by": "key:ak_01KAY9M2Z7Q4WXYH3J8V5T6R0C",
        "controls": ["soc2:CC6.1", "soc2:CC7.2"],
        "event": {name: value for name, value in said.items() if value is not None},
        "log": ORIGIN,
        "map": "base-1",
        "prev": prev.hex(),
        "recorded_at": "2026-03-01T14:23:08.000001Z",
        "seq": seq,
        "v": 3,
    }
    text = dump_json(document)
    controls = (
        Control("soc2:CC6.1", "event"),
        Control("soc2:CC7.2", "mapping", "base-1"),
        Control("gdpr:32", "annotation", "notes-1"),
    )
    return Exported(text, entry_hash(text), orjson.loads(text), controls)


def awful_entries() -> Iterator[Exported]:
    """A chain of entries whose texts no format may be led astray by."""
    prev = bytes(32)
    for seq, text in enumerate(AWFUL):
        made = entry(seq, prev=prev, tool=text, resource={"id": text, "type": "tool"}, labels=[f"k={text}"])
        prev = made.entry_hash
        yield made
