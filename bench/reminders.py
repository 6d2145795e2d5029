"""Reminding of 10,000 exceptions: those that are due at once, and a look that finds nothing to do.

The exceptions are put into the database as active rows that the server's own role would have got by 20,000 steps; the
reminders go the way of the background job: marks, notifications, entries of the ledger, as the application's role.
"""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.ground import databases
from bench.row import Row
from muniment.core.identifiers import new_ulid

EXCEPTIONS = 10_000
TARGET_SECONDS = 60.0
PEOPLE = 50


def run() -> list[Row]:
    """Measure."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "muniment.server.settings")
    import django

    django.setup()
    from muniment.server.reminders.services import remind
    from tests.notifications.conftest import with_database
    from tests.support.people import make_person
    from tests.support.servers import installed

    with (
        TemporaryDirectory() as home,
        databases() as ground,
        installed(ground, Path(home)) as served,
        with_database(served.database.url("app")),
    ):
        tenant = served.tenant()
        people = [make_person(served, tenant, "analyst").subject for _ in range(PEOPLE)]
        with tenant.in_database() as raw:
            _fill(raw, tenant.made.tenant_id, people)
        now = datetime.now(UTC)
        began = time.perf_counter()
        sent = remind(tenant.made.tenant_id, now)
        first = time.perf_counter() - began
        began = time.perf_counter()
        again = remind(tenant.made.tenant_id, now)
        second = time.perf_counter() - began
    if (sent, again) != (EXCEPTIONS, 0):
        raise AssertionError(f"{sent} reminders went out, then {again}")
    return [
        Row(f"reminders of {EXCEPTIONS:,} exceptions, all due at once", first, "s", TARGET_SECONDS, "lower"),
        Row(f"a look at {EXCEPTIONS:,} exceptions that were all reminded of", second, "s", None, "lower"),
    ]


def _fill(raw: Any, tenant_id: Any, people: list[str]) -> None:
    """Exceptions that end in 30 days, each of one of some people."""
    now = datetime.now(UTC)
    ends = now.date() + timedelta(days=30)
    raw.execute("SET session_replication_role = replica")
    columns = (
        "id, tenant_id, title, policy_id, scope, reason, risk_level, residual_risk, compensating, controls, "
        "compensating_controls, assets, evidence, starts_on, expires_on, zone, requested_by, owner, state, steps, "
        "round, level, levels, rules, renews, chain, created_at, submitted_at, starts_at, ends_at, approved_at, seq, "
        "event"
    )
    with raw.cursor().copy(f"COPY django.exceptions_exception ({columns}) FROM STDIN") as copy:
        for number in range(EXCEPTIONS):
            row = "exc_" + new_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))
            who = people[number % len(people)]
            copy.write_row(
                (
                    row, tenant_id, f"Exception {number}", "pol_x", "scope", "reason", "low", "some", "", [], [], [],
                    [], now.date(), ends, "Europe/Warsaw", who, who, "active", 3, 1, 1, 1, "wfv_default", "", row, now,
                    now, now, now + timedelta(days=31), now, 1, "src_x/evt_x",
                )
            )  # fmt: skip
