"""Invocations of models as pairs of events: `model.invoke` before the request goes on, `model.result` for its answer.

What leads to what: a result names its invocation; an invocation names what the client says with `Muniment-Cause`, and
the results that asked for the tool calls whose outcomes it brings (or from whose answer it goes on).
"""

import asyncio
import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from muniment.agent.draft import traceparent
from muniment.agent.gate import NotAccepted, ask
from muniment.agent.models.answer import Answer
from muniment.agent.models.api import Api, api_of
from muniment.agent.models.contents import Contents
from muniment.agent.models.question import Question, read_question
from muniment.agent.models.resulting import labels_of, outcome_of
from muniment.agent.models.sightings import JSON, Sighting
from muniment.agent.proxy.exchange import Ending, Exchange, Reply, RequestHead
from muniment.agent.proxy.headers import Headers, causes_said, first
from muniment.agent.spools.spool import Spool
from muniment.core.errors import MunimentError
from muniment.core.identifiers import MAX_CAUSES

_LOG: Final = logging.getLogger("muniment.agent")
_MAX_REMEMBERED: Final = 8_192
_LARGE: Final = 1_048_576


class ModelRecorder:
    """Records what passes between clients and one model API.

    Args:
        spool: where events go.
        contents: how much of prompts and answers is recorded.
        workspace: of every event, or None.
        durable: each event waits for the disk, and a request whose event cannot be put there is refused with 503.
        gate: the same, and the ledger must have accepted the event of a request before that is forwarded.

    Attributes:
        counts: invocations and results recorded, and requests refused.
    """

    def __init__(
        self,
        spool: Spool,
        contents: Contents = Contents.HASH,
        workspace: str | None = None,
        *,
        durable: bool = False,
        gate: bool = False,
    ) -> None:
        self.fails_closed = durable or gate
        self.unrecorded = 0
        self.counts = {"invocations": 0, "results": 0, "refused": 0}
        self._spool = spool
        self._contents = contents
        self._workspace = workspace
        self._gate = gate
        self._asked_for: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, head: RequestHead) -> Exchange:
        """A new invocation."""
        return Invocation(self, head)

    def invoked(self, head: RequestHead, api: Api, body: bytes, whole: bool) -> tuple[str, Question]:
        """Record an invocation; may wait for the disk and the ledger.

        Returns:
            Its reference, and what it asks for.

        Raises:
            Refused: if it fails closed and the event was not recorded, or not accepted.
        """
        question = read_question(api, body) if whole else Question()
        labels = _request_labels(head, api, question, body, whole)
        if self._contents is not Contents.NONE and whole:
            labels["request.sha256"] = hashlib.sha256(body).hexdigest()
        shown = body if self._contents is Contents.FULL and whole and body else None
        written = self._spool.write(
            action="model.invoke",
            payload=shown,
            media_type=None if shown is None else JSON if question.is_json else "application/octet-stream",
            resource=None if question.model is None else ("model", question.model),
            causes=self._causes(head, question),
            labels=labels,
            trace=traceparent((first(head.headers, b"traceparent") or b"").decode("latin-1")),
            workspace=self._workspace,
            durable=self.fails_closed or None,
        )
        self.counts["invocations"] += 1
        if self._gate:
            try:
                ask(self._spool, written)
            except NotAccepted as refusal:
                self._denied(written.reference, refusal)
                raise
        return written.reference, question

    def resulted(
        self,
        head: RequestHead,
        invocation: str,
        question: Question,
        outcome: str,
        labels: dict[str, object],
        answer: Answer | None,
        shown: tuple[bytes, str] | None,
    ) -> None:
        """Record how an invocation ended.

        Raises:
            Refused: if it fails closed and the event was not recorded.
        """
        model = question.model if answer is None or answer.model is None else answer.model
        reference = self._spool.record(
            action="model.result",
            outcome=outcome,
            payload=None if shown is None else shown[0],
            media_type=None if shown is None else shown[1],
            resource=None if model is None else ("model", model),
            causes=(invocation,),
            labels=labels,
            trace=traceparent((first(head.headers, b"traceparent") or b"").decode("latin-1")),
            workspace=self._workspace,
            durable=self.fails_closed or None,
        )
        self.counts["results"] += 1
        if answer is not None:
            self._remember([call.id for call in answer.tool_calls] + [answer.id or ""], reference)

    def _denied(self, invocation: str, refusal: NotAccepted) -> None:
        self._spool.record(
            action="model.result",
            outcome="denied",
            causes=(invocation,),
            labels={"gate": refusal.kind},
            workspace=self._workspace,
            durable=False,
        )

    def late(self, invocation: str, size: int) -> None:
        """Record that bytes came after the event that ends an answer."""
        self._spool.record(
            action="model.result",
            causes=(invocation,),
            labels={"answer.after-end": size},
            workspace=self._workspace,
        )

    @property
    def contents(self) -> Contents:
        """How much of prompts and answers is recorded."""
        return self._contents

    def _causes(self, head: RequestHead, question: Question) -> tuple[str, ...]:
        with self._lock:
            known = [self._asked_for[name] for name in question.continues if name in self._asked_for]
        # A conversation brings all its earlier tool results again; the last ones are what this request is about.
        return tuple(dict.fromkeys([*causes_said(head.headers), *reversed(known)]))[:MAX_CAUSES]

    def _remember(self, identifiers: Iterable[str], reference: str) -> None:
        with self._lock:
            for identifier in identifiers:
                if identifier:
                    self._asked_for[identifier] = reference
                    self._asked_for.move_to_end(identifier)
            while len(self._asked_for) > _MAX_REMEMBERED:
                self._asked_for.popitem(last=False)


