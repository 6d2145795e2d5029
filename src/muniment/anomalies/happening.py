"""A small event: what of an entry the detectors look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from muniment.core.errors import Malformed

MAX_LINE: Final = 1 << 20
"""Bytes of a line of a file that is replayed; an entry has at most 65,535."""


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened, of one entry.

    Attributes:
        seq: the entry's place in the log.
        at: when it was recorded, by the ledger's clock; aware.
        action: such as `exception.approve`.
        actor: who did it: `user:usr_…`, `key:ak_…`, `system:…`.
        outcome: success, failure, denied or unknown.
        kind: type of what it was done to, or "".
        subject: id of what it was done to, or "".
        facts: its labels `name=value`, by name.
        reference: `<source>/<event id>`, as causes name it.
    """

    seq: int
    at: datetime
    action: str
    actor: str
    outcome: str
    kind: str = ""
    subject: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    reference: str = ""

    @property
    def by_person(self) -> bool:
        """Whether a person did it."""
        return self.actor.startswith("user:")

    @property
    def succeeded(self) -> bool:
        """Whether it was done, as opposed to refused or failed."""
        return self.outcome == "success"


def facts_of(labels: Iterable[str] | None) -> dict[str, str]:
    """Labels `name=value` by name.

    >>> facts_of(["what=delete", "plain"])
    {'what': 'delete'}
    """
    return dict(label.split("=", 1) for label in labels or () if "=" in label)


def happening_of(entry: Mapping[str, Any]) -> Happening:
    """The small event of an entry as it was recorded, parsed.

    Raises:
        Malformed: naming the field, if this is no entry.
    """
    try:
        event = entry["event"]
        resource = event.get("resource") or {}
        at = datetime.fromisoformat(entry["recorded_at"])
        found = Happening(
            seq=int(entry["seq"]),
            at=at.astimezone(UTC),
            action=str(event["action"]),
            actor=str(event["actor"]["id"]),
            outcome=str(event["outcome"]),
            kind=str(resource.get("type", "")),
            subject=str(resource.get("id", "")),
            facts=facts_of(event.get("labels")),
            reference=f"{event['source']['id']}/{event['id']}",
        )
    except KeyError as error:
        raise Malformed("is missing: this is no entry", str(error.args[0])) from None
    except (TypeError, ValueError, AttributeError):
        raise Malformed("cannot be read: this is no entry", "entry") from None
    if at.tzinfo is None:
        raise Malformed("says no time zone", "recorded_at")
    return found


def read_lines(lines: Iterable[bytes]) -> Iterator[Happening]:
    """The small events of a file of lines: an export as NDJSON, or entries one a line. The order is the log's.

    Lines of an export that hold no entry (its header and its end) are passed over, and so are entries that a program
    submitted with an API key: only what the server itself recorded is watched.

    Raises:
        Malformed: naming the line, for one that is no JSON object, too long, or out of the log's order.
    """
    last = -1
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_LINE:
            raise Malformed(f"has more than {MAX_LINE:,} bytes", f"line {number}")
        if not line.strip():
            continue
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise Malformed("is no JSON", f"line {number}") from None
        if not isinstance(document, dict):
            raise Malformed("is no JSON object", f"line {number}")
        entry = document.get("entry", document if "event" in document else None)
        if entry is None:
            continue
        if not isinstance(entry, dict):
            raise Malformed("holds an entry that is no object", f"line {number}")
        try:
            found = happening_of(entry)
        except Malformed as error:
            raise Malformed(f"{error.where}: {error.reason}", f"line {number}") from None
        if found.seq <= last:
            raise Malformed(f"entry {found.seq} stands after entry {last}: the order is the log's", f"line {number}")
        last = found.seq
        if not str(entry.get("by", "")).startswith("key:"):
            yield found
