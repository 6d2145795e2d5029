"""CrewAI: the events of its bus, and thereby its crews, flows, agents, models and tools. See docs/capture/crewai.md.

    from muniment.agent.adapters.crewai import install

    install()

The bus hands events to listeners in threads of its own, in no certain order. They are taken before that, where they are
emitted: so an event is in the spool before the tool or the model begins, and the tool's own code stands inside of its
`tool.call`.
"""

import asyncio
import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from crewai.events.event_bus import CrewAIEventsBus
from crewai.events.event_context import SCOPE_ENDING_EVENTS, SCOPE_STARTING_EVENTS

from muniment.agent.adapters.openrun import MAX_OPEN
from muniment.agent.adapters.run import Runs, version_of
from muniment.agent.recording import Mode, unrecorded
from muniment.core.errors import MunimentError, Refused

_FAILED: Final = ("_failed", "_error")
_lock = threading.Lock()
_installed: "MunimentListener | None" = None


def install(*, contents: bool = True, mode: Mode = "async") -> "MunimentListener":
    """Record every crew, flow and agent of this process; once, however often it is called.

    Args:
        contents: whether prompts, arguments, results and answers are recorded, in bodies.
        mode: of tool calls: with `durable` or `gate` the run fails before a tool whose call could not be recorded.

    Returns:
        What records them.

    Raises:
        Refused: if CrewAI's bus is not built as this adapter knows it.
    """
    global _installed
    with _lock:
        if _installed is None:
            listener, prepare = MunimentListener(contents=contents, mode=mode), _prepare()

            def prepares(bus: Any, source: Any, event: Any) -> None:
                prepare(bus, source, event)
                listener.emitted(source, event)

            CrewAIEventsBus._prepare_event = prepares
            _installed = listener
        return _installed


def _prepare() -> Any:
    prepare = getattr(CrewAIEventsBus, "_prepare_event", None)
    if prepare is None:
        raise Refused("the event bus of this release is built in another way", "crewai")
    return prepare


@dataclass(slots=True)
class _Asked:
    """What the last answer to an agent asked for, and is not begun yet: (id, name, arguments)."""

    reference: str | None
    calls: list[tuple[str, str, Any]] = field(default_factory=list)

    def take(self, name: str, arguments: Any) -> str | None:
        """The id of the call that a tool's event is about: CrewAI's events do not say it."""
        named = [call for call in self.calls if call[1] == name]
        same = [call for call in named if call[2] == arguments] or named
        if not same:
            return None
        self.calls.remove(same[0])
        return same[0][0]


