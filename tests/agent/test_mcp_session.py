"""`muniment mcp` between a real client and real servers: bytes unchanged, everything recorded, the server's status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from muniment.agent.state import State
from tests.agent.reading_back import events, frames, labels

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":1}}}\n'

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(state: State) -> Start:
    """Starts a server, given as Python code, behind the recorder."""

    def go(code: str, *options: str, **environ: str) -> subprocess.Popen[bytes]:
        server = [sys.executable, "-u", "-c", textwrap.dedent(code)]
        return subprocess.Popen(
            [sys.executable, "-m", "muniment", "mcp", "--agent", "tester", *options, "--", *server],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "MUNIMENT_STATE": str(state.root), **environ},
        )

    return go


CAT = "import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"
ECHO = """
    import sys, json
    for line in sys.stdin:
        m = json.loads(line)
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": {"content": []}}), flush=True)
"""


def repository(path: Path) -> Path:
    """A small git repository."""
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", "-C", str(path), *command], check=True, env=environ)
    return path


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_real_client_and_a_real_server_in_both_eras(state: State, tmp_path: Path, mode: str) -> None:
    git = repository(tmp_path)
    server = [str(BIN / "mcp-server-git"), "--repository", str(git)]
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "muniment", "mcp", "--agent", "tester", "--workspace", "wks-1", "--no-ship", "--", *server],
        env={"MUNIMENT_STATE": str(state.root), "PATH": os.environ["PATH"]},
    )
    async with Client(stdio_client(parameters), mode=mode) as client:
        assert len((await client.list_tools()).tools) > 5
        assert not (await client.call_tool("git_log", {"repo_path": str(git)})).is_error
        assert (await client.call_tool("git_show", {"repo_path": str(git), "revision": "nope"})).is_error
    found = events(state)
    assert [(event.action, event.outcome, event.tool) for event in found if event.tool] == [
        ("tool.call", "unknown", "git_log"),
        ("tool.result", "success", "git_log"),
        ("tool.call", "unknown", "git_show"),
        ("tool.result", "failure", "git_show"),
    ]
    asked = [(labels(event)["mcp.method"], event.outcome) for event in found if event.action == "mcp.result"]
    # A client of the stateless era tries the handshake as well, if the server takes long to start.
    assert ("initialize" if mode == "legacy" else "server/discover", "success") in asked
    assert asked[-1] == ("tools/list", "success")
    # How the server ends is the client's choice: it sends a signal if the end takes longer than it likes to wait.
    assert (found[0].action, found[-1].action) == ("process.start", "process.exit")
    assert found[-1].causes == (f"{found[0].source.id}/{found[0].id}",)
    call, result = [event for event in found if event.tool == "git_log"]
    assert result.causes == (f"{call.source.id}/{call.id}",)
    assert {event.workspace for event in found} == {"wks-1"}
    assert {event.resource.id for event in found if event.resource} == {"mcp-server-git"}
    assert labels(call)["mcp.protocol"] == ("2025-11-25" if mode == "legacy" else "2026-07-28")
    assert labels(call)["mcp.client"].startswith("mcp ")
    assert labels(call).get("mcp.server", "mcp-git ").startswith("mcp-git ")


def test_bytes_pass_unchanged_in_both_directions(start: Start) -> None:
    lines = b"\xff\x00 not json\n\n\r\n" + CALL + b"[]\n" + b"x" * 300_000 + b"\n" + b'{"no newline":1}'
    out, _ = start(CAT).communicate(lines, timeout=60)
    assert out == lines


def test_both_sides_may_say_much_before_either_listens(start: Start) -> None:
    import threading

    said = (b'{"jsonrpc":"2.0","method":"notifications/progress"}' + b" " * 3_000 + b"\n") * 700
    running = start(CAT)
    assert running.stdin is not None
    assert running.stdout is not None
    stdin, stuck = running.stdin, threading.Event()

    def say() -> None:
        half = len(said) // 2
        stdin.write(said[:half])
        stuck.set()
        stdin.write(said[half:])
        stdin.close()

    speaker = threading.Thread(target=say)
    speaker.start()
    # Nobody listens yet: every pipe on the way is full when the client's own write waits.
    stuck.wait(1)
    assert running.stdout.read() == said
    speaker.join()
    assert running.wait(60) == 0
    running.stdout.close()
    assert running.stderr is not None
    running.stderr.close()


def test_a_client_may_use_sockets_instead_of_pipes(state: State) -> None:
    import socket

    ours, theirs = socket.socketpair()
    with ours:
        running = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "muniment",
                "mcp",
                "--no-ship",
                "--",
                sys.executable,
                "-u",
                "-c",
                textwrap.dedent(ECHO),
            ],
            stdin=theirs,
            stdout=theirs,
            env={**os.environ, "MUNIMENT_STATE": str(state.root)},
        )
        theirs.close()
        with ours.makefile("rb") as stream:
            for _ in range(3):
                ours.sendall(CALL)
                assert json.loads(stream.readline())["id"] == 1
            ours.shutdown(socket.SHUT_WR)
            assert stream.read() == b""
        assert running.wait(60) == 0
    assert [event.action for event in events(state)].count("tool.result") == 3


def test_the_call_is_on_disk_before_the_server_sees_it(state: State, start: Start) -> None:
    code = f"""
        import sys, pathlib
        sys.stdin.readline()
        found = b"".join(p.read_bytes() for p in pathlib.Path({str(state.spool)!r}).glob("*/*/*.seg"))
        sys.stdout.write(str(b'"tool":"echo"' in found))
    """
    assert start(code).communicate(CALL, timeout=60)[0] == b"True"


def test_a_server_that_crashes_leaves_its_calls_closed_and_its_status_is_ours(state: State, start: Start) -> None:
    running = start("import sys, os; sys.stdin.readline(); sys.stderr.write('dying'); os._exit(7)")
    _, err = running.communicate(CALL, timeout=60)
    assert running.returncode == 7
    assert b"dying" in err
    found = events(state)
    assert [event.action for event in found] == ["process.start", "tool.call", "tool.result", "process.exit"]
    assert labels(found[2])["mcp.answer"] == "none"
    assert (found[3].outcome, labels(found[3])["process.status"]) == ("failure", "7")


def test_a_server_killed_by_a_signal_shows_as_a_shell_shows_it(start: Start) -> None:
    running = start("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    running.communicate(b"", timeout=60)
    assert running.returncode == 128 + signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on(state: State, start: Start, number: int) -> None:
    running = start(
        """
        import signal, sys, time
        def end(n, _):
            sys.exit(40 + n)
        for n in (signal.SIGTERM, signal.SIGINT):
            signal.signal(n, end)
        print("ready", flush=True)
        time.sleep(60)
        """
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\n"
    running.send_signal(number)
    running.communicate(timeout=60)
    assert running.returncode == 40 + number
    assert events(state)[-1].action == "process.exit"


def test_a_client_that_goes_away_ends_the_server(state: State, start: Start) -> None:
    running = start("import sys; sys.stdin.read(); sys.exit(5)")
    assert running.stdin is not None
    running.stdin.close()
    assert running.wait(60) == 5
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    running.stderr.close()


def test_a_client_that_stops_reading_does_not_stop_the_recording(state: State, start: Start) -> None:
    running = start(ECHO)
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdout.close()
    running.stdin.write(CALL)
    running.stdin.flush()
    running.stdin.close()
    running.wait(60)
    assert running.stderr is not None
    running.stderr.close()
    assert [event.action for event in events(state)].count("tool.result") == 1


def test_a_client_that_is_killed_while_the_recorder_writes_leaves_a_readable_spool(state: State, start: Start) -> None:
    running = start(ECHO)
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(CALL)
    running.stdin.flush()
    assert running.stdout.readline()
    running.kill()
    running.communicate(timeout=60)
    assert [event.action for event in events(state)] == ["process.start", "tool.call", "tool.result"]


def test_a_huge_result_passes_and_is_committed_to(state: State, start: Start) -> None:
    code = """
        import sys, json
        m = json.loads(sys.stdin.readline())
        print(json.dumps({"jsonrpc": "2.0", "id": m["id"], "result": {"content": ["x" * 10_000_000]}}))
    """
    out, _ = start(code).communicate(CALL, timeout=60)
    result = next(event for event in events(state) if event.action == "tool.result")
    assert result.body is not None
    assert result.body.len == len(out) - 1
    assert all(len(frame.body or b"") <= 262_144 for frame in frames(state))


def test_a_line_that_is_too_long_to_be_held_flows_through_and_is_hashed(
    state: State, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    import hashlib

    from muniment.agent.mcp import tee
    from muniment.agent.mcp.observer import McpRecorder, McpSession
    from muniment.agent.spools.spool import Spool

    monkeypatch.setattr(tee, "MAX_LINE", 100_000)
    line = b"y" * 700_000
    source, sink = os.pipe(), os.pipe()
    with Spool("a", state=state) as spool:
        session = McpSession(McpRecorder(spool, "s"))
        pump = tee.Pump(source[0], tee.Outlet(sink[1]), "client", lambda line: line, session)
        import threading

        got: list[bytes] = []

        def drain() -> None:
            while chunk := os.read(sink[0], 65_536):
                got.append(chunk)

        def fill() -> None:
            with os.fdopen(source[1], "wb") as stream:
                stream.write(line + b"\n" + b"after\n")

        threads = [threading.Thread(target=drain), threading.Thread(target=fill)]
        for thread in threads:
            thread.start()
        pump.run()
        os.close(sink[1])
        for thread in threads:
            thread.join()
    os.close(source[0])
    os.close(sink[0])
    assert b"".join(got) == line + b"\nafter\n"
    begin, end = events(state)
    assert labels(begin)["mcp.oversize"] == "client"
    assert labels(end)["mcp.bytes"] == "700000"
    assert labels(end)["mcp.sha256"] == hashlib.sha256(line).hexdigest()


def test_the_server_never_sees_the_key(start: Start) -> None:
    out, _ = start(
        "import os; print(os.environ.get('MUNIMENT_KEY'), os.environ.get('OTHER'))",
        "--no-ship",
        MUNIMENT_KEY="mk_01KAY9M2Z7Q4WXYH3J8V5T6R0C_" + "s" * 43,
        OTHER="x",
    ).communicate(timeout=60)
    assert out == b"None x\n"


def test_a_ledger_that_is_down_changes_nothing_for_client_and_server(state: State, start: Start) -> None:
    running = start(ECHO, MUNIMENT_URL="http://127.0.0.1:9", MUNIMENT_KEY="mk_01KAY9M2Z7Q4WXYH3J8V5T6R0C_" + "s" * 43)
    out, _ = running.communicate(CALL, timeout=60)
    assert json.loads(out)["id"] == 1
    assert running.returncode == 0
    assert [event.action for event in events(state)] == ["process.start", "tool.call", "tool.result", "process.exit"]


def test_a_key_that_is_none_keeps_the_spool_and_says_so(state: State, start: Start) -> None:
    running = start(ECHO, MUNIMENT_URL="http://127.0.0.1:9", MUNIMENT_KEY="secret-but-wrong")
    _, err = running.communicate(CALL, timeout=60)
    assert b"MUNIMENT_KEY" in err
    assert b"secret-but-wrong" not in err
    assert len(events(state)) == 4


def test_a_command_that_does_not_exist_is_said_and_recorded(state: State) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "muniment", "mcp", "--", "/nonexistent/server"],
        env={**os.environ, "MUNIMENT_STATE": str(state.root)},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 127
    assert b"No such file" in done.stderr
    assert [(event.action, event.outcome) for event in events(state)] == [
        ("process.start", "unknown"),
        ("process.exit", "failure"),
    ]
