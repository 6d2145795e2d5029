"""What Claude's hooks say, as events: the same JSON reaches a callback of the Claude Agent SDK and a command of Claude
Code, so both adapters read it here. See docs/capture/claude-agent.md and docs/capture/claude-code.md.

A session is an `agent.start`, each prompt in it a step, a sub-agent an `agent.start` of its own that the call of the
tool `Agent` causes. What a model answers is not told by hooks: the adapters pass it on as they learn of it.

Sources: Claude Code documentation, "Hooks reference"; `claude_agent_sdk.types`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from muniment.agent.adapters.run import Runs
from muniment.core.identifiers import MAX_CAUSES

HOOKS: Final = (
    *("SessionStart", "SessionEnd", "Setup", "UserPromptSubmit", "UserPromptExpansion", "Stop", "StopFailure"),
    *("PreToolUse", "PostToolUse", "PostToolUseFailure", "PostToolBatch", "PermissionRequest", "PermissionDenied"),
    *("SubagentStart", "SubagentStop", "TeammateIdle", "TaskCreated", "TaskCompleted"),
    *("PreCompact", "PostCompact", "PreModelSwitch", "PostModelSwitch", "Notification", "InstructionsLoaded"),
    *("ConfigChange", "CwdChanged", "DirectoryAdded", "FileChanged", "WorktreeRemove"),
    *("Elicitation", "ElicitationResult"),
)
"""Every hook that is asked for. Not `WorktreeCreate`, whose hook must make the worktree itself, and not
`MessageDisplay`, which repeats the model's words piece by piece."""

_COMMON: Final = ("session_id", "transcript_path", "agent_transcript_path", "hook_event_name", "prompt_id", "effort")
_AGENT_TOOLS: Final = ("Agent", "Task")
_MAX_KNOWN: Final = 4_096


@dataclass(slots=True)
class Known:
    """What is remembered from hook to hook, beside the open runs.

    Attributes:
        asked: by the id of a tool call, the model's answer that asked for it.
        shown: by agent, the tool results since the model answered there.
        launched: by the id of a call that starts a sub-agent and has none yet, the kind of agent.
        agents: by the id of a call that started a sub-agent, the sub-agent's id, where that was told.
        open: the keys of what began and has not ended, with their sessions.
    """

    asked: dict[str, str] = field(default_factory=dict)
    shown: dict[str, list[str]] = field(default_factory=dict)
    launched: dict[str, str] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)


