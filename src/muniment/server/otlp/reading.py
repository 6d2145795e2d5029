"""A request's body as its records, each of them with where it came from, or refused by itself.

Protobuf is cut into records before it is parsed; JSON is parsed whole and then read record by record. What cannot be
told apart into records is refused as a whole.

Source: opentelemetry-proto, "OTLP/HTTP Request", "JSON Protobuf Encoding".
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from muniment.server.otlp.events import RecordRefused
from muniment.server.otlp.wire import LOG_RECORD, RESOURCE, SCOPE, SPAN, MalformedWire, Shell, check_parts
from muniment.server.problems import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
MAX_RECORDS: Final = 20_000
"""Records of one request, with the resources and scopes around them."""

_HEX_IDS: Final = re.compile(r"[0-9A-Fa-f]*", re.ASCII)
_JSON_NAMES: Final = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}
_M = TypeVar("_M", bound=Message)


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one resource and scope.

    Attributes:
        resource: as it came.
        scope: as it came.
        records: spans or log records; a refusal in the place of one that cannot be read. Each is read when its turn
            comes, so that only one of them takes memory at a time.
    """

    resource: Resource
    scope: InstrumentationScope
    records: Iterator[Span | LogRecord | RecordRefused]


def read_request(data: bytes, media: str, signal: str) -> list[Group]:
    """Read every record of a request.

    Args:
        data: the body, unpacked.
        media: `application/x-protobuf` or `application/json`.
        signal: `traces` or `logs`.

    Raises:
        ProblemError: malformed-request, malformed-json, malformed-encoding or too-many-events, for the whole request.
    """
    if media == PROTOBUF:
        try:
            return _count(_protobuf(data, Span if signal == "traces" else LogRecord))
        except (MalformedWire, DecodeError) as error:
            raise refuse("malformed-request", f"the body is not an OTLP protobuf message: {error}") from None
    return _count(_json(_parsed(data), signal))


def _count(groups: Iterator[tuple[Group, int]]) -> list[Group]:
    kept: list[Group] = []
    count = 0
    for group, size in groups:
        kept.append(group)
        count += 1 + size
        if count > MAX_RECORDS:
            raise _too_many()
    return kept


def _too_many() -> Exception:
    return refuse("too-many-events", f"a request may have {MAX_RECORDS} records; export smaller batches")


def _protobuf(data: bytes, kind: type[Span] | type[LogRecord]) -> Iterator[tuple[Group, int]]:
    shell = Shell()
    for number, of_resource in shell.parts(data):
        if number != 1:
            continue
        parts = list(shell.parts(of_resource))
        resource = _merged(Resource, parts, 1)
        for inner, of_scope in parts:
            if inner != 2:
                continue
            inside = list(shell.parts(of_scope))
            if len(inside) > MAX_RECORDS:
                raise _too_many()
            raws = [raw for part, raw in inside if part == 2]
            yield (
                Group(resource, _merged(InstrumentationScope, inside, 1), (_record(kind, raw) for raw in raws)),
                len(raws),
            )


def _merged(kind: type[_M], parts: list[tuple[int, bytes]], number: int) -> _M:
    """A message that may stand several times: protobuf merges it by joining its bytes."""
    whole = b"".join(raw for part, raw in parts if part == number)
    check_parts(whole, RESOURCE if kind is Resource else SCOPE)
    return kind.FromString(whole)


def _record(kind: type[Span] | type[LogRecord], raw: bytes) -> Span | LogRecord | RecordRefused:
    try:
        check_parts(raw, SPAN if kind is Span else LOG_RECORD)
        return kind.FromString(raw)
    except MalformedWire as error:
        return RecordRefused(str(error))
    except DecodeError:
        return RecordRefused("it is not a protobuf message of its kind, nests too deep, or a string in it is not UTF-8")


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse("malformed-encoding", f"the body is not UTF-8 at byte {error.start}") from None
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError:
        raise refuse("malformed-json", "the body nests too deep") from None
    except ValueError as error:
        raise refuse("malformed-json", f"the body is not JSON: {str(error)[:200]}") from None
    if not isinstance(value, dict):
        raise refuse("malformed-request", "the body must be a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _json(request: dict[str, Any], signal: str) -> Iterator[tuple[Group, int]]:
    outer, middle, inner = _JSON_NAMES[signal]
    kind = Span if signal == "traces" else LogRecord
    for of_resource in _objects(request, outer):
        resource = _message(of_resource.get("resource"), Resource, "resource")
        for of_scope in _objects(of_resource, middle):
            scope = _message(of_scope.get("scope"), InstrumentationScope, "scope")
            found = _objects(of_scope, inner)
            if len(found) > MAX_RECORDS:
                raise _too_many()
            yield Group(resource, scope, (_json_record(record, kind) for record in found)), len(found)


def _objects(holder: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = holder.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise refuse("malformed-request", "must be an array of objects", field=name)
    return cast("list[dict[str, Any]]", found)


def _message(value: Any, kind: type[_M], name: str) -> _M:
    if value is None:
        return kind()
    try:
        return ParseDict(value, kind(), ignore_unknown_fields=True, max_recursion_depth=100)
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise refuse("malformed-request", f"cannot be read: {_reason(error)}", field=name) from None


def _json_record(record: dict[str, Any], kind: type[Span] | type[LogRecord]) -> Span | LogRecord | RecordRefused:
    try:
        changed = _with_ids(record)
        if isinstance(record.get("links"), list):
            changed["links"] = [_with_ids(link) if isinstance(link, dict) else link for link in record["links"]]
        return ParseDict(changed, kind(), ignore_unknown_fields=True, max_recursion_depth=100)
    except RecordRefused as error:
        return error
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        return RecordRefused(f"it cannot be read: {_reason(error)}")


def _with_ids(record: dict[str, Any]) -> dict[str, Any]:
    """Ids are hexadecimal in OTLP's JSON, and base64 in protobuf's own."""
    changed = dict(record)
    for name in ("traceId", "spanId", "parentSpanId"):
        text = record.get(name)
        if text is None:
            continue
        if not isinstance(text, str) or len(text) % 2 or len(text) > 128 or not _HEX_IDS.fullmatch(text):
            raise RecordRefused(f"{name} must be hexadecimal digits")
        changed[name] = base64.b64encode(bytes.fromhex(text)).decode("ascii")
    return changed


def _reason(error: BaseException) -> str:
    return ascii(str(error))[1:-1][:200]
