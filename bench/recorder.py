"""`record()` in the agent's process, and the latency that the MCP recorder adds to a tool call.

The agent records at 4,000 events a second with a 500-byte payload. The floor is what this machine needs, at the same
pace, for nothing but a SHA-256 and an `O_APPEND` write of the same size while another thread syncs every 4 ms; below it
stands a bare write with nobody syncing. Rounds alternate, so that a load on the machine hits them all, and the quotient
says what is ours. Where the machine is busy, p99 is the scheduler's: `chrt -f 1` before the command keeps it out.
"""

import hashlib
import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import muniment
from bench.recorder_mcp import added
from bench.recorder_outage import outage
from bench.row import Row
from muniment.agent.recording import default_spool
from muniment.agent.spools.syncer import SYNC_INTERVAL
from muniment.agent.state import State

RATE = 4_000
ROUNDS = 12
EVENTS = 1_000
DURABLE = 500
PAYLOAD = {"path": "/srv/data/report.csv", "query": "q" * 450}
TRACE = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
_WAITED = [0]
"""Calls, of all that were paced, in which the thread gave up the processor to wait for a lock or the disk."""


def run() -> list[Row]:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix=".muniment-bench-", dir=Path.cwd()) as directory:
        state = State(Path(directory))
        return [*_recording(state, Path(directory)), *added(state), *outage()]


def _recording(state: State, directory: Path) -> Iterator[Row]:
    os.environ["MUNIMENT_STATE"] = str(state.root)
    with default_spool() as spool:

        def one() -> None:
            muniment.record(
                "tool.call",
                payload=PAYLOAD,
                tool="http_request",
                resource=("tool", "agent.exec"),
                labels={"env": "prod"},
                trace=TRACE,
                workspace="wks-prod-01",
            )

        _paced(one, EVENTS)
        waited = 0
        times: list[float] = []
        floor: list[float] = []
        bare: list[float] = []
        ratios: list[float] = []
        for _ in range(ROUNDS):
            before = _WAITED[0]
            ours = _paced(one, EVENTS)
            waited += _WAITED[0] - before
            least = _floor(directory)
            ratios.append(_at(ours, 0.5) / _at(least, 0.5))
            times += ours
            floor += least
            bare += _bare(directory)
        began, worked = time.perf_counter(), time.thread_time()
        for _ in range(ROUNDS * EVENTS):
            one()
        flat = ROUNDS * EVENTS / (time.perf_counter() - began)
        processor = (time.thread_time() - worked) / (ROUNDS * EVENTS)
        durable = _timed(lambda: spool.record(action="tool.call", payload=PAYLOAD, durable=True), DURABLE)
    times.sort()
    floor.sort()
    bare.sort()
    yield Row("record(), 4,000 events/s, median", _at(times, 0.5) * 1e6, "us")
    yield Row("record(), 4,000 events/s, p99", _at(times, 0.99) * 1e6, "us", target=100, better="lower")
    yield Row("the machine's floor at that pace: hash, write, background sync, median", _at(floor, 0.5) * 1e6, "us")
    yield Row("the machine's floor at that pace: hash, write, background sync, p99", _at(floor, 0.99) * 1e6, "us")
    yield Row("a bare os.write of the same bytes at that pace, median", _at(bare, 0.5) * 1e6, "us")
    yield Row("a bare os.write of the same bytes at that pace, p99", _at(bare, 0.99) * 1e6, "us")
    yield Row("record() / floor, median of the rounds' medians", _at(sorted(ratios), 0.5), "ratio")
    yield Row("record(), calls in which the thread had to wait for another", 100 * waited / (ROUNDS * EVENTS), "%")
    yield Row("record() / floor, p99", _at(times, 0.99) / _at(floor, 0.99), "ratio")
    yield Row("record(), processor time flat out", processor * 1e6, "us")
    yield Row("record(), flat out, one thread", flat, "events/s")
    yield Row("record(durable=True), median", _at(durable, 0.5) * 1e6, "us")


def _floor(directory: Path) -> list[float]:
    descriptor = os.open(directory / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    block = b"x" * 1_100
    ended = threading.Event()

    def sync() -> None:
        while not ended.is_set():
            time.sleep(SYNC_INTERVAL)
            os.fdatasync(descriptor)

    thread = threading.Thread(target=sync)
    thread.start()
    floor = _paced(lambda: (hashlib.sha256(block).digest(), os.write(descriptor, block)), EVENTS)
    ended.set()
    thread.join()
    os.close(descriptor)
    return floor


def _bare(directory: Path) -> list[float]:
    descriptor = os.open(directory / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    block = b"x" * 1_100
    times = _paced(lambda: os.write(descriptor, block), EVENTS)
    os.close(descriptor)
    return times


def _timed(call: Callable[[], object], count: int) -> list[float]:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return sorted(times)


def _paced(call: Callable[[], object], count: int) -> list[float]:
    times = []
    due = time.perf_counter()
    for _ in range(count):
        switches = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
        _WAITED[0] += resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw > switches
        due += 1 / RATE
        while time.perf_counter() < due:
            time.sleep(0)
    return sorted(times)


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
