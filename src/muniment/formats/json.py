"""Exports as lines of JSON, and as one JSON document of the same lines."""

from __future__ import annotations

from typing import Any, ClassVar

import orjson

from muniment.formats.exported import Control, Exported
from muniment.formats.writer import Writer


def control_json(control: Control) -> dict[str, str]:
    """A control with its mark."""
    shown = {"id": control.id, "mark": control.mark}
    return shown | {"by": control.by} if control.by else shown


def line_of(entry: Exported) -> bytes:
    """An entry as one JSON object. `entry` stands last and is the exact text: what stands between
    `,"entry":` and the closing brace is what was hashed.
    """
    shown: dict[str, Any] = {
        "seq": entry.document["seq"],
        "entry_hash": entry.entry_hash.hex(),
        "controls": [control_json(control) for control in entry.controls],
    }
    if entry.names:
        shown["names"] = dict(entry.names)
    return orjson.dumps(shown)[:-1] + b',"entry":' + entry.text + b"}"


class NdjsonWriter(Writer):
    """A header, the entries and the end, each one line of JSON."""

    name: ClassVar = "ndjson"
    suffix: ClassVar = "ndjson"
    content_type: ClassVar = "application/x-ndjson"

    def _begin(self) -> bytes:
        return orjson.dumps(self.frame.header(self.name)) + b"\n"

    def _entry(self, entry: Exported) -> bytes:
        return line_of(entry) + b"\n"

    def _last(self, digest: str) -> bytes:
        return orjson.dumps({"end": {"entries": self.entries, "sha256": digest}}) + b"\n"


class JsonWriter(Writer):
    """One document: the header's members, `entries`, and `end`."""

    name: ClassVar = "json"
    suffix: ClassVar = "json"
    content_type: ClassVar = "application/json"

    def _begin(self) -> bytes:
        return orjson.dumps(self.frame.header(self.name))[:-1] + b',\n"entries":['

    def add(self, batch: Any) -> bytes:
        """Some entries, each on a line of its own, after a comma where one stands before."""
        if not batch:
            return b""
        made = (b"\n" if not self.entries else b",\n") + b",\n".join(map(self._entry, batch))
        self.entries += len(batch)
        return self._hashed(made)

    def _entry(self, entry: Exported) -> bytes:
        return line_of(entry)

    def _close(self) -> bytes:
        return b"\n],\n"

    def _last(self, digest: str) -> bytes:
        return b'"end":' + orjson.dumps({"entries": self.entries, "sha256": digest}) + b"}\n"
