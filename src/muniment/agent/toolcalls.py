"""What goes between an MCP client and an MCP server, turned into events: every `tools/call` and how it ended.

* A request is a `tool.call` event, outcome `unknown`, body: the message exactly as it stands on the wire. It is
  recorded before it is forwarded.
* Its answer is a `tool.result` event whose `causes` name the call: `failure` for a JSON-RPC error or `isError`,
  `unknown` where the result is not final (`input_required`, a task), otherwise `success`. Also recorded before it is
  forwarded.
* A cancelled call gets a `tool.result` with the label `mcp.cancelled=client`, and one more if an answer comes all the
  same.
* Calls without an answer when the server ends get a `tool.result`, outcome `unknown`, label `mcp.answer=none`.
* A line from the client that no JSON parser reads is recorded as a `tool.call` with the label `mcp.unparsed=client`,
  because a server might read a call into it. Such lines from the server are counted (many servers print to stdout).

Both eras of the protocol are the same here: the handshake of the older one only adds names and versions.
"""

import json
import logging
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

from muniment.agent.draft import traceparent
from muniment.agent.jsonrpc import Message, id_key, read_line
from muniment.agent.spool import Spool

_LOG = logging.getLogger("muniment.agent")

CALL: Final = "tool.call"
RESULT: Final = "tool.result"
_JSON: Final = "application/json"
_META: Final = "io.modelcontextprotocol/"
NOT_RECORDED: Final = -32_001
"""JSON-RPC error code of the answer to a call that could not be put on disk in durable mode, and was not forwarded."""


@dataclass(slots=True)
class _Call:
    reference: str
    tool: str | None
    trace: tuple[str, str] | None
    labels: dict[str, object]
    cancelled: bool = False


