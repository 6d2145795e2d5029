"""`POST /v1/traces` and `POST /v1/logs`: the ASGI application for OTLP/HTTP.

It answers as the protocol prescribes, so that an unchanged exporter sends again what is worth it, and nothing else.
What it acknowledges is on the disk; a request that comes again makes no second entry.

Source: opentelemetry-proto, "OTLP/HTTP".
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import secrets
from collections import Counter
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from muniment.server.credentials import read_credential, unauthenticated
from muniment.server.ingest.application import Answer
from muniment.server.ingest.requestbody import ClientGone, read_body
from muniment.server.otlp.answers import JSON, PROTOBUF, failure, status_of, success
from muniment.server.problems import Problem, ProblemError, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from muniment.server.ingest.application import Recorder, Submitter
    from muniment.server.ingest.asgitypes import Receive, Scope, Send
    from muniment.server.otlp.drafting import Drafts

SIGNALS: Final = {"/v1/traces": "traces", "/v1/logs": "logs"}
PATHS: Final = frozenset({*SIGNALS, "/v1/metrics"})
MAX_IN_FLIGHT: Final = 96 << 20
"""Bytes of request bodies that are held at one time, over all connections."""
MAX_IN_FLIGHT_A_LOG: Final = 48 << 20

_LOG: Final = logging.getLogger("muniment.otlp")
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_KEY_HEADER: Final = b"x-muniment-key"
_BASIC: Final = re.compile(r"[Bb]asic +([A-Za-z0-9+/=]{1,512})")
"""How the key comes from an exporter that is told nothing but an address."""
_CHUNK: Final = 2_000
_SMALL: Final = 16_384
_LARGE: Final = 1 << 20
_NO_METRICS: Final = "metrics are no events and are not recorded here; set OTEL_METRICS_EXPORTER=none"


class OtlpApplication:
    """The ASGI application; one for the process.

    Args:
        recorder: the ledger.
        limit: the largest request body, in bytes.
    """

    def __init__(self, recorder: Recorder, limit: int) -> None:
        self._recorder = recorder
        self._limit = limit
        self._in_flight: Counter[int] = Counter()
        # Read, a large request takes many times its size: one at a time.
        self._large = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers: dict[bytes, bytes] = {}
        repeated = False
        for name, value in scope["headers"]:
            repeated = repeated or (name in (b"authorization", _KEY_HEADER) and name in headers)
            headers[name] = value
        media = _media_of(headers)
        extra: Mapping[str, str] = {}
        try:
            status, body = 200, await self._answer(scope, headers, receive, repeated=repeated)
        except ProblemError as error:
            status, body, extra = status_of(error.problem), failure(media or JSON, error.problem), error.headers
        except ClientGone:
            return
        except Exception:
            _LOG.exception("an OTLP request failed")
            problem = Problem("unavailable", "the request failed here; it can be sent again as it is")
            status, body, extra = 503, failure(media or JSON, problem), {}
        if status == 503 and "retry-after" not in extra:
            extra = {**extra, "retry-after": "5"}
        offered = headers.get(b"x-request-id", b"")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else secrets.token_hex(8).encode("ascii")
        await _send(send, status, body, media or JSON, request_id, extra)

    async def _answer(self, scope: Scope, headers: Mapping[bytes, bytes], receive: Receive, *, repeated: bool) -> bytes:
        signal = SIGNALS.get(scope["path"])
        if signal is None:
            raise refuse("not-found", _NO_METRICS)
        if scope["method"] != "POST":
            raise refuse("method-not-allowed", "use POST", headers={"allow": "POST"})
        if repeated:
            raise unauthenticated("there are two headers with a key")
        submitter = await self._submitter(headers)
        media = _media_of(headers)
        if media is None:
            raise refuse(
                "unsupported-media-type",
                f"this content-type is not read here; use {PROTOBUF} or {JSON}",
                headers={"accept-post": f"{PROTOBUF}, {JSON}"},
            )
        weight = self._weight(headers)
        of_log = self._in_flight[submitter.log_id]
        if self._in_flight.total() + weight > MAX_IN_FLIGHT or of_log + weight > MAX_IN_FLIGHT_A_LOG:
            raise refuse("unavailable", "too much is being read at once; try again", headers={"retry-after": "1"})
        self._in_flight[submitter.log_id] += weight
        try:
            data = await read_body(receive, headers, self._limit)
            async with self._large if len(data) > _LARGE else nullcontext():
                drafts = await _drafts(data, media, signal, submitter.source_id)
            del data
            return success(media, signal, *await self._record(submitter, drafts))
        finally:
            self._in_flight[submitter.log_id] -= weight
            if not self._in_flight[submitter.log_id]:
                del self._in_flight[submitter.log_id]

    async def _submitter(self, headers: Mapping[bytes, bytes]) -> Submitter:
        authorization = headers.get(b"authorization", b"").decode("latin-1")
        alone = headers.get(_KEY_HEADER, b"").decode("latin-1").strip()
        in_address = _BASIC.fullmatch(authorization)
        if in_address is not None:
            authorization = f"Bearer {_password(in_address[1])}"
        if alone and authorization and authorization != f"Bearer {alone}":
            raise unauthenticated("Authorization and x-muniment-key name two keys; send one of them")
        submitter = await self._recorder.authenticate(
            read_credential(f"Bearer {alone}" if alone else authorization or None)
        )
        if submitter is None:
            raise unauthenticated("the API key is unknown or revoked")
        if submitter.scope != "append":
            raise refuse("wrong-scope", f"{submitter.key_id} is a {submitter.scope} key; appending needs an append key")
        return submitter

    async def _record(self, submitter: Submitter, drafts: Drafts) -> tuple[int, str]:
        """Record the drafts; say how many records were refused for good, and why."""
        refused = dict(drafts.refused)
        for start in range(0, len(drafts.made), _CHUNK):
            chunk = drafts.made[start : start + _CHUNK]
            answers = await self._recorder.record(submitter, [draft for _, draft in chunk])
            _note_refusals(refused, [number for number, _ in chunk], answers)
        reasons = Counter(refused.values()).most_common(3)
        more = len(set(refused.values())) - len(reasons)
        message = "; ".join(f"{count} x {reason}" for reason, count in reasons)
        return len(refused), (message + f"; and {more} other reasons" if more > 0 else message)[:1_000]

    def _weight(self, headers: Mapping[bytes, bytes]) -> int:
        """The most bytes that a request's body can come to."""
        declared = headers.get(b"content-length", b"")
        if declared.isdigit() and b"content-encoding" not in headers:
            return min(int(declared[:20]), self._limit)
        return self._limit


