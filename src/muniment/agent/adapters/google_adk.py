"""Google ADK: a plugin that turns what agents, models and tools do into events. See docs/capture/google-adk.md.

    from muniment.agent.adapters.google_adk import install

    install()

ADK awaits a plugin's callbacks in the task of what they announce, so that an event is in the spool before the tool or
the model begins, and the tool's own code stands inside of its `tool.call`.
"""

import asyncio
import threading
from collections.abc import Hashable
from typing import Any, Final, TypeAlias

from google.adk.plugins.base_plugin import BasePlugin
from google.adk.plugins.plugin_manager import PluginManager

from muniment.agent.adapters.harmless import harmless
from muniment.agent.adapters.openrun import MAX_OPEN, OpenRun
from muniment.agent.adapters.run import Runs, version_of
from muniment.agent.recording import Mode, unrecorded
from muniment.core.errors import MunimentError

_NAME: Final = "muniment"
_TRANSFER: Final = "transfer_to_agent"
_Key: TypeAlias = tuple[str, str, str]
_lock = threading.Lock()
_installed: "MunimentPlugin | None" = None


def install(*, contents: bool = True, mode: Mode = "async") -> "MunimentPlugin":
    """Record every run of every runner that is made from now on; once, however often it is called.

    Args:
        contents: whether messages, arguments, results and answers are recorded, in bodies.
        mode: of tool calls: with `durable` or `gate` a tool does not run if its call could not be recorded.

    Returns:
        The plugin that every runner now has.
    """
    global _installed
    with _lock:
        if _installed is None:
            plugin, begin = MunimentPlugin(contents=contents, mode=mode), PluginManager.__init__

            def begins(manager: Any, *positional: Any, **keyword: Any) -> None:
                begin(manager, *positional, **keyword)
                try:
                    if manager.get_plugin(_NAME) is None:
                        manager.register_plugin(plugin)
                except Exception as error:
                    unrecorded("google-adk", error)

            PluginManager.__init__ = begins
            _installed = plugin
        return _installed


