"""OpenAI Agents SDK: its tracing as events. See docs/capture/openai-agents.md.

    from muniment.agent.adapters.openai_agents import install

    install()

The SDK tells a trace processor when a span begins and ends, in the task of what the span is about. What a span is about
is partly known only at its end: the prompt of a model is recorded with its answer. The arguments of a tool call are
known when it begins all the same, from the model's answer that asked for it.
"""

import functools
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from agents.mcp import MCPServerSse, MCPServerStdio, MCPServerStreamableHttp
from agents.tracing import TracingProcessor, add_trace_processor, get_current_span

from muniment.agent.adapters.openrun import MAX_OPEN
from muniment.agent.adapters.plain import plain
from muniment.agent.adapters.run import Runs, version_of
from muniment.agent.recording import unrecorded

_TRACE_ID: Final = "trace_"
_REJECTED: Final = "manually rejected"
_MODELS: Final = ("response", "generation")
_lock = threading.Lock()
_installed: "MunimentProcessor | None" = None


def install(*, contents: bool = True) -> "MunimentProcessor":
    """Record every run of the Agents SDK in this process; once, however often it is called.

    Other processors stay, and so does the SDK's own, which sends traces to OpenAI unless it is switched off.

    Args:
        contents: whether arguments, results, prompts and answers are recorded, in bodies.

    Returns:
        The processor that was added.
    """
    global _installed
    with _lock:
        if _installed is None:
            _installed = MunimentProcessor(contents=contents)
            add_trace_processor(_installed)
            for kind in (MCPServerStdio, MCPServerSse, MCPServerStreamableHttp):
                _listen(kind, _installed)
        return _installed


def _listen(kind: Any, processor: "MunimentProcessor") -> None:
    """Hear what an MCP server answers: a span does not say whether the server called it an error."""
    call = kind.call_tool

    @functools.wraps(call)
    async def calls(server: Any, *positional: Any, **keyword: Any) -> Any:
        result = await call(server, *positional, **keyword)
        processor.answered(result)
        return result

    kind.call_tool = calls


@dataclass(frozen=True, slots=True)
class _Call:
    """A tool call that a model asked for: its id, the tool's name, the arguments as they stand in the answer."""

    id: str
    name: str
    arguments: str


@dataclass(slots=True)
class _Asked:
    """What the last answer below one span asked for, and is not begun yet."""

    reference: str | None
    calls: list[_Call] = field(default_factory=list)

    def take(self, name: str) -> _Call | None:
        """The first call of a tool: the SDK begins them in the order of the answer."""
        for place, call in enumerate(self.calls):
            if call.name == name:
                return self.calls.pop(place)
        return None


