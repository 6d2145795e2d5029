"""HTTP ingest: one tenant; server, database and clients all on this machine, fsync on, a durable receipt each.

Clients are plain sockets that send requests made beforehand, so that they take as little of the machine as possible.
"""

import asyncio
import multiprocessing
import os
import queue
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench.ground import database
from bench.row import Row
from muniment.core.body import commit
from muniment.core.event import event_from_mapping
from muniment.core.identifiers import new_ulid
from muniment.keys import KeyRing
from muniment.server.installation_tenants import create_tenant_with_log
from muniment.server.runtime import Places

SECONDS = 8.0
WARM_SECONDS = 2.0
BATCH = 500
BATCH_CONNECTIONS = 4
SINGLE_CONNECTIONS = 64
# As `muniment up` serves, without its background process.
SERVE = """
import socket, sys
from muniment.server.runtime import Places
from muniment.server.runtime_http import HttpServer
HttpServer(Places.of(), socket.socket(fileno=int(sys.argv[1]))).serve_until_stopped()
"""


@dataclass(frozen=True)
class Load:
    """What the clients measured: events with a receipt a second, and the latency of each request in seconds."""

    rate: float
    latencies: list[float]


def submission(source: str | None) -> dict[str, object]:
    """A tool call with a payload of some 300 bytes: complete with a source, left to the server to complete without."""
    event: dict[str, object] = {
        "action": "tool.call",
        "actor": {"id": "agent:crewai-research-01", "type": "agent"},
        "labels": ["env=prod"],
        "outcome": "success",
        "resource": {"id": "agent.exec", "type": "tool"},
        "tool": "http_request",
        "trace": {"id": secrets.token_hex(16), "span": secrets.token_hex(8)},
        "workspace": "wks-prod-01",
    }
    payload = orjson.dumps(
        {"url": "https://example.org/search", "headers": {"accept": "*/*"}, "q": secrets.token_hex(120)}
    )
    if source is None:
        return {"event": event, "payload": orjson.Fragment(payload)}
    salt = secrets.token_bytes(32)
    event |= {
        "id": "evt_" + new_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10)),
        "occurred_at": "2026-03-01T14:23:07.847291000Z",
        "source": {"id": source},
        "body": {"commit": commit(salt, payload).hex(), "len": len(payload), "scheme": 1, "type": "application/json"},
    }
    text = orjson.Fragment(event_from_mapping(event).text())
    return {"event": text, "body": b64encode(payload).decode(), "salt": b64encode(salt).decode()}


def request(token: str, media: str, body: bytes) -> bytes:
    """The bytes of one HTTP request."""
    head = f"POST /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: {media}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def batches(token: str, connection: int, number: int) -> Iterator[bytes]:
    """Batches of complete submissions, one a line."""
    source = "src_" + new_ulid(connection, bytes(10))
    for _ in range(number):
        lines = b"\n".join(orjson.dumps(submission(source)) for _ in range(BATCH))
        yield request(token, "application/x-ndjson", lines)


def plain_batches(token: str, connection: int, number: int) -> Iterator[bytes]:
    """Batches as a plain HTTP client sends them: the server makes ids, times, salts and commitments."""
    del connection
    for _ in range(number):
        body = orjson.dumps({"events": [submission(None) for _ in range(BATCH)]})
        yield request(token, "application/json", body)


def singles(token: str, connection: int, number: int) -> Iterator[bytes]:
    """Single submissions."""
    source = "src_" + new_ulid(1000 + connection, bytes(10))
    for _ in range(number):
        yield request(token, "application/json", orjson.dumps(submission(source)))


async def _client(
    address: tuple[str, int], requests: list[bytes], stop_at: float, taken: list[tuple[float, float]]
) -> None:
    reader, writer = await asyncio.open_connection(*address, limit=1 << 22)
    for data in requests:
        begun = time.perf_counter()
        if begun >= stop_at:
            break
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(head.decode())
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        taken.append((time.perf_counter(), time.perf_counter() - begun))
    else:
        raise RuntimeError("the client ran out of requests; give it more")
    writer.close()


