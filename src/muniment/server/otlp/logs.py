"""Log records that are events: they have a name."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from muniment.core.event import Trace
from muniment.server.otlp.conventions import LOG_ACTION, table
from muniment.server.otlp.events import Origin, RecordRefused, Told, derived_id, draft, event_id, slots_of
from muniment.server.otlp.values import Json, ValueReader

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

    from muniment.server.ingest.submission import Draft
    from muniment.server.otlp.conventions import LogRow

_LOG_ID: Final = b"muniment/otlp-log/1\0"
# Some senders name their events in the body, which elsewhere is a line for people.
_NAME_IN_BODY: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+", re.ASCII)
_SAMPLED: Final = 1


def log_event(record: LogRecord, origin: Origin, surroundings: bytes, again: int) -> Draft:
    """Make the event of a log record.

    A log record has no id: the event's is made of all that it says, so that a retry makes no second entry. Records of
    one request that say the same are told apart by `again`.

    Args:
        record: as it came.
        origin: where it came from.
        surroundings: resource and scope as they came, or a hash of them.
        again: how often the same stood before it in the request.

    Raises:
        RecordRefused: if it has no event name, or its ids are not those of a span.
    """
    trace = _trace(record)
    reader = ValueReader()
    attributes = reader.attributes(record.attributes)
    names = _names(record, attributes)
    if not names:
        raise RecordRefused("it has no event name; only events are recorded, not log lines")
    row = table().log(names, attributes)
    told = Told(reader, attributes, slots_of(record.attributes, attributes, of_log=row is not None))
    told.labels["otel.event"] = names[0]
    if record.severity_number:
        told.labels["otel.severity"] = str(int(record.severity_number))
    if name := origin.scope.get("name"):
        told.labels["otel.scope"] = str(name)
    if record.dropped_attributes_count:
        told.labels["otel.dropped"] = str(record.dropped_attributes_count)
    body: dict[str, Json] = {"name": names[0], "attributes": attributes}
    if record.HasField("body"):
        body["body"] = reader.value(record.body)
    if reader.repeated:
        body["repeated"] = [[key, value] for key, value in reader.repeated]
    body["resource"] = dict(origin.resource)
    body["scope"] = dict(origin.scope)
    told_of = hashlib.sha256(surroundings).digest() + again.to_bytes(4, "big")
    own_id = derived_id(_LOG_ID + told_of + record.SerializeToString(deterministic=True))
    causes = []
    # The span is recorded only if it was sampled; a cause that can never be recorded is not named.
    if trace is not None and trace.span is not None and record.flags & _SAMPLED:
        causes.append(f"{origin.source_id}/{event_id(trace.id, trace.span, 0)}")
    model = told.slots.get("model.answered") or told.slots.get("model.asked")
    return draft(
        origin, told, id=own_id, action=LOG_ACTION if row is None else row.action,
        outcome=_outcome(row, attributes), occurred_at=record.time_unix_nano or record.observed_time_unix_nano or None,
        body=body, trace=trace, causes=causes, agent=row is not None,
        resource=("model", model) if row is not None and row.action.startswith("model.") and model else None,
    )  # fmt: skip


def _trace(record: LogRecord) -> Trace | None:
    if not any(record.trace_id) and not any(record.span_id):
        return None
    if len(record.trace_id) != 16:
        raise RecordRefused("trace_id must be absent or 16 bytes")
    if any(record.span_id) and len(record.span_id) != 8:
        raise RecordRefused("span_id must be absent or 8 bytes")
    return Trace(record.trace_id, record.span_id if any(record.span_id) else None)


def _names(record: LogRecord, attributes: dict[str, Json]) -> tuple[str, ...]:
    """What the record goes by, the fullest name first."""
    found = [record.event_name] if record.event_name else []
    body = record.body.string_value
    named = attributes.get("event.name")
    if isinstance(named, str) and named:
        # Claude Code puts the short name into the attribute and the full one into the body.
        if len(body) <= 64 and body.endswith(f".{named}") and _NAME_IN_BODY.fullmatch(body):
            found.append(body)
        found.append(named)
    return tuple(found)


def _outcome(row: LogRow | None, attributes: dict[str, Json]) -> str:
    if row is not None and row.outcome is not None:
        return row.outcome
    if row is not None and row.success is not None:
        said = attributes.get(row.success)
        if said in (True, "true"):
            return "success"
        return "failure" if said in (False, "false") else "unknown"
    return "failure" if attributes.get("error.type") else "unknown"