class MunimentProcessor(TracingProcessor):
    """A trace processor that records.

    Args:
        contents: as for `install`.
    """

    def __init__(self, *, contents: bool = True) -> None:
        self._runs = Runs("openai-agents", version_of("openai-agents"), contents=contents, sweep=False)
        self._asked: dict[str, _Asked] = {}
        self._about: dict[str, tuple[BaseException | None, bool]] = {}
        # By the span of an MCP tool, whether the server called its answer an error.
        self._wrong: dict[str, bool] = {}

    def on_trace_start(self, trace: Any) -> None:
        """A workflow begins; the agents in it are recorded."""
        identifier = str(trace.trace_id)
        known = identifier.removeprefix(_TRACE_ID)
        hexadecimal = len(known) == 32 and set(known) <= set("0123456789abcdef")
        self._runs.skip(identifier, trace=known if hexadecimal else None)

    def on_trace_end(self, trace: Any) -> None:
        """A workflow ended."""
        self._runs.end(str(trace.trace_id))

    def on_span_start(self, span: Any) -> None:
        """Something begins."""
        try:
            self._begin(span, span.span_data)
        except Exception as error:
            unrecorded("openai-agents", error)

    def on_span_end(self, span: Any) -> None:
        """Something ended."""
        try:
            self._end(span, span.span_data)
        except Exception as error:
            unrecorded("openai-agents", error)

    def answered(self, result: Any) -> None:
        """An MCP server answered the call that the running code stands inside of.

        Args:
            result: a `CallToolResult` of either era of MCP's types.
        """
        try:
            if (span := get_current_span()) is not None:
                if len(self._wrong) >= MAX_OPEN:
                    del self._wrong[next(iter(self._wrong))]
                self._wrong[span.span_id] = bool(getattr(result, "isError", getattr(result, "is_error", False)))
        except Exception as error:
            unrecorded("openai-agents", error)

    def shutdown(self, timeout: float | None = None) -> None:
        """Nothing is held back here that could be lost."""

    def force_flush(self) -> None:
        """Nothing is held back here that could be flushed."""

    def _begin(self, span: Any, data: Any) -> None:
        key, parent, labels = span.span_id, span.parent_id or span.trace_id, {"run.id": span.span_id}
        handled, told = sys.exc_info()[1], False
        if span.parent_id:
            labels["run.parent"] = span.parent_id
        if data.type == "agent":
            self._runs.begin(key, "agent.start", parent=parent, agent=data.name, labels=labels)
        elif data.type == "guardrail":
            self._runs.begin(key, "agent.step", parent=parent, step=f"guardrail {data.name}", labels=labels)
        elif hasattr(data, "turn"):
            turn = {**labels, "turn": str(data.turn)}
            self._runs.begin(key, "agent.step", parent=parent, step="turn", labels=turn)
        elif data.type in _MODELS:
            if model := getattr(data, "model", None):
                labels["model.name"] = str(model)
            self._runs.begin(key, "model.invoke", parent=parent, labels=labels, shown=True)
        elif data.type == "function":
            told = self._begin_tool(span, data, parent, labels)
        else:
            self._runs.skip(key, parent)
        if len(self._about) >= MAX_OPEN:
            del self._about[next(iter(self._about))]
        self._about[key] = (handled, told)

    def _begin_tool(self, span: Any, data: Any, parent: str, labels: dict[str, str]) -> bool:
        asked = self._asked.get(parent)
        call = asked.take(data.name) if asked else None
        if call is not None:
            labels["call.id"] = call.id
        self._runs.begin(
            span.span_id,
            "tool.call",
            parent=parent,
            tool=data.name,
            payload=_parsed(call.arguments) if call else None,
            labels=labels,
            causes=(asked.reference if asked and call else None,),
            call=call.id if call else None,
            enter=True,
        )
        return call is not None

    def _end(self, span: Any, data: Any) -> None:
        handled, told = self._about.pop(span.span_id, (None, False))
        self._asked.pop(span.span_id, None)
        # Spans end in a `with` or a `finally`: what passes through there, and did not when the span began, ended it.
        passing = sys.exc_info()[1]
        error = passing if passing is not handled else None
        labels: dict[str, object] = {}
        outcome, payload, calls = "success", None, list[_Call]()
        if data.type in _MODELS:
            payload, labels, calls = _answer(data)
        elif data.type == "function":
            payload = data.output if told else {"input": _parsed(data.input), "output": data.output}
            if data.output is None and data.input is not None:
                # It waits for an approval, or gave nothing: the SDK tells both alike.
                outcome = "unknown"
            if (server := (data.mcp_data or {}).get("server")) is not None:
                labels["mcp.server"] = server
                wrong = self._wrong.pop(span.span_id, None)
                outcome = "unknown" if wrong is None else "failure" if wrong else "success"
        elif data.type == "agent":
            payload = {"tools": data.tools, "handoffs": data.handoffs, "output_type": data.output_type}
        elif data.type == "guardrail" and data.triggered:
            outcome = "denied"
        elif data.type == "handoff":
            self._handed_over(span, data)
        if error is None and span.error:
            outcome = "denied" if _REJECTED in str(span.error.get("data")) else "failure"
            payload = {"error": span.error, **({} if payload is None else {"result": payload})}
        reference = self._runs.end(
            span.span_id, outcome=outcome, payload=payload if error is None else None, labels=labels, error=error
        )
        if data.type in _MODELS:
            if len(self._asked) >= MAX_OPEN:
                del self._asked[next(iter(self._asked))]
            self._asked[span.parent_id or span.trace_id] = _Asked(reference, calls)

    def _handed_over(self, span: Any, data: Any) -> None:
        parent = span.parent_id or span.trace_id
        asked = self._asked.get(parent)
        cause = (asked.reference if asked else None,)
        labels = {"run.id": span.span_id, "agent.to": data.to_agent or ""}
        self._runs.note("agent.delegate", parent=parent, labels=labels, causes=cause, to=data.to_agent)


def _answer(data: Any) -> tuple[object, dict[str, object], list[_Call]]:
    """What a model's span says at its end: the body, labels, and the tool calls that the answer asks for."""
    response = getattr(data, "response", None)
    output = plain(response.output if response is not None else getattr(data, "output", None))
    usage = plain(response.usage if response is not None else data.usage)
    labels: dict[str, object] = {}
    model = response.model if response is not None else getattr(data, "model", None)
    if model:
        labels["model.answered" if response is not None else "model.name"] = model
    if isinstance(usage, Mapping):
        labels |= {f"tokens.{way}": usage[f"{way}put_tokens"] for way in ("in", "out") if f"{way}put_tokens" in usage}
    if response is not None:
        labels["finish.reason"] = response.status or "unknown"
    calls = [call for item in output or () for call in _calls_of(item)]
    if calls:
        labels["tool.calls"] = len(calls)
    body = {"input": plain(data.input), "output": output}
    return (body if data.input is not None or output is not None else None), labels, calls


def _calls_of(item: Any) -> list[_Call]:
    if not isinstance(item, Mapping):
        return []
    if item.get("type") == "function_call":
        return [_Call(str(item.get("call_id")), str(item.get("name")), str(item.get("arguments")))]
    calls = [call for each in item.get("output") or () for call in _calls_of(each)]
    for each in item.get("tool_calls") or ():
        function = each.get("function") or {}
        calls.append(_Call(str(each.get("id")), str(function.get("name")), str(function.get("arguments"))))
    return calls


def _parsed(arguments: str | None) -> object:
    """Arguments as what they say in JSON, or as they stand."""
    try:
        return orjson.loads(arguments or "")
    except ValueError:
        return arguments
