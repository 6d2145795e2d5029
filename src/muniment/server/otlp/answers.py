"""What an exporter is told, in the encoding in which it asked.

Source: opentelemetry-proto, "OTLP/HTTP Response"; google.rpc.Status, google.rpc.BadRequest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from muniment.server.otlp.wire import field

if TYPE_CHECKING:
    from muniment.server.problems import Problem

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

_BAD_REQUEST: Final = "type.googleapis.com/google.rpc.BadRequest"
_NAMES: Final = {"traces": "rejectedSpans", "logs": "rejectedLogRecords"}
# An exporter sends again after 429, 502, 503 and 504, and after nothing else. So what is worth sending again is 503,
# and what is wrong with the data is 400.
_STATUSES: Final = {408: 503, 422: 400, 500: 503}
# google.rpc.Code: INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, NOT_FOUND, RESOURCE_EXHAUSTED, UNAVAILABLE …
_CODES: Final = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 409: 9, 413: 8, 415: 3, 429: 8, 503: 14}
_UNKNOWN: Final = 2


def success(media: str, signal: str, rejected: int, message: str) -> bytes:
    """The body of a 200: everything was recorded, or all but `rejected` records, of which `message` says why.

    Args:
        media: the encoding of the request.
        signal: `traces` or `logs`.
        rejected: records that were refused for good.
        message: why; empty if none was.
    """
    if media == JSON:
        if not rejected and not message:
            return b"{}"
        return orjson.dumps({"partialSuccess": {_NAMES[signal]: str(rejected), "errorMessage": message}})
    if not rejected and not message:
        return b""
    return field(1, (field(1, rejected) if rejected else b"") + field(2, message.encode("utf-8")))


def status_of(problem: Problem) -> int:
    """The HTTP status of a problem under the rules of OTLP, where only four statuses are sent again."""
    return _STATUSES.get(problem.status, problem.status)


def failure(media: str, problem: Problem) -> bytes:
    """The body of an error: a `google.rpc.Status`; of bad data it says which field was wrong."""
    status = status_of(problem)
    code = _CODES.get(status, _UNKNOWN)
    told = problem.document()
    message = str(told["detail"])
    if media == JSON:
        return orjson.dumps({"code": code, "message": message, "details": [{"@type": told["type"]}]})
    body = field(1, code) + field(2, message.encode("utf-8"))
    if status == 400:
        violation = field(1, (problem.field or "body").encode("utf-8")) + field(2, problem.detail.encode("utf-8"))
        body += field(3, field(1, _BAD_REQUEST.encode("ascii")) + field(2, field(1, violation)))
    return body
