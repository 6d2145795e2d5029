"""What the overview shows, read with a handful of bounded questions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from muniment.catalogs.mapping import capabilities
from muniment.core.errors import Refused
from muniment.keys import KeyRing
from muniment.ledger.activity import (
    ControlEvidence,
    Minute,
    Setback,
    control_evidence,
    entries_each_minute,
    setbacks,
)
from muniment.ledger.anchors import AnchorFacts, anchor_facts
from muniment.ledger.integrity import Integrity, log_integrity
from muniment.ledger.source_activity import SourceActivity, sources_of_log
from muniment.server.access.standing import Standing
from muniment.server.anchors.services import asked_names
from muniment.server.capabilities import Capability
from muniment.server.overview.verdict import Verdict, verdict_of
from muniment.server.runtime import read_jobs

if TYPE_CHECKING:
    from psycopg import Connection

CAP: Final = 1_000
"""Entries are counted so far, for each control and each outcome: what is more reads as "1,000 or more"."""
CONTROL_DAYS: Final = 30
JOB_PATIENCE: Final = 120.0
"""Seconds after which a background job that said nothing is called still; walks of long logs take minutes."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """How far the log is sealed.

    Attributes:
        size: entries of the log.
        sealed: entries that the newest checkpoint covers.
        sealed_at: when that was made; None before the first.
        within: seconds from recording to sealing that are promised.
        waiting: seconds that the oldest entry without a checkpoint has waited; None if there is none.
    """

    size: int
    sealed: int
    sealed_at: datetime | None
    within: int
    waiting: float | None

    @property
    def late(self) -> bool:
        """Whether the promise is broken now."""
        return self.waiting is not None and self.waiting > self.within


@dataclass(frozen=True, slots=True)
class Coverage:
    """One control of the base mapping: which capabilities of the product lead to it, and what was recorded."""

    evidence: ControlEvidence
    evidences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JobHealth:
    """A background job: when it last ended a round, whether it works, and failures in a row."""

    name: str
    beat_at: datetime
    works: bool
    failures: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything on the overview. `jobs` and `warnings` are for those who run the tenant; otherwise empty."""

    now: datetime
    integrity: Integrity
    verdict: Verdict
    sealing: Sealing
    minutes: list[Minute]
    sources: list[SourceActivity]
    silent: list[SourceActivity]
    setbacks: list[Setback]
    coverage: list[Coverage]
    jobs: list[JobHealth]
    warnings: list[str]
    anchors: AnchorFacts

    @property
    def last_hour(self) -> int:
        """Entries of the last sixty minutes."""
        return sum(minute.entries for minute in self.minutes)

    def setbacks_of(self, outcome: str) -> int:
        """How many entries of the last day had an outcome, counted up to `CAP`."""
        return sum(row.entries for row in self.setbacks if row.outcome == outcome)


def summarise(connection: Connection[Any], standing: Standing) -> Summary:
    """Read the overview of a standing's log.

    Args:
        connection: in a transaction of the tenant.
        standing: whose; it decides what of it is shown.

    Raises:
        Refused: if the tenant has no log.
    """
    now = datetime.now(UTC)
    found = log_integrity(connection, standing.log_id)
    if found is None:
        raise Refused("this tenant has no log", "log")
    sealed = found.checkpoint
    sources = [source for source in sources_of_log(connection, standing.log_id) if not source.own]
    runs_it = standing.may(Capability.TENANT_MANAGE)
    return Summary(
        now=now,
        integrity=found,
        verdict=verdict_of(found, now),
        sealing=Sealing(
            found.facts.size,
            sealed.checkpoint.size if sealed else 0,
            sealed.sealed_at if sealed else None,
            found.facts.seal_within,
            None if found.unsealed_since is None else max(0.0, (now - found.unsealed_since).total_seconds()),
        ),
        minutes=entries_each_minute(connection, standing.log_id),
        sources=sources,
        silent=[source for source in sources if source.silent(now)],
        setbacks=setbacks(connection, standing.log_id, since=now - timedelta(days=1), cap=CAP),
        coverage=_coverage(connection, standing.log_id, now),
        jobs=_jobs(now) if runs_it else [],
        warnings=_warnings() if runs_it else [],
        anchors=anchor_facts(connection, standing.log_id, asked=asked_names()),
    )


def _coverage(connection: Connection[Any], log_id: int, now: datetime) -> list[Coverage]:
    through: dict[str, list[str]] = {}
    for name, controls in capabilities().items():
        for control in controls:
            through.setdefault(control, []).append(name.replace("_", " "))
    since = now - timedelta(days=CONTROL_DAYS)
    found = control_evidence(connection, log_id, sorted(through), since=since, cap=CAP)
    return [Coverage(evidence, tuple(through[evidence.control])) for evidence in found]


def _jobs(now: datetime) -> list[JobHealth]:
    # What a job says of itself names logs of every tenant; here stands only whether it works.
    return [
        JobHealth(
            job.name,
            datetime.fromtimestamp(job.beat_at, UTC),
            not job.failures and (now.timestamp() - job.beat_at < JOB_PATIENCE or job.name == "partitions"),
            job.failures,
        )
        for job in read_jobs(settings.PLACES)
    ]


def _warnings() -> list[str]:
    warnings = []
    if KeyRing(settings.PLACES.keys).root_path.exists():
        warnings.append(
            "The root key still lies on this machine. Move it to a safe place: whoever takes it can name keys for "
            "every log."
        )
    if settings.EVALUATION:
        warnings.append(
            "This runs in evaluation mode: nothing keeps the key encryption key apart from the database. One stolen "
            "disk or backup may open every sealed secret."
        )
    return warnings