class ClaudeEvents:
    """Turns what hooks say into events.

    Args:
        runs: where they are recorded.
        known: what earlier hooks left.
    """

    def __init__(self, runs: Runs, known: Known | None = None) -> None:
        self.runs = runs
        self.known = known or Known()

    def hook(self, told: Mapping[str, Any]) -> None:
        """Record what one hook says.

        Raises:
            Refused: for `PreToolUse`, if the runs' mode is durable or gate and the call was not recorded.
        """
        session, name = _text(told.get("session_id")), _text(told.get("hook_event_name"))
        self.begin(session, told)
        turn = f"turn {session}"
        if name == "UserPromptSubmit":
            self.runs.end(turn, outcome="unknown", labels={"ended": "with-the-next-prompt"})
            labels = {**_labels(told), "prompt.id": _text(told.get("prompt_id"))}
            self._begin(
                turn, "agent.step", session_key(session), step="prompt", payload=told.get("prompt"), labels=labels
            )
        elif name == "Stop":
            self._end(turn, told, payload=told.get("last_assistant_message"))
        elif name == "StopFailure":
            self._end(
                turn, told, outcome="failure", error=told.get("error"), payload=told.get("last_assistant_message")
            )
        elif name == "SessionEnd":
            self.finish(session, labels={"session.reason": _text(told.get("reason"))})
        elif name in ("SubagentStart", "SubagentStop"):
            self._subagent(session, told, name == "SubagentStart")
        elif name == "PreToolUse":
            self._tool(session, told)
        elif name in ("PostToolUse", "PostToolUseFailure", "PermissionDenied"):
            self._tool_ended(session, told, name)
        elif name == "PostToolBatch":
            for call in _mappings(told.get("tool_calls")):
                # What neither ended nor failed was not let run: another hook, a rule or the user said no.
                self._ended(session, told, call.get("tool_use_id"), "denied", call.get("tool_response"))
        elif name != "SessionStart":
            self._noted(session, told, name)

    def begin(self, session: str, told: Mapping[str, Any]) -> None:
        """Record that a session began, unless that is recorded already."""
        key = session_key(session)
        if self.runs.action_of(key) is not None:
            return
        labels = {**_labels(told), "session.source": _text(told.get("source")), "model.name": told.get("model")}
        payload = {key: told[key] for key in ("cwd", "permission_mode") if key in told}
        agent = None if told.get("agent_id") else _text(told.get("agent_type")) or None
        self._begin(key, "agent.start", None, agent=agent, payload=payload, labels={**labels, "run.id": session})

    def answered(
        self, session: str, message: Mapping[str, Any], agent: str | None = None, error: object = None
    ) -> None:
        """Record what a model answered, or the part of it that is known by now.

        Args:
            session: the session's id.
            message: an answer of the Messages API, or one with some of its content.
            agent: the id of the sub-agent, if it is not the session's own.
            error: why it is not an answer, but stands in the place of one.
        """
        content = _mappings(message.get("content"))
        calls = [_text(each.get("id")) for each in content if each.get("type") == "tool_use"]
        usage = message.get("usage")
        usage = usage if isinstance(usage, Mapping) else {}
        labels = {
            "run.id": session,
            "model.answered": message.get("model"),
            "model.message": message.get("id"),
            "finish.reason": message.get("stop_reason"),
            "tokens.in": usage.get("input_tokens"),
            # Before an answer is complete, what is said of its length is a placeholder.
            "tokens.out": usage.get("output_tokens") if message.get("stop_reason") else None,
            "tool.calls": len(calls) or None,
            "error.type": error,
        }
        place = self._place(session, agent)
        shown = self.known.shown.pop(place, [])
        reference = self.runs.note(
            "model.result",
            parent=place,
            outcome="failure" if error else "success",
            payload=content,
            labels=_present(labels),
            causes=shown[1 - MAX_CAUSES :],
        )
        if reference is not None:
            for call in calls:
                remember(self.known.asked, call, reference)

    def finish(
        self,
        session: str,
        outcome: str = "success",
        *,
        labels: Mapping[str, object] | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Record that a session ended, and with it what is still open in it."""
        key = session_key(session)
        mine = [each for each, of in self.known.open.items() if of == session and each != key]
        for each in reversed(mine):
            self.runs.end(each, outcome="unknown", labels={"ended": "with-its-run"})
        for each in (*mine, key):
            self.known.open.pop(each, None)
            self.known.shown.pop(each, None)
        self.runs.end(key, outcome=outcome, labels=_present(labels or {}), error=error)

    def call_key(self, call: str) -> str | None:
        """The key of the open run of a tool call, whatever its session."""
        ending = f" {call}"
        return next((key for key in self.known.open if key.startswith("call ") and key.endswith(ending)), None)

    def _place(self, session: str, agent: object) -> str:
        """The innermost open run that an agent's hook belongs to."""
        own = f"agent {session} {agent}"
        if agent and self.runs.action_of(own) is not None:
            return own
        turn = f"turn {session}"
        return turn if not agent and self.runs.action_of(turn) is not None else session_key(session)

    def _subagent(self, session: str, told: Mapping[str, Any], starts: bool) -> None:
        identifier, kind = _text(told.get("agent_id")), _text(told.get("agent_type"))
        key = f"agent {session} {identifier}"
        if not starts:
            self._end(key, told, payload=told.get("last_assistant_message"))
            return
        # The hook does not say which call it belongs to. Where nothing else did: the oldest one of that kind that has
        # no agent yet.
        known = [call for call, agent in self.known.agents.items() if agent == identifier]
        calls = known or [call for call, asked in self.known.launched.items() if asked == kind]
        labels = {**_labels(told), "agent.id": identifier}
        if len(calls) > 1:
            labels["delegation"] = "first-of-several"
        call = f"call {session} {calls[0]}" if calls else None
        if calls:
            self.known.launched.pop(calls[0], None)
            remember(self.known.agents, calls[0], identifier)
        parent = call if call and self.runs.action_of(call) is not None else session_key(session)
        self._begin(key, "agent.start", parent, agent=kind or None, labels=labels)

    def _tool(self, session: str, told: Mapping[str, Any]) -> None:
        tool, call = _text(told.get("tool_name")), _text(told.get("tool_use_id"))
        given = told.get("tool_input")
        if tool in _AGENT_TOOLS and isinstance(given, Mapping):
            remember(self.known.launched, call, _text(given.get("subagent_type")) or "general-purpose")
        labels = {**_labels(told), "call.id": call}
        if isinstance(server := told.get("mcp_server"), Mapping):
            labels["mcp.server"] = _text(server.get("name"))
        self._begin(
            f"call {session} {call}",
            "tool.call",
            self._place(session, told.get("agent_id")),
            tool=tool,
            payload=given,
            labels=labels,
            causes=(self.known.asked.pop(call, None),),
            call=call,
        )

    def _tool_ended(self, session: str, told: Mapping[str, Any], name: str) -> None:
        call = told.get("tool_use_id")
        if name == "PostToolUse":
            self._ended(session, told, call, "success", told.get("tool_response"))
            return
        outcome = "denied" if name == "PermissionDenied" else "unknown" if told.get("is_interrupt") else "failure"
        said = {"error": told.get("error")} if name == "PostToolUseFailure" else {"reason": told.get("reason")}
        self._ended(session, told, call, outcome, said)

    def _ended(self, session: str, told: Mapping[str, Any], call: object, outcome: str, payload: object) -> None:
        labels = {"duration.ms": told.get("duration_ms"), "cancelled": "yes" if told.get("is_interrupt") else None}
        place = self._place(session, told.get("agent_id"))
        key = f"call {session} {call}"
        reference = self.runs.end(key, outcome=outcome, payload=payload, labels=_present(labels))
        self.known.open.pop(key, None)
        self.known.launched.pop(_text(call), None)
        if reference is not None:
            shown = self.known.shown.setdefault(place, [])
            shown[:] = [*shown[1 - MAX_CAUSES :], reference]

    def _noted(self, session: str, told: Mapping[str, Any], name: str) -> None:
        action = "config.change" if name == "ConfigChange" else "agent.step"
        labels = {**_labels(told), "step.name": name}
        if tool := _text(told.get("tool_name")):
            labels["tool.name"] = tool
        said = {key: value for key, value in told.items() if key not in _COMMON}
        self.runs.note(
            action,
            parent=self._place(session, told.get("agent_id")),
            outcome="unknown",
            payload=said or None,
            labels=_present(labels),
        )

    def _begin(self, key: str, action: str, parent: str | None, *, labels: Mapping[str, object], **fields: Any) -> None:
        self.runs.begin(key, action, parent=parent, labels=_present(labels), **fields)
        remember(self.known.open, key, _text(labels.get("run.id")))

    def _end(
        self,
        key: str,
        told: Mapping[str, Any],
        *,
        outcome: str = "success",
        payload: object = None,
        error: object = None,
    ) -> None:
        labels = {"error.type": error, "stop.again": "yes" if told.get("stop_hook_active") else None}
        self.runs.end(key, outcome=outcome, payload=payload, labels=_present(labels))
        self.known.open.pop(key, None)
        self.known.shown.pop(key, None)


def session_key(session: str) -> str:
    """The key of a session's run."""
    return f"session {session}"


def _labels(told: Mapping[str, Any]) -> dict[str, object]:
    return {"run.id": _text(told.get("session_id")), "permission.mode": told.get("permission_mode")}


def _present(labels: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in labels.items() if value is not None and value != ""}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def remember(known: dict[str, str], key: str, value: str) -> None:
    """Remember something, and forget the oldest where there is too much."""
    if len(known) >= _MAX_KNOWN:
        del known[next(iter(known))]
    known[key] = value
