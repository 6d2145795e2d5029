"""Claude Code's command hooks: as Claude Code itself calls them, and as somebody who means ill might."""

from __future__ import annotations

import json
import mmap
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from muniment.agent.adapters.claude_code import settings
from muniment.agent.adapters.claude_hooks import HOOKS
from muniment.agent.state import State
from tests.adapters.environments import ROOT, interpreter
from tests.adapters.running import Scene, made, read
from tests.support.scripted_model import Answer, Call, ScriptedModel

MUNIMENT = f"{sys.executable} -m muniment"
COMMAND = f"{MUNIMENT} hook claude-code"
ASK = "what is the sum?"


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "MUNIMENT_STATE": str(home / "state"), **more}


@dataclass(frozen=True)
class Done:
    """How one call of the command ended."""

    status: int
    out: bytes
    err: bytes


def hooks(home: Path, *told: object, options: tuple[str, ...] = (), together: bool = False, **more: str) -> list[Done]:
    """Call `muniment hook claude-code` once for each, one after the other or together."""
    directory = Path(tempfile.mkdtemp(dir=home))
    for number, each in enumerate(told):
        (directory / f"{number}.in").write_bytes(each if isinstance(each, bytes) else json.dumps(each).encode())
        (directory / f"{number}.argv").write_text("\n".join(("hook", "claude-code", *options)))
    program = [sys.executable, "-m", "tests.adapters.programs.hooks", str(directory)]
    subprocess.run(
        [*program, "together" if together else "one-by-one"],
        env=environ(home, **more),
        cwd=ROOT,
        check=True,
        timeout=120,
    )
    return [
        Done(
            int((directory / f"{number}.status").read_text()),
            (directory / f"{number}.out").read_bytes(),
            (directory / f"{number}.err").read_bytes(),
        )
        for number in range(len(told))
    ]


def claude() -> Path:
    """The Claude Code that the Claude Agent SDK brings."""
    installed = interpreter("claude-agent").parents[1]
    return next(installed.glob("lib/python3*/site-packages/claude_agent_sdk/_bundled/claude"))


def said(name: str, session: str = "s-1", **more: Any) -> dict[str, Any]:
    return {"session_id": session, "hook_event_name": name, "cwd": "/work", **more}


def tool(name: str, call: str, **more: Any) -> dict[str, Any]:
    return said(name, tool_name="Bash", tool_input={"command": "ls"}, tool_use_id=call, **more)


