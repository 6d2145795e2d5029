"""The ledger is away for long while an agent goes on: nothing is lost, memory stays bounded, and all drains in order.

An hour at 1,000 events a second is 3.6 million events. What could fail with time (memory that grows with the number of
events, in the agent or in the shipper; an order that does not survive segments and passes) fails with 40,000, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from muniment.agent.state import State
from muniment.verifier.knownlogs import KnownLogs
from tests.agent.reading_back import segments
from tests.support.installations import Installation, installation, printed_key

pytestmark = pytest.mark.xdist_group("end_to_end")
EVENTS = 40_000
MOST_MIB = 12
"""How much memory may grow between a twentieth of the events and all of them; the events themselves take 45 MiB."""

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


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Installation, str, str]]:
    with installation() as one:
        said = one.up()
        yield one, printed_key(said, "append"), printed_key(said, "read")


def environ(state: State, **more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")}
    return {**clean, "MUNIMENT_STATE": str(state.root), **more}


@pytest.mark.timeout(600)
def test_an_hour_without_a_ledger_is_kept_on_disk_and_drains_in_order(
    state: State, made: tuple[Installation, str, str]
) -> None:
    one, key, reading = made
    url = one.server().url
    shipping = environ(state, MUNIMENT_URL=url, MUNIMENT_KEY=key)
    one.kill_server()
    recorded = subprocess.run(
        [sys.executable, "-c", RECORD, str(EVENTS)], env=environ(state), capture_output=True, text=True, timeout=300
    )
    assert recorded.returncode == 0, recorded.stderr
    assert float(recorded.stdout) < MOST_MIB
    assert len(segments(state)) > 4
    down = subprocess.run(
        [sys.executable, "-m", "muniment", "ship", "--wait", "1"],
        env=shipping,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert down.returncode == 1
    assert "0 events proven" in down.stdout

    one.up()
    url = one.server().url
    shipping = environ(state, MUNIMENT_URL=url, MUNIMENT_KEY=key)
    drained = subprocess.run([sys.executable, "-c", SHIP], env=shipping, capture_output=True, text=True, timeout=400)
    assert drained.returncode == 0, drained.stderr
    assert f"{EVENTS} events proven, 0 refused, 0 damaged places" in drained.stdout
    assert not segments(state)
    # A pass holds at most 10,000 events and 32 MiB of them.
    assert float(drained.stdout.split("memory ")[1]) < 200

    (known,) = KnownLogs(state.known_logs).all()
    verified = subprocess.run(
        [sys.executable, "-m", "muniment", "verify", "--key", reading, f"{url}/logs/{known.origin}", "--json"],
        env=environ(state),
        capture_output=True,
        text=True,
        timeout=300,
    )
    checks = {check["name"]: check for check in json.loads(verified.stdout)["checks"]}
    # Along the log, the numbers of a source and its epoch ascend by exactly one.
    assert checks["sources"]["state"] == "passed", verified.stdout
    headers = {"authorization": f"Bearer {reading}"}
    newest = httpx.get(
        f"{url}/api/entries",
        params={"workspace": "wks-hour", "limit": "1"},
        headers=headers,
        timeout=60,
        trust_env=False,
    ).json()["entries"][0]["entry"]["event"]
    assert newest["source"]["seq"] == EVENTS - 1
