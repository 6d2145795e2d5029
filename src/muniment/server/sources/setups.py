"""Setting up each kind of capture: what is to be pasted where, with address, key and pin filled in.

docs/capture.md says what each kind sees and promises. Every text here is run by a test as it stands.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Filling:
    """What is filled in.

    Attributes:
        url: of the server, without a slash at the end.
        key: an append key's token.
        pin: one line of JSON.
    """

    url: str
    key: str
    pin: str


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do: a title, and the text to paste; `note` says what is to be known about it."""

    title: str
    text: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """One kind of capture.

    Attributes:
        code: its name in addresses.
        title: for people.
        meaning: what it is for, and what it records.
        label: that a new key is given unless another is chosen.
        steps: makes the steps.
    """

    code: str
    title: str
    meaning: str
    label: str
    steps: Callable[[Filling], tuple[Step, ...]]


def _settings(filled: Filling) -> str:
    return (
        f"export MUNIMENT_URL={shlex.quote(filled.url)}\n"
        f"export MUNIMENT_KEY={shlex.quote(filled.key)}\n"
        f"export MUNIMENT_PIN={shlex.quote(filled.pin)}"
    )


def _install() -> Step:
    return Step("Install", "pip install muniment", "On the machine that is to be recorded. Python 3.11 or later.")


def _environment(filled: Filling) -> Step:
    return Step(
        "Settings",
        _settings(filled),
        "The key can only append. The pin says which log this is and who may sign for it.",
    )


def _ship() -> Step:
    return Step(
        "Ship",
        "muniment ship",
        "It sends what was written to the spool and frees nothing that the ledger has not proven. "
        "With --follow it goes on for ever: run it as a service.",
    )


def _python(filled: Filling) -> tuple[Step, ...]:
    program = (
        "from muniment import record\n\n"
        'start = record("agent.start", payload={"task": "first steps"})\n'
        'record("tool.call", tool="search", payload={"query": "hello"}, causes=[start], outcome="success")\n'
    )
    return (
        _install(),
        _environment(filled),
        Step("Record", program, "It writes a spool on disk and returns."),
        _ship(),
    )


def _mcp(filled: Filling) -> tuple[Step, ...]:
    entry = {
        "command": "muniment",
        "args": ["mcp", "--agent", "research-01", "--", "mcp-server-git", "--repository", "."],
        "env": {"MUNIMENT_URL": filled.url, "MUNIMENT_KEY": filled.key, "MUNIMENT_PIN": filled.pin},
    }
    return (
        _install(),
        Step(
            "In the configuration of the MCP client",
            json.dumps(entry, indent=2),
            "What stands behind -- is the command of your server, unchanged. MCP clients start servers with a nearly "
            "empty environment, hence env. The recorder ships by itself.",
        ),
    )


def _process(filled: Filling) -> tuple[Step, ...]:
    return (
        _install(),
        _environment(filled),
        Step(
            "Record a command",
            "muniment record --exec -- ls",
            "It exits as the command does. The command line is not recorded, because it often holds credentials.",
        ),
        Step(
            "Record an event of your own",
            'muniment record x.deploy.finish --outcome success --label version=1.2 --payload \'{"host": "db-1"}\'',
        ),
        _ship(),
    )


def _shipper(filled: Filling) -> tuple[Step, ...]:
    return (
        _environment(filled),
        Step("Ship what is there", "muniment ship --wait 30", "Exit status 0: everything was sent and proven."),
    )


_EVENT: Final = (
    '{"event":{"action":"tool.call","actor":{"type":"agent","id":"agent:first"},"outcome":"success"},'
    '"payload":{"note":"hello"}}'
)


def _http(filled: Filling) -> tuple[Step, ...]:
    command = (
        "curl -sS -H 'Content-Type: application/json' \\\n"
        f"  -H {shlex.quote(f'Authorization: Bearer {filled.key}')} \\\n"
        f"  -d {shlex.quote(_EVENT)} \\\n"
        f"  {shlex.quote(filled.url + '/api/events')}"
    )
    return (
        Step(
            "Send an event",
            command,
            "The answer is a receipt: on disk, not yet sealed. Without numbers of its own a source shows no gaps, so "
            "prefer the SDK where you can.",
        ),
    )


def _any(filled: Filling) -> tuple[Step, ...]:
    program = (
        "import json, urllib.request\n\n"
        'event = {"action": "tool.call", "actor": {"type": "agent", "id": "agent:first"}, "outcome": "success"}\n'
        "request = urllib.request.Request(\n"
        f"    {json.dumps(filled.url + '/api/events')},\n"
        '    data=json.dumps({"event": event, "payload": {"note": "hello"}}).encode(),\n'
        "    headers={\n"
        '        "Content-Type": "application/json",\n'
        f'        "Authorization": {json.dumps("Bearer " + filled.key)},\n'
        "    },\n"
        ")\n"
        "print(urllib.request.urlopen(request).read().decode())\n"
    )
    return (
        Step(
            "What every language does",
            program,
            "One POST with a JSON body; here with Python's standard library alone. Give each event an id (evt_ and a "
            "ULID) and the source an id (src_ and a ULID) of your own, and a retry makes no second entry.",
        ),
    )


SETUPS: Final = {
    setup.code: setup
    for setup in (
        Setup(
            "python",
            "Python",
            "Call record() in your agent. It writes a spool and never waits for the network.",
            "Python agent",
            _python,
        ),
        Setup(
            "mcp",
            "MCP server",
            "Put a recorder before any stdio MCP server. Every tool call and result is recorded.",
            "MCP recorder",
            _mcp,
        ),
        Setup(
            "process",
            "Shell and processes",
            "Record commands and scripts: begin, end, and events of your own.",
            "Shell",
            _process,
        ),
        Setup(
            "shipper",
            "Shipper",
            "Send spools that are there already, from this machine or a mounted disk.",
            "Shipper",
            _shipper,
        ),
        Setup("http", "curl and HTTP", "Post events with nothing installed.", "HTTP client", _http),
        Setup("any", "Any language", "The same request, written out.", "Own client", _any),
    )
}
