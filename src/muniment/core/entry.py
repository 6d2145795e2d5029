"""Entries: what the ledger says about an event, one leaf of the log each.

The entry's hash is the RFC 6962 leaf hash of its canonical text and at once the `prev` of the entry after it.
"""

import hashlib
from dataclasses import dataclass
from typing import cast

from muniment.core import identifiers as names
from muniment.core.canonical import MAX_BYTES, parse_json
from muniment.core.envelope import event_text, quote_all
from muniment.core.errors import Malformed
from muniment.core.event import Event, event_from_mapping
from muniment.core.fields import check_array, check_bytes, check_integer, read_array, read_hex, read_object
from muniment.core.times import MAX_TIME6, MalformedTime, format_time6, parse_time6

VERSION = 3
"""The only value of `v`."""

GENESIS_PREV = bytes(32)
"""`prev` of entry 0."""


class MalformedEntry(Malformed):
    """The input is no entry; `where` names the field, such as `seq` or `event.actor.id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry. `recorded_at` is microseconds since the Unix epoch, UTC; `prev` 32 bytes; `seq` the leaf index.

    Raises:
        Malformed: on construction, if a field breaks its grammar; `where` names it.

    Source: docs/format.md section 1.
    """

    seq: int
    prev: bytes
    recorded_at: int
    log: str
    by: str
    map: str
    event: Event
    controls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names.SUBMITTERS.check(self.by, "by")
        check_array(self.controls, names.CONTROLS, names.MAX_CONTROLS, "controls")
        if missing := set(self.event.controls).difference(self.controls):
            raise Malformed(f"leave out {min(missing)}, which the event itself names", "controls")
        names.check_origin(self.log, "log")
        names.MAPPINGS.check(self.map, "map")
        check_bytes(self.prev, 32, "prev")
        check_integer(self.recorded_at, "recorded_at", MAX_TIME6)
        check_integer(self.seq, "seq")

    def text(self) -> bytes:
        """Write the entry's canonical text, UTF-8.

        Raises:
            MalformedEntry: if it is larger than 65,535 bytes.

        Source: docs/format.md section 2; RFC 8785.
        """
        controls = f',"controls":{quote_all(self.controls)}' if self.controls else ""
        text = (
            f'{{"by":"{self.by}"{controls},"event":{event_text(self.event)},"log":"{self.log}","map":"{self.map}"'
            f',"prev":"{self.prev.hex()}","recorded_at":"{format_time6(self.recorded_at)}","seq":{self.seq},"v":3}}'
        ).encode()
        if len(text) > MAX_BYTES:
            raise MalformedEntry(f"{len(text)} bytes as canonical text, at most {MAX_BYTES} are allowed")
        return text


def entry_hash(text: bytes) -> bytes:
    """Hash an entry's text: SHA-256(0x00 ‖ text), 32 bytes.

    Source: docs/format.md section 3; RFC 6962 section 2.1.
    """
    return hashlib.sha256(b"\x00" + text).digest()


def parse_entry(data: bytes) -> Entry:
    """Read an entry's canonical text.

    Args:
        data: at most 65,535 bytes; `parse_entry(data).text() == data` for everything that is accepted.

    Raises:
        MalformedEntry: naming the field where there is one; also if the text is valid but not canonical.

    Source: docs/format.md sections 1 and 2, rules 2 to 4.
    """
    try:
        entry = _entry(parse_json(data))
        text = entry.text()
    except Malformed as error:
        raise MalformedEntry(error.reason, error.where) from None
    if text != data:
        raise MalformedEntry("not in canonical form (RFC 8785): white space, order of keys or escapes differ")
    return entry


def entry_findings(data: bytes) -> list[MalformedEntry]:
    """Name what is wrong with an entry's text, under rules 2 to 4; nothing is wrong if the list is empty.

    Source: docs/format.md section 2.
    """
    try:
        parse_entry(data)
    except MalformedEntry as error:
        return [error]
    return []


_REQUIRED = frozenset({"by", "event", "log", "map", "prev", "recorded_at", "seq", "v"})
_OPTIONAL = frozenset({"controls"})


def _entry(value: object) -> Entry:
    # An unknown version may have other keys: it is named first, so that nobody searches for the wrong fault.
    if isinstance(value, dict) and "v" in value and (type(value["v"]) is not int or value["v"] != VERSION):
        raise Malformed(f"is not {VERSION}, the only version this verifier knows: not verified", "v")
    fields = read_object(value, "", _REQUIRED, _OPTIONAL)
    return Entry(
        by=cast(str, fields["by"]),
        controls=read_array(fields, "controls"),
        event=_event(fields["event"]),
        log=cast(str, fields["log"]),
        map=cast(str, fields["map"]),
        prev=read_hex(fields["prev"], 32, "prev"),
        recorded_at=_recorded_at(fields["recorded_at"]),
        seq=cast(int, fields["seq"]),
    )


def _event(value: object) -> Event:
    try:
        return event_from_mapping(value)
    except Malformed as error:
        raise Malformed(error.reason, "event" if error.where is None else f"event.{error.where}") from None


def _recorded_at(value: object) -> int:
    if type(value) is not str:
        raise Malformed("must be a string", "recorded_at")
    try:
        return parse_time6(value)
    except MalformedTime as error:
        raise Malformed(error.reason, "recorded_at") from None
