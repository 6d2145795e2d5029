"""One entry as far as causality goes, read from its text: the same from the database and from a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from muniment.core.errors import Malformed
from muniment.core.times import parse_time6, parse_time9

PARENT_SPAN: Final = "otel.parent="
"""The label by which an event names the span that its own was opened under, where that span is another process's."""


@dataclass(frozen=True, slots=True)
class Happening:
    """What an entry says of itself. All texts are the source's.

    Attributes:
        reference: `<source>/<event id>`.
        seq: its place in the log.
        recorded_at: by the ledger's clock, microseconds since the Unix epoch.
        occurred_at: by the source's clock, nanoseconds since the Unix epoch.
        action: what happened.
        actor: who did it, and `actor_type` what that is.
        actor_type: see `actor`.
        target: the tool, or else the resource, or "".
        outcome: success, failure, denied or unknown.
        source: the source's id.
        epoch: of the source's numbering, hex; "" if it does not number.
        number: its number within the epoch, or None.
        trace: 32 hex, or "".
        span: 16 hex, or "".
        parent: the span that its own was opened under, 16 hex, or "".
        causes: references that it names.
    """

    reference: str
    seq: int
    recorded_at: int
    occurred_at: int
    action: str
    actor: str
    actor_type: str
    target: str
    outcome: str
    source: str
    epoch: str
    number: int | None
    trace: str
    span: str
    parent: str
    causes: tuple[str, ...]


def read_happening(text: bytes) -> Happening:
    """Read an entry's canonical text. Whether it is what was hashed is not checked here.

    Raises:
        Malformed: if it is no entry.
    """
    try:
        return _happening(orjson.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed("is no entry that can be read", "entry") from error


def _happening(document: dict[str, Any]) -> Happening:
    event = document["event"]
    source, trace = event["source"], event.get("trace", {})
    parents = [label.removeprefix(PARENT_SPAN) for label in event.get("labels", ()) if label.startswith(PARENT_SPAN)]
    number = source.get("seq")
    return Happening(
        reference=f"{source['id']}/{event['id']}",
        seq=int(document["seq"]),
        recorded_at=parse_time6(document["recorded_at"]),
        occurred_at=parse_time9(event["occurred_at"]),
        action=str(event["action"]),
        actor=str(event["actor"]["id"]),
        actor_type=str(event["actor"]["type"]),
        target=str(event.get("tool") or event.get("resource", {}).get("id", "")),
        outcome=str(event["outcome"]),
        source=str(source["id"]),
        epoch=str(source.get("epoch", "")),
        number=None if number is None else int(number),
        trace=str(trace.get("id", "")),
        span=str(trace.get("span", "")),
        parent=str(parents[0]) if len(parents) == 1 else "",
        causes=tuple(str(cause) for cause in event.get("causes", ())),
    )
