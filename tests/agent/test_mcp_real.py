"""A real client and a real server of the MCP package behind `muniment mcp`, in both eras of the protocol."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError

from muniment.agent.state import State
from tests.agent.reading_back import events, labels

SERVER = [sys.executable, str(Path(__file__).with_name("mcp_server.py"))]
POLICY = '[[rule]]\nname = "no-deletes"\neffect = "deny"\ntools = ["delete_*"]\n'


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_everything_that_both_sides_do_is_recorded(state: State, tmp_path: Path, mode: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "muniment", "mcp", "--agent", "t", "--no-ship", "--trace", "--policy", str(policy), "--", *SERVER],
        env={"MUNIMENT_STATE": str(state.root), "PATH": os.environ["PATH"]},
    )
    reports: list[float] = []

    async def progressed(progress: float, _total: float | None, _message: str | None) -> None:
        reports.append(progress)

    async with Client(stdio_client(parameters), mode=mode) as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"count", "wait", "delete_everything"}
        assert not (await client.call_tool("count", {"to": 3}, progress_callback=progressed)).is_error
        assert (await client.read_resource("memo://today")).contents
        assert (await client.get_prompt("greet", {"name": "Ada"})).messages
        with pytest.raises(MCPError):
            await client.read_resource("memo://never")
        with pytest.raises(MCPError, match="no-deletes"):
            await client.call_tool("delete_everything", {})
        with anyio.move_on_after(0.5):
            await client.call_tool("wait", {})
        assert not (await client.call_tool("count", {"to": 1})).is_error
    assert reports
    found = events(state)
    told = [
        (event.action, event.outcome, event.tool or labels(event)["mcp.method"])
        for event in found
        if (event.tool or labels(event).get("mcp.method", "") in ("resources/read", "prompts/get"))
        and labels(event).get("mcp.cancelled") != "answered"
    ]
    assert told == [
        ("tool.call", "unknown", "count"),
        ("tool.result", "success", "count"),
        ("resource.read", "unknown", "resources/read"),
        ("resource.result", "success", "resources/read"),
        ("mcp.request", "unknown", "prompts/get"),
        ("mcp.result", "success", "prompts/get"),
        ("resource.read", "unknown", "resources/read"),
        ("resource.result", "failure", "resources/read"),
        ("tool.call", "denied", "delete_everything"),
        ("tool.refuse", "denied", "delete_everything"),
        ("tool.call", "unknown", "wait"),
        ("tool.result", "unknown", "wait"),
        ("tool.call", "unknown", "count"),
        ("tool.result", "success", "count"),
    ]
    progress = next(event for event in found if event.action == "tool.result")
    assert labels(progress)["mcp.progress"] == str(len(reports))
    assert next(labels(event)["mcp.cancelled"] for event in found if event.tool == "wait" and event.causes) == "client"
    asked = [event for event in found if event.action in ("tool.call", "resource.read") and event.outcome == "unknown"]
    assert all(event.trace for event in asked)
    assert labels(found[0])["policy.rules"] == "1"
    last = next(event for event in reversed(found) if event.action == "tool.result")
    assert labels(last)["mcp.protocol"] == ("2025-11-25" if mode == "legacy" else "2026-07-28")
    assert labels(last)["mcp.server"] == "everything 1.2.3"


def test_a_broken_policy_starts_nothing(state: State, tmp_path: Path) -> None:
    import subprocess

    policy = tmp_path / "policy.toml"
    policy.write_text('[[rule]]\nname = "a"\neffect = "deny"\n')
    done = subprocess.run(
        [sys.executable, "-m", "muniment", "mcp", "--policy", str(policy), "--no-ship", "--", "touch", "started"],
        env={**os.environ, "MUNIMENT_STATE": str(state.root)},
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert b"rule 1 (a)" in done.stderr
    assert not (tmp_path / "started").exists()
    assert not state.spool.exists() or not events(state)
