"""Whether the server lives, and whether it can do its work."""

from __future__ import annotations

import time
from typing import Final

import psycopg
from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.core.errors import Refused
from muniment.ledger.partitions import months_ready
from muniment.server.api.answers import json_response
from muniment.server.pools import reader
from muniment.server.problems import ProblemError
from muniment.server.runtime import Places, read_jobs

router = Router(tags=["health"])

SEALING: Final = "sealing"
LATE: Final = 30.0
"""Seconds without a good round after which the sealer is late; it does two rounds a second."""


@router.get("/healthz", summary="Does the server live", operation_id="live")
def live(request: HttpRequest) -> HttpResponse:
    """Answers without asking anything else."""
    del request
    return json_response({"ok": True})


@router.get("/readyz", summary="Can the ledger record and seal", operation_id="ready")
def ready(request: HttpRequest) -> HttpResponse:
    """503 if the database is down, partitions run out this month, or sealing is late."""
    del request
    checks = {"database": False, "partitions": False, "sealing": _sealing(time.time())}
    try:
        with reader() as connection:
            checks["partitions"] = months_ready(connection) >= 1
            checks["database"] = True
    except (ProblemError, Refused, psycopg.Error):
        checks["database"] = False
    ok = all(checks.values())
    return json_response({"ok": ok, "checks": checks}, status=200 if ok else 503)


def _sealing(now: float) -> bool:
    jobs = {job.name: job for job in read_jobs(Places.of())}
    return SEALING in jobs and now - jobs[SEALING].good_at < LATE