def told(state: State) -> Scene:
    """In the order in which it was recorded: each hook is an epoch of its own."""
    return Scene(sorted(read(state), key=lambda each: each.event.occurred_at), {})


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A session of the real Claude Code, headless, with a scripted model: two tools, then a sub-agent."""
    home = tmp_path_factory.mktemp("claude-code")
    (home / "settings.json").write_text(json.dumps(settings(command=COMMAND)))
    inside = f"{MUNIMENT} record x.inside --cause $MUNIMENT_CAUSE"
    delegate = {
        "description": "d",
        "prompt": "look into sums",
        "subagent_type": "researcher",
        "run_in_background": False,
    }
    script = (
        Answer("why not", when="look into sums"),
        Answer(
            calls=(
                Call("Bash", {"command": inside}, "toolu_a"),
                Call("Write", {"file_path": "/x", "content": ""}, "toolu_w"),
            )
        ),
        Answer(calls=(Call("Bash", {"command": "exit 3"}, "toolu_b"), Call("Agent", delegate, "toolu_g"))),
        Answer("done", repeat=True),
    )
    with ScriptedModel(*script) as model:
        done = subprocess.run(
            [
                *(str(claude()), "-p", ASK, "--settings", str(home / "settings.json"), "--allowedTools", "Bash,Agent"),
                *("--agents", json.dumps({"researcher": {"description": "looks", "prompt": "You look."}})),
            ],
            env=environ(
                home,
                ANTHROPIC_BASE_URL=model.anthropic,
                ANTHROPIC_API_KEY="sk-ant-scripted",
                CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
            ),
            cwd=home,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert (done.returncode, done.stdout.strip()) == (0, "done"), done.stderr
    assert not model.surprises
    return told(made(home))


def test_a_session_is_one_trace_whose_causes_come_first_and_which_ends(session: Scene) -> None:
    session.check()
    assert len({each.event.trace.id for each in session if each.event.trace}) == 1
    assert session.all("agent.start")[0].labels["session.source"] == "startup"
    finished = session.all("agent.finish")[-1]
    assert session.all("agent.start")[0].reference in finished.causes


def test_a_tool_call_is_caused_by_the_answer_that_the_transcript_holds(session: Scene) -> None:
    answers = {each.reference: each for each in session.all("model.result")}
    for call in session.all("tool.call"):
        (asked,) = [answers[cause] for cause in call.causes if cause in answers]
        assert call.labels["call.id"] in [block["id"] for block in asked.json]
        assert (asked.labels["model.answered"], asked.labels["tokens.out"]) == ("scripted-1", "7")


def test_what_ran_failed_and_was_not_allowed_are_told_apart(session: Scene) -> None:
    outcomes = {each.labels["call.id"]: each.outcome for each in session.all("tool.result")}
    assert outcomes == {"toolu_a": "success", "toolu_w": "denied", "toolu_b": "failure", "toolu_g": "success"}
    assert session.one("tool.call", tool="Write").json == {"file_path": "/x", "content": ""}


def test_a_sub_agent_is_caused_by_the_call_that_started_it(session: Scene) -> None:
    started = session.one("agent.start", agent="researcher")
    assert started.causes == (session.one("tool.call", tool="Agent").reference,)
    assert started.event.actor.id == "agent:claude-code/researcher"
    assert [block["text"] for block in session.one("model.result", agent="researcher").json] == ["why not"]


def test_a_command_that_the_agent_runs_knows_what_it_belongs_to(session: Scene) -> None:
    assert session.one("x.inside").causes == (session.all("agent.start")[0].reference,)


def test_a_hook_prints_nothing_that_claude_code_could_take_for_an_answer(tmp_path: Path) -> None:
    told_ = (said("SessionStart"), said("UserPromptSubmit", prompt=ASK), tool("PreToolUse", "t"), said("Stop"))
    assert hooks(tmp_path, *told_) == [Done(0, b"", b"")] * 4


def test_hooks_that_run_at_the_same_time_all_find_their_session(tmp_path: Path) -> None:
    hooks(tmp_path, said("SessionStart"))
    calls = [f"toolu_{number}" for number in range(8)]
    hooks(tmp_path, *(tool("PreToolUse", call) for call in calls), together=True)
    hooks(tmp_path, *(tool("PostToolUse", call, tool_response="ok") for call in calls), together=True)
    scene = told(made(tmp_path))
    start = scene.one("agent.start")
    began = {each.labels["call.id"]: each for each in scene.all("tool.call")}
    assert set(began) == set(calls)
    assert all(each.causes == (start.reference,) for each in began.values())
    assert {each.labels["call.id"]: each.causes for each in scene.all("tool.result")} == {
        call: (each.reference,) for call, each in began.items()
    }


def test_of_several_sub_agents_of_one_kind_each_gets_a_call_and_says_that_it_is_a_guess(tmp_path: Path) -> None:
    given = {"prompt": "p", "subagent_type": "twin"}
    hooks(
        tmp_path,
        *(said("PreToolUse", tool_name="Agent", tool_input=given, tool_use_id=call) for call in ("t1", "t2")),
        *(said("SubagentStart", agent_id=agent, agent_type="twin") for agent in ("a1", "a2")),
    )
    scene = told(made(tmp_path))
    calls = [each.reference for each in scene.all("tool.call")]
    started = scene.all("agent.start", agent="twin")
    assert [each.causes for each in started] == [(call,) for call in calls]
    assert started[0].labels["delegation"] == "first-of-several"


def test_what_is_open_when_a_session_ends_ends_with_it_and_nothing_is_kept(tmp_path: Path) -> None:
    hooks(tmp_path, said("UserPromptSubmit", prompt=ASK), tool("PreToolUse", "t"), said("SessionEnd", reason="logout"))
    scene = told(made(tmp_path))
    assert (scene.one("tool.result").outcome, scene.one("tool.result").labels["ended"]) == ("unknown", "with-its-run")
    assert scene.one("agent.finish").labels["session.reason"] == "logout"
    assert not list((tmp_path / "state" / "claude-code").glob("*.json"))


def test_contents_are_left_out_if_asked(tmp_path: Path) -> None:
    told_ = (said("UserPromptSubmit", prompt=ASK), tool("PreToolUse", "t"), said("Stop", last_assistant_message="x"))
    hooks(tmp_path, *told_, options=("--no-contents",))
    assert len(told(made(tmp_path)).told) >= 4
    assert not any(each.body for each in told(made(tmp_path)))


def test_what_is_no_hook_stops_the_agent_only_at_the_gate(tmp_path: Path) -> None:
    given = (b"", b"[]", b"{", b'{"session_id":1}', b"\xff", b'{"session_id":"s"}')
    for done in hooks(tmp_path, *given):
        assert done.status == 0
        assert b"not recorded" in done.err
    assert {done.status for done in hooks(tmp_path, *given, options=("--gate",))} == {2}


def test_settings_that_are_misspelt_do_not_deny_unless_they_gate(tmp_path: Path) -> None:
    assert hooks(tmp_path, said("Stop"), options=("--no-content",))[0].status == 1
    assert hooks(tmp_path, said("Stop"), options=("--gate", "--no-content"))[0].status == 2


def test_an_agent_goes_on_where_nothing_can_be_recorded_but_not_at_the_gate(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")
    assert hooks(tmp_path, tool("PreToolUse", "t"))[0].status == 0
    assert hooks(tmp_path, tool("PreToolUse", "t"), options=("--gate",))[0].status == 2


def test_the_gate_denies_a_tool_whose_call_the_ledger_has_not_accepted(tmp_path: Path) -> None:
    (done,) = hooks(tmp_path, tool("PreToolUse", "t"), options=("--gate",))
    assert done.status == 2
    assert b"muniment ship --follow" in done.err
    scene = told(made(tmp_path))
    assert scene.one("tool.result").outcome == "denied"
    assert scene.one("tool.result").causes == (scene.one("tool.call").reference,)


@pytest.mark.parametrize("content", ["", "{}", '{"known": {"open": 1}, "runs": [{}], "offsets": 0}', "[1]"])
def test_a_damaged_session_file_costs_the_links_to_the_past_and_nothing_else(tmp_path: Path, content: str) -> None:
    hooks(tmp_path, tool("PreToolUse", "t"))
    (kept,) = (tmp_path / "state" / "claude-code").glob("*.json")
    kept.write_text(content)
    assert hooks(tmp_path, tool("PreToolUse", "u"))[0].status == 0
    assert [each.labels["call.id"] for each in told(made(tmp_path)).all("tool.call")] == ["t", "u"]


def test_a_transcript_that_is_not_one_costs_its_answers_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    hooks(tmp_path, said("SessionStart", transcript_path=str(path)))
    path.write_bytes(
        b'\xff"assistant"\n{"type":"assistant"}\n{"type":"assistant","message":{"content":7,"usage":[]}}\n'
        b'{"type":"assistant","message":{"content":[{"type":"text","text":"said"}]}}\n{"type":"assist'
    )
    assert hooks(tmp_path, tool("PreToolUse", "t", transcript_path=str(path)))[0].status == 0
    scene = told(made(tmp_path))
    assert [each.json for each in scene.all("model.result") if each.body][-1] == [{"type": "text", "text": "said"}]
    assert scene.one("tool.call").labels["call.id"] == "t"


def test_a_resumed_session_does_not_record_its_past_again(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    answer = '{"type":"assistant","message":{"content":[{"type":"text","text":"%s"}]}}\n'
    path.write_text(answer % "past")
    hooks(tmp_path, said("SessionStart", source="resume", transcript_path=str(path)))
    path.write_text(answer % "past" + answer % "now")
    hooks(tmp_path, said("Stop", transcript_path=str(path)))
    assert [each.json[0]["text"] for each in told(made(tmp_path)).all("model.result")] == ["now"]


def test_every_hook_that_the_installed_claude_code_has_is_asked_for_but_two() -> None:
    with claude().open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as program:
        lists = re.findall(rb'\["PreToolUse",[A-Za-z",]+\]', program)
    known = set(json.loads(max(lists, key=len)))
    assert known - set(HOOKS) == {"WorktreeCreate", "MessageDisplay"}
    assert set(HOOKS) <= known


def test_the_settings_call_every_hook_and_fail_closed_at_the_gate_only_before_a_tool(tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "muniment", "hook", "claude-code", "--settings", "--gate"],
        env=environ(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    hooks = json.loads(printed.stdout)["hooks"]
    assert set(hooks) == set(HOOKS)
    commands = {name: entry[0]["hooks"][0]["command"] for name, entry in hooks.items()}
    assert commands.pop("PreToolUse") == "muniment hook claude-code --gate || exit 2"
    assert set(commands.values()) == {"muniment hook claude-code"}
    missing = subprocess.run(["sh", "-c", "muniment-is-not-here --gate || exit 2"], capture_output=True)
    assert missing.returncode == 2
