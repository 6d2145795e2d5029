"""The envelope: an event as a value, and its canonical text.

A closed set of strings and integers; the payload is only committed to (see `body`). An `Event` that exists keeps every
grammar of docs/format.md section 1.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TypeVar, cast

from muniment.core import identifiers as names
from muniment.core.body import SCHEME
from muniment.core.errors import Malformed
from muniment.core.fields import check_array, check_bytes, check_choice, check_integer
from muniment.core.times import MAX_TIME9, format_time9


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


_V = TypeVar("_V", Actor, Body, Event, Resource, Source, Trace)
_Setter = Callable[[object, object], None]


_SETTERS = {
    kind: tuple(cast(_Setter, getattr(kind, field.name).__set__) for field in fields(kind))
    for kind in (Actor, Body, Event, Resource, Source, Trace)
}


def assemble(kind: type[_V], *values: object) -> _V:
    """Build a value whose fields are known to keep the table, without checking them a second time.

    Args:
        kind: one of the classes of this module.
        values: every field, in the order in which the class declares them.
    """
    value = object.__new__(kind)
    for put, item in zip(_SETTERS[kind], values, strict=True):
        put(value, item)
    return value
