"""The vendors' own client libraries, unchanged, through `muniment proxy models` as it is started by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from muniment.agent.state import State
from muniment.core.event import Event
from tests.adapters.environments import ROOT, interpreter
from tests.agent.reading_back import events, labels
from tests.support.scripted_model import Answer, Call, ScriptedModel

ASKS = Answer("hm", (Call("add", {"a": 1}),))
SAYS = Answer("it is three")
Start = Callable[..., tuple["subprocess.Popen[str]", str]]


@pytest.fixture
def start(state: State) -> Iterator[Start]:
    """Starts the command; gives the process and the address that it prints."""
    running: list[subprocess.Popen[str]] = []

    def go(*arguments: str, **environ: str) -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "muniment", "proxy", *arguments],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "MUNIMENT_STATE": str(state.root), **environ},
        )
        running.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("muniment: http://"), line + process.stderr.read()
        return process, line.split()[1]

    yield go
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def run(program: str, url: str) -> Any:
    """Run a program with the client libraries."""
    command = [str(interpreter("model-clients")), "-m", "tests.agent_proxy.client_programs", program, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def stop(process: subprocess.Popen[str]) -> tuple[int, str]:
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def told(found: list[Event]) -> list[Event]:
    return [event for event in found if event.action.startswith("model.")]


@pytest.mark.parametrize(
    ("program", "api"),
    [
        ("openai_chat", "openai.chat"),
        ("openai_responses", "openai.responses"),
        ("anthropic_messages", "anthropic.messages"),
    ],
)
def test_a_tool_call_and_a_streamed_answer(start: Start, state: State, program: str, api: str) -> None:
    with ScriptedModel(ASKS, SAYS) as model:
        process, url = start("models", "--upstream", model.url, "--agent", "research-01", "--workspace", "w-1")
        assert run(program, url) == ["add", '{"a": 1}', "it is three"]
        assert {request.headers.get("authorization", request.headers.get("x-api-key", "")).split()[-1]
                for request in model.requests} == {"sk-topsecret"}  # fmt: skip
        assert stop(process) == (0, "")
    found = events(state)
    assert [event.action for event in found] == [
        "process.start",
        "model.invoke",
        "model.result",
        "model.invoke",
        "model.result",
        "process.exit",
    ]
    first, asked, second, said = told(found)
    assert asked.causes == (f"{first.source.id}/{first.id}",)
    assert second.causes == (f"{asked.source.id}/{asked.id}",)
    assert said.causes == (f"{second.source.id}/{second.id}",)
    assert labels(first)["model.api"] == api
    assert labels(asked)["tool.call.1"].startswith("add ")
    assert labels(second)["model.stream"] == "yes"
    assert {event.outcome for event in (asked, said)} == {"success"}
    assert {labels(event)["tokens.in"] for event in (asked, said)} == {"11"}
    assert {labels(event)["tokens.out"] for event in (asked, said)} == {"7"}
    assert {event.workspace for event in found} == {"w-1"}
    assert {event.actor.id for event in found} == {"agent:research-01"}
    written = b"".join(path.read_bytes() for path in state.root.rglob("*") if path.is_file())
    assert b"topsecret" not in written


def test_an_async_client(start: Start, state: State) -> None:
    with ScriptedModel(SAYS) as model:
        _, url = start("models", "--upstream", model.url, "--contents", "full")
        assert run("openai_async", url) == "it is three"
    assert [event.outcome for event in told(events(state))] == ["unknown", "success"]


def test_each_try_of_a_client_that_tries_again_is_an_invocation(start: Start, state: State) -> None:
    with ScriptedModel(Answer("overloaded", status=503), SAYS) as model:
        _, url = start("models", "--upstream", model.url)
        assert run("openai_retry", url) == "it is three"
    assert [event.outcome for event in told(events(state))] == ["unknown", "failure", "unknown", "success"]


def test_a_proxy_that_is_killed_has_the_request_on_disk(start: Start, state: State) -> None:
    with ScriptedModel(Answer(hold=True)) as model:
        process, url = start("models", "--upstream", model.url)

        def ask() -> None:
            with pytest.raises(httpx.HTTPError):
                httpx.post(f"{url}/v1/chat/completions", json={"model": "gpt-x"}, timeout=60)

        asking = threading.Thread(target=ask)
        asking.start()
        assert model.asked.wait(60)
        process.kill()
        asking.join()
    assert [event.action for event in events(state)] == ["process.start", "model.invoke"]


def test_a_proxy_that_is_told_to_stop_records_what_it_leaves(start: Start, state: State) -> None:
    answers: list[int] = []
    with ScriptedModel(Answer(hold=True)) as model:
        process, url = start("models", "--upstream", model.url)

        def ask() -> None:
            answers.append(httpx.post(f"{url}/v1/chat/completions", json={"model": "gpt-x"}, timeout=60).status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        assert model.asked.wait(60)
        assert stop(process)[0] == 0
        asking.join()
    assert answers == [500]
    last = events(state)[-2:]
    assert [(event.action, event.outcome) for event in last] == [
        ("model.result", "unknown"),
        ("process.exit", "success"),
    ]
    assert labels(last[0])["answer.cut"] == "stopped"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("models", "--upstream", "api.openai.com"), "--upstream: must begin with http"),
        (("models", "--upstream", "http://x", "--listen", "0.0.0.0:0"), "--allow-remote"),
        (("models", "--upstream", "http://x", "--listen", "8731"), "must be HOST:PORT"),
        (("models", "--upstream", "http://x", "--workspace", "a b"), "--workspace"),
        (("mcp", "--upstream", "ftp://x"), "--upstream"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(state: State, arguments: tuple[str, ...], says: str) -> None:
    command = [sys.executable, "-m", "muniment", "proxy", *arguments]
    environ = {**os.environ, "MUNIMENT_STATE": str(state.root)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ, check=False)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_server_part_one_line_says_what_to_install(state: State, tmp_path: Path) -> None:
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text("import sys\nsys.modules['uvicorn'] = None\n")
    environ = {**os.environ, "MUNIMENT_STATE": str(state.root), "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "muniment", "proxy", "models", "--upstream", "http://127.0.0.1:9"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environ, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: `muniment proxy` needs uvicorn: pip install 'muniment[proxy]'\n"
    assert not state.spool.exists()
