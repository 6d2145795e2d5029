"""Claude Code: what its command hooks say, as events. See docs/capture/claude-code.md.

    muniment hook claude-code            the command, for every hook
    muniment hook claude-code --settings what to put into Claude Code's settings

Each hook is a process of its own. What one has to know of those before it (which event a tool call was, where the
transcript was read to) is kept in a file for each session, and is forgotten when the session ends. Hooks say nothing of
the model; its answers are read from the transcript that Claude Code keeps, as far as that is written.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson

from muniment.agent.adapters.claude_hooks import HOOKS, ClaudeEvents, Known, session_key
from muniment.agent.adapters.openrun import OpenRun
from muniment.agent.adapters.run import Runs
from muniment.agent.cause import handover
from muniment.agent.recording import Mode, unrecorded
from muniment.agent.state import State, make_private
from muniment.core.errors import Malformed, Refused

MAX_HOOK: Final = 64 * 1024 * 1024
"""Bytes of one hook's JSON."""
_MAX_TRANSCRIPT: Final = 16 * 1024 * 1024
_LOCK_SECONDS: Final = 15.0
_KEPT_SECONDS: Final = 30 * 86_400
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_NAME: Final = "claude-code"
_KEPT: Final = ("reference", "own", "action", "tool", "agent", "trace", "call", "last", "labels")


def settings(*, gate: bool = False, command: str = "muniment hook claude-code") -> dict[str, Any]:
    """The part of Claude Code's settings that calls `command` for every hook.

    Args:
        gate: a tool does not run unless the ledger has accepted its call; also if `command` itself cannot run.
    """
    hooks: dict[str, Any] = {}
    for hook in HOOKS:
        gated = gate and hook == "PreToolUse"
        called: dict[str, Any] = {"type": "command", "command": f"{command} --gate || exit 2" if gated else command}
        if hook == "SessionEnd":
            # Unless told otherwise, Claude Code gives this one 1.5 s before it ends.
            called["timeout"] = 10
        hooks[hook] = [{"hooks": [called]}]
    return {"hooks": hooks}


def record_hook(data: bytes, *, contents: bool = True, mode: Mode = "async") -> None:
    """Record what one hook says.

    Args:
        data: the JSON that Claude Code writes to the hook's standard input.
        contents: whether prompts, arguments, results and answers are recorded, in bodies.
        mode: of tool calls.

    Raises:
        Malformed: if it is not a hook's JSON.
        Refused: if the session's file stays locked; in mode durable or gate, if a tool call was not recorded.
        OSError: if the state directory cannot be used.
    """
    try:
        told = orjson.loads(data)
    except ValueError as error:
        raise Malformed(f"is not JSON: {error}", "stdin") from error
    if not isinstance(told, dict) or not all(
        isinstance(told.get(key), str) for key in ("session_id", "hook_event_name")
    ):
        raise Malformed("is not what a hook of Claude Code says: session_id and hook_event_name are missing", "stdin")
    session, name = told["session_id"], told["hook_event_name"]
    with _kept(session) as path:
        events, offsets = _recalled(path, contents, mode)
        try:
            _follow(events, offsets, told)
            events.hook(told)
            if name == "SessionStart":
                _hand_over(events.runs, session)
        finally:
            if name == "SessionEnd":
                path.unlink(missing_ok=True)
            else:
                _keep(path, events, offsets)


@contextlib.contextmanager
def _kept(session: str) -> Iterator[Path]:
    """A session's file, for one hook at a time: tools that run in parallel have hooks that do."""
    directory = State.find().root / _NAME
    make_private(directory)
    path = directory / f"{hashlib.sha256(session.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.json"
    with path.with_suffix(".lock").open("a") as handle:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Refused(f"held by another hook for {_LOCK_SECONDS:g} s", str(directory)) from None
                time.sleep(0.005)
        if not path.exists():
            _forget_the_old(directory)
        yield path


def _forget_the_old(directory: Path) -> None:
    """Sessions that were killed leave their files behind."""
    for path in directory.iterdir():
        if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
            path.unlink(missing_ok=True)


