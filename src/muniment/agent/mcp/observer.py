"""What goes between an MCP client and an MCP server as events: what was asked, how it ended, what was refused.

* A request is an event, outcome `unknown`, body: the message exactly as it stands on the wire. It is recorded before it
  is forwarded.
* Its answer is an event whose `causes` name the request: `failure` for a JSON-RPC error or `isError`, `unknown` where
  the result is not final (`input_required`, a task), otherwise `success`. Also recorded before it is forwarded.
* A cancelled request gets a result event with the label `mcp.cancelled`, and one more if an answer comes all the same.
* Requests without an answer at the end get a result event, outcome `unknown`, label `mcp.answer=none`.
* What no JSON parser reads is recorded if it comes from the client, because a server might read a call into it. From
  the server it is counted (many servers print to stdout).
* With a policy, a refused request is an event with outcome `denied`, and `tool.refuse` holds the answer that the client
  got. A batch with one refused message is refused whole.
"""

from collections.abc import Mapping, Sequence

from muniment.agent.gate import NotAccepted
from muniment.agent.mcp.exchange import Context, Exchanges
from muniment.agent.mcp.jsonrpc import Message, read_line
from muniment.agent.mcp.methods import CALL, REFUSE, published
from muniment.agent.mcp.policy import TOO_LONG, Verdict, built_in
from muniment.agent.mcp.recorder import LOG, McpRecorder
from muniment.agent.mcp.refusals import NOT_RECORDED, REFUSED, Passage, error, expects_answer, together
from muniment.agent.mcp.tracing import new_trace, with_traceparent
from muniment.agent.mcp.waiting import Asked
from muniment.agent.spools.spool import Written

__all__ = ["McpRecorder", "McpSession", "Passage"]


