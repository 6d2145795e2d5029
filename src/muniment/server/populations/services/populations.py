"""Counting, showing and saving populations."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import connection as django_connection

from muniment.core.errors import Malformed, Refused, VerificationFailed
from muniment.core.sampling import SEED_BYTES, population_digest, read_seed
from muniment.ledger.population import Searched, Ways, count_members, count_ways, in_range, member_places, searched
from muniment.ledger.query import EntryFilter, Page, find_entries, in_one_process
from muniment.ledger.system import active_log
from muniment.server.access.standing import Standing
from muniment.server.populations.evidence import Asked, asked_now, asked_then
from muniment.server.populations.models import Population, population_id
from muniment.server.populations.question import Question, stored_question
from muniment.server.recording import record
from muniment.server.tenants.scope import ledger_connection

if TYPE_CHECKING:
    from psycopg import Connection

    from muniment.ledger.receipt import Receipt

MAX_NAME: Final = 120
MOST_LISTED: Final = 200


class NoSuch(Refused):
    """There is no such population or sample in this tenant."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many entries match, by which way, and what was searched for them.

    Attributes:
        searched: the range.
        count: exactly.
        ways: of a control: how many hold it, and how many are annotated with it alone; None for other questions.
        asked: what the control was taken to mean.
    """

    searched: Searched
    count: int
    ways: Ways | None
    asked: Asked


def counted(standing: Standing, question: Question, *, size: int | None = None) -> Counted:
    """How many entries match by the mapping in force, by which way, and what was searched for them.

    Args:
        standing: of the reader.
        question: what is asked for.
        size: of a checkpoint; None for the newest.

    Raises:
        NotSealed: if there is no such checkpoint.
        Malformed: naming `control`, if nothing here has it.
    """
    asked = asked_now(standing, question)
    with standing.transaction() as reading:
        range_ = searched(reading, standing.log_id, size=size)
        ways = ways_of(reading, standing, asked, range_.size)
        if ways is not None:
            return Counted(range_, ways.recorded + ways.annotated, ways, asked)
        return Counted(
            range_, count_members(reading, standing.log_id, in_range(asked.entries, range_.size)), None, asked
        )


def ways_of(reading: Connection[Any], standing: Standing, asked: Asked, size: int) -> Ways | None:
    """By which way the entries of a population evidence its control; None if it was asked for none."""
    if not asked.evidence:
        return None
    if asked.entries.evidence is None:
        return Ways(count_members(reading, standing.log_id, in_range(asked.entries, size)), 0)
    return count_ways(reading, standing.log_id, in_range(asked.entries, size))


def count_of(standing: Standing, question: Question, *, size: int | None = None) -> tuple[Searched, int]:
    """How many entries match, and what was searched for them; see `counted`."""
    found = counted(standing, question, size=size)
    return found.searched, found.count


def members_of(
    standing: Standing, question: Question, *, size: int | None = None, limit: int = 50, cursor: str | None = None
) -> tuple[Searched, Page]:
    """A page of the entries that match by the mapping in force, oldest first, and what was searched for them.

    Raises:
        NotSealed: if there is no such checkpoint.
        Malformed: for a cursor or limit that cannot be, or a control that nothing here has.
    """
    return _page(standing, asked_now(standing, question).entries, size, limit, cursor)


def entries_of(
    standing: Standing, population: Population, *, limit: int = 50, cursor: str | None = None
) -> tuple[Searched, Page]:
    """A page of the entries of a saved population, oldest first.

    Raises:
        NotSealed: if its checkpoint is gone.
        Malformed: for a cursor or limit that cannot be.
    """
    return _page(standing, asked_of(population).entries, population.size, limit, cursor)


def asked_of(population: Population) -> Asked:
    """What a saved population was asked for, by the mapping of that time."""
    return asked_then(stored_question(population.question), population.evidence)


def _page(
    standing: Standing, entries: EntryFilter, size: int | None, limit: int, cursor: str | None
) -> tuple[Searched, Page]:
    with standing.transaction() as reading:
        range_ = searched(reading, standing.log_id, size=size)
        in_one_process(reading)
        return range_, find_entries(
            reading, standing.log_id, in_range(entries, range_.size), limit=limit, cursor=cursor
        )


def save_population(
    standing: Standing, *, name: str, question: Question, size: int | None = None, seed: str = ""
) -> Population:
    """Freeze a population: its question, its range, its count, what it consists of, and the seed of its first samples.

    All of it is recorded before any of its entries is shown by it.

    Args:
        standing: of who saves it.
        name: 1 to 120 characters on one line, unique in the tenant.
        question: what its entries have in common.
        size: of the checkpoint at which it ends; None for the newest.
        seed: 64 hex digits; "" for one of the server's randomness.

    Raises:
        Malformed: naming the field; `control` too, if nothing here has it.
        Refused: for a name that is taken.
        NotSealed: if there is no such checkpoint.
    """
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise Malformed(f"has 1 to {MAX_NAME} characters on one line", "name")
    given = read_seed(seed).hex() if seed else ""
    asked = asked_now(standing, question)
    one_at_a_time(f"{standing.tenant_id}/{name}")
    if Population.objects.filter(tenant_id=standing.tenant_id, name=name).exists():
        raise Refused("there is a population of that name already", "name")
    with standing.transaction() as reading:
        range_ = searched(reading, standing.log_id, size=size)
        places = member_places(reading, standing.log_id, in_range(asked.entries, range_.size))
        ways = ways_of(reading, standing, asked, range_.size)
    row = Population(
        id=population_id(),
        tenant_id=standing.tenant_id,
        name=name,
        log=range_.origin,
        question=question.text,
        evidence=asked.evidence,
        annotated=0 if ways is None else ways.annotated,
        size=range_.size,
        root=range_.root.hex(),
        sealed_at=range_.sealed_at,
        recorded=range_.recorded,
        mapping=range_.mapping,
        count=len(places),
        digest=population_digest(places).hex(),
        seed=given or secrets.token_bytes(SEED_BYTES).hex(),
        seed_from="given" if given else "server",
        created_by=standing.subject,
    )
    receipt = record(
        "population.save",
        by=standing.subject,
        resource=("population", row.id),
        labels={
            "size": row.size,
            "root": row.root,
            "mapping": row.mapping,
            "count": row.count,
            "annotated": row.annotated or None,
            "digest": row.digest,
            "seed": row.seed,
            "seed.from": row.seed_from,
        },
        body={"name": row.name, "log": row.log, "question": row.question, "recorded": row.recorded}
        | ({"evidence": row.evidence} if row.evidence else {}),
    )
    # The row names its entry, so it comes after it: one insert, and the transaction commits.
    row.seq, row.event = receipt.seq, reference_of(receipt)
    row.save(force_insert=True)
    return row


def reference_of(receipt: Receipt) -> str:
    """`<source>/<event id>` of what the server just recorded."""
    with ledger_connection() as raw:
        return f"{active_log(raw).source}/{receipt.id}"


def one_at_a_time(name: str) -> None:
    """Let others who number rows of the same thing wait until this transaction ends."""
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def populations(standing: Standing) -> list[Population]:
    """The newest populations of the tenant, newest first."""
    rows = Population.objects.filter(tenant_id=standing.tenant_id)
    return list(rows.order_by("-created_at", "-id")[:MOST_LISTED])


def population_for(standing: Standing, wanted: str) -> Population:
    """A population by its id.

    Raises:
        NoSuch: if the tenant has none of that id.
    """
    found = None if "\0" in wanted else Population.objects.filter(tenant_id=standing.tenant_id, id=wanted).first()
    if found is None:
        raise NoSuch("there is no such population", "population")
    return found


def checked_places(reading: Connection[Any], standing: Standing, population: Population) -> Sequence[int]:
    """The places of a saved population, searched again.

    Args:
        reading: in a transaction of the tenant.
        standing: of the reader.
        population: one of the tenant's.

    Raises:
        Refused: if it is one of another log.
        VerificationFailed: if the log gives something else now than when it was saved.
    """
    if population.log != standing.origin:
        raise Refused(f"it was taken from the log {population.log}, which is not the active one", "population")
    range_ = searched(reading, standing.log_id, size=population.size)
    if range_.root.hex() != population.root:
        raise VerificationFailed("the stored checkpoint has another root than when it was saved", population.id)
    asked = in_range(asked_of(population).entries, population.size)
    places = member_places(reading, standing.log_id, asked)
    if population_digest(places).hex() != population.digest:
        raise VerificationFailed(
            f"the log gives {len(places):,} entries now, others than the {population.count:,} that were saved; "
            "order a walk, which names what was changed",
            population.id,
        )
    return places
