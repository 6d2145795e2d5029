"""Refusals: the entries by which a source says that one of its numbers was refused, so that the gap has a name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from muniment.core.canonical import Json, parse_json
from muniment.core.entry import VERSION
from muniment.core.errors import Malformed

ACTION: Final = "event.refused"
_FIELDS: Final = {
    "refused.epoch": re.compile(r"[0-9a-f]{32}"),
    "refused.hash": re.compile(r"[0-9a-f]{64}"),
    "refused.seq": re.compile(r"0|[1-9][0-9]{0,15}"),
    "refused.source": re.compile(r"src_[0-9A-Z]{26}"),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an `event.refused` entry names.

    Attributes:
        by: who submitted it.
        source: id of the source; epoch: 32 hex.
        seq: the number that was refused.
        hash: event hash of the refused event, hex.
    """

    by: str
    source: str
    epoch: str
    seq: int
    hash: str


def refusals(texts: Sequence[bytes]) -> Iterator[Refusal]:
    """The refusals that stand in some entry texts; a text that cannot be read names none."""
    # Parsing is slow, one look over all of them is not. In a text that is not canonical an escape may hide the word.
    joined = b"".join(texts)
    if b"event.refused" not in joined and not (b"\\" in joined and b"\\u" in joined):
        return
    for text in texts:
        if b"event.refused" in text or b"\\u" in text:
            entry = _read(text)
            found = read_refusal(_object(entry.get("event")), entry.get("by"))
            if found is not None:
                yield found


def submitter(text: bytes) -> str:
    """Who submitted an entry; empty if the text does not say."""
    if text[:7] == b'{"by":"':
        by = text[7 : text.find(b'"', 7)]
        if b"\\" not in by and by.isascii():
            return by.decode("ascii")
    value = _read(text).get("by")
    return value if isinstance(value, str) else ""


def read_refusal(event: Mapping[str, Json], by: Json | None) -> Refusal | None:
    """What an event names as refused; None if it names nothing, or one thing twice."""
    labels, source = event.get("labels"), _object(event.get("source")).get("id")
    if event.get("action") != ACTION or not isinstance(labels, list) or not isinstance(by, str):
        return None
    found: dict[str, str] = {}
    for label in labels:
        key, _, value = label.partition("=") if isinstance(label, str) else ("", "", "")
        form = _FIELDS.get(key)
        if form is not None:
            if key in found or form.fullmatch(value) is None:
                return None
            found[key] = value
    name = found.pop("refused.source", source)
    if len(found) != len(_FIELDS) - 1 or not isinstance(name, str):
        return None
    return Refusal(by, name, found["refused.epoch"], int(found["refused.seq"]), found["refused.hash"])


def _read(text: bytes) -> Mapping[str, Json]:
    try:
        entry = _object(parse_json(text))
    except Malformed:
        return {}
    return entry if entry.get("v") == VERSION else {}


def _object(value: Json | None) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