def drive(
    address: tuple[str, int],
    make: Callable[[str, int, int], Iterator[bytes]],
    token: str,
    connections: int,
    number: int,
    events: int,
    answer: "multiprocessing.Queue[Load]",
) -> None:
    """Make the requests, then send them for some seconds; runs in a process of its own."""
    requests = [list(make(token, at, number)) for at in range(connections)]

    async def run() -> None:
        begun = time.perf_counter()
        taken: list[tuple[float, float]] = []
        stop_at = begun + WARM_SECONDS + SECONDS
        await asyncio.gather(*(_client(address, own, stop_at, taken) for own in requests))
        counted = [(at, took) for at, took in taken if begun + WARM_SECONDS <= at < stop_at]
        answer.put(Load(len(counted) * events / SECONDS, [took for _, took in counted]))

    asyncio.run(run())


def measure(
    address: tuple[str, int],
    make: Callable[[str, int, int], Iterator[bytes]],
    token: str,
    *,
    connections: int,
    number: int,
    events: int,
) -> Load:
    """Drive the server from another process."""
    context = multiprocessing.get_context("spawn")
    answer: multiprocessing.Queue[Load] = context.Queue()
    client = context.Process(target=drive, args=(address, make, token, connections, number, events, answer))
    client.start()
    while True:
        try:
            load = answer.get(timeout=1)
        except queue.Empty:
            if not client.is_alive():
                raise RuntimeError("the clients ended without an answer") from None
        else:
            client.join(30)
            return load


@contextmanager
def server() -> Iterator[tuple[tuple[str, int], str]]:
    """A server on loopback with the settings that `muniment up` gives it; its address and an append token."""
    with (
        tempfile.TemporaryDirectory(prefix="muniment-bench-") as home,
        database() as base,
        socket.socket() as listening,
    ):
        places = Places(Path(home), Path(home) / "keys", Path(home) / "heads")
        places.make()
        KeyRing.create(places.keys, root_name="bench-root", region_name="bench-region")
        with base.connect("app", autocommit=True) as connection:
            tenant = create_tenant_with_log(connection, places, slug="bench", name="Bench", scopes=("append",))
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        address: tuple[str, int] = listening.getsockname()
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(listening.fileno())],
            env={
                **os.environ,
                **places.environment(),
                "MUNIMENT_APP_URL": base.url("app"),
                "MUNIMENT_INGEST_URL": base.url("ingest"),
            },
            pass_fds=[listening.fileno()],
        )
        try:
            yield address, tenant.tokens["append"]
        finally:
            process.terminate()
            process.wait(30)


def run() -> list[Row]:
    """Measure batches and single events."""
    with server() as (address, token):
        batched = measure(address, batches, token, connections=BATCH_CONNECTIONS, number=200, events=BATCH)
        plain = measure(address, plain_batches, token, connections=BATCH_CONNECTIONS, number=200, events=BATCH)
        single = measure(address, singles, token, connections=SINGLE_CONNECTIONS, number=1500, events=1)
    cuts = statistics.quantiles(single.latencies, n=100)
    return [
        Row("HTTP ingest, batches of 500, complete events", batched.rate, "events/s", 10_000),
        Row("HTTP ingest, batches of 500, completed by the server", plain.rate, "events/s"),
        Row(
            "HTTP ingest, batch of 500, median latency",
            statistics.median(batched.latencies) * 1e3,
            "ms",
            better="lower",
        ),
        Row("HTTP ingest, single events, 64 connections", single.rate, "events/s", 3_000),
        Row("HTTP ingest, single event, median latency", cuts[49] * 1e3, "ms", better="lower"),
        Row("HTTP ingest, single event, 99th percentile", cuts[98] * 1e3, "ms", better="lower"),
    ]
