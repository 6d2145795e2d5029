"""Pages of registers with 10,000 exceptions and 100,000 attachments: the time until the server has answered.

Copies of one exception and one attachment, until there are enough. They are written as the tables' owner, with the
guard of the exceptions' workflow switched off; the index of words is written by its own trigger. None of them is an
entry of the ledger: what is measured are lists.
"""

from __future__ import annotations

import importlib
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import psycopg

from bench.row import Row
from tests.support.databases import Databases, running_cluster

EXCEPTIONS = 10_000
ATTACHMENTS = 100_000
ROUNDS = 7
GATE_MS = 300.0
PAGES = (
    "/exceptions",
    "/exceptions?state=active&sort=expires_on",
    "/exceptions?q=copy+77",
    "/exceptions?mine=me&risk_level=high",
    "/exceptions?columns=title,scope,reason,controls,assets&limit=200",
    "/work",
    "/work/exceptions",
    "/work/calendar?month=2027-01",
    "/work/board",
    "/search?q=encryption",
    "/search?q=copy+777",
    "/attachments",
    "/tables/policies",
    "/tables/assets",
)
_STATES = (
    "ARRAY['draft','under_review','approved','active','active','active','expired','rejected','withdrawn','revoked']"
)
_FILL = {
    "exceptions_exception": (
        "id = 'exc_' || lpad(n::text, 26, '0')",
        "title = 'Copy ' || n || ' without encryption'",
        f"state = ({_STATES})[1 + mod(n, 10)]",
        "risk_level = (ARRAY['low','medium','high','critical'])[1 + mod(n, 4)]",
        "expires_on = DATE '2027-01-01' + mod(n, 360)",
        "created_at = TIMESTAMPTZ '2026-01-01' + n * INTERVAL '1 minute'",
        "submitted_at = TIMESTAMPTZ '2026-01-01' + n * INTERVAL '1 minute'",
        "soon_at = TIMESTAMPTZ '2026-10-03' + mod(n, 360) * INTERVAL '1 day'",
        "ends_at = TIMESTAMPTZ '2027-01-01' + mod(n, 360) * INTERVAL '1 day'",
        "chain = 'exc_' || lpad(n::text, 26, '0')",
        "levels = 1",
        "rules = 'wfv_default'",
        "round = 1",
        "scope = repeat('One host of many that cannot be changed yet. ', 10)",
    ),
    "attachments_attachment": (
        "id = 'att_' || lpad(n::text, 26, '0')",
        "series = 'att_' || lpad(n::text, 26, '0')",
        "name = 'file ' || n || '.pdf'",
        "created_at = TIMESTAMPTZ '2026-01-01' + n * INTERVAL '1 minute'",
    ),
}


def run() -> list[Row]:
    """The pages as a signed-in approver waits for them, the median of some answers each."""
    servers = importlib.import_module("tests.support.servers")
    people = importlib.import_module("tests.support.people")
    with (
        tempfile.TemporaryDirectory() as place,
        running_cluster() as cluster,
        servers.installed(Databases(cluster), Path(place) / "home") as made,
    ):
        tenant = made.tenant()
        person = people.make_person(made, tenant, "administrator", "approver")
        with person.signed_in() as client:
            base = f"/t/{tenant.made.slug}"
            said = {"title": "Encryption", "text": "All disks", "owner": person.subject}
            policy = _post(client, base, "/api/policies", code="P-1", effective_on="2026-01-01", **said)
            case = {"title": "A host", "policy": policy["id"], "scope": "One", "reason": "Old", "risk_level": "low"}
            _post(client, base, "/api/exceptions", residual_risk="Little", expires_on="2027-06-30", **case)
            with psycopg.connect(made.database.url("migrator"), autocommit=True) as raw:
                _one_attachment(raw, str(tenant.made.tenant_id), person.subject)
                fill(raw, str(tenant.made.tenant_id), "exceptions_exception", EXCEPTIONS)
                fill(raw, str(tenant.made.tenant_id), "attachments_attachment", ATTACHMENTS)
            return measure(client, base)


def _post(client: httpx.Client, base: str, path: str, **body: object) -> dict[str, str]:
    headers = {"X-CSRFToken": str(client.cookies.get("csrftoken", "")), "Referer": str(client.base_url)}
    answer = client.post(base + path, json=body, headers=headers)
    if answer.status_code != 201:
        raise SystemExit(f"{path}: {answer.status_code} {answer.text}")
    found: dict[str, str] = answer.json()
    return found


def _one_attachment(connection: psycopg.Connection, tenant: str, by: str) -> None:
    """A first row to copy; its file is not there, which no list asks for."""
    with connection.transaction():
        connection.execute("SET LOCAL ROLE muniment_owner")
        connection.execute("SELECT set_config('muniment.tenant', %s, true)", [tenant])
        connection.execute(
            """
            INSERT INTO django.attachments_attachment (id, tenant_id, series, version, name, kind, note, media_type,
                size, sha256, blob_id, controls, created_by, created_at, log_id, seq, event)
            VALUES ('att_first', %s, 'att_first', 1, 'a.pdf', 'policy', '', 'application/pdf', 10,
                repeat('a', 64), 'blb_first', '{soc2:CC6.1}', %s, now(), 1, 1, 'src/evt')
            """,
            [tenant, by],
        )


def fill(connection: psycopg.Connection, tenant: str, table: str, count: int) -> None:
    """Copy the newest row of a table until there are `count` more.

    Args:
        connection: as the migrator, who may become the owner.
        tenant: its id.
        table: one of those whose changes are known here.
        count: of copies.
    """
    changes = dict(change.split(" = ", 1) for change in _FILL[table])
    with connection.transaction():
        connection.execute("SET LOCAL ROLE muniment_owner")
        connection.execute("SELECT set_config('muniment.tenant', %s, true)", [tenant])
        names = [
            row[0]
            for row in connection.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
                [f"django.{table}"],
            )
        ]
        values = ", ".join(changes.get(name, f"t.{name}") for name in names)
        connection.execute(f"ALTER TABLE django.{table} DISABLE TRIGGER USER")
        if table == "exceptions_exception":
            connection.execute("ALTER TABLE django.exceptions_exception ENABLE TRIGGER exceptions_exception_words")
        connection.execute(
            f"INSERT INTO django.{table} ({', '.join(names)}) SELECT {values} "
            f"FROM (SELECT * FROM django.{table} ORDER BY id DESC LIMIT 1) t, generate_series(1, %s) n",
            [count],
        )
        connection.execute(f"ALTER TABLE django.{table} ENABLE TRIGGER USER")
    connection.execute(f"ANALYZE django.{table}")


def measure(client: httpx.Client, base: str, paths: Sequence[str] = PAGES) -> list[Row]:
    """Ask each page `ROUNDS` times, in turn; the first answer of each is not counted."""
    times: dict[str, list[float]] = {path: [] for path in paths}
    for turn in range(ROUNDS + 1):
        for path in paths:
            began = time.perf_counter()
            answer = client.get(base + path)
            took = (time.perf_counter() - began) * 1000
            if answer.status_code != 200:
                raise SystemExit(f"{path}: {answer.status_code}")
            if turn:
                times[path].append(took)
    return [Row(f"page {path}", statistics.median(took), "ms", GATE_MS, "lower") for path, took in times.items()]
