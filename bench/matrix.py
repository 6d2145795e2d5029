"""The controls matrix of 92 controls at a million entries: counted from nothing, asked again, and as a page."""

import importlib
import io
import time
from collections.abc import Iterator

import httpx

from bench.explorer import SIZE, world
from bench.explorer_pages import SLUG
from bench.row import Row
from muniment.catalogs.shipped import catalog

CONTROLS = 92
REPEATS = 7
FREQUENCIES = ("continuous", "daily", "weekly", "monthly", "per-event")


def run(size: int = SIZE) -> list[Row]:
    """Measure."""
    # Imported when it is needed: it brings the tests' browser along.
    make_person = importlib.import_module("tests.support.people").make_person
    with world(size) as served:
        person = make_person(served, (served.history.tenant, SLUG))
        with person.signed_in(tenant=SLUG) as client:
            return list(_measured(client, person.subject, size))


def _measured(client: httpx.Client, owner: str, size: int) -> Iterator[Row]:
    headers = {"X-CSRFToken": str(client.cookies.get("csrftoken")), "Referer": f"{client.base_url}/"}
    began = time.perf_counter()
    made = client.post(f"/t/{SLUG}/api/controls/import", json={"csv": _table(owner)}, headers=headers, timeout=60)
    if made.status_code != 200 or len(made.json()["defined"]) != CONTROLS:
        raise RuntimeError(f"the controls were not defined: {made.text[:500]}")
    yield Row(f"{CONTROLS} controls imported, each an entry", (time.perf_counter() - began) * 1e3, "ms", None, "lower")
    whole = f"matrix of {CONTROLS} controls at {size:,} entries"
    yield Row(f"{whole}, counted from nothing", _asked(client, "/api/matrix"), "ms", None, "lower")
    yield Row(f"{whole}, slowest of {REPEATS}", _slowest(client, "/api/matrix"), "ms", 1_000.0, "lower")
    quarter = "/api/matrix?from=2026-07-01&to=2026-10-01&sort=-count"
    yield Row(f"{whole}, of a quarter, slowest of {REPEATS}", _slowest(client, quarter), "ms", 1_000.0, "lower")
    yield Row(f"{whole}, page, slowest of {REPEATS}", _slowest(client, "/matrix"), "ms", 1_000.0, "lower")
    _check(client)


def _slowest(client: httpx.Client, path: str) -> float:
    return max(_asked(client, path) for _ in range(REPEATS))


def _asked(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    answer = client.get(f"/t/{SLUG}{path}", timeout=60)
    taken = (time.perf_counter() - began) * 1e3
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answers {answer.status_code}: {answer.text[:500]}")
    return taken


def _check(client: httpx.Client) -> None:
    """Some rows against the population that they lead to."""
    found = client.get(f"/t/{SLUG}/api/matrix").json()
    for row in found["rows"][:: CONTROLS // 4]:
        asked = {"control": row["control"], **found["period"], "size": found["searched"]["size"]}
        counted = client.get(f"/t/{SLUG}/api/populations/count", params=asked, timeout=60).json()["count"]
        if counted != row["count"]:
            raise RuntimeError(f"{row['control']}: {row['count']} in the matrix, {counted} in its population")


def _table(owner: str) -> str:
    criteria = [f"{one}:{row.id}" for one in ("soc2", "hipaa", "iso27001-2022") for row in catalog(one).counted]
    out = io.StringIO()
    out.write("id,statement,owner,frequency,criteria,status\r\n")
    for number in range(CONTROLS):
        linked = f"{criteria[number]} {criteria[-number - 1]}"
        often = FREQUENCIES[number % len(FREQUENCIES)]
        out.write(f"C-{number + 1},What number {number + 1} says,{owner},{often},{linked},in-force\r\n")
    return out.getvalue()
