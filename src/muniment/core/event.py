"""Events: what a source says happened.

An event is a closed envelope of strings and integers; its payload is only committed to (see `body`). Its canonical
text is what sources, ledger and verifiers hash. An `Event` that exists keeps every grammar of docs/format.md section 1.
"""

import hashlib
from dataclasses import dataclass
from typing import cast

from muniment.core import identifiers as names
from muniment.core.body import SCHEME
from muniment.core.canonical import MAX_BYTES, parse_json
from muniment.core.errors import Malformed
from muniment.core.fields import (
    check_array,
    check_bytes,
    check_choice,
    check_integer,
    read_array,
    read_hex,
    read_object,
    read_text,
)
from muniment.core.times import MAX_TIME9, MalformedTime, format_time9, parse_time9

_PREFIX = b"muniment/event/1\0"


class MalformedEvent(Malformed):
    """The input is no event; `where` names the field, such as `actor.id` or `labels[3]`."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who or what acted: `type` one of agent, service, session, system, user; `id` text, at most 256 bytes."""

    id: str
    type: str

    def __post_init__(self) -> None:
        names.check_text(self.id, names.MAX_ACTOR_ID, "actor.id")
        check_choice(self.type, names.ACTOR_TYPES, "actor.type")


@dataclass(frozen=True, slots=True)
class Body:
    """The commitment to a payload: `commit` 32 bytes, `len` bytes of payload, `type` its media type, `scheme` 1."""

    commit: bytes
    len: int
    type: str
    scheme: int = SCHEME

    def __post_init__(self) -> None:
        check_bytes(self.commit, 32, "body.commit")
        check_integer(self.len, "body.len")
        names.MEDIA_TYPES.check(self.type, "body.type")
        if type(self.scheme) is not int or self.scheme != SCHEME:
            raise Malformed(f"must be {SCHEME}", "body.scheme")


@dataclass(frozen=True, slots=True)
class Resource:
    """What was acted on: `id` text, at most 1,024 bytes; `type` such as `tool`."""

    id: str
    type: str

    def __post_init__(self) -> None:
        names.check_text(self.id, names.MAX_RESOURCE_ID, "resource.id")
        names.RESOURCE_TYPES.check(self.type, "resource.type")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the event comes from: `id`, and if it numbers its events `epoch` (16 bytes), `prev` (32 bytes) and `seq`.

    `prev` is the `event_hash` of the source's event before in the same epoch, 32 zero bytes where `seq` is 0.
    """

    id: str
    epoch: bytes | None = None
    prev: bytes | None = None
    seq: int | None = None

    def __post_init__(self) -> None:
        names.check_source_id(self.id, "source.id")
        if self.epoch is None and self.prev is None and self.seq is None:
            return
        for key, value in (("epoch", self.epoch), ("prev", self.prev), ("seq", self.seq)):
            if value is None:
                raise Malformed("is missing: epoch, prev and seq stand together or not at all", f"source.{key}")
        check_bytes(self.epoch, 16, "source.epoch")
        check_bytes(self.prev, 32, "source.prev")
        check_integer(self.seq, "source.seq")


@dataclass(frozen=True, slots=True)
class Trace:
    """The distributed trace: `id` 16 bytes; `span` 8 bytes or None."""

    id: bytes
    span: bytes | None = None

    def __post_init__(self) -> None:
        check_bytes(self.id, 16, "trace.id")
        if self.span is not None:
            check_bytes(self.span, 8, "trace.span")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event. Absent keys are None, absent arrays are empty; `occurred_at` is nanoseconds since the Unix epoch, UTC.

    Raises:
        Malformed: on construction, if a field breaks its grammar; `where` names it.

    Source: docs/format.md section 1.
    """

    id: str
    source: Source
    occurred_at: int
    action: str
    actor: Actor
    outcome: str
    body: Body | None = None
    causes: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    resource: Resource | None = None
    tool: str | None = None
    trace: Trace | None = None
    workspace: str | None = None

    def __post_init__(self) -> None:
        names.ACTIONS.check(self.action, "action")
        check_array(self.causes, names.EVENT_REFERENCES, names.MAX_CAUSES, "causes")
        check_array(self.controls, names.CONTROLS, names.MAX_CONTROLS, "controls")
        names.check_event_id(self.id, "id")
        check_array(self.labels, names.LABELS, names.MAX_LABELS, "labels")
        check_integer(self.occurred_at, "occurred_at", MAX_TIME9)
        check_choice(self.outcome, names.OUTCOMES, "outcome")
        if self.tool is not None:
            names.check_text(self.tool, names.MAX_TOOL, "tool")
        if self.workspace is not None:
            names.WORKSPACES.check(self.workspace, "workspace")

    def text(self) -> bytes:
        """Write the event's canonical text, UTF-8.

        Source: docs/format.md section 2; RFC 8785.
        """
        return event_text(self).encode("utf-8")


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
    try:
        value = parse_json(data)
    except Malformed as error:
        raise MalformedEvent(error.reason, error.where) from None
    event = event_from_mapping(value)
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
        event = _event(value)
        size = len(event.text())
    except Malformed as error:
        raise MalformedEvent(error.reason, error.where) from None
    if size > MAX_BYTES:
        raise MalformedEvent(f"{size} bytes as canonical text, at most {MAX_BYTES} are allowed")
    return event


def event_text(event: Event) -> str:
    """Write the event's canonical text as a string, for use inside an entry."""
    parts = [f'{{"action":"{event.action}","actor":{{"id":{quote(event.actor.id)},"type":"{event.actor.type}"}}']
    if (body := event.body) is not None:
        parts.append(f',"body":{{"commit":"{body.commit.hex()}","len":{body.len},"scheme":1,"type":"{body.type}"}}')
    if event.causes:
        parts.append(f',"causes":{quote_all(event.causes)}')
    if event.controls:
        parts.append(f',"controls":{quote_all(event.controls)}')
    parts.append(f',"id":"{event.id}"')
    if event.labels:
        parts.append(f',"labels":{quote_all(event.labels)}')
    parts.append(f',"occurred_at":"{format_time9(event.occurred_at)}","outcome":"{event.outcome}"')
    if (resource := event.resource) is not None:
        parts.append(f',"resource":{{"id":{quote(resource.id)},"type":"{resource.type}"}}')
    source = event.source
    if source.epoch is None or source.prev is None:
        parts.append(f',"source":{{"id":"{source.id}"}}')
    else:
        parts.append(f',"source":{{"epoch":"{source.epoch.hex()}","id":"{source.id}"')
        parts.append(f',"prev":"{source.prev.hex()}","seq":{source.seq}}}')
    if event.tool is not None:
        parts.append(f',"tool":{quote(event.tool)}')
    if (trace := event.trace) is not None:
        span = "" if trace.span is None else f',"span":"{trace.span.hex()}"'
        parts.append(f',"trace":{{"id":"{trace.id.hex()}"{span}}}')
    if event.workspace is not None:
        parts.append(f',"workspace":"{event.workspace}"')
    parts.append("}")
    return "".join(parts)


def quote(text: str) -> str:
    r"""Write a JSON string; without control characters, only `\` and `"` need an escape."""
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def quote_all(items: tuple[str, ...]) -> str:
    """Write a JSON array of strings."""
    return f"[{','.join(map(quote, items))}]"


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
