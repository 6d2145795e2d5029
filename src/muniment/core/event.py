"""Events: what a source says happened, read from its canonical text or from parsed JSON.

Well-formed text takes a short way (`grammar`); everything else takes the long one, which names what is wrong.
"""

import hashlib
from typing import cast

import orjson

from muniment.core import identifiers as names
from muniment.core.canonical import MAX_BYTES, parse_json
from muniment.core.envelope import Actor, Body, Event, Resource, Source, Trace, assemble
from muniment.core.errors import Malformed
from muniment.core.fields import check_integer, read_array, read_hex, read_object, read_text
from muniment.core.grammar import fit, match_event, read_causes, read_controls, read_labels
from muniment.core.times import MalformedTime, parse_time9, second_number

__all__ = (
    "Actor",
    "Body",
    "Event",
    "MalformedEvent",
    "Resource",
    "Source",
    "Trace",
    "event_from_mapping",
    "event_hash",
    "parse_event",
)

_PREFIX = b"muniment/event/1\0"
_ORJSON = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


class MalformedEvent(Malformed):
    """The input is no event; `where` names the field, such as `actor.id` or `labels[3]`."""


def event_hash(text: bytes) -> bytes:
    r"""Hash an event's canonical text: SHA-256("muniment/event/1\0" ‖ text), 32 bytes.

    Source: docs/format.md section 3.
    """
    return hashlib.sha256(_PREFIX + text).digest()


def parse_event(data: bytes) -> Event:
    """Read an event's canonical text.

    Args:
        data: at most 65,535 bytes; `parse_event(data).text() == data` for everything that is accepted.

    Raises:
        MalformedEvent: naming the field where there is one; also if the text is valid but not canonical.

    Source: docs/format.md sections 1 and 2, rules 2 to 4.
    """
    quick = _quick_event(data)
    if quick is not None:
        return quick
    try:
        value = parse_json(data)
        event = _event(value)
    except Malformed as error:
        raise MalformedEvent(error.reason, error.where) from None
    if event.text() != data:
        raise MalformedEvent("not in canonical form (RFC 8785): white space, order of keys or escapes differ")
    return event


def event_from_mapping(value: object) -> Event:
    """Build an event from already parsed JSON, with the same grammar as `parse_event`; the form of the text is free.

    Args:
        value: a dict as a JSON parser gives it.

    Raises:
        MalformedEvent: naming the field, such as `actor.id` or `labels[3]`.

    Source: docs/format.md section 1.
    """
    try:
        quick = _quick_event(orjson.dumps(value, option=_ORJSON))
    except orjson.JSONEncodeError:
        quick = None
    if quick is not None:
        return quick
    try:
        event = _event(value)
        size = len(event.text())
    except Malformed as error:
        raise MalformedEvent(error.reason, error.where) from None
    if size > MAX_BYTES:
        raise MalformedEvent(f"{size} bytes as canonical text, at most {MAX_BYTES} are allowed")
    return event


def _quick_event(data: bytes) -> Event | None:
    """Read an event's canonical text the short way; None if that it keeps the table takes the long way to say."""
    try:
        found = match_event(data.decode("utf-8")) if len(data) <= MAX_BYTES else None
        if found is None:
            return None
        (
            action, actor_id, actor_type, commit, length, media, causes, controls, event_id, labels, escaped_labels,
            second, fraction, outcome, resource_id, resource_type, epoch, numbered, prev, seq, unnumbered, tool,
            trace, span, workspace,
        ) = found.groups()  # fmt: skip
        occurred_at = second_number(second) * 1_000_000_000 + int(fraction)
    except (UnicodeDecodeError, MalformedTime):
        return None
    hexed = bytes.fromhex
    labels = labels or escaped_labels
    fitted = (
        () if causes is None else read_causes(causes),
        () if controls is None else read_controls(controls),
        () if labels is None else read_labels(labels),
        fit(actor_id, names.MAX_ACTOR_ID),
        "" if resource_id is None else fit(resource_id, names.MAX_RESOURCE_ID),
        "" if tool is None else fit(tool, names.MAX_TOOL),
    )
    if None in fitted:
        return None
    return assemble(
        Event,
        event_id,
        assemble(Source, unnumbered, None, None, None)
        if epoch is None
        else assemble(Source, numbered, hexed(epoch), hexed(prev), int(seq)),
        occurred_at,
        action,
        assemble(Actor, fitted[3], actor_type),
        outcome,
        None if commit is None else assemble(Body, hexed(commit), int(length), media, 1),
        *fitted[:3],
        None if resource_id is None else assemble(Resource, fitted[4], resource_type),
        None if tool is None else fitted[5],
        None if trace is None else assemble(Trace, hexed(trace), None if span is None else hexed(span)),
        workspace,
    )


