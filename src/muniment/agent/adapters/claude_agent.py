"""Claude Agent SDK: every hook, and what the models answer, as events. See docs/capture/claude-agent.md.

    from muniment.agent.adapters.claude_agent import install

    install()

The SDK runs Claude Code as a process beside itself and hears of it in two ways: hooks, which Claude Code waits for, and
a stream of messages. The first alone are recorded by `MunimentHooks.hooks()`; `install` adds the second, so that a tool
call is caused by the answer that asked for it, and a tool of the program itself runs inside of its call.
"""

import threading
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import anyio.to_thread
from claude_agent_sdk import HookMatcher
from claude_agent_sdk._internal.query import Query

from muniment.agent.adapters.claude_hooks import HOOKS, ClaudeEvents, remember, session_key
from muniment.agent.adapters.run import Runs, version_of
from muniment.agent.recording import Mode, unrecorded
from muniment.core.errors import Refused

_NAME: Final = "claude-agent"
_CALL_ID: Final = "claudecode/toolUseId"
_lock = threading.Lock()
_installed: "MunimentHooks | None" = None


def install(*, contents: bool = True, mode: Mode = "async") -> "MunimentHooks":
    """Record every session of the SDK that begins in this process; once, however often it is called.

    Args:
        contents: whether prompts, arguments, results and answers are recorded, in bodies.
        mode: of tool calls: with `durable` or `gate` a tool is denied if its call could not be recorded.

    Returns:
        What records them.

    Raises:
        Refused: if the SDK is not built as this adapter knows it.
    """
    global _installed
    with _lock:
        if _installed is None:
            made = MunimentHooks(contents=contents, mode=mode)
            _attach(made)
            _installed = made
        return _installed


