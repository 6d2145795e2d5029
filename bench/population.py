"""Populations at a million entries: a page, an exact count, freezing, drawing, and a page of the walk."""

import time
from collections.abc import Callable
from typing import Any

from psycopg import Connection

from bench.explorer import SIZE, world
from bench.row import Row
from muniment.catalogs.marking import actions_noted
from muniment.catalogs.overrides import unchanged
from muniment.core.sampling import population_digest, random_sample
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.population import count_members, count_ways, in_range, member_places, member_strata, searched
from muniment.ledger.proofs import inclusion_proof
from muniment.ledger.query import EntryFilter, Evidence, find_entries, in_one_process
from muniment.ledger.surroundings import entries_of_places

REPEATS = 7
CONTROL = "soc2:CC7.2"
"""Nearly every entry evidences it."""
ANNOTATED = "iso27001-2022:A.8.15"
"""No entry holds it, and nearly every one is annotated with it."""
WALKED = 25


def _page(reading: Connection[Any], log: int, asked: EntryFilter) -> None:
    in_one_process(reading)
    find_entries(reading, log, asked, limit=50)


def run(size: int = SIZE) -> list[Row]:
    """Measure."""
    with world(size) as served, served.database.connect("app", autocommit=True) as connection:
        tenant, log = served.history.tenant, served.history.log

        def timed(name: str, ask: Callable[[Connection[Any]], object], target: float | None = None) -> Row:
            taken = []
            for _ in range(REPEATS):
                with tenant_transaction(connection, tenant):
                    began = time.perf_counter()
                    ask(connection)
                    taken.append(time.perf_counter() - began)
            return Row(f"population at {size:,} entries, {name}", sorted(taken)[-1] * 1e3, "ms", target, "lower")

        with tenant_transaction(connection, tenant):
            end = searched(connection, log).size
            asked = in_range(EntryFilter(control=CONTROL), end)
            places = member_places(connection, log, asked)
        sample = random_sample(places, WALKED, bytes(32))

        def walk(reading: Connection[Any]) -> None:
            entries_of_places(reading, log, sample)
            for place in sample:
                inclusion_proof(reading, log, place, end)

        noted = actions_noted(unchanged(), [])
        evidence = Evidence((ANNOTATED,), tuple(sorted(noted[ANNOTATED])))
        annotated = in_range(EntryFilter(evidence=evidence), end)
        under = in_range(EntryFilter(control="soc2:CC6.1", action="tool.*"), end)
        narrow = in_range(EntryFilter(control="soc2:CC6.1", outcome="denied"), end)
        return [
            timed("first page of one control", lambda reading: _page(reading, log, asked), 300.0),
            timed("exact count of one control", lambda reading: count_members(reading, log, asked), 2_000.0),
            timed("first page of an annotated control", lambda reading: _page(reading, log, annotated), 300.0),
            timed("exact count of an annotated control", lambda reading: count_ways(reading, log, annotated), 2_000.0),
            timed("exact count of a control and a prefix", lambda reading: count_members(reading, log, under), 2_000.0),
            timed("exact count of a control and an outcome", lambda reading: count_members(reading, log, narrow)),
            timed(
                "places and digest of one control",
                lambda reading: population_digest(member_places(reading, log, asked)),
            ),
            timed("strata by actor", lambda reading: member_strata(reading, log, asked, "actor")),
            timed("random sample of 1,000 drawn", lambda _reading: random_sample(places, 1_000, bytes(32))),
            timed(f"walk: {WALKED} entries with their proofs", walk),
        ]
