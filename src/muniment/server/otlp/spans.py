"""Spans: an operation that opened and closed, as the events of its start and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from muniment.core.event import Trace
from muniment.core.identifiers import MAX_CAUSES
from muniment.server.otlp.conventions import SPAN, attribute, table
from muniment.server.otlp.events import Origin, RecordRefused, Told, draft, event_id, slots_of
from muniment.server.otlp.values import Json, ValueReader

if TYPE_CHECKING:
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

    from muniment.server.ingest.submission import Draft
    from muniment.server.otlp.conventions import Family

_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUS: Final = ("unset", "ok", "error")
_REMOTE: Final = 0x200
_SERVING: Final = frozenset({"server", "consumer"})


def span_events(span: Span, origin: Origin) -> list[Draft]:
    """Make the events of a span: one, or two that the first of them joins.

    Args:
        span: as it came.
        origin: where it came from.

    Raises:
        RecordRefused: if its ids are not those of a span.
    """
    trace_id, span_id = span.trace_id, span.span_id
    if len(trace_id) != 16 or not any(trace_id):
        raise RecordRefused("trace_id must be 16 bytes that are not all zero")
    if len(span_id) != 8 or not any(span_id):
        raise RecordRefused("span_id must be 8 bytes that are not all zero")
    reader = ValueReader()
    attributes = reader.attributes(span.attributes)
    kind = _KINDS[span.kind] if 0 <= span.kind < len(_KINDS) else str(span.kind)
    family = table().family(attributes, kind)
    told = Told(reader, attributes, slots_of(span.attributes, attributes))
    _name_what_was_used(told, family, span.name)
    opening, closing = _bodies(span, told, origin)
    outcome, status = _outcome(span, attributes)
    told.labels |= {"otel.kind": kind}
    if name := origin.scope.get("name"):
        told.labels["otel.scope"] = str(name)
    dropped = span.dropped_attributes_count + span.dropped_events_count + span.dropped_links_count
    if dropped:
        told.labels["otel.dropped"] = str(dropped)
    causes, from_parent = _causes(span, origin)
    if from_parent:
        told.labels["otel.parent"] = from_parent
    started, ended = span.start_time_unix_nano or None, span.end_time_unix_nano or None
    first = started if started is not None else ended
    ending = {"otel.status": status}
    if started is not None and ended is not None and ended >= started:
        ending["otel.duration-ns"] = str(ended - started)
    trace = Trace(trace_id, span_id)
    agent = kind not in _SERVING and family.name != SPAN
    first_id = event_id(trace_id, span_id, 0)
    if family.closes is None:
        return [
            draft(
                origin, told, id=first_id, action=family.opens, outcome=outcome, occurred_at=first,
                body={**opening, **closing, "attributes": attributes}, trace=trace, causes=causes, agent=agent,
                resource=_resource(told, family, span.name, "model.asked", "model.named"), labels=ending,
            )
        ]  # fmt: skip
    return [
        draft(
            origin, told, id=first_id, action=family.opens, outcome="unknown", occurred_at=first, body=opening,
            trace=trace, causes=causes, agent=agent, opening=True,
            resource=_resource(told, family, span.name, "model.asked", "model.named"),
        ),
        draft(
            origin, told, id=event_id(trace_id, span_id, 1), action=family.closes, outcome=outcome,
            occurred_at=ended if ended is not None else first, body=closing, trace=trace,
            causes=(f"{origin.source_id}/{first_id}",), agent=agent,
            resource=_resource(told, family, span.name, "model.answered", "model.named", "model.asked"), labels=ending,
        ),
    ]  # fmt: skip


def _name_what_was_used(told: Told, family: Family, name: str) -> None:
    """Fill in what some conventions say only by the entity's or the span's name."""
    entity = told.attributes.get("traceloop.entity.name")
    name = entity if isinstance(entity, str) and entity else name
    if family.name == "tool" and "tool" not in told.slots and name:
        told.slots["tool"] = name
    if family.name == "agent" and "agent" not in told.slots and isinstance(entity, str) and entity:
        told.slots["agent"] = entity
    if family.name == "delegation":
        # The attribute names who is asked, not who asks.
        told.slots["delegate"] = told.slots.pop("agent", name)


def _resource(told: Told, family: Family, name: str, *models: str) -> tuple[str, str] | None:
    if family.name == "model":
        found = next((told.slots[slot] for slot in models if slot in told.slots), None)
        return None if found is None else ("model", found)
    if family.name == "delegation":
        return ("agent", told.slots["delegate"]) if told.slots["delegate"] else None
    if family.name == "resource" and "resource" in told.slots:
        return ("mcp.resource", told.slots["resource"])
    if family.name == SPAN and name:
        return ("otel.span", name)
    return None


def _bodies(span: Span, told: Told, origin: Origin) -> tuple[dict[str, Json], dict[str, Json]]:
    """What was given to the operation, and everything else."""
    given: dict[str, Json] = {}
    rest: dict[str, Json] = {}
    for key, value in told.attributes.items():
        row = attribute(key)
        (given if row is not None and row.opens else rest)[key] = value
    name = told.reader.text(span.name)
    closing: dict[str, Json] = {"name": name, "attributes": rest}
    closing["status"] = {"code": int(span.status.code), "message": told.reader.text(span.status.message)}
    if span.events:
        closing["events"] = _happenings(span, told.reader)
    if span.links:
        closing["links"] = _links(span, told.reader)
    if span.trace_state:
        closing["trace_state"] = told.reader.text(span.trace_state)
    if span.parent_span_id:
        closing["parent_span_id"] = span.parent_span_id[:64].hex()
    if told.reader.repeated:
        closing["repeated"] = [[key, value] for key, value in told.reader.repeated]
    closing["resource"] = dict(origin.resource)
    closing["scope"] = dict(origin.scope)
    return {"name": name, "attributes": given}, closing


def _happenings(span: Span, reader: ValueReader) -> Json:
    if not reader.room(len(span.events)):
        reader.cut += 1
        return {"cut": "items", "len": len(span.events)}
    return [
        {
            "name": reader.text(event.name),
            "time_unix_nano": event.time_unix_nano,
            "attributes": reader.attributes(event.attributes),
        }
        for event in span.events
    ]


def _links(span: Span, reader: ValueReader) -> Json:
    if not reader.room(len(span.links)):
        reader.cut += 1
        return {"cut": "items", "len": len(span.links)}
    return [
        {
            "trace_id": link.trace_id[:64].hex(),
            "span_id": link.span_id[:64].hex(),
            "attributes": reader.attributes(link.attributes),
        }
        for link in span.links
    ]


def _causes(span: Span, origin: Origin) -> tuple[list[str], str]:
    """References to the parent and to linked spans of this process, and the label that names the parent."""
    causes: list[str] = []
    label = ""
    parent = span.parent_span_id
    if len(parent) == 8 and any(parent):
        label = parent.hex()
        # A parent in another process may be known under another key: who reads the trace finds it by the label.
        if not span.flags & _REMOTE and parent != span.span_id:
            causes.append(f"{origin.source_id}/{event_id(span.trace_id, parent, 0)}")
    elif any(parent):
        label = "malformed"
    for link in span.links[: MAX_CAUSES * 4]:
        if len(causes) == MAX_CAUSES:
            break
        if len(link.trace_id) == 16 and len(link.span_id) == 8 and not link.flags & _REMOTE:
            causes.append(f"{origin.source_id}/{event_id(link.trace_id, link.span_id, 0)}")
    return causes, label


def _outcome(span: Span, attributes: dict[str, Json]) -> tuple[str, str]:
    """How the span ended, and the status that says so: an unset status is no error, unless an error is named."""
    code = span.status.code
    status = _STATUS[code] if 0 <= code < len(_STATUS) else str(int(code))
    if code == 2 or (code != 1 and attributes.get("error.type")):
        return "failure", status
    if code in (0, 1):
        return ("success" if span.end_time_unix_nano else "unknown"), status
    return "unknown", status
