"""A request's body as a list of submissions, each of them read or refused by name.

Three shapes: one submission, `{"events": [submission, …]}`, or a submission a line (NDJSON). What cannot be told apart
is refused as a whole before anything is recorded; what can be told apart is refused one by one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from muniment.server.ingest.jsontext import MalformedJson, Scanner
from muniment.server.ingest.submission import Draft, read_canonical, read_submission
from muniment.server.problems import Problem, ProblemError, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_EVENTS: Final = 5_000
JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"

# Reading a submission takes some 50 µs: after this many, other requests get their turn.
_TURN: Final = 128


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request submits.

    Args:
        single: one submission stood alone, so that the answer is its receipt or problem.
        items: in the order of the request.
    """

    single: bool
    items: list[Draft | Problem]


def media_type(header: str) -> str:
    """Which of the two content types a request has.

    Raises:
        ProblemError: unsupported-media-type.
    """
    name, *parameters = (part.strip().lower() for part in header.split(";"))
    if name not in (JSON, NDJSON):
        raise refuse(
            "unsupported-media-type",
            f"content-type {header[:80]!a} is not read here; use {JSON} or {NDJSON}",
            headers={"accept-post": f"{JSON}, {NDJSON}"},
        )
    for parameter in parameters:
        if parameter.startswith("charset=") and parameter.removeprefix("charset=").strip('"') not in ("utf-8", "utf8"):
            raise refuse("unsupported-media-type", "JSON is UTF-8; send it as such and leave the charset out")
    return name


async def read_batch(data: bytes, media: str, source_id: str) -> Batch:
    """Read every submission of a request.

    Args:
        data: the body, unpacked.
        media: `application/json` or `application/x-ndjson`.
        source_id: the source of events that name none.

    Raises:
        ProblemError: malformed-json, malformed-encoding, too-many-events or invalid-request, for the whole request.
    """
    if media == JSON and (draft := read_canonical(data)) is not None:
        return Batch(True, [draft])
    scanner = Scanner()
    single = False
    if media == NDJSON:
        reading = _lines(scanner, data, source_id)
    else:
        scanner.begin(_text(data))
        # A batch is told from a single submission by its first key, so that one pass over the text is enough.
        single = not scanner.begins_with_key("events")
        reading = _alone(scanner, source_id) if single else _events(scanner, source_id)
    items: list[Draft | Problem] = []
    for item in reading:
        if len(items) == MAX_EVENTS:
            raise refuse("too-many-events", f"a request may have {MAX_EVENTS} events; send smaller batches")
        items.append(item)
        if not len(items) % _TURN:
            await asyncio.sleep(0)
    if not items:
        raise refuse("invalid-request", "the request has no events")
    return Batch(single, items)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse("malformed-encoding", f"the body is not UTF-8 at byte {error.start}") from None


def _alone(scanner: Scanner, source_id: str) -> Iterator[Draft | Problem]:
    try:
        item = _item(scanner, source_id, None)
        scanner.finish()
    except MalformedJson as error:
        raise refuse("malformed-json", error.reason) from None
    yield item


def _events(scanner: Scanner, source_id: str) -> Iterator[Draft | Problem]:
    index: int | None = None
    try:
        for number, key in enumerate(scanner.members()):
            if number or key != "events":
                raise refuse("invalid-request", "a batch has the one member events", field=ascii(key)[1:-1][:64])
            if not scanner.at_array():
                raise refuse("invalid-request", "must be an array of submissions", field="events")
            for index in scanner.items():
                yield _item(scanner, source_id, index)
            index = None
        scanner.finish()
    except MalformedJson as error:
        raise refuse("malformed-json", f"{error.reason}; nothing was recorded", index=index) from None


def _lines(scanner: Scanner, data: bytes, source_id: str) -> Iterator[Draft | Problem]:
    start, index = 0, 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        line = data[start:end]
        start = end + 1
        if not line.strip(b" \t\r"):
            continue
        yield read_canonical(line) or _line(scanner, line, source_id, index)
        index += 1


def _line(scanner: Scanner, line: bytes, source_id: str, index: int) -> Draft | Problem:
    try:
        scanner.begin(line.decode("utf-8"))
        item = _item(scanner, source_id, index)
        scanner.finish()
    except UnicodeDecodeError as error:
        return Problem("malformed-encoding", f"the line is not UTF-8 at byte {error.start}", index=index)
    except MalformedJson as error:
        return Problem("malformed-json", error.reason, index=index)
    return item


def _item(scanner: Scanner, source_id: str, index: int | None) -> Draft | Problem:
    try:
        return read_submission(scanner, source_id)
    except ProblemError as error:
        problem = error.problem
        return Problem(problem.kind, problem.detail, problem.field, index)
