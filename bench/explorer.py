"""The ledger explorer at a million entries: seconds from a person's request to the last byte of the answer.

A server as `muniment up` starts it, one tenant with half a year of entries, a person signed in with a second factor,
requests one after the other over loopback HTTP. Each kind of page is asked for with different values in turn.
"""

import importlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.explorer_pages import SLUG, Case, first_pages, ledger, other_pages
from bench.ground import database
from bench.happenings import Company
from bench.history import History, clock_set_back, make_months
from bench.http_ingest import SERVE
from bench.row import Row
from muniment.keys import KeyRing
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.seal import Sealer
from muniment.server.installation_tenants import create_tenant_with_log
from muniment.server.runtime import Places
from muniment.server.tenants.identifiers import INSTALLATION_SLUG
from tests.support.databases import Database

SIZE = 1_000_000
CHECKPOINTS = 250
UNSEALED = 40
WARM = 3
REPEATS = 30
TARGET_MS = 200.0
_PATIENCE = 60.0
_PAUSE = 0.2
"""Seconds in which the server sees that a stream was left."""


@dataclass(frozen=True, slots=True)
class World:
    """A server with one filled tenant.

    Attributes:
        url: where it answers.
        database: what it reads.
        places: its home.
        history: of the tenant.
        token: an append key's.
        size: entries.
    """

    url: str
    database: Database
    places: Places
    history: History
    token: str
    size: int


def run() -> list[Row]:
    """Measure."""
    rows: list[Row] = []
    # Imported when it is needed: it brings the tests' browser along.
    make_person = importlib.import_module("tests.support.people").make_person
    with world() as served:
        tenant = (served.history.tenant, SLUG)
        with make_person(served, tenant).signed_in(tenant=SLUG) as client:
            for case in [*first_pages(served.history.company), *other_pages(client, served.size)]:
                rows += _rows(case.name, [_asked(client, case, at) for at in range(WARM + REPEATS)][WARM:], case.gate)
            rows += _rows("live rows: request to first event", list(_first_events(client)))
            rows += _rows("live rows: receipt to event", list(_told(client, served)), target=None)
        with make_person(served, tenant, "auditor", until="2100-01-01").signed_in(tenant=SLUG) as client:
            case = Case("first page, to an auditor whose reading is recorded", [ledger()], 'data-seq="')
            rows += _rows(case.name, [_asked(client, case, at) for at in range(WARM + REPEATS)][WARM:])
    return rows


def _asked(client: httpx.Client, case: Case, at: int) -> float:
    path = case.paths[at % len(case.paths)]
    began = time.perf_counter()
    answer = client.get(path, follow_redirects=False)
    taken = time.perf_counter() - began
    held = case.shows in answer.text and not (case.lacks and case.lacks in answer.text)
    if answer.status_code != case.status or not held:
        raise RuntimeError(f"{path} answered {answer.status_code}, and not what it was asked for")
    return taken


def _rows(
    name: str, seconds: Sequence[float], gate: bool = False, *, target: float | None = TARGET_MS
) -> Iterator[Row]:
    taken = sorted(second * 1e3 for second in seconds)
    whole = f"explorer at 1 M entries, {name}"
    yield Row(f"{whole}, p95", taken[len(taken) * 95 // 100], "ms", target, "lower", gate)
    yield Row(f"{whole}, p50", taken[len(taken) // 2], "ms", better="lower")
    yield Row(f"{whole}, slowest", taken[-1], "ms", better="lower")


def _first_events(client: httpx.Client) -> Iterator[float]:
    for _ in range(REPEATS // 2):
        began = time.perf_counter()
        with client.stream("GET", f"/t/{SLUG}/ledger/live") as answer:
            next(line for line in answer.iter_lines() if line.startswith("event: "))
            yield time.perf_counter() - began
        time.sleep(_PAUSE)


def _told(client: httpx.Client, served: World) -> Iterator[float]:
    event = {"action": "tool.call", "actor": {"id": "agent:live", "type": "agent"}, "outcome": "success"}
    headers = {"Authorization": f"Bearer {served.token}"}
    with (
        httpx.Client(base_url=served.url, headers=headers, timeout=30, trust_env=False) as recorder,
        client.stream("GET", f"/t/{SLUG}/ledger/live") as answer,
    ):
        lines = answer.iter_lines()
        next(line for line in lines if line == "event: standing")
        for at in range(REPEATS // 2):
            recorder.post("/api/events", json={"event": event}).raise_for_status()
            began = time.perf_counter()
            next(line for line in lines if line == "event: rows")
            yield time.perf_counter() - began
            # Not always at the same distance from the next look.
            time.sleep(at % 7 / 7)


@contextmanager
def world(size: int = SIZE) -> Iterator[World]:
    """A server on loopback over a database with a filled log."""
    with tempfile.TemporaryDirectory(prefix="muniment-bench-") as home, database() as base:
        places = Places(Path(home), Path(home) / "keys", Path(home) / "heads")
        places.make()
        KeyRing.create(places.keys, root_name="bench-root", region_name="bench-region")
        history, token = _fill(base, places, size)
        with _server(base, places) as url:
            yield World(url, base, places, history, token, size)


def _fill(base: Database, places: Places, size: int) -> tuple[History, str]:
    with base.connect(autocommit=True) as owner:
        make_months(owner)
        with clock_set_back(owner), base.connect("app", autocommit=True) as app:
            made = create_tenant_with_log(app, places, slug=SLUG, name="Bench", scopes=("append",))
        with base.connect("app", autocommit=True) as app:
            create_tenant_with_log(app, places, slug=INSTALLATION_SLUG, name="This installation", public_verify=False)
            token = made.tokens["append"]
            key = f"ak_{token.split('_')[1]}"
            history = History(made.tenant_id, made.log_id, made.origin, key, Company())
            history.write(owner, size)
            sealer = Sealer(KeyRing(places.keys), HeadDirectory(places.heads))
            step = max(1, (size - UNSEALED) // CHECKPOINTS)
            for end in [*range(step, size - UNSEALED, step), size - UNSEALED]:
                history.show(owner, end)
                if refused := sealer.round(app).refused:
                    raise RuntimeError(f"the benchmark's own log was not sealed: {refused[0]}")
            history.show(owner, size)
        owner.execute("ANALYZE ledger.checkpoints, ledger.signatures, ledger.tiles")
    return history, token


@contextmanager
def _server(base: Database, places: Places) -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(listening.fileno())],
            env={
                **os.environ,
                **places.environment(),
                "MUNIMENT_APP_URL": base.url("app"),
                "MUNIMENT_INGEST_URL": base.url("ingest"),
                "MUNIMENT_HOSTS": "localhost,127.0.0.1",
            },
            pass_fds=[listening.fileno()],
        )
        try:
            deadline = time.monotonic() + _PATIENCE
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the benchmark's server did not start")
                time.sleep(0.05)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
