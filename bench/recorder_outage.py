"""The ledger is away while an agent goes on, comes back, and everything drains: how fast, and in how much memory.

An hour at 1,000 events a second is 3.6 million events, which take about 4 GiB of disk and as long to drain as the
ledger needs for them. By default a sixtieth of it is measured; `MUNIMENT_BENCH_OUTAGE` says how many events instead.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.row import Row
from tests.support.installations import installation, printed_key

EVENTS = int(os.environ.get("MUNIMENT_BENCH_OUTAGE", "60000"))
RECORD = """
import resource, sys, time
import muniment
began = time.perf_counter()
for number in range(int(sys.argv[1])):
    muniment.record("tool.call", tool="counted", payload={"number": number, "text": "q" * 450}, workspace="wks-hour")
    if number == 10_000:
        early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - early)
"""


class Drained(NamedTuple):
    """What a shipper did: events proven, the most memory it took in KiB, its processor time in seconds."""

    proven: int
    memory: int
    processor: float


def outage() -> Iterator[Row]:
    """Measure."""
    with installation() as made, tempfile.TemporaryDirectory(prefix=".muniment-bench-", dir=Path.cwd()) as state:
        key = printed_key(made.up(), "append")
        url = made.server().url
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")}
        environ = {**clean, "MUNIMENT_STATE": state, "MUNIMENT_URL": url, "MUNIMENT_KEY": key}
        made.kill_server()
        command = [sys.executable, "-c", RECORD, str(EVENTS)]
        said = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
        recording, grown = (float(word) for word in said.split())
        spooled = sum(path.stat().st_size for path in Path(state).glob("spool/*/*/*.seg"))
        made.up()
        environ["MUNIMENT_URL"] = made.server().url
        began = time.perf_counter()
        drained = _drain(environ)
        seconds = time.perf_counter() - began
        left = len(list(Path(state).glob("spool/*/*/*.seg")))
    yield Row("outage: events recorded without a ledger", EVENTS, "events")
    yield Row("outage: recorded, one thread", EVENTS / recording, "events/s", target=1_000)
    yield Row("outage: memory that the agent grew by after the first 10,000", grown / 1024, "MiB")
    yield Row("outage: disk for each event", spooled / EVENTS, "bytes")
    yield Row("outage: proven once the ledger is back", drained.proven / EVENTS, "ratio", target=1, gate=True)
    yield Row("outage: segments left then", left, "files", target=0, better="lower", gate=True)
    yield Row("outage: drained and proven", EVENTS / seconds, "events/s", target=1_000)
    yield Row("outage: the shipper's memory at most", drained.memory / 1024, "MiB")
    yield Row("outage: the shipper's processor time for each event", drained.processor / EVENTS * 1e6, "us")


def _drain(environ: dict[str, str]) -> Drained:
    command = [sys.executable, "-m", "muniment", "ship", "--wait", "600"]
    shipper = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
    assert shipper.stdout is not None
    said = shipper.stdout.read()
    _, _, used = os.wait4(shipper.pid, 0)
    found = re.match(r"(\d+) events proven", said)
    return Drained(int(found[1]) if found else 0, used.ru_maxrss, used.ru_utime + used.ru_stime)
