"""The exchanges of one MCP session: requests, what answers them, and what asks for no answer, each as its event.

Which request has which action is in `mcp_methods`. Both eras of the protocol are the same here: the handshake of the
older one only adds names and versions.
"""

from collections.abc import Container, Mapping
from typing import NamedTuple

from muniment.agent.draft import Resource, traceparent
from muniment.agent.mcp.facts import (
    cause_in,
    client_facts,
    continued_by,
    continues,
    ending,
    meta_of,
    params_of,
    server_facts,
    written_id,
)
from muniment.agent.mcp.jsonrpc import Message, id_key
from muniment.agent.mcp.methods import (
    CALL,
    CANCELLED,
    COUNTED_NOTICES,
    COUNTED_REQUESTS,
    HANDSHAKES,
    NOTIFY,
    RECORDED_NOTICES,
    kind_of,
    published,
)
from muniment.agent.mcp.recorder import McpRecorder
from muniment.agent.mcp.waiting import Asked, Waiting
from muniment.agent.spools.spool import Written
from muniment.core.identifiers import MAX_CAUSES


class Context(NamedTuple):
    """What came with a message from outside of it.

    Attributes:
        trace: trace id and span id, where the message names none itself.
        causes: references, where the message names none itself.
        labels: more of them.
    """

    trace: tuple[str, str | None] | None = None
    causes: tuple[str, ...] = ()
    labels: Mapping[str, object] = {}


