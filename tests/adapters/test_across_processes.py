"""Two agents of different frameworks in two processes: one delegates to the other, whose tool fails."""

from __future__ import annotations

from pathlib import Path

from tests.adapters.environments import interpreter
from tests.adapters.running import Scene, made, read, run


def test_a_delegation_to_another_process_and_framework_is_one_trace(tmp_path: Path) -> None:
    state = made(tmp_path)
    done = run("langchain", "two_processes", state, "supervisor", str(interpreter("pydantic-ai")))
    assert done.stdout.strip() == "the helper found three", done.stderr
    scene = Scene(read(state), {})
    call = scene.one("tool.call", tool="delegate")
    start = scene.one("agent.start", agent="helper")
    assert start.causes == (call.reference,)
    assert start.event.source.id != call.event.source.id
    assert start.event.actor.id == "agent:helper-02/helper"
    assert scene.one("tool.result", tool="boom").outcome == "failure"
    assert scene.one("agent.finish", agent="helper").outcome == "failure"
    assert scene.one("agent.finish", agent="supervisor").outcome == "success"
    assert len({told.event.trace.id for told in scene if told.event.trace}) == 1
    assert all(told.event.trace for told in scene)
