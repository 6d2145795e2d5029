"""Pydantic AI: a capability that records. See docs/capture/pydantic-ai.md.

    from muniment.agent.adapters.pydantic_ai import install

    install()

A capability stands around each run, each request to a model and each execution of a tool, in the task that does it: an
event is in the spool before what it announces begins, and a tool's own code stands inside of its `tool.call`.
"""

import asyncio
import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from pydantic_ai import Agent
from pydantic_ai.capabilities import AbstractCapability

from muniment.agent.adapters.run import Runs, version_of
from muniment.agent.recording import Mode, unrecorded

_DEFERRED: Final = ("CallDeferred", "ApprovalRequired")
_lock = threading.Lock()
_installed: "MunimentCapability | None" = None


def install(*, contents: bool = True, mode: Mode = "async") -> "MunimentCapability":
    """Record every run of every agent in this process; once, however often it is called.

    It gives `Agent.iter`, through which every run goes, one more capability; agents that exist already are recorded,
    too. An agent that has a `MunimentCapability` of its own is recorded once.

    Args:
        contents: whether arguments, results, messages and answers are recorded, in bodies.
        mode: of tool calls: with `durable` or `gate` a tool does not run if its call could not be recorded.

    Returns:
        The capability that every run now has.
    """
    global _installed
    with _lock:
        if _installed is None:
            _installed = MunimentCapability(contents=contents, mode=mode)
            Agent.iter = _with(_installed, Agent.iter)  # type: ignore[method-assign]
        return _installed


