"""Packets: one of 1,000 samples built, taken out and verified; a bundle of 10,000 entries built and verified."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from bench.explorer import World, world
from bench.explorer_pages import SLUG
from bench.row import Row
from muniment.keys import KeyRing
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.export import BundleRequest, write_bundle
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.seal import Sealer
from muniment.packet.checking import verify_packet
from muniment.verifier.options import Options, verify_file
from muniment.verifier.pins import Pins
from muniment.verifier.standalone import muniment_verify

SIZE: Final = 100_000
SAMPLED: Final = 1_000
SHOWN: Final = 10_000
STRIDE: Final = 9


def run() -> list[Row]:
    """Measure."""
    make_person = importlib.import_module("tests.support.people").make_person
    with world(SIZE) as served, tempfile.TemporaryDirectory(prefix="muniment-bench-") as folder:
        root = KeyRing(served.places.keys).root_verifier()
        options = Options(Pins(root=root), None, time.time_ns() // 1000)
        with make_person(served, (served.history.tenant, SLUG)).signed_in(tenant=SLUG) as client:
            rows = list(_packet(served, client, Path(folder, "packet.zip"), options, root.vkey))
        return rows + list(_bundle(served, Path(folder, "ten-thousand.bundle"), options))


def _packet(served: World, client: httpx.Client, path: Path, options: Options, root: str) -> Iterator[Row]:
    population = _asked(client, "/api/populations", name="Calls", question={"action": "tool.call"})
    order = {"method": "random", "count": SAMPLED}
    sample = _asked(client, f"/api/populations/{population['id']}/samples", **order)
    _seal(served)
    scope = _asked(client, "/api/packet-scopes", name="Bench", samples=[sample["id"]])
    began = time.perf_counter()
    packet = _asked(client, "/api/packets", scope=scope["id"])
    put_together = time.perf_counter() - began
    _seal(served)
    answer = _post(client, f"/api/packets/{packet['id']}/archive")
    answer.raise_for_status()
    path.write_bytes(answer.content)
    whole = f"packet of {SAMPLED:,} sampled entries, log of {SIZE:,}"
    yield Row(f"{whole}: built, sealed and taken out", time.perf_counter() - began, "s", 30.0, "lower")
    yield Row(f"{whole}: put together and recorded", put_together, "s", better="lower")
    yield Row(f"{whole}: the archive", len(answer.content) / 1e6, "MB", better="lower")
    with _taken() as taken:
        report = verify_packet(path, options)
    if report.verdict != "verified" or report.trust != "pinned" or len(report.items) != SAMPLED:
        raise RuntimeError(f"the benchmark's own packet does not verify: {report.faults}")
    yield Row(f"{whole}: verified by muniment verify", taken[0], "s", better="lower")
    with _taken() as taken:
        subprocess.run(
            [sys.executable, "-I", muniment_verify.__file__, str(path), "--root", root, "--quiet"],
            check=True,
            capture_output=True,
        )
    yield Row(f"{whole}: verified by the standalone script", taken[0], "s", better="lower")


def _bundle(served: World, path: Path, options: Options) -> Iterator[Row]:
    history = served.history
    request = BundleRequest(history.log, history.origin, seqs=list(range(0, STRIDE * SHOWN, STRIDE)))
    with (
        served.database.connect("app", autocommit=True) as connection,
        path.open("wb") as out,
        _taken() as taken,
        tenant_transaction(connection, history.tenant),
    ):
        write_bundle(connection, request, out)
    whole = f"bundle of {SHOWN:,} entries spread over {SIZE:,}"
    yield Row(f"{whole}: built", taken[0], "s", 10.0, "lower")
    with _taken() as taken:
        report = verify_file(path, options)
    if report.verdict != "verified" or report.entries != SHOWN:
        raise RuntimeError(f"the benchmark's own bundle does not verify: {report.first_broken}")
    yield Row(f"{whole}: verified", taken[0], "s", 2.0, "lower")


@contextmanager
def _taken() -> Iterator[list[float]]:
    """The seconds that the block took, in a list that is filled at its end."""
    found: list[float] = []
    began = time.perf_counter()
    yield found
    found.append(time.perf_counter() - began)


def _seal(served: World) -> None:
    with served.database.connect("app", autocommit=True) as app:
        refused = Sealer(KeyRing(served.places.keys), HeadDirectory(served.places.heads)).round(app).refused
    if refused:
        raise RuntimeError(f"the benchmark's own log was not sealed: {refused}")


def _post(client: httpx.Client, path: str, **order: Any) -> httpx.Response:
    token = str(client.cookies.get("csrftoken", ""))
    headers = {"X-CSRFToken": token, "Referer": str(client.base_url)}
    return client.post(f"/t/{SLUG}{path}", json=order, headers=headers, timeout=120)


def _asked(client: httpx.Client, path: str, **order: Any) -> Any:
    answer = _post(client, path, **order)
    if answer.status_code != 201:
        raise RuntimeError(f"{path} answered {answer.status_code}: {answer.text}")
    return answer.json()