class Exchanges:
    """Of one session. The two directions may be fed from two threads.

    Args:
        recorder: what the session has in common with others.
        labels: of every event.
    """

    def __init__(self, recorder: McpRecorder, labels: dict[str, object]) -> None:
        self.labels = labels
        self.of_client = Waiting()
        self.of_server = Waiting()
        self._recorder = recorder

    def is_request(self, message: Message) -> bool:
        """Whether a message asks for something that is recorded: a method with an id, or one that should have one."""
        if message.methods == (None,):
            return False
        if "id" in message.value:
            return len(message.methods) > 1 or not _is_in(message.methods[0], COUNTED_REQUESTS)
        return kind_of(message.methods) is CALL or published(message.value.get("method")) is not None

    def request(
        self,
        message: Message,
        context: Context,
        origin: str = "client",
        outcome: str = "unknown",
        durable: bool = False,
    ) -> tuple[Asked, Written]:
        """Record a request; it does not wait for an answer yet.

        Raises:
            MunimentError: if it cannot be recorded.
        """
        value, params, kind = message.value, params_of(message.value), kind_of(message.methods)
        meta, method = meta_of(params), value.get("method")
        labels: dict[str, object] = {**self.labels, **client_facts(params)}
        labels["mcp.id"] = written_id(value["id"]) if "id" in value else "absent"
        if kind is not CALL:
            labels["mcp.method"] = method
        if origin == "server":
            labels["mcp.from"] = "server"
        if message.ambiguous is not None:
            labels["mcp.ambiguous"] = message.ambiguous
        name = params.get(kind.names) if kind.names is not None else None
        tool = resource = None
        if isinstance(name, str):
            tool = name if kind is CALL else None
            resource = ("mcp.resource", name) if kind.names == "uri" else None
            if method == "prompts/get":
                labels["mcp.prompt"] = name
        if resource is not None:
            labels["mcp.via"] = self._recorder.resource[1]
        if method == "initialize" and "mcp.client" in labels:
            self.labels = {**self.labels, "mcp.client": labels["mcp.client"]}
        labels.update(context.labels)
        trace = traceparent(meta.get("traceparent")) or context.trace or self._recorder.inherited_trace
        causes = self._causes(meta, params, context, origin, labels)
        written = self._recorder.write(
            kind.asked,
            labels,
            outcome=outcome,
            payload=message.raw,
            tool=tool,
            resource=resource,
            trace=trace,
            causes=causes,
            durable=durable,
        )
        self._recorder.count("requests")
        token = meta.get("progressToken")
        place: Resource = self._recorder.resource if resource is None else resource
        key = None if token is None else id_key(token)
        return Asked(written.reference, kind, method, tool, place, trace, labels, key), written

    def wait(self, message: Message, asked: Asked, origin: str = "client") -> None:
        """Let a recorded request wait for its answer, if it can have one.

        Raises:
            MunimentError: if that an older one is given up cannot be recorded.
        """
        if "id" in message.value:
            given_up = (self.of_client if origin == "client" else self.of_server).add(message.value["id"], asked)
            if given_up is not None:
                self.result(given_up, "unknown", None, {"mcp.answer": "given-up"})

    def other(self, message: Message, origin: str) -> None:
        """Record, or count, what is no request: an answer, a notification.

        Raises:
            MunimentError: if it cannot be recorded.
        """
        value, method = message.value, message.value.get("method")
        if method is None:
            self._answered(message, origin)
        elif method == CANCELLED:
            self._cancelled(message, origin)
        elif _is_in(method, COUNTED_REQUESTS):
            self._recorder.count(str(method))
        elif _is_in(method, RECORDED_NOTICES) or (origin == "client" and not _is_in(method, COUNTED_NOTICES)):
            labels = {**self.labels, "mcp.method": method}
            if origin == "server":
                labels["mcp.from"] = "server"
            self._recorder.write(NOTIFY, labels, payload=message.raw)
            self._recorder.count("notices")
        else:
            self._recorder.count(COUNTED_NOTICES[str(method)] if _is_in(method, COUNTED_NOTICES) else "unknown")
            if method == "notifications/progress":
                waiting = self.of_client if origin == "server" else self.of_server
                waiting.progressed(params_of(value).get("progressToken"))

    def result(self, asked: Asked, outcome: str, raw: bytes | None, labels: dict[str, object]) -> str:
        """Record how a request ended; returns the event's reference.

        Raises:
            MunimentError: if it cannot be recorded.
        """
        all_labels = {**asked.labels, **labels} if labels else asked.labels
        if asked.progress:
            all_labels = {**all_labels, "mcp.progress": asked.progress}
        written = self._recorder.write(
            asked.kind.answered,
            all_labels,
            outcome=outcome,
            payload=raw,
            tool=asked.tool,
            resource=asked.resource,
            trace=asked.trace,
            causes=(asked.reference,),
        )
        self._recorder.count("results")
        return written.reference

    def _causes(
        self,
        meta: dict[str, object],
        params: dict[str, object],
        context: Context,
        origin: str,
        labels: dict[str, object],
    ) -> tuple[str, ...]:
        tokens = continues(params)
        earlier = self._recorder.remembered(tokens) if tokens else ()
        if origin == "server":
            # Nothing on the wire says which request made the server ask; if only one waits, there is no other.
            only = self.of_client.only()
            if only is not None:
                labels["mcp.cause"] = "only-waiting"
                return (only.reference,)
            return ()
        told = cause_in(meta) or context.causes or self._recorder.causes
        return tuple(dict.fromkeys([*earlier, *told]))[:MAX_CAUSES] if earlier else told

    def _answered(self, message: Message, origin: str) -> None:
        value = message.value
        if "id" not in value:
            self._recorder.count("unparsed.server" if origin == "server" else "unknown")
            return
        asked = (self.of_client if origin == "server" else self.of_server).take(value["id"])
        if asked is None:
            if value["id"] is not None or "error" in value:
                self._recorder.count("unmatched")
            return
        outcome, labels = ending(value)
        if asked.cancelled:
            labels["mcp.cancelled"] = "answered"
        result = value.get("result")
        if _is_in(asked.method, HANDSHAKES) and isinstance(result, dict):
            self.labels = {**self.labels, **server_facts(result)}
            labels.update(server_facts(result))
        reference = self.result(asked, outcome, message.raw, labels)
        tokens = continued_by(value)
        if tokens:
            self._recorder.remember(tokens, reference)

    def _cancelled(self, message: Message, origin: str) -> None:
        waiting = self.of_client if origin == "client" else self.of_server
        asked = waiting.cancel(params_of(message.value).get("requestId"))
        if asked is None and origin == "server":
            # A server ends what was asked of it, such as a subscription, by the same notification.
            asked = self.of_client.cancel(params_of(message.value).get("requestId"))
        if asked is None:
            self._recorder.count("unmatched")
        else:
            self.result(asked, "unknown", message.raw, {"mcp.cancelled": origin})


def _is_in(method: object, known: Container[str]) -> bool:
    """Whether it is one of them. A method may be anything that JSON can say."""
    return isinstance(method, str) and method in known
