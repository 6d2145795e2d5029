"""Exports as a table (RFC 4180) whose cells no spreadsheet takes for formulas."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import orjson

from muniment.core.spreadsheet import guard, unguard
from muniment.formats.exported import Control, Exported, Frame
from muniment.formats.writer import Shared, Writer

COLUMNS: Final = (
    "seq",
    "recorded_at",
    "occurred_at",
    "source",
    "event",
    "action",
    "outcome",
    "actor_type",
    "actor",
    "actor_name",
    "resource_type",
    "resource",
    "tool",
    "workspace",
    "trace",
    "labels",
    "causes",
    "submitted_by",
    "mapping",
    "controls_of_event",
    "controls_of_mapping",
    "controls_annotated",
    "body_sha256",
    "prev",
    "entry_hash",
    "entry",
)
"""In this order. `entry` is the exact text; lists are JSON; control ids are parted by spaces."""


def cell(text: str) -> str:
    """A cell: always quoted; an apostrophe goes before what begins like a formula, or with an apostrophe.

    >>> print(cell("=1+1"), cell("'tis"), cell("plain"))
    "'=1+1" "''tis" "plain"
    """
    return '"' + guard(text).replace('"', '""') + '"'


def uncell(text: str) -> str:
    """What `cell` was given, from a cell as a CSV reader reads it.

    >>> uncell("'=1+1"), uncell("''tis"), uncell("plain")
    ('=1+1', "'tis", 'plain')
    """
    return unguard(text)


class CsvWriter(Writer):
    """The names of the columns, a row for each entry, and a last row whose first cell is `end`."""

    name: ClassVar = "csv"
    suffix: ClassVar = "csv"
    content_type: ClassVar = "text/csv; charset=utf-8"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self._controls = Shared(_parted)

    def _begin(self) -> bytes:
        return _row(COLUMNS)

    def _entry(self, entry: Exported) -> bytes:
        document = entry.document
        event: dict[str, Any] = document["event"]
        actor = event["actor"]
        resource, body = event.get("resource") or {}, event.get("body") or {}
        controls = self._controls.of(entry.controls)
        return _row(
            (
                str(document["seq"]),
                document["recorded_at"],
                event["occurred_at"],
                event["source"]["id"],
                event["id"],
                event["action"],
                event["outcome"],
                actor["type"],
                actor["id"],
                entry.names.get(actor["id"], ""),
                resource.get("type", ""),
                resource.get("id", ""),
                event.get("tool", ""),
                event.get("workspace", ""),
                (event.get("trace") or {}).get("id", ""),
                _list(event.get("labels")),
                _list(event.get("causes")),
                document["by"],
                document["map"],
                *controls,
                body.get("commit", ""),
                document["prev"],
                entry.entry_hash.hex(),
                entry.text.decode(),
            )
        )

    def _last(self, digest: str) -> bytes:
        said = {**self.frame.header(self.name), "end": {"entries": self.entries, "sha256": digest}}
        return _row(("end", *("" for _ in COLUMNS[2:]), orjson.dumps(said).decode()))


def _parted(controls: tuple[Control, ...]) -> tuple[str, str, str]:
    """Ids by their marks: of the event, of the mapping, annotated."""
    by: dict[str, list[str]] = {"event": [], "mapping": [], "": []}
    for control in controls:
        by[control.mark if control.recorded else ""].append(control.id)
    return " ".join(by["event"]), " ".join(by["mapping"]), " ".join(by[""])


def _list(values: list[str] | None) -> str:
    return orjson.dumps(values).decode() if values else ""


def _row(cells: tuple[str, ...]) -> bytes:
    return (",".join(map(cell, cells)) + "\r\n").encode()