def _with(capability: "MunimentCapability", original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def iter_recorded(self: Any, *args: Any, capabilities: Any = None, **more: Any) -> Any:
        return original(self, *args, capabilities=[*(capabilities or ()), capability], **more)

    return iter_recorded


@dataclass(kw_only=True)
class MunimentCapability(AbstractCapability[Any]):
    """A capability that records; for `Agent(..., capabilities=[MunimentCapability()])` where not everything should be.

    Args:
        contents, mode: as for `install`.
    """

    # Two of them on one agent are one: what is given for a run takes the place of the agent's own of the same id.
    id: str | None = "muniment"
    contents: bool = True
    mode: Mode = "async"

    # It registers no durable operations, so that it may be given for a run also where an agent is durable.
    _safe_at_runtime: ClassVar[bool] = True

    def __post_init__(self) -> None:
        release = version_of("pydantic-ai-slim")
        self._runs = Runs("pydantic-ai", release, contents=self.contents, mode=self.mode, sweep=False)

    async def wrap_run(self, ctx: Any, *, handler: Any) -> Any:
        """A run of an agent, from its first to its last step."""
        self._told(self._start, ctx)
        try:
            result = await handler()
        except BaseException as error:
            self._runs.end(ctx.run_id, error=error)
            raise
        self._told(self._finish, ctx, result)
        return result

    async def prepare_model_request(self, ctx: Any, request_context: Any) -> Any:
        """A model is asked; each attempt is an invocation of its own."""
        self._told(self._ask, ctx, request_context)
        return request_context

    async def after_model_request(self, ctx: Any, *, request_context: Any, response: Any) -> Any:
        """A model answered; where it streams, this is when the stream has ended."""
        del request_context
        self._told(self._answer, ctx, response)
        return response

    async def on_model_request_error(self, ctx: Any, *, request_context: Any, error: Exception) -> Any:
        """A model did not answer."""
        del request_context
        self._runs.end(_model(ctx), error=error)
        raise error

    async def wrap_model_request(self, ctx: Any, *, request_context: Any, handler: Any) -> Any:
        """What ends a request without either of the two above: a cancellation, or another capability."""
        try:
            return await handler(request_context)
        except BaseException as error:
            self._runs.end(_model(ctx), error=error)
            raise
        finally:
            self._runs.end(_model(ctx), outcome="unknown")

    async def wrap_tool_validate(self, ctx: Any, *, call: Any, tool_def: Any, args: Any, handler: Any) -> Any:
        """Arguments that the tool's schema refuses: the tool does not run, and the model is told."""
        del tool_def
        try:
            return await handler(args)
        except Exception as error:
            if type(error).__name__ not in _DEFERRED:
                self._told(self._call, ctx, call, args, "async")
                self._runs.end(_tool(ctx, call), error=error, labels={"stage": "validation"})
            raise

    async def wrap_tool_execute(self, ctx: Any, *, call: Any, tool_def: Any, args: Any, handler: Any) -> Any:
        """A tool runs."""
        del tool_def
        if self.mode == "async":
            self._told(self._call, ctx, call, args)
        else:
            await asyncio.to_thread(self._call, ctx, call, args)
        key = _tool(ctx, call)
        try:
            with self._runs.inside(key):
                result = await handler(args)
        except BaseException as error:
            name = type(error).__name__
            if name in _DEFERRED:
                self._runs.end(key, outcome="unknown", labels={"deferred": name})
            else:
                self._runs.end(key, error=error)
            raise
        self._runs.end(key, payload=result)
        return result

    def _start(self, ctx: Any) -> None:
        labels = {"run.id": ctx.run_id, "conversation.id": ctx.conversation_id}
        name = getattr(ctx.agent, "name", None) or "agent"
        self._runs.begin(
            ctx.run_id, "agent.start", agent=name, payload=ctx.prompt, labels=_present(labels), trace=_trace(ctx.run_id)
        )

    def _finish(self, ctx: Any, result: Any) -> None:
        self._runs.end(ctx.run_id, payload=result.output)

    def _ask(self, ctx: Any, request: Any) -> None:
        for part in _shown(request.messages):
            if getattr(part, "outcome", None) == "denied":
                self._denied(ctx, part)
        parameters = request.model_request_parameters
        labels = {
            "run.id": ctx.run_id,
            "turn": ctx.run_step,
            "model.name": request.model.model_name,
            "model.provider": request.model.system,
            "retry.attempt": request.attempt if request.attempt > 1 else None,
        }
        tools = [*parameters.function_tools, *parameters.output_tools]
        asked = {
            "messages": request.messages,
            "tools": [{"name": tool.name, "parameters": tool.parameters_json_schema} for tool in tools],
        }
        self._runs.begin(
            _model(ctx),
            "model.invoke",
            parent=ctx.run_id,
            payload=asked if self.contents else None,
            labels=_present(labels),
            answers=[part.tool_call_id for part in _shown(request.messages)],
        )

    def _answer(self, ctx: Any, response: Any) -> None:
        calls = [part.tool_call_id for part in response.parts if part.part_kind == "tool-call"]
        labels = {
            "model.answered": response.model_name,
            "tokens.in": response.usage.input_tokens,
            "tokens.out": response.usage.output_tokens,
            "tokens.cached": response.usage.cache_read_tokens or None,
            "finish.reason": response.finish_reason,
            "tool.calls": len(calls) or None,
        }
        self._runs.end(_model(ctx), payload=response, labels=_present(labels), asks=calls)

    def _call(self, ctx: Any, call: Any, args: Any, mode: Mode | None = None) -> None:
        labels = {
            "run.id": ctx.run_id,
            "turn": ctx.run_step,
            "call.id": call.tool_call_id,
            "retry.attempt": ctx.retry + 1 if ctx.retry else None,
        }
        self._runs.begin(
            _tool(ctx, call),
            "tool.call",
            parent=ctx.run_id,
            tool=call.tool_name,
            payload=args,
            labels=_present(labels),
            call=call.tool_call_id,
            mode=mode,
        )

    def _denied(self, ctx: Any, part: Any) -> None:
        """A call that a human, or code in their place, did not allow: no hook says so, but the model is told."""
        key = (*_tool(ctx, part), "denied")
        labels = {"run.id": ctx.run_id, "turn": ctx.run_step, "call.id": part.tool_call_id}
        call = part.tool_call_id
        self._runs.begin(
            key, "tool.call", parent=ctx.run_id, tool=part.tool_name, labels=labels, call=call, mode="async"
        )
        self._runs.end(key, outcome="denied", payload=part.content, labels={"stage": "approval"})

    def _told(self, tell: Callable[..., None], *about: Any) -> None:
        """Nothing that is ours to get wrong stops the agent."""
        try:
            tell(*about)
        except Exception as error:
            unrecorded("pydantic-ai", error)


def _model(ctx: Any) -> tuple[str, str]:
    return ctx.run_id, "model"


def _tool(ctx: Any, call: Any) -> tuple[str, str, str]:
    return ctx.run_id, "tool", call.tool_call_id


def _trace(run_id: str) -> str | None:
    """The run's id as a trace's, where it is a UUID."""
    known = run_id.replace("-", "")
    return known if len(known) == 32 and set(known) <= set("0123456789abcdef") else None


def _present(labels: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in labels.items() if value is not None}


def _shown(messages: list[Any]) -> list[Any]:
    """What came of tool calls, as far as the model has not been shown it before."""
    parts = messages[-1].parts if messages and messages[-1].kind == "request" else ()
    return [part for part in parts if part.part_kind in ("tool-return", "retry-prompt")]
