"""The records of a request as drafts, and which record each of them is of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opentelemetry.proto.trace.v1.trace_pb2 import Span

from muniment.core.errors import Malformed
from muniment.server.otlp.events import Origin, RecordRefused, slots_of, without_commands
from muniment.server.otlp.logs import log_event
from muniment.server.otlp.reading import Group, read_request
from muniment.server.otlp.spans import span_events
from muniment.server.otlp.values import ValueReader

if TYPE_CHECKING:
    from muniment.server.ingest.submission import Draft


@dataclass(frozen=True, slots=True)
class Drafts:
    """What one request comes to.

    Attributes:
        made: each draft with the number of its record, in the order in which the events happened.
        refused: why records were refused, by their number.
    """

    made: list[tuple[int, Draft]]
    refused: dict[int, str]


def drafts_of(data: bytes, media: str, signal: str, source_id: str) -> Drafts:
    """Read a request and make its drafts.

    Args:
        data: the body, unpacked.
        media: `application/x-protobuf` or `application/json`.
        signal: `traces` or `logs`.
        source_id: the source of the key that sent it.

    Raises:
        ProblemError: if the request cannot be told apart into records.
    """
    made: list[tuple[int, Draft]] = []
    refused: dict[int, str] = {}
    seen: Counter[tuple[bytes, bytes]] = Counter()
    number = 0
    for group in read_request(data, media, signal):
        origin = _origin(group, source_id)
        surroundings = b"" if signal == "traces" else _surroundings(group)
        for record in group.records:
            try:
                if isinstance(record, RecordRefused):
                    raise record
                if isinstance(record, Span):
                    made += [(number, event) for event in span_events(record, origin)]
                else:
                    same = (surroundings, record.SerializeToString(deterministic=True))
                    made.append((number, log_event(record, origin, surroundings, seen[same])))
                    seen[same] += 1
            except RecordRefused as error:
                refused[number] = str(error)
            except Malformed as error:
                refused[number] = error.reason if error.where is None else f"{error.where}: {error.reason}"
            number += 1
    # Exporters send an operation's children before it; within a request, causes come first.
    made.sort(key=lambda item: item[1].submission.event.occurred_at)
    return Drafts(made, refused)


def _origin(group: Group, source_id: str) -> Origin:
    reader = ValueReader()
    resource = without_commands(reader.attributes(group.resource.attributes))
    scope = {
        key: value
        for key, value in (
            ("name", reader.text(group.scope.name)),
            ("version", reader.text(group.scope.version)),
            ("attributes", reader.attributes(group.scope.attributes)),
        )
        if value
    }
    return Origin(source_id, resource, scope, slots_of(group.resource.attributes, resource))


def _surroundings(group: Group) -> bytes:
    return group.resource.SerializeToString(deterministic=True) + group.scope.SerializeToString(deterministic=True)