class MunimentListener:
    """What records; `emitted` takes each event of the bus.

    Args:
        contents, mode: as for `install`.
    """

    def __init__(self, *, contents: bool = True, mode: Mode = "async") -> None:
        self._runs = Runs("crewai", version_of("crewai"), contents=contents, mode=mode)
        self._mode = mode
        self._asked: dict[str, _Asked] = {}

    def emitted(self, source: Any, event: Any) -> None:
        """Record one event of the bus, in the context in which it was emitted.

        Args:
            source: what emitted it.

        Raises:
            Refused: for a tool call, in mode durable or gate, that was not recorded.
        """
        try:
            if event.type in SCOPE_ENDING_EVENTS:
                self._ended(event)
            elif event.type == "flow_started" and type(source).__module__.partition(".")[0] == "crewai":
                # An agent's own loop is a flow, too.
                self._runs.skip(event.event_id, event.parent_event_id)
            elif event.type in SCOPE_STARTING_EVENTS:
                self._began(event)
        except MunimentError as error:
            if self._mode != "async" and event.type == "tool_usage_started":
                raise
            unrecorded("crewai", error)
        except Exception as error:
            unrecorded("crewai", error)

    def _began(self, event: Any) -> None:
        key, parent, kind = event.event_id, event.parent_event_id, event.type
        labels: dict[str, object] = {"run.id": key, **({"run.parent": parent} if parent else {})}
        if kind in ("crew_kickoff_started", "flow_started"):
            name = event.crew_name if kind == "crew_kickoff_started" else event.flow_name
            self._begin(event, "agent.start", labels, agent=name or "crew", payload=event.inputs)
            self._watch(key)
        elif kind == "task_started":
            task = event.task
            told = {"description": getattr(task, "description", None), "context": event.context}
            labels["task.id"] = event.task_id or getattr(task, "id", "")
            self._begin(event, "agent.step", labels, step=getattr(task, "name", None) or "task", payload=told)
        elif kind == "method_execution_started":
            self._begin(event, "agent.step", labels, step=event.method_name, payload=event.params)
        elif kind == "agent_execution_started":
            self._begin(event, "agent.start", labels, agent=event.agent.role, payload=event.task_prompt)
        elif kind == "lite_agent_execution_started":
            self._begin(event, "agent.start", labels, agent=event.agent_info.get("role"), payload=event.messages)
            self._watch(key)
        elif kind == "llm_call_started":
            labels["model.name"] = event.model or "unknown"
            shown = {"messages": event.messages, **({"tools": event.tools} if event.tools else {})}
            self._begin(event, "model.invoke", labels, payload=shown, answers=_results_at_the_end(event.messages))
        elif kind == "tool_usage_started":
            self._tool(event, labels)
        else:
            self._runs.skip(key, parent)

    def _begin(self, event: Any, action: str, labels: Mapping[str, object], **fields: Any) -> None:
        self._runs.begin(event.event_id, action, parent=event.parent_event_id, labels=labels, **fields)

    def _tool(self, event: Any, labels: dict[str, object]) -> None:
        asked = self._asked.get(event.parent_event_id or "")
        call = asked.take(event.tool_name, _parsed(event.tool_args)) if asked else None
        if call:
            labels["call.id"] = call
        cause = asked.reference if asked and call else None
        told = _parsed(event.tool_args)
        self._begin(
            event, "tool.call", labels, tool=event.tool_name, payload=told, call=call, causes=(cause,), enter=True
        )

    def _ended(self, event: Any) -> None:
        key, kind = event.started_event_id, event.type
        if key is None:
            return
        labels: dict[str, object] = {}
        if kind == "llm_call_completed":
            calls = _calls(event.response)
            usage = event.usage or {}
            told = {
                "finish.reason": event.finish_reason,
                "tokens.in": usage.get("prompt_tokens", usage.get("input_tokens")),
                "tokens.out": usage.get("completion_tokens", usage.get("output_tokens")),
                "tool.calls": len(calls) or None,
            }
            labels = {name: value for name, value in told.items() if value is not None}
            asks = [call for call, _, _ in calls]
            reference = self._runs.end(key, payload=event.response, labels=labels, asks=asks)
            if len(self._asked) >= MAX_OPEN:
                del self._asked[next(iter(self._asked))]
            self._asked[event.parent_event_id or ""] = _Asked(reference, calls)
            return
        self._asked.pop(key, None)
        outcome, payload = "success", getattr(event, "output", getattr(event, "result", None))
        if kind == "tool_usage_finished" and event.failure is not None:
            outcome = "failure"
        if kind == "tool_usage_finished" and event.from_cache:
            labels["cached"] = "yes"
        if kind in ("crew_kickoff_completed", "task_completed"):
            payload = getattr(payload, "raw", payload)
        error = getattr(event, "error", None)
        if kind.endswith(_FAILED):
            outcome, payload = "failure", {"error": str(error)}
            if isinstance(error, BaseException):
                self._runs.end(key, error=error)
                return
        self._runs.end(key, outcome=outcome, payload=payload, labels=labels)

    def _watch(self, key: str) -> None:
        """CrewAI says nothing of a crew that is cancelled; the task that runs it does, at its end."""
        with contextlib.suppress(RuntimeError):
            task = asyncio.current_task()
            if task is not None:
                task.add_done_callback(lambda _: self._runs.end(key, error=asyncio.CancelledError()))


def _results_at_the_end(messages: object) -> list[str]:
    """Ids of the tool calls whose results the model has not been shown before."""
    found: list[str] = []
    for message in reversed(messages if isinstance(messages, list) else []):
        call = message.get("tool_call_id") if isinstance(message, Mapping) else None
        if isinstance(call, str):
            found.append(call)
        elif found:
            break
    return found


def _calls(response: Any) -> list[tuple[str, str, Any]]:
    """The tool calls in an answer: (id, name, arguments)."""
    found: list[tuple[str, str, Any]] = []
    for each in response if isinstance(response, list) else []:
        function = _of(each, "function") or each
        name, call = _of(function, "name"), _of(each, "id")
        if isinstance(name, str) and isinstance(call, str):
            arguments = _of(function, "arguments")
            found.append((call, name, _parsed(_of(each, "input") if arguments is None else arguments)))
    return found


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _parsed(arguments: Any) -> Any:
    """Arguments as what they say in JSON, or as they stand."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return orjson.loads(arguments)
    except ValueError:
        return arguments
