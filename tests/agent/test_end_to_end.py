"""From a tool call to a proven entry: real client, real MCP server, recorder, shipper, server and database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mcp import Client, StdioServerParameters, stdio_client

from muniment.agent.spool import Spool
from muniment.agent.state import State
from muniment.verifier.knownlogs import KnownLogs
from muniment.verifier.standalone import muniment_verify as standalone
from tests.agent.reading_back import segments
from tests.support.installations import Installation, installation, printed_key

pytestmark = pytest.mark.long
BIN = Path(sys.executable).parent


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
    assert actions == ["process.start", "tool.call", "tool.result", "process.exit"]
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


def test_nothing_is_lost_while_the_server_is_down(state: State, running: Running) -> None:
    running.made.kill_server()
    with Spool("patient", state=state) as spool:
        for number in range(50):
            spool.record(action="tool.call", tool=f"patient-{number}", workspace="wks-patient")
    done = running.ship(state, "--wait", "1")
    assert done.returncode == 1
    assert "something is left" in done.stderr
    running.made.up()
    running.url = running.made.server().url
    done = running.ship(state)
    assert done.returncode == 0, done.stderr
    tools = [
        entry["entry"]["event"]["tool"] for entry in reversed(running.entries(workspace="wks-patient", limit="100"))
    ]  # type: ignore[index]
    assert tools == [f"patient-{number}" for number in range(50)]
