"""Roles of the tenant's own making."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from django.db import transaction

from muniment.core.errors import Refused
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.members.models import Group, Invitation, Membership, Role, ServiceAccount
from muniment.server.members.services.change import changing
from muniment.server.members.workflow import NoSuch
from muniment.server.recording import record

CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
MOST_ROLES: Final = 200
_NAMED_BY: Final = (Membership, Group, ServiceAccount, Invitation)


@transaction.atomic
def create_role(
    standing: Standing,
    *,
    code: str,
    name: str,
    description: str = "",
    capabilities: Collection[str],
    recorded_reads: bool = False,
    time_boxed: bool = False,
) -> Role:
    """Define a role.

    Args:
        standing: whose; needs `role.manage` and every capability that the role shall have.
        code: unique in the tenant, lower-case letters, digits and hyphens, at most 32.
        name: for people, at most 64 characters.
        description: for people, at most 255 characters.
        capabilities: codes of `Capability`.
        recorded_reads: what its holders read is recorded.
        time_boxed: its holders must have an end, at most 90 days ahead.

    Raises:
        Refused: if the code is taken or a rule of `workflow` is broken.
    """
    _check(name, description, capabilities)
    if not CODE.fullmatch(code):
        raise Refused("begins with a lower-case letter; then letters, digits and hyphens, at most 32", "code")
    with changing(standing, needs=Capability.ROLE_MANAGE) as change:
        if any(role.code == code for role in change.before.roles.values()):
            raise Refused("another role has this code", "code")
        if len(change.before.roles) >= MOST_ROLES:
            raise Refused(f"a tenant has at most {MOST_ROLES} roles", "code")
        role = Role.objects.create(
            tenant_id=standing.tenant_id,
            code=code,
            name=name,
            description=description,
            capabilities=sorted(set(capabilities)),
            recorded_reads=recorded_reads,
            time_boxed=time_boxed,
        )
    _record(change.actor.subject, role, "create", body={"after": _body(role)})
    return role


@transaction.atomic
def change_role(
    standing: Standing,
    role_id: str,
    *,
    name: str,
    description: str,
    capabilities: Collection[str],
    recorded_reads: bool,
    time_boxed: bool,
) -> Role:
    """Define anew what a role is; it works at once for all who hold it.

    Raises:
        NoSuch: if the tenant has no such role.
        Refused: if a rule of `workflow` is broken.
    """
    _check(name, description, capabilities)
    with changing(standing, needs=Capability.ROLE_MANAGE) as change:
        role = role_row(role_id)
        before = _body(role)
        if change.before.roles[role.id].is_administrator:
            raise Refused("the role administrator cannot be changed or deleted", "role")
        role.name, role.description = name, description
        role.capabilities = sorted(set(capabilities))
        role.recorded_reads, role.time_boxed = recorded_reads, time_boxed
        role.save()
    if _body(role) != before:
        _record(change.actor.subject, role, "change", body={"before": before, "after": _body(role)})
    return role


@transaction.atomic
def delete_role(standing: Standing, role_id: str, *, replacement_id: str | None = None) -> None:
    """Delete a role; whatever names it names its replacement from then on.

    Raises:
        NoSuch: if the tenant has no such role, or no such replacement.
        Refused: if it is in use and nothing replaces it, or a rule of `workflow` is broken.
    """
    with changing(standing, needs=Capability.ROLE_MANAGE) as change:
        role = role_row(role_id)
        replacement = None if replacement_id is None else role_row(replacement_id, field="replacement")
        if replacement is not None and replacement.id == role.id:
            raise Refused("a role cannot replace itself", "replacement")
        for model in _NAMED_BY:
            for row in model._default_manager.filter(roles__contains=[role.id]):
                # Closed service accounts and old invitations are no use of the role, and name it no longer.
                if replacement is None and row.pk in change.before.holders.keys() | change.before.groups.keys():
                    continue
                kept = set(row.roles) - {role.id}
                row.roles = sorted(kept if replacement is None else kept | {replacement.id})
                row.save()
        Role.objects.filter(id=role.id).delete()
    _record(
        change.actor.subject,
        role,
        "delete",
        replacement="" if replacement is None else replacement.code,
        body={"before": _body(role)},
    )


def role_row(role_id: str, *, field: str = "role") -> Role:
    """The row of a role of the open tenant.

    Raises:
        NoSuch: if there is none.
    """
    row = Role.objects.filter(id=role_id).first()
    if row is None:
        raise NoSuch("there is no such role", field)
    return row


def _check(name: str, description: str, capabilities: Collection[str]) -> None:
    if not name.strip() or len(name) > 64:
        raise Refused("a role has a name of at most 64 characters", "name")
    if len(description) > 255:
        raise Refused("at most 255 characters", "description")
    unknown = sorted(set(capabilities) - {str(capability) for capability in Capability})
    if unknown:
        raise Refused(f"there is no capability {ascii(unknown[0])[:64]}", "capabilities")


def _record(by: str, role: Role, what: str, *, body: dict[str, object], replacement: str = "") -> None:
    record(
        "role.change",
        by=by,
        resource=("role", role.id),
        labels={"what": what, "code": role.code, "replacement": replacement},
        body=body,
    )


def _body(role: Role) -> dict[str, object]:
    return {
        "code": role.code,
        "name": role.name,
        "description": role.description,
        "capabilities": list(role.capabilities),
        "recorded_reads": role.recorded_reads,
        "time_boxed": role.time_boxed,
    }
