"""Exports of a million entries over HTTP: entries a second in each format, and the server's memory meanwhile."""

import os
import sys
import time
from pathlib import Path

import httpx

from bench.explorer import SIZE, World, world
from bench.explorer_pages import SLUG
from bench.row import Row
from muniment.ledger.apikeys import create_api_key
from muniment.ledger.connection import tenant_transaction

FORMATS = ("ndjson", "json", "csv", "ocsf", "oscal")
GROWTH_MIB = 64.0
"""What the server's memory may grow by while a million entries go out."""


def run(size: int = SIZE) -> list[Row]:
    """Measure."""
    with world(size) as served:
        return [row for name in FORMATS for row in _measured(served, name)]


def _measured(served: World, name: str) -> list[Row]:
    server = _server()
    question = {"framework": "soc2"} if name == "oscal" else {}
    headers = {"Authorization": f"Bearer {_read_key(served)}"}
    with httpx.Client(base_url=served.url, headers=headers, timeout=600, trust_env=False) as client:
        began = time.perf_counter()
        made = (
            client.post(f"/t/{SLUG}/api/exports", json={"format": name, "question": question}).raise_for_status().json()
        )
        frozen = time.perf_counter() - began
        # From here on the highest memory is that of this export.
        Path(f"/proc/{server}/clear_refs").write_text("5")
        before = _memory(server, "VmRSS")
        began, sent = time.perf_counter(), 0
        with client.stream("POST", f"/t/{SLUG}/api/exports/{made['id']}/file", json={}) as answer:
            for piece in answer.iter_raw(1 << 20):
                sent += len(piece)
        taken = time.perf_counter() - began
    whole = f"export of {made['entries']:,} entries as {name}"
    return [
        Row(f"{whole}, frozen and counted", frozen * 1e3, "ms", better="lower"),
        Row(f"{whole}, rate", made["entries"] / taken, "entries/s"),
        Row(f"{whole}, size", sent / (1 << 20), "MiB", better="lower"),
        Row(f"{whole}, server's memory grew by", _memory(server, "VmHWM") - before, "MiB", GROWTH_MIB, "lower"),
    ]


def _read_key(served: World) -> str:
    log = served.history.log
    with (
        served.database.connect("app", autocommit=True) as app,
        tenant_transaction(app, served.history.tenant),
    ):
        return create_api_key(app, by="system:bench", log_id=log, scope="read", label="bench").token


def _server() -> int:
    """The process that serves: the child that was started with a program on its command line."""
    for child in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for pid in child.read_text().split():
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(f"{sys.executable}\0-c\0".encode()):
                return int(pid)
    raise RuntimeError("the benchmark's server is not a child of this process")


def _memory(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024
