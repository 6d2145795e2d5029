"""LangChain and LangGraph: their callbacks as events. See docs/capture/langchain.md.

    from muniment.agent.adapters.langchain import install

    install()

The callbacks run inline, in the task or thread of what they announce, so that an event is in the spool before the tool
or the model begins, and the tool's own code stands inside of its `tool.call`.
"""

import threading
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Final
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.tracers.context import register_configure_hook

from muniment.agent.adapters.harmless import harmless
from muniment.agent.adapters.openrun import MAX_OPEN
from muniment.agent.adapters.run import Runs, version_of
from muniment.agent.recording import Mode

_INTERRUPTED: Final = ("GraphInterrupt", "NodeInterrupt")
_RETRY: Final = "retry:attempt:"
_lock = threading.Lock()
_installed: "MunimentCallback | None" = None


def install(*, contents: bool = True, mode: Mode = "async") -> "MunimentCallback":
    """Record every run of LangChain and LangGraph in this process; once, however often it is called.

    Args:
        contents: whether arguments, results, messages and answers are recorded, in bodies.
        mode: of tool calls: with `durable` or `gate` a tool does not run if its call could not be recorded.

    Returns:
        The handler that LangChain now adds to every run.
    """
    global _installed
    with _lock:
        if _installed is None:
            _installed = MunimentCallback(contents=contents, mode=mode)
            everywhere: ContextVar[MunimentCallback | None] = ContextVar("muniment_langchain", default=_installed)
            register_configure_hook(everywhere, inheritable=True)
        return _installed


@harmless("langchain", prefix="on_")
class MunimentCallback(BaseCallbackHandler):  # type: ignore[misc]
    """A callback handler that records; for `config={"callbacks": [MunimentCallback()]}` where not everything should be.

    Args:
        contents, mode: as for `install`.
    """

    run_inline = True

    def __init__(self, *, contents: bool = True, mode: Mode = "async") -> None:
        self.raise_error = mode != "async"
        self._runs = Runs("langchain", version_of("langchain-core"), contents=contents, mode=mode)
        # By LangGraph's thread: the event after which it waits for a human, and goes on as another run.
        self._waiting: dict[str, str] = {}
        self._paused: set[UUID] = set()

    def must(self, callback: str) -> bool:
        """Whether a callback fails closed: those before a tool, in mode durable or gate."""
        return self.raise_error and callback in ("on_tool_start", "on_retriever_start")

    # Chains, graphs and their nodes

    def on_chain_start(self, serialized: Mapping[str, Any] | None, inputs: Any, *, run_id: UUID, **more: Any) -> None:
        """An agent, a step of one, or what only belongs to its parent."""
        runs, parent, known = self._runs, more.get("parent_run_id"), more.get("metadata") or {}
        name, agent = _name(serialized, more), _text(known.get("lc_agent_name"))
        if parent is None or runs.action_of(parent) == "tool.call" or (agent and agent != runs.agent_of(parent)):
            waiting = self._waiting.pop(str(known.get("thread_id")), None) if parent is None else None
            self._begin("agent.start", run_id, more, agent=agent or name, payload=inputs, causes=(waiting,))
        elif name is not None and known.get("langgraph_node") == name:
            self._begin("agent.step", run_id, more, step=name, enter=True)
        else:
            runs.skip(run_id, parent)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **_: Any) -> None:
        """It ended, or waits for a human; a command to go on elsewhere is a delegation."""
        if run_id in self._paused:
            self._interrupted(run_id, parent_run_id, outputs)
        else:
            self._delegated(outputs, parent_run_id, self._runs.end(run_id, payload=outputs))

    def on_chain_error(
        self, error: BaseException, *, run_id: UUID, parent_run_id: UUID | None = None, **_: Any
    ) -> None:
        """It failed, was interrupted for a human, or was cancelled."""
        name = type(error).__name__
        self._paused.discard(run_id)
        if name == "ParentCommand":
            self._runs.end(run_id, labels={"control": name})
        elif name in _INTERRUPTED:
            self._interrupted(run_id, parent_run_id, error.args)
        else:
            self._runs.end(run_id, error=error)

    # Models

    def on_chat_model_start(
        self, serialized: Mapping[str, Any] | None, messages: list[list[Any]], *, run_id: UUID, **more: Any
    ) -> None:
        """A chat model is asked."""
        del serialized
        shown = messages[0] if len(messages) == 1 else messages
        self._asked(shown, run_id, more, _results_at_the_end(messages))

    def on_llm_start(
        self, serialized: Mapping[str, Any] | None, prompts: list[str], *, run_id: UUID, **more: Any
    ) -> None:
        """A model that completes text is asked."""
        del serialized
        self._asked(prompts, run_id, more, ())

    def on_llm_end(self, response: Any, *, run_id: UUID, **_: Any) -> None:
        """A model answered; where it streams, this is when the stream has ended."""
        answers = [generation for each in response.generations for generation in each]
        labels, calls = _of_answers(answers)
        told = [getattr(answer, "message", None) or answer.text for answer in answers]
        self._runs.end(run_id, payload=told[0] if len(told) == 1 else told, labels=labels, asks=calls)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """A model did not answer, or its stream was cut."""
        self._runs.end(run_id, error=error)

    # Tools and retrievers

    def on_tool_start(self, serialized: Mapping[str, Any] | None, input_str: str, *, run_id: UUID, **more: Any) -> None:
        """A tool is about to run."""
        call, inputs = _text(more.get("tool_call_id")), more.get("inputs")
        told = {"call.id": call} if call else {}
        asked = input_str if inputs is None else inputs
        name = _name(serialized, more) or "tool"
        self._begin("tool.call", run_id, more, told, tool=name, payload=asked, call=call, enter=True)

    def on_tool_end(self, output: Any, *, run_id: UUID, parent_run_id: UUID | None = None, **_: Any) -> None:
        """A tool ended, or told its error as its result."""
        outcome = "failure" if getattr(output, "status", None) == "error" else "success"
        told = output.content if type(output).__name__ == "ToolMessage" else output
        self._delegated(output, parent_run_id, self._runs.end(run_id, outcome=outcome, payload=told))

    def on_tool_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """A tool failed."""
        self._runs.end(run_id, error=error)

    def on_retriever_start(
        self, serialized: Mapping[str, Any] | None, query: str, *, run_id: UUID, **more: Any
    ) -> None:
        """Something is looked up."""
        name = _name(serialized, more) or "retriever"
        self._begin("tool.call", run_id, more, {"tool.kind": "retriever"}, tool=name, payload=query, enter=True)

    def on_retriever_end(self, documents: Any, *, run_id: UUID, **_: Any) -> None:
        """It was found, or not."""
        self._runs.end(run_id, payload=documents)

    def on_retriever_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """It could not be looked up."""
        self._runs.end(run_id, error=error)

    def _asked(self, shown: object, run_id: UUID, more: Mapping[str, Any], answers: Iterable[str]) -> None:
        known, parameters = more.get("metadata") or {}, more.get("invocation_params") or {}
        model = known.get("ls_model_name") or parameters.get("model") or parameters.get("model_name")
        labels = {"model.name": model, "model.provider": known.get("ls_provider")}
        # Only what the model is told: other parameters of an invocation may hold what belongs to the client.
        asked = {"messages": shown, **{key: parameters[key] for key in ("tools", "tool_choice") if parameters.get(key)}}
        told = {key: value for key, value in labels.items() if value}
        self._begin("model.invoke", run_id, more, told, payload=asked, answers=answers)

    def _begin(
        self,
        action: str,
        run_id: UUID,
        more: Mapping[str, Any],
        labels: Mapping[str, object] | None = None,
        **fields: Any,
    ) -> None:
        parent, known = more.get("parent_run_id"), more.get("metadata") or {}
        told: dict[str, object] = {"run.id": run_id, **(labels or {})}
        if parent is not None:
            told["run.parent"] = parent
        if thread := known.get("thread_id"):
            told["thread.id"] = thread
        for tag in more.get("tags") or ():
            if tag.startswith(_RETRY):
                told["retry.attempt"] = tag.removeprefix(_RETRY)
        self._runs.begin(run_id, action, parent=parent, labels=told, trace=run_id.hex, **fields)

    def _interrupted(self, run_id: UUID, parent: UUID | None, payload: Any) -> None:
        self._paused.discard(run_id)
        thread = self._runs.label_of(run_id, "thread.id")
        reference = self._runs.end(run_id, outcome="unknown", payload=payload, labels={"interrupted": "yes"})
        if parent is not None:
            self._paused.add(parent)
        elif thread is not None and reference is not None:
            if len(self._waiting) >= MAX_OPEN:
                del self._waiting[next(iter(self._waiting))]
            self._waiting[str(thread)] = reference

    def _delegated(self, output: Any, parent: UUID | None, cause: str | None) -> None:
        for to in _goto(output):
            self._runs.note("agent.delegate", parent=parent, labels={"agent.to": to}, causes=(cause,), to=to)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _name(serialized: Mapping[str, Any] | None, more: Mapping[str, Any]) -> str | None:
    return _text(more.get("name")) or _text((serialized or {}).get("name"))