class McpSession:
    """One session, or one post of the stateless era. The two directions may be fed from two threads. Nothing raises.

    Args:
        recorder: what it has in common with others.
        labels: of every event, on top of the recorder's.
    """

    def __init__(self, recorder: McpRecorder, labels: Mapping[str, object] | None = None) -> None:
        self._recorder = recorder
        self._exchanges = Exchanges(recorder, {**recorder.labels, **(labels or {})})

    def from_client(
        self, body: bytes, trace: tuple[str, str] | None = None, causes: tuple[str, ...] = ()
    ) -> Passage | None:
        """Record what the client says, before it is forwarded.

        Args:
            body: one message or a batch, without a newline.
            trace: trace id and span id, for a message that names none itself.
            causes: references, for a message that names none itself.

        Returns:
            None: forward it as it came.
        """
        recorder = self._recorder
        try:
            if not body or body.isspace():
                return None
            context = Context(trace, causes)
            policy = recorder.policy
            if policy is None:
                messages = read_line(body, framing=recorder.framing)
                if messages is None:
                    self._unread(body, "unknown", {"mcp.unparsed": "client"})
                    return None
                return self._pass(body, messages, (), context)
            too_long = len(body) > policy.max_bytes
            messages = None if too_long else read_line(body, framing=recorder.framing, thorough=True)
            verdicts = policy.review(len(body), messages)
            if messages is None or isinstance(verdicts, Verdict):
                verdict = verdicts if isinstance(verdicts, Verdict) else built_in(TOO_LONG)
                return self._refuse_unread(body, verdict, {"mcp.unparsed": "client"})
            if any(verdict is not None and verdict.effect == "deny" for verdict in verdicts):
                return self._deny(body, messages, verdicts, context)
            return self._pass(body, messages, verdicts, context)
        except Exception as problem:
            # Whatever goes wrong here must not change what client and server say to each other, except where asked for.
            self._failed("the client said", problem)
            return self._not_recorded(body, problem) if recorder.fails_closed else None

    def from_server(self, body: bytes) -> None:
        """Record what the server says, one message or a batch, before it is forwarded."""
        try:
            messages = read_line(body, framing=self._recorder.framing)
            if messages is None:
                if body and not body.isspace():
                    self._recorder.count("unparsed.server")
                return
            for message in messages:
                if self._exchanges.is_request(message):
                    asked, _ = self._exchanges.request(message, Context(), "server")
                    self._exchanges.wait(message, asked, "server")
                else:
                    self._exchanges.other(message, "server")
        except Exception as problem:
            self._failed("the server said", problem)

    def abandoned(self, body: bytes, outcome: str = "unknown", **labels: object) -> None:
        """Record that the requests in a body, as it was given to `from_client`, get no answer.

        Args:
            body: one message or a batch.
            outcome: of their result events.
            labels: with `_` for `.`: `mcp_status=502`.
        """
        dotted = {key.replace("_", "."): value for key, value in labels.items()}
        try:
            for message in read_line(body, framing=self._recorder.framing) or ():
                asked = self._exchanges.of_client.take(message.value["id"]) if expects_answer(message) else None
                if asked is not None:
                    self._exchanges.result(asked, outcome, None, {"mcp.answer": "none", **dotted})
        except Exception as problem:
            self._failed("nobody answered", problem)

    def oversize(self, direction: str, start: bytes) -> Passage | None:
        """Record that a message is longer than can be held, before any of it is forwarded.

        Returns:
            None: let it flow. Otherwise none of it may be forwarded.
        """
        recorder, labels = self._recorder, {"mcp.oversize": direction}
        try:
            if direction == "client" and recorder.policy is not None:
                return self._refuse_unread(start, built_in(TOO_LONG), labels)
            action = CALL.asked if direction == "client" else CALL.answered
            recorder.write(action, {**self._exchanges.labels, **labels}, payload=start, is_json=False)
        except Exception as problem:
            self._failed(f"the {direction} said at length", problem)
            if direction == "client" and recorder.fails_closed:
                return Passage(
                    None, error(None, NOT_RECORDED, f"not forwarded, because it was not recorded: {problem}")
                )
        return None

    def oversize_end(self, direction: str, length: int, sha256: str) -> None:
        """Record how long such a message was in the end, and its hash."""
        labels = {"mcp.oversize": f"{direction}-end", "mcp.bytes": length, "mcp.sha256": sha256}
        action = CALL.asked if direction == "client" else CALL.answered
        try:
            self._recorder.write(action, {**self._exchanges.labels, **labels})
        except Exception as problem:
            self._failed(f"the {direction} said at length", problem)

    def finish(self) -> None:
        """Record the requests that never got an answer."""
        for waiting in (self._exchanges.of_client, self._exchanges.of_server):
            for asked in waiting.drain():
                try:
                    self._exchanges.result(asked, "unknown", None, {"mcp.answer": "none"})
                except Exception as problem:
                    self._failed("nobody answered", problem)

    def _pass(
        self, body: bytes, messages: Sequence[Message], verdicts: Sequence[Verdict | None], context: Context
    ) -> Passage | None:
        exchanges, passage = self._exchanges, None
        if self._recorder.trace and len(messages) == 1:
            messages, context, passage = self._traced(body, messages[0], context)
        asked: list[tuple[Message, Asked, Written, Verdict | None]] = []
        for number, message in enumerate(messages):
            if not exchanges.is_request(message):
                exchanges.other(message, "client")
                continue
            verdict = verdicts[number] if verdicts else None
            if verdict is None:
                one, written = exchanges.request(message, context)
            else:
                named = context._replace(labels={**context.labels, "policy.rule": verdict.rule})
                one, written = exchanges.request(message, named, durable=True)
            asked.append((message, one, written, verdict))
        for _, _, written, verdict in asked:
            if verdict is not None:
                try:
                    self._recorder.ask(written)
                except NotAccepted as refusal:
                    return self._not_accepted(body, asked, verdict, refusal)
        for message, one, _, _ in asked:
            exchanges.wait(message, one)
        return passage

    def _traced(self, body: bytes, message: Message, context: Context) -> tuple[list[Message], Context, Passage | None]:
        kind = published(message.value.get("method"))
        if kind is None or not kind.traced or "id" not in message.value:
            return [message], context, None
        parent = context.trace or self._recorder.inherited_trace
        span = new_trace(parent)
        changed = with_traceparent(message, span)
        if changed is None:
            return [message], context, None
        labels: dict[str, object] = {"mcp.trace": "added"}
        if parent is not None and parent[1] is not None:
            labels["otel.parent"] = parent[1]
        at = body.index(message.raw)
        forward = body[:at] + changed + body[at + len(message.raw) :]
        return [message._replace(raw=changed)], context._replace(trace=span, labels=labels), Passage(forward, None)

    def _deny(
        self, body: bytes, messages: Sequence[Message], verdicts: Sequence[Verdict | None], context: Context
    ) -> Passage:
        denying = next(verdict for verdict in verdicts if verdict is not None and verdict.effect == "deny")
        answers = []
        for message, verdict in zip(messages, verdicts, strict=True):
            own = verdict is not None and verdict.effect == "deny"
            decided = verdict if verdict is not None and own else denying
            labels: dict[str, object] = {"policy.rule": decided.rule}
            if not own:
                labels["policy.batch"] = "yes"
            if message.methods == (None,) and not own:
                # An answer to the server, which nobody answers.
                self._recorder.count("refused")
                continue
            asked, written = self._exchanges.request(message, context._replace(labels=labels), outcome="denied")
            answers += self._refused(message, asked, written, decided.rule, _because(decided, own), labels)
        return Passage(None, together(answers, _is_batch(body)))

    def _not_accepted(
        self,
        body: bytes,
        asked: Sequence[tuple[Message, Asked, Written, Verdict | None]],
        verdict: Verdict,
        refusal: NotAccepted,
    ) -> Passage:
        answers = []
        labels: dict[str, object] = {"policy.rule": verdict.rule, "gate": refusal.kind}
        because = f"the rule {verdict.rule} asks the ledger, and it has not accepted the request: {refusal.reason}"
        for message, one, written, _ in asked:
            answers += self._refused(message, one, written, verdict.rule, because, labels)
        return Passage(None, together(answers, _is_batch(body)))

    def _refused(
        self, message: Message, asked: Asked, written: Written, rule: str, because: str, labels: Mapping[str, object]
    ) -> list[bytes]:
        """Record a refusal; what the client is answered, if it expects an answer."""
        answer = None
        if "id" in message.value:
            data: dict[str, object] = {"rule": rule, "event": written.reference}
            answer = error(message.value["id"], REFUSED, because, data)
        self._recorder.write(
            REFUSE,
            {**asked.labels, **labels},
            outcome="denied",
            payload=answer,
            tool=asked.tool,
            resource=asked.resource,
            trace=asked.trace,
            causes=(written.reference,),
        )
        self._recorder.count("refused")
        return [] if answer is None else [answer]

    def _unread(self, body: bytes, outcome: str, labels: Mapping[str, object]) -> Written:
        """Record something that was not read as a call, because a server might read one into it."""
        self._recorder.count("unparsed.client")
        together = {**self._exchanges.labels, **labels}
        return self._recorder.write(CALL.asked, together, outcome=outcome, payload=body, is_json=False)

    def _refuse_unread(self, body: bytes, verdict: Verdict, labels: Mapping[str, object]) -> Passage:
        labels = {**labels, "policy.rule": verdict.rule}
        written = self._unread(body, "denied", labels)
        answer = error(None, REFUSED, _because(verdict, True), {"rule": verdict.rule, "event": written.reference})
        self._recorder.write(
            REFUSE,
            {**self._exchanges.labels, **labels},
            outcome="denied",
            payload=answer,
            causes=(written.reference,),
        )
        self._recorder.count("refused")
        return Passage(None, answer)

    def _not_recorded(self, body: bytes, problem: Exception) -> Passage:
        because = _unrecorded(problem)
        messages = read_line(body, framing=self._recorder.framing)
        if messages is None:
            return Passage(None, error(None, NOT_RECORDED, because))
        answers = [error(one.value["id"], NOT_RECORDED, because) for one in messages if expects_answer(one)]
        return Passage(None, together(answers, _is_batch(body)))

    def _failed(self, what: str, problem: Exception) -> None:
        self._recorder.count("unrecorded")
        LOG.error("what %s was not recorded: %s", what, problem)


def _unrecorded(problem: Exception) -> str:
    return f"not forwarded, because it was not recorded: {problem}"


def _is_batch(body: bytes) -> bool:
    return body.lstrip()[:1] == b"["


def _because(verdict: Verdict, own: bool) -> str:
    """Why it is refused, for the one who asked."""
    rest = "" if own else " (another message of the same batch)"
    return f"refused by the policy's rule {verdict.rule}{': ' if verdict.reason else ''}{verdict.reason}{rest}"