class MunimentHooks:
    """What records sessions; for programs that want to place it by hand: `ClaudeAgentOptions(hooks=….hooks())`.

    Args:
        contents, mode: as for `install`.
    """

    def __init__(self, *, contents: bool = True, mode: Mode = "async") -> None:
        self._runs = Runs(_NAME, version_of("claude-agent-sdk"), contents=contents, mode=mode)
        self._events = ClaudeEvents(self._runs)
        self._mode = mode
        self._lock = threading.Lock()

    def hooks(self) -> dict[str, list[Any]]:
        """The hooks, as `ClaudeAgentOptions` takes them."""
        return {
            hook: [HookMatcher(hooks=[self.hook], on_failure="block" if self._must(hook) else None)] for hook in HOOKS
        }

    async def hook(self, told: Mapping[str, Any], tool_use_id: str | None, context: object) -> dict[str, Any]:
        """One hook, as Claude Code calls it and waits for it."""
        del tool_use_id, context
        try:
            await self._do(self._events.hook, told)
        except Exception as error:
            if not self._must(str(told.get("hook_event_name"))):
                unrecorded(_NAME, error)
                return {}
            reason = f"muniment: not run, because it was not recorded: {error}"
            decision = {"permissionDecision": "deny", "permissionDecisionReason": reason}
            return {"hookSpecificOutput": {"hookEventName": "PreToolUse", **decision}}
        return {}

    def attach(self, query: Any) -> None:
        """Listen to a session that is about to begin."""
        own = any(
            isinstance(getattr(hook, "__self__", None), MunimentHooks)
            for matchers in query.hooks.values()
            for matcher in matchers
            for hook in matcher.get("hooks", ())
        )
        if not own:
            merged = {hook: list(matchers) for hook, matchers in query.hooks.items()}
            for hook in HOOKS:
                matcher = {
                    "matcher": None,
                    "hooks": [self.hook],
                    **({"on_failure": "block"} if self._must(hook) else {}),
                }
                merged.setdefault(hook, []).append(matcher)
            query.hooks = merged
        query.transport = _Tapped(query.transport, self)

    async def listen(self, messages: AsyncIterator[dict[str, Any]]) -> AsyncIterator[dict[str, Any]]:
        """Pass on what Claude Code says, and record what no hook says: answers, totals, the end."""
        sessions: dict[str, str] = {}
        try:
            async for message in messages:
                try:
                    await self._do(self._message, message, sessions)
                except Exception as error:
                    unrecorded(_NAME, error)
                yield message
        except Exception as error:
            self._finish(sessions, error)
            raise
        finally:
            self._finish(sessions)

    def inside(self, message: Mapping[str, Any]) -> Any:
        """Be inside of the tool call that a message to an MCP server of this program belongs to."""
        parameters = message.get("params")
        meta = parameters.get("_meta") if isinstance(parameters, Mapping) else None
        call = meta.get(_CALL_ID) if isinstance(meta, Mapping) else None
        key = self._events.call_key(call) if isinstance(call, str) else ""
        return self._runs.inside(key)

    def _must(self, hook: str) -> bool:
        return self._mode != "async" and hook == "PreToolUse"

    async def _do(self, record: Callable[..., None], *arguments: object) -> None:
        def recorded() -> None:
            with self._lock:
                record(*arguments)

        if self._mode == "async":
            recorded()
        else:
            # It waits for the disk, or for the ledger.
            await anyio.to_thread.run_sync(recorded)

    def _message(self, message: Mapping[str, Any], sessions: dict[str, str]) -> None:
        kind, subtype, session = message.get("type"), message.get("subtype"), message.get("session_id")
        if not isinstance(session, str) or kind not in ("assistant", "system", "result"):
            return
        if kind == "system" and subtype == "init":
            sessions.setdefault(session, "unknown")
            self._events.begin(session, {"model": message.get("model"), "cwd": message.get("cwd")})
        elif kind == "system" and subtype == "task_started":
            call, agent = message.get("tool_use_id"), message.get("task_id")
            if isinstance(call, str) and isinstance(agent, str):
                remember(self._events.known.agents, call, agent)
        elif kind == "assistant":
            below = message.get("parent_tool_use_id")
            agent = self._events.known.agents.get(below) if isinstance(below, str) else None
            self._events.answered(session, message.get("message") or {}, agent, message.get("error"))
        elif kind == "result":
            sessions[session] = "failure" if message.get("is_error") else "success"
            self._total(session, message)

    def _total(self, session: str, message: Mapping[str, Any]) -> None:
        usage = message.get("usage") or {}
        labels = {
            "run.id": session,
            "step.name": "result",
            "tokens.in": usage.get("input_tokens"),
            "tokens.out": usage.get("output_tokens"),
            "result.type": message.get("subtype"),
            "result.turns": message.get("num_turns"),
            "cost.usd": message.get("total_cost_usd"),
        }
        self._runs.note(
            "agent.step",
            parent=session_key(session),
            outcome="failure" if message.get("is_error") else "success",
            payload={
                key: message[key] for key in ("result", "errors", "modelUsage", "permission_denials") if key in message
            },
            labels={key: value for key, value in labels.items() if value is not None},
        )

    def _finish(self, sessions: dict[str, str], error: Exception | None = None) -> None:
        with self._lock:
            for session, outcome in sessions.items():
                self._events.finish(session, outcome, error=error)
            sessions.clear()


class _Tapped:
    """A transport whose messages are listened to."""

    def __init__(self, transport: Any, hooks: MunimentHooks) -> None:
        self._transport = transport
        self._hooks = hooks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def read_messages(self) -> AsyncIterator[dict[str, Any]]:
        return self._hooks.listen(self._transport.read_messages())


def _attach(hooks: MunimentHooks) -> None:
    begin, serve = Query.__init__, getattr(Query, "_handle_sdk_mcp_request", None)
    if serve is None:
        raise Refused("this release is built in another way; place MunimentHooks().hooks() by hand", "claude-agent-sdk")

    def begins(query: Any, *positional: Any, **keyword: Any) -> None:
        begin(query, *positional, **keyword)
        try:
            hooks.attach(query)
        except Exception as error:
            unrecorded(_NAME, error)

    async def serves(query: Any, server: str, message: dict[str, Any]) -> Any:
        with hooks.inside(message):
            return await serve(query, server, message)

    Query.__init__ = begins
    Query._handle_sdk_mcp_request = serves