def _results_at_the_end(messages: list[list[Any]]) -> list[str]:
    """Ids of the tool calls whose results the model has not been shown before."""
    found: list[str] = []
    for conversation in messages:
        for message in reversed(conversation):
            call = getattr(message, "tool_call_id", None)
            if not isinstance(call, str):
                break
            found.append(call)
    return found


def _of_answers(answers: list[Any]) -> tuple[dict[str, object], list[str | None]]:
    """Labels that say what the model did, and the ids of the tool calls that it asks for."""
    labels: dict[str, object] = {}
    calls: list[str | None] = []
    for answer in answers:
        message = getattr(answer, "message", None)
        told = {
            **(getattr(answer, "generation_info", None) or {}),
            **(getattr(message, "response_metadata", None) or {}),
        }
        if name := told.get("model_name") or told.get("model"):
            labels["model.answered"] = name
        if reason := told.get("finish_reason") or told.get("stop_reason"):
            labels["finish.reason"] = reason
        if usage := getattr(message, "usage_metadata", None):
            labels |= {"tokens.in": usage.get("input_tokens"), "tokens.out": usage.get("output_tokens")}
        every = [*(getattr(message, "tool_calls", None) or ()), *(getattr(message, "invalid_tool_calls", None) or ())]
        calls += [call.get("id") for call in every]
    if calls:
        labels["tool.calls"] = len(calls)
    return labels, calls


def _goto(outputs: Any) -> list[str]:
    """Where a LangGraph command, or one in a list, goes next by name."""
    found: list[str] = []
    for output in outputs if isinstance(outputs, list) else [outputs]:
        goto = getattr(output, "goto", None) if type(output).__name__ == "Command" else None
        for to in goto if isinstance(goto, list | tuple) else [goto]:
            name = _text(to) or _text(getattr(to, "node", None))
            if name and not name.startswith("__"):
                found.append(name)
    return found