class Invocation:
    """One request to the API and its answer."""

    def __init__(self, recorder: ModelRecorder, head: RequestHead) -> None:
        self._recorder = recorder
        self._head = head
        self._api = api_of(head.method, head.path)
        self._reference: str | None = None
        self._question = Question()
        self._sighting: Sighting | None = None
        self._status: int | None = None
        self._request_id: bytes | None = None
        self._resulted = False
        self._late = 0
        self._more: hashlib._Hash | None = None
        self._size = 0

    async def asked(self, body: bytes, whole: bool) -> Reply | None:
        """Record the invocation; refuse it if it has to be recorded and could not be."""
        recorder = self._recorder
        self._size = len(body)
        if not whole:
            self._more = hashlib.sha256(body)
        try:
            if recorder.fails_closed or len(body) > _LARGE:
                self._reference, self._question = await asyncio.to_thread(
                    recorder.invoked, self._head, self._api, body, whole
                )
            else:
                self._reference, self._question = recorder.invoked(self._head, self._api, body, whole)
        except MunimentError as error:
            if not recorder.fails_closed:
                raise
            recorder.counts["refused"] += 1
            kind = "unaccepted" if isinstance(error, NotAccepted) else "unrecorded"
            _LOG.error("a request was not forwarded: %s", error)
            return Reply.error(503, kind, f"not forwarded: {error}")
        return None

    def asked_more(self, chunk: bytes) -> None:
        """Hash what flows through unheld."""
        self._size += len(chunk)
        if self._more is not None:
            self._more.update(chunk)

    async def answering(self, status: int, headers: Headers) -> None:
        """Begin to look at the answer."""
        self._status = status
        self._request_id = first(headers, b"x-request-id") or first(headers, b"request-id")
        self._sighting = Sighting(self._api, headers)

    async def passing(self, chunk: bytes) -> None:
        """Look at a piece of the answer; record the result with the event that ends a stream."""
        if self._resulted:
            self._late += len(chunk)
        elif self._sighting is not None:
            self._sighting.feed(chunk)
            if self._sighting.done:
                await self._result(Ending.COMPLETE)

    async def ended(self, ending: Ending) -> None:
        """Record the result, if that has not happened yet."""
        if not self._resulted:
            await self._result(ending)
        elif self._late and self._reference is not None:
            self._recorder.late(self._reference, self._late)

    async def _result(self, ending: Ending) -> None:
        self._resulted = True
        if self._reference is None:
            return
        sighting, contents = self._sighting, self._recorder.contents
        answer = None if sighting is None else sighting.answer()
        outcome = outcome_of(ending, self._status, sighting, answer)
        labels = labels_of(ending, self._status, self._question.model, sighting, answer, contents is not Contents.NONE)
        labels["model.api"] = self._api.value
        if self._request_id is not None:
            labels["answer.id"] = self._request_id.decode("latin-1")
        if self._more is not None:
            labels["request.bytes"] = self._size
            if contents is not Contents.NONE:
                labels["request.sha256"] = self._more.hexdigest()
        shown = sighting.body() if sighting is not None and contents is Contents.FULL else None
        told = (self._head, self._reference, self._question, outcome, labels, answer, shown)
        if self._recorder.fails_closed:
            await asyncio.to_thread(self._recorder.resulted, *told)
        else:
            self._recorder.resulted(*told)


def _request_labels(head: RequestHead, api: Api, question: Question, body: bytes, whole: bool) -> dict[str, object]:
    labels: dict[str, object] = {"model.api": api.value}
    if api is Api.OTHER:
        labels["http.method"] = head.method
        labels["http.path"] = head.path.decode("latin-1")
    if question.model is not None:
        labels["model.name"] = question.model
    if question.stream:
        labels["model.stream"] = "yes"
    if question.tools:
        labels["tools.offered"] = question.tools
    if question.ambiguous:
        labels["model.ambiguous"] = "model"
    coding = first(head.headers, b"content-encoding")
    if coding is not None:
        labels["request.coding"] = coding.decode("latin-1")
    if whole:
        labels["request.bytes"] = len(body)
    else:
        labels["request.oversize"] = "yes"
    return labels
