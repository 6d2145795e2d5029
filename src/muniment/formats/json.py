"""Exports as lines of JSON, and as one JSON document of the same lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import orjson

from muniment.formats.exported import Control, Exported, Frame
from muniment.formats.writer import Shared, Writer


def control_json(control: Control) -> dict[str, str]:
    """A control with its mark; its members sorted by name."""
    shown = {"by": control.by} if control.by else {}
    return {**shown, "id": control.id, "mark": control.mark}


def controls_json(controls: tuple[Control, ...]) -> bytes:
    """Controls with their marks, as an array."""
    return orjson.dumps([control_json(control) for control in controls])


class _LineWriter(Writer):
    """Writes each entry as one JSON object.

    `entry` stands last and is the exact text: what stands between `,"entry":` and the closing brace is what was hashed.
    """

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self._controls = Shared(controls_json)

    def _entry(self, entry: Exported) -> bytes:
        names = b',"names":' + orjson.dumps(dict(entry.names)) if entry.names else b""
        beside = b'{"seq":%d,"entry_hash":"%b","controls":' % (entry.document["seq"], entry.entry_hash.hex().encode())
        return b"".join((beside, self._controls.of(entry.controls), names, b',"entry":', entry.text, b"}", self.ending))

    ending: ClassVar = b""


class NdjsonWriter(_LineWriter):
    """A header, the entries and the end, each one line of JSON."""

    name: ClassVar = "ndjson"
    suffix: ClassVar = "ndjson"
    content_type: ClassVar = "application/x-ndjson"
    ending: ClassVar = b"\n"

    def _begin(self) -> bytes:
        return orjson.dumps(self.frame.header(self.name)) + b"\n"

    def _last(self, digest: str) -> bytes:
        return orjson.dumps({"end": {"entries": self.entries, "sha256": digest}}) + b"\n"


class JsonWriter(_LineWriter):
    """One document: the header's members, `entries`, and `end`."""

    name: ClassVar = "json"
    suffix: ClassVar = "json"
    content_type: ClassVar = "application/json"

    def _begin(self) -> bytes:
        return orjson.dumps(self.frame.header(self.name))[:-1] + b',\n"entries":['

    def add(self, batch: Sequence[Exported]) -> bytes:
        """Some entries, each on a line of its own, after a comma where one stands before."""
        if not batch:
            return b""
        made = (b"\n" if not self.entries else b",\n") + b",\n".join(map(self._entry, batch))
        self.entries += len(batch)
        return self._hashed(made)

    def _close(self) -> bytes:
        return b"\n],\n"

    def _last(self, digest: str) -> bytes:
        return b'"end":' + orjson.dumps({"entries": self.entries, "sha256": digest}) + b"}\n"
