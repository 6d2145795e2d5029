"""The overview, for programs."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from muniment.server.access.operations import Needs, standing_in
from muniment.server.capabilities import Capability
from muniment.server.moments import moment
from muniment.server.overview.shapes import Overview
from muniment.server.overview.summary import CAP, CONTROL_DAYS, summarise
from muniment.server.overview.verdict import STATEMENT

router = Router(tags=["overview"])


@router.get(
    "/api/overview",
    auth=Needs(Capability.LEDGER_READ),
    summary="How the log stands",
    operation_id="overview",
    response=Overview,
)
def overview(request: HttpRequest) -> dict[str, object]:
    """Verdict, sealing, entries per minute, sources, setbacks and evidence by control.

    Counts of setbacks and evidence end at `counted_to`.
    """
    standing = standing_in(request)
    with standing.transaction() as connection:
        found = summarise(connection, standing)
    named = standing.may(Capability.SOURCE_READ)
    walk, full = found.integrity.walk, found.integrity.full
    return {
        "verdict": {
            "state": found.verdict.state,
            "sentence": found.verdict.sentence,
            "detail": found.verdict.detail,
            "stale": found.verdict.stale,
            "note": STATEMENT,
        },
        "walk": walk and {"run": walk.number, "finished_at": moment(walk.finished_at), "ok": walk.ok},
        "full_walk": full and {"run": full.number, "finished_at": moment(full.finished_at), "ok": full.ok},
        "sealing": {
            "size": found.sealing.size,
            "sealed": found.sealing.sealed,
            "sealed_at": moment(found.sealing.sealed_at),
            "within_seconds": found.sealing.within,
            "waiting_seconds": found.sealing.waiting,
            "late": found.sealing.late,
        },
        "minutes": [{"at": moment(row.at), "entries": row.entries} for row in found.minutes],
        "sources": {
            "total": len(found.sources),
            "silent": len(found.silent),
            "silent_ids": [source.source_id for source in found.silent] if named else None,
        },
        "setbacks": [
            {"outcome": row.outcome, "action": row.action, "entries": row.entries, "latest": moment(row.latest)}
            for row in found.setbacks
        ],
        "controls": [
            {
                "control": row.evidence.control,
                "entries": row.evidence.entries,
                "latest": moment(row.evidence.latest),
                "evidences": list(row.evidences),
            }
            for row in found.coverage
        ],
        "control_days": CONTROL_DAYS,
        "counted_to": CAP,
        "anchors": found.anchors.as_json(),
        "jobs": [
            {"name": job.name, "works": job.works, "beat_at": moment(job.beat_at), "failures": job.failures}
            for job in found.jobs
        ],
        "warnings": found.warnings,
    }
