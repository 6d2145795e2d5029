"""From what was read of a record to a draft for the ledger.

An event here is a function of its record, resource and scope alone, never of what else stands in the request: only so
is a record that comes again, alone or in other company, the same event.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import orjson

from muniment.core.body import commit
from muniment.core.escaping import fit_label, fit_text
from muniment.core.event import Actor, Body, Event, Resource, Source, Trace
from muniment.core.identifiers import MAX_ACTOR_ID, MAX_CAUSES, MAX_LABELS, MAX_RESOURCE_ID, MAX_TOOL, ulid_of
from muniment.core.times import MAX_TIME9
from muniment.ledger.submission import Submission
from muniment.server.ingest.submission import Draft
from muniment.server.otlp.conventions import attribute, opening_slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from opentelemetry.proto.common.v1.common_pb2 import KeyValue

    from muniment.server.otlp.values import Json, ValueReader

_EVENT_ID: Final = b"muniment/otlp-event/1\0"
_WORKSPACE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
# The fields of an event that an attribute can fill; every other slot is the key of a label.
_FIELDS: Final = frozenset({"agent", "resource", "tool", "service", "workspace"})
_OWN: Final = ("otel.", "text.", "clock.")
_SECRET: Final = ("process.command", "process.command_args", "process.command_line")
"""Attributes of a resource that are never recorded: command lines often hold credentials."""


class RecordRefused(Exception):  # noqa: N818 - a fact about one record, told to its sender
    """This record cannot become an event; the message says why."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where records come from.

    Attributes:
        source_id: the source of the key that sends them.
        resource: attributes of the resource, without command lines.
        scope: name, version and attributes of the instrumentation.
        slots: what the resource's attributes fill.
    """

    source_id: str
    resource: Mapping[str, Json]
    scope: Mapping[str, Json]
    slots: Mapping[str, str]


@dataclass(slots=True)
class Told:
    """What a record tells; the events made of it share it."""

    reader: ValueReader
    attributes: dict[str, Json]
    slots: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=16_384)
def event_id(trace_id: bytes, span_id: bytes, part: int) -> str:
    """The id of a span's event: the same whenever, and in whatever company, the span is sent.

    Args:
        trace_id: 16 bytes.
        span_id: 8 bytes.
        part: 0 for the event that stands for the span as a cause, 1 for the one that closes it.
    """
    return derived_id(_EVENT_ID + trace_id + span_id + bytes([part]))


def derived_id(told: bytes) -> str:
    """An event id that says nothing but what it was derived from: the first 120 bits of its SHA-256.

    The ledger reads the beginning of an id as a time, and refuses one that lies ahead of its clock. A span has to be
    named by its children, which do not know when it began; so the beginning stays below any installation's first day.
    """
    return "evt_" + ulid_of(b"\0" + hashlib.sha256(told).digest()[:15])


def slots_of(pairs: Iterable[KeyValue], read: Mapping[str, Json], *, of_log: bool = False) -> dict[str, str]:
    """What attributes fill, as text: of several attributes for one slot, the one that stands first in the table.

    Args:
        pairs: the attributes as they came; a long string fills its slot whole.
        read: the same, as `ValueReader.attributes` gave them.
        of_log: they are those of a log record that has a row in the table.
    """
    found: dict[str, tuple[int, str]] = {}
    seen: set[str] = set()
    for pair in pairs:
        row = attribute(pair.key)
        if row is None or row.slot is None or pair.key in seen or pair.key not in read:
            continue
        if row.in_logs and not of_log:
            continue
        seen.add(pair.key)
        text = pair.value.string_value if pair.value.HasField("string_value") else _plain(read[pair.key])
        if text and (row.slot not in found or row.place < found[row.slot][0]):
            found[row.slot] = (row.place, text)
    return {slot: text for slot, (_, text) in found.items()}


def without_commands(resource: Mapping[str, Json]) -> dict[str, Json]:
    """A resource's attributes without those that hold command lines."""
    return {key: value for key, value in resource.items() if key not in _SECRET}


