"""Two tenants side by side: everybody who could ask, and everything of the other tenant that must not come back."""

from __future__ import annotations

import datetime
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import psycopg
from django.apps import apps
from django.db import models

from muniment.server.tenants.isolation import TenantIsolation
from tests.support.people import Person, make_person
from tests.support.servers import Installation, Tenant

CANARY = "canary-of-the-other-tenant"
SESSION_COOKIE = "muniment_session"
_NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


@dataclass
class Seat:
    """Somebody's session, which can be had again and again however often a request ends it."""

    person: Person
    data: str = ""
    csrf: str = ""
    raw: psycopg.Connection[Any] | None = None

    def take(self) -> None:
        with self.person.signed_in() as client:
            key = client.cookies[SESSION_COOKIE]
            self.csrf = client.cookies["csrftoken"]
        with self.person.served.database.connect("superuser", autocommit=True) as raw:
            row = raw.execute("SELECT session_data FROM django.django_session WHERE session_key = %s", [key]).fetchone()
        assert row is not None, "sessions are kept elsewhere now"
        self.data = str(row[0])

    @contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """A client with a copy of the session, and the token that its forms need."""
        key = secrets.token_hex(16)
        if self.raw is None:
            self.raw = self.person.served.database.connect("superuser", autocommit=True)
        self.raw.execute(
            "INSERT INTO django.django_session (session_key, session_data, expire_date) "
            "VALUES (%s, %s, now() + interval '1 hour')",
            [key, self.data],
        )
        with self.person.client() as client:
            client.follow_redirects = False
            client.cookies.set(SESSION_COOKIE, key)
            client.cookies.set("csrftoken", self.csrf)
            client.headers["X-CSRFToken"] = self.csrf
            client.headers["Referer"] = self.person.base + "/"
            yield client


@dataclass
class World:
    """Tenant `ours` and tenant `theirs`, whose every row says `CANARY`."""

    installation: Installation
    ours: Tenant
    theirs: Tenant
    seats: dict[str, Seat] = field(default_factory=dict)

    def seat(self, role: str) -> Seat:
        """The session of somebody with one role of ours; `outsider` is an administrator of theirs."""
        if role not in self.seats:
            person = (
                make_person(self.installation, self.theirs, "administrator", name=CANARY)
                if role == "outsider"
                else make_person(self.installation, self.ours, role, until="2099-01-01" if role == "auditor" else None)
            )
            seat = Seat(person)
            seat.take()
            self.seats[role] = seat
        return self.seats[role]

    def close(self) -> None:
        """Let go of the database."""
        for seat in self.seats.values():
            if seat.raw is not None:
                seat.raw.close()

    def plant(self) -> dict[str, str]:
        """Give theirs a row in every tenant table, and events.

        Returns:
            Every id of theirs, and what it is of: keys of rows, places, events, sources.
        """
        with self.theirs.client() as append:
            event = {
                "action": "tool.call",
                "actor": {"id": f"agent:{CANARY}", "type": "agent"},
                "outcome": "success",
                "tool": CANARY,
                "workspace": CANARY,
                "resource": {"id": CANARY, "type": "tool"},
                "labels": [f"secret={CANARY}"],
            }
            receipts = [
                append.post("/api/events", json={"event": event, "payload": {"note": CANARY}}).json() for _ in range(3)
            ]
        ids = {str(receipt["id"]): "event" for receipt in receipts}
        with self.installation.database.connect("superuser", autocommit=True) as raw:
            # A row is planted without what a trigger would ask it to have behind it.
            raw.execute("SET session_replication_role = replica")
            for model in tenant_models():
                ids[_plant(raw, model, self.theirs.made.tenant_id)] = model._meta.db_table.split("_", 1)[1]
            ids |= {
                str(row[0]): str(row[1])
                for row in raw.execute(
                    "SELECT source_id, 'source' FROM ledger.sources WHERE log_id = %(log)s "
                    "UNION SELECT key_id, 'key' FROM ledger.api_keys WHERE log_id = %(log)s",
                    {"log": self.theirs.made.log_id},
                ).fetchall()
            }
        return ids


def tenant_models() -> list[type[models.Model]]:
    """Every model whose table belongs to tenants."""
    return [
        model
        for model in apps.get_models()
        if any(isinstance(constraint, TenantIsolation) for constraint in model._meta.constraints)
    ]


# What a table's own rules ask for, where the canary alone is not allowed.
_SPECIAL: dict[tuple[str, str], Any] = {
    ("dlp_verdict", "action"): "allow",
    ("notifications_message", "attempts"): 0,
    ("notifications_message", "seq"): None,
    ("notifications_message", "state"): "waiting",
    ("work_words", "vector"): "",
    ("sso_connection", "kind"): "oidc",
    ("sso_connection", "preset"): "generic",
    ("sso_connection", "state"): "draft",
}


def _plant(raw: Any, model: type[models.Model], tenant_id: UUID) -> str:
    values: dict[str, Any] = {}
    for column in model._meta.concrete_fields:
        if column.primary_key and isinstance(column, models.AutoField):
            continue
        values[column.column] = _value(model, column, tenant_id)
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join(["%s"] * len(values))
    key = model._meta.pk.column
    row = raw.execute(
        f'INSERT INTO django."{model._meta.db_table}" ({names}) VALUES ({marks}) '
        f'ON CONFLICT DO NOTHING RETURNING "{key}"',
        list(values.values()),
    ).fetchone()
    # A tenant has one profile, and it is there.
    return str(row[0]) if row is not None else str(values.get(key, ""))


def _value(model: type[models.Model], column: models.Field[Any, Any], tenant_id: UUID) -> Any:
    if (named := (model._meta.db_table, column.column)) in _SPECIAL:
        return _SPECIAL[named]
    if column.column == "tenant_id":
        return tenant_id
    if column.primary_key and column.has_default():
        return column.get_default()
    if column.choices:
        return next(iter(column.flatchoices))[0]
    kind = column.get_internal_type()
    if kind in ("CharField", "TextField", "SlugField", "URLField"):
        return (CANARY if not column.unique else f"{CANARY}-{secrets.token_hex(8)}")[: column.max_length or 255]
    if kind == "EmailField":
        return f"{CANARY}@example.org"
    if kind == "BooleanField":
        return False
    if kind in ("DateTimeField", "DateField"):
        return _NOW
    if kind == "BinaryField":
        return b"\x00" * 32
    if kind == "JSONField":
        return json.dumps({})
    if kind == "ArrayField":
        return []
    if "Integer" in kind:
        return 60
    if column.null:
        return None
    raise TypeError(f"say in _SPECIAL what {model._meta.db_table}.{column.column} ({kind}) may hold")