def _recalled(path: Path, contents: bool, mode: Mode) -> tuple[ClaudeEvents, dict[str, int]]:
    runs = Runs(_NAME, contents=contents, mode=mode)
    try:
        kept = orjson.loads(path.read_bytes())
        known = Known(**kept["known"])
        for each in kept["runs"]:
            run = OpenRun(runs.get(each["parent"]), **{name: each[name] for name in _KEPT})
            run.trace = (run.trace[0], run.trace[1]) if run.trace else None
            runs.add(each["key"], run)
        return ClaudeEvents(runs, known), dict(kept["offsets"])
    except FileNotFoundError:
        pass
    except (ValueError, TypeError, KeyError) as error:
        # What began before is then not named by what follows; the session begins anew.
        unrecorded(_NAME, error)
    return ClaudeEvents(Runs(_NAME, contents=contents, mode=mode)), {}


def _keep(path: Path, events: ClaudeEvents, offsets: dict[str, int]) -> None:
    runs = {key: run for key in events.known.open if (run := events.runs.get(key)) is not None}
    keys = {id(run): key for key, run in runs.items()}
    kept = []
    for key, run in runs.items():
        above = run.parent
        while above is not None and id(above) not in keys:
            above = above.parent
        parent = keys[id(above)] if above is not None else None
        kept.append({"key": key, "parent": parent, **{name: getattr(run, name) for name in _KEPT}})
    text = orjson.dumps({"known": asdict(events.known), "runs": kept, "offsets": offsets}, default=str)
    fresh = path.with_suffix(".new")
    fresh.write_bytes(text)
    fresh.replace(path)


def _follow(events: ClaudeEvents, offsets: dict[str, int], told: Mapping[str, Any]) -> None:
    """Read on in the transcripts, and record the answers that stand there."""
    session, agent = told["session_id"], told.get("agent_id")
    path = told.get("transcript_path")
    if not isinstance(path, str) or not path.endswith(".jsonl"):
        return
    if path not in offsets:
        # What was said before the first hook of a session (a resumed one has a past) is not recorded again.
        try:
            offsets[path] = Path(path).stat().st_size
        except OSError:
            offsets[path] = 0
    events.begin(session, told)
    _read_on(events, offsets, path, session, None)
    if isinstance(agent, str) and _IDENTIFIER.fullmatch(agent):
        own = f"{path.removesuffix('.jsonl')}/subagents/agent-{agent}.jsonl"
        _read_on(events, offsets, own, session, agent)


def _read_on(events: ClaudeEvents, offsets: dict[str, int], path: str, session: str, agent: str | None) -> None:
    try:
        with Path(path).open("rb") as handle:
            handle.seek(offsets.get(path, 0))
            data = handle.read(_MAX_TRANSCRIPT)
    except OSError:
        # It is written late, or not at all (sessions without persistence).
        return
    whole = data[: data.rfind(b"\n") + 1]
    if not whole and len(data) == _MAX_TRANSCRIPT:
        whole = data
    offsets[path] = offsets.get(path, 0) + len(whole)
    for line in whole.split(b"\n"):
        if b'"assistant"' not in line:
            continue
        try:
            said = orjson.loads(line)
        except ValueError:
            # The transcript's format is not promised to anybody; what cannot be read there is left to the hooks.
            continue
        if isinstance(said, dict) and said.get("type") == "assistant" and isinstance(said.get("message"), dict):
            error = said.get("error") if said.get("isApiErrorMessage") else None
            events.answered(session, said["message"], agent, error)


def _hand_over(runs: Runs, session: str) -> None:
    """Let the commands that Claude Code runs know what they belong to, by the file that it offers for that."""
    file = os.environ.get("CLAUDE_ENV_FILE")
    if not file:
        return
    with runs.inside(session_key(session)):
        lines = "".join(f"export {name}={value}\n" for name, value in handover().items())
    with Path(file).open("a", encoding="ascii") as handle:
        handle.write(lines)