def draft(
    origin: Origin,
    told: Told,
    *,
    id: str,
    action: str,
    outcome: str,
    occurred_at: int | None,
    body: Mapping[str, Json],
    trace: Trace | None,
    causes: Iterable[str] = (),
    agent: bool,
    resource: tuple[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    opening: bool = False,
) -> Draft:
    """Make the draft of one event.

    Args:
        origin: where the record came from.
        told: what it tells.
        id: `evt_` and a ULID.
        action: a registered action, or one under `x.`.
        outcome: one of the four.
        occurred_at: nanoseconds since the Unix epoch; None if the record does not say.
        body: what the body holds.
        trace: its trace and span.
        causes: references; the event's own is left out.
        agent: an agent did this, rather than a service.
        resource: type and id.
        labels: labels of this event alone.
        opening: another event will close what this one opens, and tell the rest.
    """
    slots = {**origin.slots, **told.slots}
    if opening:
        slots = {slot: text for slot, text in slots.items() if slot in opening_slots() or slot in _FIELDS}
    escaped: list[str] = []

    def fit(name: str, value: str, limit: int) -> str:
        text, changed = fit_text(value, limit)
        if changed:
            escaped.append(name)
        return text

    if "agent" in slots:
        agent = True
    named = slots.get("agent") or slots.get("service") or "unknown"
    actor = f"{'agent' if agent else 'service'}:{named}"
    workspace = slots.get("workspace", "")
    all_labels = {**told.labels, **(labels or {})}
    all_labels |= {slot: text for slot, text in slots.items() if slot not in _FIELDS}
    if "agent" in slots and "service" in slots:
        all_labels["service"] = slots["service"]
    if told.reader.cut:
        all_labels["otel.cut"] = str(told.reader.cut)
    if told.reader.repeated:
        all_labels["otel.repeated"] = told.reader.repeated[0][0]
    made_time = occurred_at is None
    if occurred_at is None:
        occurred_at = time.time_ns()
        all_labels["otel.time"] = "missing"
    elif occurred_at > MAX_TIME9:
        all_labels["clock.raw"] = str(occurred_at)
        occurred_at = MAX_TIME9
    written = orjson.dumps(body)
    salt = secrets.token_bytes(32)
    actor_text = fit("actor", actor, MAX_ACTOR_ID)
    tool = fit("tool", slots["tool"], MAX_TOOL) if "tool" in slots else None
    held = None if resource is None else Resource(fit("resource", resource[1], MAX_RESOURCE_ID), resource[0])
    if escaped:
        all_labels["text.escaped"] = ",".join(escaped)
    own = f"{origin.source_id}/{id}"
    event = Event(
        id=id,
        source=Source(origin.source_id),
        occurred_at=occurred_at,
        action=action,
        actor=Actor(actor_text, "agent" if agent else "service"),
        outcome=outcome,
        body=Body(commit(salt, written), len(written), "application/json"),
        causes=tuple(sorted({cause for cause in causes if cause != own}))[:MAX_CAUSES],
        labels=_labels(all_labels),
        resource=held,
        tool=tool,
        trace=trace,
        workspace=workspace if _WORKSPACE.fullmatch(workspace) else None,
    )
    submission = Submission(event, written, salt, made_salt=True, made_time=made_time)
    return Draft(submission)


def _labels(labels: Mapping[str, str]) -> tuple[str, ...]:
    """The labels of an event; if there are too many, those of the conventions go first, and the body has them all."""
    kept: Iterable[str] = labels
    if len(labels) > MAX_LABELS:
        kept = sorted(labels, key=lambda key: (not key.startswith(_OWN), key))[:MAX_LABELS]
    return tuple(sorted(f"{key}={fit_label(labels[key])}" for key in kept))


def _plain(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ",".join(map(str, value))
    return ""