_REQUIRED = frozenset({"action", "actor", "id", "occurred_at", "outcome", "source"})
_OPTIONAL = frozenset({"body", "causes", "controls", "labels", "resource", "tool", "trace", "workspace"})
_NONE: frozenset[str] = frozenset()
_ID_TYPE = frozenset({"id", "type"})
_BODY = frozenset({"commit", "len", "scheme", "type"})
_ID = frozenset({"id"})
_NUMBERING = frozenset({"epoch", "prev", "seq"})
_SPAN = frozenset({"span"})


def _event(value: object) -> Event:
    fields = read_object(value, "", _REQUIRED, _OPTIONAL)
    # The constructors judge every value themselves: the casts only say what they will have found.
    return Event(
        action=cast(str, fields["action"]),
        actor=_actor(fields["actor"]),
        body=_body(fields["body"]) if "body" in fields else None,
        causes=read_array(fields, "causes"),
        controls=read_array(fields, "controls"),
        id=cast(str, fields["id"]),
        labels=read_array(fields, "labels"),
        occurred_at=_occurred_at(fields["occurred_at"]),
        outcome=cast(str, fields["outcome"]),
        resource=_resource(fields["resource"]) if "resource" in fields else None,
        source=_source(fields["source"]),
        tool=read_text(fields, "tool"),
        trace=_trace(fields["trace"]) if "trace" in fields else None,
        workspace=read_text(fields, "workspace"),
    )


def _actor(value: object) -> Actor:
    fields = read_object(value, "actor", _ID_TYPE, _NONE)
    return Actor(cast(str, fields["id"]), cast(str, fields["type"]))


def _body(value: object) -> Body:
    fields = read_object(value, "body", _BODY, _NONE)
    commit = read_hex(fields["commit"], 32, "body.commit")
    return Body(commit, cast(int, fields["len"]), cast(str, fields["type"]), cast(int, fields["scheme"]))


def _resource(value: object) -> Resource:
    fields = read_object(value, "resource", _ID_TYPE, _NONE)
    return Resource(cast(str, fields["id"]), cast(str, fields["type"]))


def _source(value: object) -> Source:
    fields = read_object(value, "source", _ID, _NUMBERING)
    return Source(
        cast(str, fields["id"]),
        read_hex(fields["epoch"], 16, "source.epoch") if "epoch" in fields else None,
        read_hex(fields["prev"], 32, "source.prev") if "prev" in fields else None,
        check_integer(fields["seq"], "source.seq") if "seq" in fields else None,
    )


def _trace(value: object) -> Trace:
    fields = read_object(value, "trace", _ID, _SPAN)
    span = read_hex(fields["span"], 8, "trace.span") if "span" in fields else None
    return Trace(read_hex(fields["id"], 16, "trace.id"), span)


def _occurred_at(value: object) -> int:
    if type(value) is not str:
        raise Malformed("must be a string", "occurred_at")
    try:
        return parse_time9(value)
    except MalformedTime as error:
        raise Malformed(error.reason, "occurred_at") from None
