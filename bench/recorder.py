"""`record()` in the agent's process, and the latency that the MCP recorder adds to a tool call.

The agent records at 4,000 events a second with a 500-byte payload. The floor beside it is what this machine needs, at
the same pace, for nothing but a SHA-256 and an `O_APPEND` write of the same size while another thread syncs: the
difference is ours.

The recorder stands between a bare client and a bare echo server, so that nothing hides its cost; calls through it and
calls past it alternate within one run.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.row import Row
from muniment.agent.spool import Spool
from muniment.agent.state import State

RATE = 4_000
EVENTS = 12_000
CALLS = 1_500
DURABLE = 500
PAYLOAD = {"path": "/srv/data/report.csv", "query": "q" * 450}
TRACE = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
ECHO = """
import sys
read, write = sys.stdin.buffer.readline, sys.stdout.buffer
while line := read():
    at = line.index(b'"id":') + 5
    write.write(b'{"jsonrpc":"2.0","id":' + line[at:line.index(b',', at)] + b',"result":{"content":["ok"]}}\\n')
    write.flush()
"""


def run() -> list[Row]:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix=".muniment-bench-", dir=Path.cwd()) as directory:
        state = State(Path(directory))
        return [*_recording(state, Path(directory)), *_mcp(state)]


def _recording(state: State, directory: Path) -> Iterator[Row]:
    with Spool("bench", state=state) as spool:

        def one() -> None:
            spool.record(
                action="tool.call",
                payload=PAYLOAD,
                tool="http_request",
                resource=("tool", "agent.exec"),
                labels={"env": "prod"},
                trace=TRACE,
                workspace="wks-prod-01",
            )

        _paced(one, 1_000)
        times = _paced(one, EVENTS)
        began = time.perf_counter()
        for _ in range(EVENTS):
            one()
        flat = EVENTS / (time.perf_counter() - began)
        durable = _timed(lambda: spool.record(action="tool.call", payload=PAYLOAD, durable=True), DURABLE)
    floor = _floor(directory)
    yield Row("record(), 4,000 events/s, median", _at(times, 0.5) * 1e6, "us")
    yield Row("record(), 4,000 events/s, p99", _at(times, 0.99) * 1e6, "us", target=100, better="lower")
    yield Row("the machine's floor at that pace: hash, write, background sync, p99", _at(floor, 0.99) * 1e6, "us")
    yield Row("record(), flat out, one thread", flat, "events/s")
    yield Row("record(durable=True), median", _at(durable, 0.5) * 1e6, "us")


def _floor(directory: Path) -> list[float]:
    descriptor = os.open(directory / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    block = b"x" * 1_100
    ended = threading.Event()

    def sync() -> None:
        while not ended.is_set():
            time.sleep(0.004)
            os.fdatasync(descriptor)

    thread = threading.Thread(target=sync)
    thread.start()
    floor = _paced(lambda: (hashlib.sha256(block).digest(), os.write(descriptor, block)), EVENTS)
    ended.set()
    thread.join()
    os.close(descriptor)
    return floor


def _mcp(state: State) -> Iterator[Row]:
    server = [sys.executable, "-u", "-c", ECHO]
    recorder = [sys.executable, "-m", "muniment", "mcp", "--agent", "bench", "--no-ship"]
    environ = {**os.environ, "MUNIMENT_STATE": str(state.root)}
    with contextlib.ExitStack() as running:
        direct = running.enter_context(_Peer(server, environ))
        recorded = running.enter_context(_Peer([*recorder, "--", *server], environ))
        durable = running.enter_context(_Peer([*recorder, "--durable", "--", *server], environ))
        peers = (direct, recorded, durable)
        for peer in peers:
            peer.calls(50)
        for _ in range(CALLS // 10):
            for peer in peers:
                peer.measured += peer.calls(10)
    past = _at(sorted(direct.measured), 0.5)
    through = _at(sorted(recorded.measured), 0.5)
    waited = _at(sorted(durable.measured), 0.5)
    yield Row("MCP tool call past the recorder, median", past * 1e3, "ms")
    yield Row("MCP recorder, added at the median", (through - past) * 1e3, "ms", target=0.2, better="lower")
    yield Row(
        "MCP recorder, added at p99",
        (_at(sorted(recorded.measured), 0.99) - _at(sorted(direct.measured), 0.99)) * 1e3,
        "ms",
    )
    yield Row("MCP recorder --durable, added at the median", (waited - past) * 1e3, "ms")


class _Peer:
    """A command that answers MCP calls on its stdin and stdout."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environ)
        self._number = 0
        self.measured: list[float] = []

    def __enter__(self) -> "_Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=30)

    def calls(self, count: int) -> list[float]:
        """Seconds for each of so many calls, one after the other."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        into, out = self._process.stdin.fileno(), self._process.stdout.fileno()
        times = []
        for _ in range(count):
            self._number += 1
            line = (
                b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"text":"%s"}}}\n'
                % (self._number, b"q" * 300)
            )
            began = time.perf_counter()
            os.write(into, line)
            answer = os.read(out, 65_536)
            while not answer.endswith(b"\n"):
                answer += os.read(out, 65_536)
            times.append(time.perf_counter() - began)
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
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
        due += 1 / RATE
        while time.perf_counter() < due:
            time.sleep(0)
    return sorted(times)


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
