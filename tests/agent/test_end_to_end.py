"""From a tool call to a proven entry: real client, real MCP server, recorder, shipper, server and database."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters, stdio_client

from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from muniment.core.body import check_body
from muniment.verifier.knownlogs import KnownLogs
from muniment.verifier.standalone import muniment_verify as standalone
from tests.agent.reading_back import frames, segments
from tests.support.installations import Installation, installation, printed_key

pytestmark = pytest.mark.long
BIN = Path(sys.executable).parent
EVENTS = 12_000
MOST_MIB = 6
"""How much memory may grow between a twentieth of the events and all of them; the events themselves take 13 MiB."""

RECORD = """
import resource, sys
import muniment
def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
for number in range(int(sys.argv[1])):
    muniment.record("tool.call", tool="counted", payload={"number": number, "text": "q" * 400}, workspace="wks-hour")
    if number == int(sys.argv[1]) // 20:
        early = memory()
print(memory() - early)
"""
SHIP = """
import resource, subprocess, sys
status = subprocess.run([sys.executable, "-m", "muniment", "ship", "--wait", "240"]).returncode
print("memory", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
sys.exit(status)
"""


class Running:
    """An installation that is up, with its first keys."""

    def __init__(self, made: Installation) -> None:
        self.made = made
        said = made.up()
        self.key = printed_key(said, "append")
        self.reading = printed_key(said, "read")
        self.url = made.server().url

    def environ(self, state: State) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")}
        return {**clean, "MUNIMENT_STATE": str(state.root), "MUNIMENT_URL": self.url, "MUNIMENT_KEY": self.key}

    def ship(self, state: State, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "muniment", "ship", *options],
            env=self.environ(state),
            capture_output=True,
            text=True,
            timeout=120,
        )

    def entries(self, **query: str) -> list[dict[str, object]]:
        headers = {"authorization": f"Bearer {self.reading}"}
        answer = httpx.get(f"{self.url}/api/entries", params=query, headers=headers, timeout=30, trust_env=False)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, object]] = answer.json()["entries"]
        return found


def program(code: str, *arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=400)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with installation() as made:
        yield Running(made)


def test_what_is_recorded_is_proven_and_freed(state: State, running: Running) -> None:
    with Spool("batch", state=state) as spool:
        for number in range(1_500):
            spool.record(action="tool.call", tool="counted", payload={"number": number})
        spool.record(action="file.access", tool="big", payload=b"x" * 300_000)
    done = running.ship(state)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1501 events proven, 0 refused, 0 damaged places")
    assert "first use of the log" in done.stderr
    assert not segments(state)
    (known,) = KnownLogs(state.known_logs).all()
    assert known.checkpoint.size > 1_500
    assert running.ship(state).stdout.startswith("0 events proven")


def test_odd_payloads_and_clocks_arrive_as_the_page_says(state: State, running: Running) -> None:
    times = iter([5_000_000_000, 1_000_000_000, 0, -1, 2_000_000_000])
    with Spool("odd", state=state, clock=lambda: next(times)) as spool:
        for payload in (b"x" * 10_000_000, {"result": "y" * 10_000_000}, bytes(range(256)), "\ud800\x00", b""):
            spool.record(action="tool.result", payload=payload, workspace="wks-odd")
    kept = frames(state)
    done = running.ship(state)
    assert done.stdout.startswith("5 events proven, 0 refused, 0 damaged places"), done.stderr
    arrived: list[Any] = [entry["entry"]["event"] for entry in reversed(running.entries(workspace="wks-odd"))]  # type: ignore[index]
    assert [event["body"]["len"] for event in arrived] == [10_000_000, 10_000_013, 256, 14, 0]
    assert [event["body"]["type"] for event in arrived[1:3]] == ["application/json", "application/octet-stream"]
    assert [event["occurred_at"][11:19] for event in arrived] == ["00:00:05", "00:00:01", *["00:00:00"] * 2, "00:00:02"]
    assert sorted(event["id"] for event in arrived) == [event["id"] for event in arrived]
    # What was too long to be kept can still be proven by whoever has it, with the salt that was kept.
    assert (kept[0].body, kept[2].body) == (b"", bytes(range(256)))
    assert kept[0].salt is not None
    check_body(bytes.fromhex(arrived[0]["body"]["commit"]), 10_000_000, kept[0].salt, b"x" * 10_000_000)


async def test_a_recorded_session_arrives_by_itself(state: State, running: Running, tmp_path: Path) -> None:
    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True)
    server = [str(BIN / "mcp-server-git"), "--repository", str(tmp_path)]
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "muniment", "mcp", "--agent", "session", "--workspace", "wks-e2e", "--", *server],
        env=running.environ(state),
    )
    async with Client(stdio_client(parameters)) as client:
        await client.call_tool("git_status", {"repo_path": str(tmp_path)})
    deadline = time.monotonic() + 60
    while segments(state) and time.monotonic() < deadline:
        time.sleep(0.1)
    found = running.entries(workspace="wks-e2e")
    actions = [entry["entry"]["event"]["action"] for entry in reversed(found)]  # type: ignore[index]
    assert (actions[0], actions[-1]) == ("process.start", "process.exit")
    assert [action for action in actions if action.startswith("tool.")] == ["tool.call", "tool.result"]
    assert not segments(state), (state.root / "ship.log").read_text()


def test_a_key_that_may_only_read_ships_nothing(state: State, running: Running) -> None:
    with Spool("reader", state=state) as spool:
        spool.record(action="tool.call")
    environ = {**running.environ(state), "MUNIMENT_KEY": running.reading}
    done = subprocess.run(
        [sys.executable, "-m", "muniment", "ship", "--wait", "1"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "403" in done.stderr
    assert segments(state)


def test_an_event_that_the_ledger_refuses_leaves_a_gap_with_a_name(state: State, running: Running) -> None:
    with Spool("refused", state=state) as spool:
        for action in ("tool.call", "keys.publish", "tool.call"):
            spool.record(action=action, workspace="wks-refused")
    done = running.ship(state)
    assert "3 events proven, 1 refused" in done.stdout, done.stderr
    assert not segments(state)
    numbers = [entry["entry"]["event"]["source"]["seq"] for entry in running.entries(workspace="wks-refused")]  # type: ignore[index]
    assert sorted(numbers) == [0, 2]
    (known,) = KnownLogs(state.known_logs).all()
    verifiers = (
        [sys.executable, "-m", "muniment", "verify", "--key", running.reading],
        [sys.executable, standalone.__file__, "--key", running.reading],
    )
    for verifier in verifiers:
        said = subprocess.run(
            [*verifier, f"{running.url}/logs/{known.origin}", "--json"],
            env=running.environ(state),
            capture_output=True,
            text=True,
            timeout=120,
        )
        checks = {check["name"]: check for check in json.loads(said.stdout)["checks"]}
        assert checks["sources"]["state"] == "passed", said.stdout
        assert "of refused events" in checks["sources"]["reason"]


def test_a_rewritten_log_is_called_out_by_the_next_shipment(state: State, running: Running) -> None:
    with Spool("rewritten", state=state) as spool:
        spool.record(action="tool.call")
    assert running.ship(state).returncode == 0
    (path,) = state.known_logs.glob("*.json")
    text = path.read_text()
    (known,) = KnownLogs(state.known_logs).all()
    # What this machine has proven is now another tree of the same size: the log before it was rewritten.
    path.write_text(text.replace(known.checkpoint.root.hex(), "ab" * 32))
    with Spool("rewritten", state=state) as spool:
        spool.record(action="tool.call")
    done = running.ship(state)
    assert done.returncode == 1
    assert "does not contain what this machine has proven of it before" in done.stderr
    assert segments(state)


@pytest.mark.timeout(600)
def test_a_long_time_without_a_ledger_is_kept_on_disk_and_drains_in_order(state: State, running: Running) -> None:
    """An hour at 1,000 events a second is 3.6 million events; `bench/recorder_outage.py` measures more of it.

    What could fail with time (memory that grows with the number of events, in the agent or in the shipper; an order
    that does not survive segments and passes) fails with these, too.
    """
    running.made.kill_server()
    recorded = program(RECORD, str(EVENTS), env=running.environ(state))
    assert recorded.returncode == 0, recorded.stderr
    assert float(recorded.stdout) < MOST_MIB
    assert len(segments(state)) > 1
    with socket.socket() as nobody:
        # Not the dead server's own address, which another installation may take meanwhile.
        nobody.bind(("127.0.0.1", 0))
        running.url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        down = running.ship(state, "--wait", "1")
    assert down.returncode == 1
    assert "0 events proven" in down.stdout
    assert "something is left" in down.stderr

    running.made.up()
    running.url = running.made.server().url
    drained = program(SHIP, env=running.environ(state))
    assert drained.returncode == 0, drained.stderr
    assert f"{EVENTS} events proven, 0 refused, 0 damaged places" in drained.stdout
    assert not segments(state)
    # A pass holds at most 10,000 events and 32 MiB of them.
    assert float(drained.stdout.split("memory ")[1]) < 200

    (known,) = KnownLogs(state.known_logs).all()
    verified = subprocess.run(
        [
            sys.executable,
            "-m",
            "muniment",
            "verify",
            "--key",
            running.reading,
            f"{running.url}/logs/{known.origin}",
            "--json",
        ],
        env=running.environ(state),
        capture_output=True,
        text=True,
        timeout=300,
    )
    checks = {check["name"]: check for check in json.loads(verified.stdout)["checks"]}
    # Along the log, the numbers of a source and its epoch ascend by exactly one.
    assert checks["sources"]["state"] == "passed", verified.stdout
    (newest,) = running.entries(workspace="wks-hour", limit="1")
    assert newest["entry"]["event"]["source"]["seq"] == EVENTS - 1  # type: ignore[index]