@harmless("google-adk", suffix="_callback")
class MunimentPlugin(BasePlugin):  # type: ignore[misc]
    """A plugin that records; for `App(plugins=[MunimentPlugin()])` where not everything should be.

    Args:
        contents, mode: as for `install`.
    """

    def __init__(self, *, contents: bool = True, mode: Mode = "async") -> None:
        super().__init__(name=_NAME)
        self._runs = Runs("google-adk", version_of("google-adk"), contents=contents, mode=mode)
        self._mode = mode
        # By agent: what its last answer asked for, its last words, and whether a tool of it was cancelled, or its task
        # was handed on.
        self._asked: dict[_Key, tuple[str | None, list[Any]]] = {}
        self._said: dict[_Key, Any] = {}
        self._cancelled: set[_Key] = set()
        self._handed: set[Hashable] = set()

    def must(self, callback: str) -> bool:
        """Whether a callback fails closed: the one before a tool, in mode durable or gate."""
        return self._mode != "async" and callback == "before_tool_callback"

    async def before_run_callback(self, *, invocation_context: Any) -> None:
        """A runner begins to answer a message."""
        key = ("run", invocation_context.invocation_id)
        self._runs.skip(key)
        # ADK says nothing of a run that is cancelled; the task that runs it does, at its end.
        if (task := asyncio.current_task()) is not None:
            task.add_done_callback(lambda _: self._runs.end(key, error=asyncio.CancelledError()))

    async def after_run_callback(self, *, invocation_context: Any) -> None:
        """It ended, and with it every agent that ADK has announced no end of: one that has handed its task on."""
        key = ("run", invocation_context.invocation_id)
        if (run := self._runs.get(key)) is not None:
            self._close(run)
        self._runs.end(key)

    async def on_run_error_callback(self, *, invocation_context: Any, error: Exception) -> None:
        """It failed."""
        self._runs.end(("run", invocation_context.invocation_id), error=error)

    async def before_agent_callback(self, *, agent: Any, callback_context: Any) -> None:
        """An agent begins."""
        context = callback_context._invocation_context
        parent = self._above(context, agent)
        payload = context.user_content if parent[0] == "run" else None
        labels = {"run.id": context.invocation_id, "session.id": context.session.id}
        if context.branch:
            labels["run.branch"] = context.branch
        self._runs.begin(
            _key(context, agent), "agent.start", parent=parent, agent=agent.name, payload=payload, labels=labels
        )

    async def after_agent_callback(self, *, agent: Any, callback_context: Any) -> None:
        """It ended."""
        key = _key(callback_context._invocation_context, agent)
        self._asked.pop(key, None)
        self._handed.discard(key)
        said = self._said.pop(key, None)
        if self._stopped(key):
            self._runs.end(key, error=asyncio.CancelledError())
        else:
            self._runs.end(key, payload=said)

    async def on_agent_error_callback(self, *, agent: Any, callback_context: Any, error: Exception) -> None:
        """It failed."""
        key = _key(callback_context._invocation_context, agent)
        self._asked.pop(key, None)
        self._runs.end(key, error=error)

    async def on_event_callback(self, *, invocation_context: Any, event: Any) -> None:
        """An agent says something; its last words are told with its end."""
        key = (invocation_context.invocation_id, event.branch or "", event.author)
        if event.content is not None and not event.partial and self._runs.action_of(key) is not None:
            self._said[key] = event.content

    async def before_model_callback(self, *, callback_context: Any, llm_request: Any) -> None:
        """A model is asked."""
        context = callback_context._invocation_context
        agent = _key(context, context.agent)
        config = llm_request.config
        shown = {
            "contents": llm_request.contents,
            "system": getattr(config, "system_instruction", None),
            "tools": [_declared(tool) for tool in getattr(config, "tools", None) or ()],
        }
        labels = {"run.id": context.invocation_id, **({"model.name": llm_request.model} if llm_request.model else {})}
        answers = [part.id for part in _parts(llm_request.contents[-1:], "function_response") if part.id]
        self._runs.begin(("model", *agent), "model.invoke", parent=agent, payload=shown, labels=labels, answers=answers)

    async def after_model_callback(self, *, callback_context: Any, llm_response: Any) -> None:
        """A model answered; of a stream, the whole at its end."""
        if llm_response.partial:
            return
        context = callback_context._invocation_context
        agent = _key(context, context.agent)
        usage, calls = llm_response.usage_metadata, _parts([llm_response.content], "function_call")
        labels = {
            "model.answered": llm_response.model_version,
            "finish.reason": getattr(llm_response.finish_reason, "value", llm_response.finish_reason),
            "tokens.in": getattr(usage, "prompt_token_count", None),
            "tokens.out": getattr(usage, "candidates_token_count", None),
            "tool.calls": len(calls) or None,
            "error.type": llm_response.error_code,
        }
        reference = self._runs.end(
            ("model", *agent),
            outcome="failure" if llm_response.error_code else "success",
            payload=llm_response.content or llm_response.error_message,
            labels={key: value for key, value in labels.items() if value is not None},
        )
        if len(self._asked) >= MAX_OPEN:
            del self._asked[next(iter(self._asked))]
        self._asked[agent] = (reference, calls)

    async def on_model_error_callback(self, *, callback_context: Any, llm_request: Any, error: Exception) -> None:
        """A model did not answer."""
        del llm_request
        context = callback_context._invocation_context
        self._runs.end(("model", *_key(context, context.agent)), error=error)

    async def before_tool_callback(
        self, *, tool: Any, tool_args: dict[str, Any], tool_context: Any
    ) -> dict[str, Any] | None:
        """A tool is about to run; what this returns would stand in its place."""
        context = tool_context._invocation_context
        agent, key, call = _key(context, context.agent), _call(tool_context), tool_context.function_call_id
        fields: dict[str, Any] = {
            "parent": agent,
            "tool": tool.name,
            "payload": tool_args,
            "labels": {"run.id": context.invocation_id, **({"call.id": call} if call else {})},
            "call": call,
            "causes": (self._asking(agent, tool.name, call),),
        }
        if self._mode == "async":
            self._runs.begin(key, "tool.call", enter=True, **fields)
            return None
        try:
            # It waits for the disk, or for the ledger.
            await asyncio.to_thread(self._runs.begin, key, "tool.call", **fields)
        except MunimentError as error:
            return {"error": f"not run, because it was not recorded: {error}"}
        if (run := self._runs.get(key)) is not None:
            run.entered = self._runs.inside(key)
            run.entered.__enter__()
        return None

    async def after_tool_callback(
        self, *, tool: Any, tool_args: dict[str, Any], tool_context: Any, result: Any
    ) -> None:
        """A tool ended."""
        failed = isinstance(result, dict) and result.get("isError") is True
        reference = self._runs.end(_call(tool_context), outcome="failure" if failed else "success", payload=result)
        if tool.name == _TRANSFER and reference is not None and isinstance(to := tool_args.get("agent_name"), str):
            context = tool_context._invocation_context
            parent = ("run", context.invocation_id)
            labels = {"run.id": context.invocation_id, "agent.to": to, "agent.name": context.agent.name}
            self._runs.note("agent.delegate", parent=parent, labels=labels, causes=(reference,), to=to)
            self._handed.add(_key(context, context.agent))

    async def on_tool_error_callback(
        self, *, tool: Any, tool_args: dict[str, Any], tool_context: Any, error: BaseException
    ) -> None:
        """A tool failed, or was cancelled."""
        del tool, tool_args
        self._runs.end(_call(tool_context), error=error)
        if isinstance(error, asyncio.CancelledError):
            context = tool_context._invocation_context
            self._cancelled.add(_key(context, context.agent))

    def _close(self, run: OpenRun) -> None:
        for key, below in list(run.below.items()):
            self._close(below)
            outcome = "success" if key in self._handed else "unknown"
            self._handed.discard(key)
            self._runs.end(key, outcome=outcome, labels={"ended": "with-its-run"})

    def _stopped(self, agent: _Key) -> bool:
        """Whether an agent did not come to its end: ADK announces the end of a cancelled one as that of any other."""
        task = asyncio.current_task()
        stopped = agent in self._cancelled or self._runs.action_of(("model", *agent)) is not None
        self._cancelled.discard(agent)
        return stopped or (task is not None and task.cancelling() > 0)

    def _above(self, context: Any, agent: Any) -> tuple[Hashable, ...]:
        """The nearest agent around this one that is open in the same run, else the run."""
        above = agent.parent_agent
        while above is not None:
            branch = context.branch or ""
            while True:
                key = (context.invocation_id, branch, above.name)
                if self._runs.action_of(key) is not None:
                    return key
                if not branch:
                    break
                branch = branch.rpartition(".")[0]
            above = above.parent_agent
        return ("run", context.invocation_id)

    def _asking(self, agent: _Key, tool: str, call: str | None) -> str | None:
        """The answer that asked for a call. ADK names a call that the model gave no id, after the answer was told."""
        reference, calls = self._asked.get(agent, (None, []))
        asked = any(each.name == tool and (each.id is None or each.id == call) for each in calls)
        return reference if asked else None


def _key(context: Any, agent: Any) -> _Key:
    return context.invocation_id, context.branch or "", agent.name


def _call(tool_context: Any) -> Hashable:
    return "tool", tool_context._invocation_context.invocation_id, tool_context.function_call_id or id(tool_context)


def _parts(contents: list[Any], kind: str) -> list[Any]:
    parts = [part for content in contents if content is not None for part in content.parts or ()]
    return [getattr(part, kind) for part in parts if getattr(part, kind) is not None]


def _declared(tool: Any) -> Any:
    """What a model is told of a tool, where the tool is declared and not code."""
    return tool if hasattr(tool, "model_dump") else getattr(tool, "__name__", type(tool).__name__)
