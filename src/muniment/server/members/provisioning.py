"""What a new tenant has from the start: its settings, a workspace and the built-in roles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from psycopg import Connection

from muniment.server.capabilities import READ_ONLY, REVIEW, Capability
from muniment.server.tenants.identifiers import new_id

ADMINISTRATOR: Final = "administrator"


@dataclass(frozen=True, slots=True)
class BuiltinRole:
    """A role that every tenant begins with.

    Attributes:
        code: stable name.
        name: for people.
        description: for people.
        capabilities: what it allows.
        recorded_reads: what its holder reads is recorded.
        time_boxed: a membership with it must have an end.
        came_with: a capability that came in the same release as the role, where that was not the first one.
    """

    code: str
    name: str
    description: str
    capabilities: frozenset[Capability]
    recorded_reads: bool = False
    time_boxed: bool = False
    came_with: Capability | None = None


BUILTIN: Final = (
    BuiltinRole(
        ADMINISTRATOR,
        "Administrator",
        "Everything in this tenant. Cannot be changed; the last one cannot be removed.",
        frozenset(Capability) - {Capability.LEDGER_APPEND},
    ),
    BuiltinRole(
        "engineer",
        "Engineer",
        "Reads the ledger and its payloads, draws samples, sets up sources and API keys.",
        frozenset(
            {
                Capability.LEDGER_READ,
                Capability.LEDGER_VERIFY,
                Capability.BODY_READ,
                Capability.EXPORT_CREATE,
                Capability.SAMPLE_DRAW,
                Capability.ENTRY_SIGN,
                Capability.EXCEPTION_READ,
                Capability.EXCEPTION_REQUEST,
                Capability.SOURCE_READ,
                Capability.KEY_MANAGE,
                Capability.MEMBER_READ,
            }
        ),
    ),
    BuiltinRole(
        "analyst",
        "Analyst",
        "Reads the ledger, its payloads and the audit trail, takes exports, orders walks, draws and marks samples, "
        "attaches files, approves and hands over packets, asks for exceptions, keeps the registers of risks and "
        "assets.",
        READ_ONLY
        | REVIEW
        | {
            Capability.LEDGER_VERIFY,
            Capability.CONTROL_MANAGE,
            Capability.CATALOG_MANAGE,
            Capability.ATTACHMENT_MANAGE,
            Capability.PACKET_REQUEST,
            Capability.PACKET_APPROVE,
            Capability.PACKET_DELIVER,
            Capability.EXCEPTION_REQUEST,
            Capability.RISK_MANAGE,
            Capability.REGISTER_MANAGE,
            Capability.DLP_MANAGE,
            Capability.ALERT_MANAGE,
        },
    ),
    BuiltinRole(
        "approver",
        "Approver",
        "Decides on exceptions that others ask for, accepts risks; reads the ledger and its payloads.",
        frozenset(
            {
                Capability.LEDGER_READ,
                Capability.BODY_READ,
                Capability.ENTRY_SIGN,
                Capability.EXCEPTION_READ,
                Capability.EXCEPTION_REQUEST,
                Capability.EXCEPTION_APPROVE,
                Capability.RISK_ACCEPT,
                Capability.MEMBER_READ,
            }
        ),
        came_with=Capability.EXCEPTION_APPROVE,
    ),
    BuiltinRole(
        "auditor",
        "Auditor",
        "Reads, draws samples and marks them, asks for packets, for a limited time; everything an auditor reads is "
        "recorded.",
        READ_ONLY | REVIEW | {Capability.PACKET_REQUEST},
        recorded_reads=True,
        time_boxed=True,
    ),
    BuiltinRole("viewer", "Viewer", "Sees entries and the overview, no payloads.", frozenset({Capability.LEDGER_READ})),
)


def provision(connection: Connection[Any], tenant_id: UUID, *, region: str, sample: bool = False) -> None:
    """Give a tenant what it begins with, in the transaction that makes it; what is there already stays as it is.

    Args:
        connection: as muniment_app, in a transaction whose tenant is set. No Django is set up where tenants are made.
        tenant_id: of the tenant.
        region: to which its first workspace is pinned.
        sample: its data are made up.
    """
    connection.execute(
        "INSERT INTO django.tenants_profile (tenant_id, sample, security_contact, security_policy_url, "
        "step_up_seconds, session_hours, mfa_from_first_login, created_at) "
        "VALUES (%s, %s, '', '', 300, 12, false, now()) "
        "ON CONFLICT DO NOTHING",
        [tenant_id, sample],
    )
    connection.execute(
        "INSERT INTO django.tenants_workspace (id, tenant_id, name, region, created_at) "
        "VALUES (%s, %s, 'default', %s, now()) ON CONFLICT DO NOTHING",
        [new_id("wks"), tenant_id, region],
    )
    for role in BUILTIN:
        give_role(connection, tenant_id, role)


def give_role(connection: Connection[Any], tenant_id: UUID, role: BuiltinRole) -> str | None:
    """Give a tenant a built-in role, in its open transaction.

    Returns:
        The role's id; None if the tenant has a role of that code already.
    """
    made = connection.execute(
        "INSERT INTO django.members_role (id, tenant_id, code, name, description, capabilities, known, builtin, "
        "recorded_reads, time_boxed, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, true, %s, %s, now()) "
        "ON CONFLICT DO NOTHING RETURNING id",
        [
            new_id("rol"),
            tenant_id,
            role.code,
            role.name,
            role.description,
            [str(capability) for capability in sorted(role.capabilities)],
            [str(capability) for capability in sorted(Capability)],
            role.recorded_reads,
            role.time_boxed,
        ],
    ).fetchone()
    return None if made is None else str(made[0])