async def _drafts(data: bytes, media: str, signal: str, source_id: str) -> Drafts:
    # Here, so that a server to which nobody sends OTLP never loads protobuf.
    from muniment.server.otlp.drafting import drafts_of

    if len(data) <= _SMALL:
        return drafts_of(data, media, signal, source_id)
    # In a thread, so that other requests get their turn while a large one is read.
    return await asyncio.to_thread(drafts_of, data, media, signal, source_id)


def _note_refusals(refused: dict[int, str], numbers: Sequence[int], answers: Sequence[Answer | Problem]) -> None:
    for number, answer in zip(numbers, answers, strict=True):
        # An event whose body was erased since stands in the ledger: its retry is no loss.
        if isinstance(answer, Problem) and answer.kind != "body-erased":
            detail = answer.detail if answer.field is None else f"{answer.field}: {answer.detail}"
            refused.setdefault(number, detail)


def _password(encoded: str) -> str:
    """The key in what clients make of `http://muniment:mk_…@host` or `http://mk_…@host`; empty where there is none.

    Source: RFC 7617, section 2.
    """
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except ValueError:
        return ""
    return password or user


def _media_of(headers: Mapping[bytes, bytes]) -> str | None:
    name = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    return name if name in (PROTOBUF, JSON) else None


async def _send(send: Send, status: int, body: bytes, media: str, request_id: bytes, extra: Mapping[str, str]) -> None:
    headers = [
        (b"x-request-id", request_id),
        (b"content-type", media.encode("ascii")),
        (b"content-length", str(len(body)).encode("ascii")),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    headers += [(name.encode("ascii"), value.encode("ascii")) for name, value in extra.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
