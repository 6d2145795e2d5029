"""Drawing samples."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from muniment.core.errors import MunimentError
from muniment.core.sampling import SEED_BYTES, population_digest, read_seed
from muniment.ledger.population import in_range, member_places, member_strata
from muniment.server.access.standing import Standing
from muniment.server.populations.models import Population, Sample, sample_id
from muniment.server.populations.services.populations import (
    NoSuch,
    asked_of,
    checked_places,
    one_at_a_time,
    reference_of,
)
from muniment.server.populations.workflow import Drawn, Plan, draw
from muniment.server.recording import record


def draw_sample(
    standing: Standing, population: Population, plan: Plan, *, seed: str = "", fresh: bool = False
) -> Sample:
    """Draw a sample and record it, with its number among those of the population: a seed that was shopped for shows.

    Args:
        standing: of who draws.
        population: one of the tenant's.
        plan: how.
        seed: 64 hex digits; "" for the population's own, which was recorded before its entries were shown.
        fresh: a new seed of the server's randomness instead of the population's.

    Raises:
        Malformed: for a seed that is none.
        Refused: for more than the population has.
        VerificationFailed: if the log gives something else now than when the population was saved.
    """
    if seed:
        used, seed_from = read_seed(seed), "given"
    elif fresh:
        used, seed_from = secrets.token_bytes(SEED_BYTES), "server"
    else:
        used, seed_from = bytes.fromhex(population.seed), "population"
    with standing.transaction() as reading:
        places = checked_places(reading, standing, population)
        asked = in_range(asked_of(population).entries, population.size)

        def failures(outcome: str) -> Sequence[int]:
            if asked.outcome not in (None, outcome):
                return ()
            return member_places(reading, standing.log_id, replace(asked, outcome=outcome))

        drawn = draw(
            plan, places, used,
            strata=lambda stratum: member_strata(reading, standing.log_id, asked, stratum), failures=failures,
        )  # fmt: skip
    return _save(standing, population, plan, drawn, used.hex(), seed_from)


def _save(standing: Standing, population: Population, plan: Plan, drawn: Drawn, seed: str, seed_from: str) -> Sample:
    one_at_a_time(population.id)
    rows = Sample.objects.filter(tenant_id=standing.tenant_id, population_id=population.id)
    row = Sample(
        id=sample_id(),
        tenant_id=standing.tenant_id,
        population_id=population.id,
        number=rows.count() + 1,
        plan=plan.text(population.count),
        seed=seed,
        seed_from=seed_from,
        places=list(drawn.places),
        parts=dict(drawn.parts),
        created_by=standing.subject,
    )
    receipt = record(
        "sample.draw",
        by=standing.subject,
        resource=("sample", row.id),
        labels={
            "population": population.id,
            "number": row.number,
            "method": plan.method,
            "count": len(drawn.places),
            "seed": seed,
            "seed.from": seed_from,
            "digest": population_digest(drawn.places).hex(),
        },
        causes=[population.event],
        body={"plan": row.plan, "places": row.places, "parts": row.parts},
    )
    row.seq, row.event = receipt.seq, reference_of(receipt)
    row.save(force_insert=True)
    return row


def record_refused_draw(standing: Standing, population: Population, plan: str, error: MunimentError) -> None:
    """Record a draw that was refused; in the open scope, after nothing else was written in it."""
    record(
        "sample.draw",
        by=standing.subject,
        resource=("population", population.id),
        outcome="denied",
        labels={"reason": (error.where or "refused").replace(" ", "-")},
        causes=[population.event],
        body={"asked": plan, "said": str(error)},
    )


def samples_of(standing: Standing, population: Population) -> list[Sample]:
    """The samples of a population, in the order in which they were drawn; without their places."""
    rows = Sample.objects.filter(tenant_id=standing.tenant_id, population_id=population.id)
    return list(rows.order_by("number"))


def sample_for(standing: Standing, wanted: str) -> Sample:
    """A sample by its id.

    Raises:
        NoSuch: if the tenant has none of that id.
    """
    found = None if "\0" in wanted else Sample.objects.filter(tenant_id=standing.tenant_id, id=wanted).first()
    if found is None:
        raise NoSuch("there is no such sample", "sample")
    return found
