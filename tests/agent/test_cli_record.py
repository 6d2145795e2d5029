"""`muniment record`: one event from a shell script, on disk when the command returns."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from muniment.agent.shipping.client import LedgerClient
from muniment.agent.shipping.gatekeeper import Gatekeeper
from muniment.agent.state import State
from muniment.core.identifiers import EVENT_REFERENCES
from tests.agent.fake_ledger import KEY, FakeLedger
from tests.agent.reading_back import events, frames, labels


def record(state: State, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "muniment", "record", *arguments],
        env={**os.environ, "MUNIMENT_STATE": str(state.root)},
        input=stdin,
        capture_output=True,
        timeout=60,
    )


def test_it_prints_the_reference_of_what_it_recorded(state: State) -> None:
    done = record(
        state, "x.deploy.finish", "--actor", "user:usr_1", "--outcome", "success", "--label", "v=1",
        "--resource", "host:db-1", "--payload", '{"a": 1}', "--workspace", "w",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    reference = done.stdout.decode().strip()
    assert EVENT_REFERENCES.check(reference)
    (event,) = events(state)
    assert reference.endswith(event.id)
    assert (event.actor.type, event.outcome, labels(event)["v"]) == ("user", "success", "1")
    assert frames(state)[0].body == b'{"a": 1}'


def test_any_bytes_can_come_from_stdin(state: State) -> None:
    assert record(state, "x.a", "--payload", "-", stdin=b"\xff\x00").returncode == 0
    assert record(state, "x.a", "--payload", "-", stdin=b"{}").returncode == 0
    assert sorted(event.body.type for event in events(state) if event.body) == [
        "application/json",
        "application/octet-stream",
    ]


def test_a_command_is_recorded_around_and_its_status_is_ours(state: State) -> None:
    done = record(state, "--exec", "--", "sh", "-c", "echo out; exit 3")
    assert done.returncode == 3
    assert done.stdout == b"out\n"
    start, end = events(state)
    assert (start.action, end.action, end.outcome) == ("process.start", "process.exit", "failure")
    assert end.causes == (f"{start.source.id}/{start.id}",)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Nonsense"], "action"),
        (["tool.cal"], "not registered"),
        (["x.a", "--payload", "{"], "not JSON"),
        (["x.a", "--label", "novalue"], "labels"),
        (["x.a", "--cause", "evt_1"], "causes"),
        (["x.a", "--resource", "host"], "--resource"),
        (["x.a", "--outcome", "fine"], "outcome"),
        ([], "ACTION"),
        (["--exec"], "command"),
    ],
)
def test_what_cannot_be_recorded_is_said_and_ends_with_status_2(state: State, arguments: list[str], words: str) -> None:
    done = record(state, *arguments)
    assert done.returncode == 2
    assert words in done.stderr.decode()
    assert not done.stdout


def test_shipping_without_an_address_is_a_usage_error(state: State) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("MUNIMENT_")}
    done = subprocess.run(
        [sys.executable, "-m", "muniment", "ship"],
        env={**environ, "MUNIMENT_STATE": str(state.root)},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert json.dumps("MUNIMENT_URL")[1:-1] in done.stderr.decode()


def test_a_command_finds_its_cause_and_its_trace_and_so_does_what_it_records(state: State) -> None:
    inner = f'{sys.executable} -m muniment record x.inner && test -n "$TRACEPARENT"'
    done = record(state, "--exec", "--", "sh", "-c", inner)
    assert done.returncode == 0, done.stderr
    start, end, inside = sorted(
        events(state), key=lambda event: (event.action == "x.inner", event.action != "process.start")
    )
    assert inside.causes == end.causes == (f"{start.source.id}/{start.id}",)
    assert len({event.trace.id for event in (start, end, inside) if event.trace}) == 1


def test_a_cause_in_the_environment_is_taken_unless_another_is_named(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = record(state, "x.one").stdout.decode().strip()
    two = record(state, "x.two").stdout.decode().strip()
    monkeypatch.setenv("MUNIMENT_CAUSE", one)
    record(state, "x.three")
    record(state, "x.four", "--cause", two)
    monkeypatch.setenv("MUNIMENT_CAUSE", "nonsense")
    assert record(state, "x.five").returncode == 0
    causes = {event.action: event.causes for event in events(state)}
    assert causes == {"x.one": (), "x.two": (), "x.three": (one,), "x.four": (two,), "x.five": ()}


def test_with_gate_nothing_runs_without_the_ledgers_word(state: State) -> None:
    done = record(state, "config.change", "--gate")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"muniment ship --follow" in done.stderr
    done = record(state, "--exec", "--gate", "--", "sh", "-c", "echo ran")
    assert (done.returncode, done.stdout) == (1, b"")
    endings = [event for event in events(state) if event.action == "process.exit"]
    assert [(event.outcome, labels(event)["gate.reason"]) for event in endings] == [("denied", "no-shipper")]


def test_with_gate_a_command_runs_once_the_ledger_has_accepted_it(state: State, ledger: FakeLedger) -> None:
    client = LedgerClient(ledger.url, KEY, timeout=10)
    keeper = Gatekeeper(state, client)
    assert keeper.serve()
    done = record(state, "--exec", "--gate", "--", "sh", "-c", "echo ran")
    keeper.close()
    client.close()
    assert (done.returncode, done.stdout) == (0, b"ran\n")
    assert [event["action"] for event in ledger.parsed()] == ["process.start"]