class ToolCalls:
    """The calls of one session. The two directions may be fed from two threads.

    Args:
        spool: where events go.
        server: the server's name, the id of the events' resource.
        workspace: of every event, or None.
        durable: a call that cannot be put on disk is answered with an error and not forwarded.
    """

    def __init__(self, spool: Spool, server: str, workspace: str | None = None, *, durable: bool = False) -> None:
        self._spool = spool
        self._resource = ("mcp.server", server)
        self._workspace = workspace
        self._durable = durable
        self._lock = threading.Lock()
        self._pending: dict[object, deque[_Call]] = {}
        self._names: dict[object, str] = {}
        self._session: dict[str, object] = {}
        self.counts = {"calls": 0, "results": 0, "unparsed.client": 0, "unparsed.server": 0, "unrecorded": 0}

    def from_client(self, line: bytes) -> bytes | None:
        """Record what a line from the client asks for, before it is forwarded.

        Returns:
            None: forward the line. Otherwise a line for the client instead of forwarding: durable mode only.
        """
        try:
            if not line or line.isspace():
                return None
            messages = read_line(line)
            if messages is None:
                self._unparsed(line)
                return None
            for message in messages:
                if "tools/call" in message.methods:
                    self._called(message)
                else:
                    self._noted(message)
        except Exception as error:
            # Whatever goes wrong here must not change what client and server say to each other, except where asked for.
            self.counts["unrecorded"] += 1
            _LOG.error("a line from the client was not recorded: %s", error)
            if self._durable:
                return _refusal(line, error)
        return None

    def from_server(self, line: bytes) -> None:
        """Record what a line from the server answers, before it is forwarded."""
        if not self._pending and not self._names:
            return
        try:
            messages = read_line(line)
            if messages is None:
                self.counts["unparsed.server"] += not line.isspace() and line != b""
                return
            for message in messages:
                if message.value.get("method") is None and "id" in message.value:
                    self._answered(message)
        except Exception as error:
            self.counts["unrecorded"] += 1
            _LOG.error("a line from the server was not recorded: %s", error)

    def oversize(self, direction: str, start: bytes) -> None:
        """Record that a line is longer than can be held, from its beginning, before any of it is forwarded."""
        self._record(
            action=CALL if direction == "client" else RESULT,
            payload=start,
            labels={"mcp.oversize": direction, **self._session},
        )

    def oversize_end(self, direction: str, length: int, sha256: str) -> None:
        """Record how long such a line was in the end, and its hash."""
        self._record(
            action=CALL if direction == "client" else RESULT,
            labels={"mcp.oversize": f"{direction}-end", "mcp.bytes": length, "mcp.sha256": sha256, **self._session},
        )

    def finish(self) -> None:
        """Record the calls that never got an answer."""
        with self._lock:
            waiting = [call for calls in self._pending.values() for call in calls if not call.cancelled]
            self._pending.clear()
        for call in waiting:
            self._result(call, "unknown", None, {"mcp.answer": "none"})

    def _called(self, message: Message) -> None:
        value = message.value
        params = value.get("params")
        params = params if isinstance(params, dict) else {}
        meta = params.get("_meta")
        meta = meta if isinstance(meta, dict) else {}
        name = params.get("name")
        labels: dict[str, object] = dict(self._session)
        if version := meta.get(f"{_META}protocolVersion"):
            labels["mcp.protocol"] = version
        labels["mcp.id"] = _written(value["id"]) if "id" in value else "absent"
        if message.ambiguous is not None:
            labels["mcp.ambiguous"] = message.ambiguous
        tool = name if isinstance(name, str) else None
        trace = traceparent(meta.get("traceparent"))
        reference = self._record(
            action=CALL, payload=message.raw, media_type=_JSON, tool=tool, trace=trace, labels=labels
        )
        self.counts["calls"] += 1
        if "id" in value:
            with self._lock:
                call = _Call(reference, tool, trace, labels)
                self._pending.setdefault(id_key(value["id"]), deque()).append(call)

    def _noted(self, message: Message) -> None:
        """Remember what other messages from the client mean for calls."""
        value, params = message.value, message.value.get("params")
        method = value.get("method")
        if method in ("initialize", "server/discover") and "id" in value:
            self._names[id_key(value["id"])] = str(method)
        elif method == "notifications/cancelled" and isinstance(params, dict):
            with self._lock:
                calls = self._pending.get(id_key(params.get("requestId")))
                call = calls[0] if calls else None
            if call is not None and not call.cancelled:
                call.cancelled = True
                self._result(call, "unknown", message.raw, {"mcp.cancelled": "client"})

    def _answered(self, message: Message) -> None:
        value = message.value
        key = id_key(value["id"])
        result, error = value.get("result"), value.get("error")
        if self._names.pop(key, None) is not None and isinstance(result, dict):
            self._session = _session_of(result)
            return
        with self._lock:
            calls = self._pending.get(key)
            if not calls:
                return
            call = calls.popleft()
            if not calls:
                del self._pending[key]
        labels: dict[str, object] = {}
        if call.cancelled:
            labels["mcp.cancelled"] = "answered"
        outcome = "success"
        if error is not None or not isinstance(result, dict):
            outcome = "failure"
            if isinstance(error, dict) and isinstance(error.get("code"), int):
                labels["mcp.error"] = error["code"]
        elif result.get("isError"):
            outcome = "failure"
        elif result.get("resultType", "complete") != "complete":
            outcome, labels["mcp.result"] = "unknown", result["resultType"]
        elif isinstance(result.get("task"), dict):
            outcome, labels["mcp.result"] = "unknown", "task"
        self._result(call, outcome, message.raw, labels)

    def _result(self, call: _Call, outcome: str, raw: bytes | None, labels: dict[str, object]) -> None:
        self._record(
            action=RESULT,
            outcome=outcome,
            payload=raw,
            media_type=None if raw is None else _JSON,
            tool=call.tool,
            trace=call.trace,
            causes=(call.reference,),
            labels={**call.labels, **labels} if labels else call.labels,
        )
        self.counts["results"] += 1

    def _unparsed(self, line: bytes) -> None:
        self.counts["unparsed.client"] += 1
        self._record(action=CALL, payload=line, labels={"mcp.unparsed": "client", **self._session})

    def _record(
        self,
        *,
        action: str,
        labels: dict[str, object],
        outcome: str = "unknown",
        payload: bytes | None = None,
        media_type: str | None = None,
        tool: str | None = None,
        trace: tuple[str, str] | None = None,
        causes: tuple[str, ...] = (),
    ) -> str:
        return self._spool.record(
            action=action,
            outcome=outcome,
            payload=payload,
            media_type=media_type,
            tool=tool,
            resource=self._resource,
            trace=trace,
            causes=causes,
            labels=labels,
            workspace=self._workspace,
        )


def _written(identifier: object) -> str:
    """An id as JSON says it; nearly all are small integers."""
    return str(identifier) if type(identifier) is int else json.dumps(identifier)


def _session_of(result: dict[str, object]) -> dict[str, object]:
    """What an answer to `initialize` or `server/discover` says about the server, as labels."""
    meta = result.get("_meta")
    info = result.get("serverInfo")
    if not isinstance(info, dict) and isinstance(meta, dict):
        info = meta.get(f"{_META}serverInfo")
    labels: dict[str, object] = {}
    if isinstance(info, dict):
        labels["mcp.server"] = f"{info.get('name', '')} {info.get('version', '')}".strip()
    if isinstance(result.get("protocolVersion"), str):
        labels["mcp.protocol"] = result["protocolVersion"]
    return labels


def _refusal(line: bytes, error: Exception) -> bytes:
    """The error that answers every request of a line which was not forwarded."""
    replies = [
        {
            "jsonrpc": "2.0",
            "id": message.value["id"],
            "error": {
                "code": NOT_RECORDED,
                "message": f"muniment: not forwarded, because it was not recorded: {error}",
            },
        }
        for message in read_line(line) or []
        if "id" in message.value and "method" in message.value
    ]
    if not replies:
        return b""
    return json.dumps(replies if line.lstrip()[:1] == b"[" else replies[0]).encode("ascii") + b"\n"
