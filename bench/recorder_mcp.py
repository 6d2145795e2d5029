"""The latency that the MCP recorder adds to a tool call.

The recorder stands between a bare client and a bare echo server, so that nothing hides its cost. Calls past it, through
a tee that only moves bytes, through one that also parses, hashes and writes as much, through the recorder, and through
it with `--durable` alternate within one run. A process that waits between two messages runs slower than one that never
waits, by how much is the machine's: so the recorder's processor time without waiting is measured, too.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Self

from bench.row import Row
from muniment.agent.mcp.observer import McpRecorder, McpSession
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State

CALLS = 1_500
TEE = """
import hashlib, json, os, select, subprocess, sys
child = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND) if sys.argv[1] else None
ways = {0: child.stdin.fileno(), child.stdout.fileno(): 1}
poll = select.poll()
for source in ways:
    poll.register(source, select.POLLIN)
chunk = b" "
while chunk:
    for source, _ in poll.poll():
        chunk = os.read(source, 65536)
        if not chunk:
            break
        if log is not None:
            json.loads(chunk)
            os.write(log, hashlib.sha256(chunk).digest() + chunk.ljust(1100))
        os.write(ways[source], chunk)
child.stdin.close()
child.wait()
"""
ECHO = """
import sys
read, write = sys.stdin.buffer.readline, sys.stdout.buffer
while line := read():
    at = line.index(b'"id":') + 5
    write.write(b'{"jsonrpc":"2.0","id":' + line[at:line.index(b',', at)] + b',"result":{"content":["ok"]}}\\n')
    write.flush()
"""


def added(state: State) -> Iterator[Row]:
    """Measure."""
    server = [sys.executable, "-u", "-c", ECHO]
    recorder = [sys.executable, "-m", "muniment", "mcp", "--agent", "bench", "--no-ship"]
    environ = {**os.environ, "MUNIMENT_STATE": str(state.root)}
    with contextlib.ExitStack() as running:
        direct = running.enter_context(_Peer(server, environ))
        bare = running.enter_context(_Peer([sys.executable, "-c", TEE, "", *server], environ))
        least = running.enter_context(_Peer([sys.executable, "-c", TEE, str(state.root / "floor"), *server], environ))
        recorded = running.enter_context(_Peer([*recorder, "--", *server], environ))
        durable = running.enter_context(_Peer([*recorder, "--durable", "--", *server], environ))
        peers = (direct, bare, least, recorded, durable)
        for peer in peers:
            peer.calls(50)
        for _ in range(CALLS // 10):
            for peer in peers:
                peer.measured += peer.calls(10)
    past, moved, kept, through, waited = [sorted(peer.measured) for peer in peers]
    added = _at(through, 0.5) - _at(past, 0.5)
    yield Row("MCP tool call past the recorder, median", _at(past, 0.5) * 1e3, "ms")
    yield Row("MCP recorder, added at the median", added * 1e3, "ms", target=0.2, better="lower")
    yield Row("a tee that only moves bytes, added at the median", (_at(moved, 0.5) - _at(past, 0.5)) * 1e3, "ms")
    yield Row(
        "a tee that parses, hashes and writes, added at the median", (_at(kept, 0.5) - _at(past, 0.5)) * 1e3, "ms"
    )
    yield Row("MCP recorder, processor time of a call without waiting", _unwaiting(state) * 1e3, "ms")
    yield Row("MCP recorder, added at p99", (_at(through, 0.99) - _at(past, 0.99)) * 1e3, "ms")
    yield Row("MCP recorder --durable, added at the median", (_at(waited, 0.5) - _at(past, 0.5)) * 1e3, "ms")


def _unwaiting(state: State) -> float:
    """Seconds of processor time for the recording of a call and its answer, one after the other in this process."""
    with Spool("bench", state=state) as spool:
        session = McpSession(McpRecorder(spool, "echo"))
        times = []
        for number in range(CALLS):
            began = time.thread_time()
            session.from_client(_call(number))
            session.from_server(b'{"jsonrpc":"2.0","id":%d,"result":{"content":["ok"]}}' % number)
            times.append(time.thread_time() - began)
    return _at(sorted(times), 0.5)


def _call(number: int) -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"text":"%s"}}}' % (
        number,
        b"q" * 300,
    )


class _Peer:
    """A command that answers MCP calls on its stdin and stdout."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environ)
        self._number = 0
        self.measured: list[float] = []

    def __enter__(self) -> Self:
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
            line = _call(self._number) + b"\n"
            began = time.perf_counter()
            os.write(into, line)
            answer = os.read(out, 65_536)
            while not answer.endswith(b"\n"):
                answer += os.read(out, 65_536)
            times.append(time.perf_counter() - began)
        return times


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
