"""`POST /api/events`: the ASGI application for appends.

It authenticates, reads, hands the good submissions to the ledger in one call, and answers for each submission in the
order of the request. Nothing is acknowledged before the ledger's transaction is on the disk.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import orjson

from muniment.server.credentials import read_credential, unauthenticated
from muniment.server.ingest.batch import Batch, media_type, read_batch
from muniment.server.ingest.requestbody import ClientGone, read_body
from muniment.server.ingest.submission import Draft
from muniment.server.problems import CONTENT_TYPE, Problem, ProblemError, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from muniment.server.credentials import Credential
    from muniment.server.ingest.asgitypes import Receive, Scope, Send

PATH: Final = "/api/events"
ALLOW: Final = "POST, OPTIONS"
MAX_IN_FLIGHT: Final = 256 << 20
"""Bytes of request bodies that are held at one time, over all connections."""
MAX_IN_FLIGHT_A_LOG: Final = 96 << 20
"""The same for one log, so that no tenant keeps the others waiting."""

_LOG: Final = logging.getLogger("muniment.ingest")
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one submission that reached the ledger.

    Args:
        receipt: the members of the receipt's JSON object.
        known: the event had been recorded before, with the same content.
    """

    receipt: Mapping[str, str | int]
    known: bool


@dataclass(frozen=True, slots=True)
class Submitter:
    """An API key that the database knows.

    Args:
        key_id: `ak_` and a ULID.
        secret_hash: 32 bytes.
        log_id: the log it writes to.
        scope: `append` or `read`.
        source_id: the source of its events that name none.
        tenant_id: whose log that is.
    """

    key_id: str
    secret_hash: bytes
    log_id: int
    scope: str
    source_id: str
    tenant_id: UUID | None = None


class Recorder(Protocol):
    """The ledger, as far as appending needs it."""

    async def authenticate(self, credential: Credential) -> Submitter | None:
        """Who that is, or None if nobody."""

    async def record(self, submitter: Submitter, drafts: Sequence[Draft]) -> Sequence[Answer | Problem]:
        """Record the drafts durably; one answer for each, in order.

        Raises:
            ProblemError: if the ledger cannot be reached, or refuses the key.
        """


class IngestApplication:
    """The ASGI application; one for the process.

    Args:
        recorder: the ledger.
        limit: the largest request body, in bytes.
    """

    def __init__(self, recorder: Recorder, limit: int) -> None:
        self._recorder = recorder
        self._limit = limit
        self._in_flight: Counter[int] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers: dict[bytes, bytes] = {}
        repeated = False
        for name, value in scope["headers"]:
            repeated = repeated or (name == b"authorization" and name in headers)
            headers[name] = value
        extra: dict[str, str] = {}
        content_type = "application/json"
        try:
            if scope["method"] == "OPTIONS":
                await _send(send, headers, 204, b"", None, {"allow": ALLOW})
                return
            if scope["method"] != "POST":
                raise refuse("method-not-allowed", f"use {ALLOW}", headers={"allow": ALLOW})
            if repeated:
                raise unauthenticated("there are two Authorization headers")
            status, body = await self._append(headers, receive)
            if status >= 400 and not body.startswith(b'{"results"'):
                content_type = CONTENT_TYPE
        except ProblemError as error:
            status, body, content_type, extra = error.problem.status, error.problem.body(), CONTENT_TYPE, error.headers
        except ClientGone:
            return
        except Exception:
            _LOG.exception("an append failed")
            problem = Problem("internal", "the request failed here; it can be sent again as it is")
            status, body, content_type = 500, problem.body(), CONTENT_TYPE
        await _send(send, headers, status, body, content_type, extra)

    async def _append(self, headers: Mapping[bytes, bytes], receive: Receive) -> tuple[int, bytes]:
        credential = read_credential(headers.get(b"authorization", b"").decode("latin-1"))
        media = media_type(headers.get(b"content-type", b"").decode("latin-1"))
        submitter = await self._recorder.authenticate(credential)
        if submitter is None:
            raise unauthenticated("the API key is unknown or revoked")
        if submitter.scope != "append":
            raise refuse("wrong-scope", f"{submitter.key_id} is a {submitter.scope} key; appending needs an append key")
        weight = self._weight(headers)
        of_log = self._in_flight[submitter.log_id]
        if self._in_flight.total() + weight > MAX_IN_FLIGHT or of_log + weight > MAX_IN_FLIGHT_A_LOG:
            raise refuse("unavailable", "too much is being read at once; try again", headers={"retry-after": "1"})
        self._in_flight[submitter.log_id] += weight
        try:
            data = await read_body(receive, headers, self._limit)
            batch = await read_batch(data, media, submitter.source_id)
            del data
            drafts = [item for item in batch.items if isinstance(item, Draft)]
            answers = await self._recorder.record(submitter, drafts) if drafts else []
        finally:
            self._in_flight[submitter.log_id] -= weight
            if not self._in_flight[submitter.log_id]:
                del self._in_flight[submitter.log_id]
        return _results(batch, answers)

    def _weight(self, headers: Mapping[bytes, bytes]) -> int:
        """The most bytes that a request's body can come to."""
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and b"content-encoding" not in headers:
            return min(int(declared[:20]), self._limit)
        return self._limit


def _results(batch: Batch, answers: Sequence[Answer | Problem]) -> tuple[int, bytes]:
    """The status and JSON of an answer; `answers` are those of the drafts, in order."""
    recorded = iter(answers)
    results: list[Mapping[str, str | int]] = []
    refused = 0
    for index, item in enumerate(batch.items):
        result = item if isinstance(item, Problem) else next(recorded)
        if isinstance(result, Answer):
            if batch.single:
                return (200 if result.known else 201), orjson.dumps(result.receipt)
            results.append(result.receipt)
            continue
        if batch.single:
            return result.status, result.body()
        refused += 1
        results.append(Problem(result.kind, result.detail, result.field, index).document())
    status = 201 if not refused else 422 if refused == len(results) else 207
    return status, orjson.dumps({"results": results})


async def _send(
    send: Send,
    request: Mapping[bytes, bytes],
    status: int,
    body: bytes,
    content_type: str | None,
    extra: Mapping[str, str],
) -> None:
    offered = request.get(b"x-request-id", b"")
    request_id = offered if _REQUEST_ID.fullmatch(offered) else secrets.token_hex(8).encode("ascii")
    headers = [
        (b"x-request-id", request_id),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if content_type is not None:
        headers.append((b"content-type", content_type.encode("ascii")))
        headers.append((b"content-length", str(len(body)).encode("ascii")))
    headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in extra.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
