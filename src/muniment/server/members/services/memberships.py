"""Members: let in, changed, removed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from muniment.core.errors import Refused
from muniment.ledger.tenants import tenant_by_slug
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.members.models import Membership, Role
from muniment.server.members.services.change import changing
from muniment.server.members.standing import roles_of_groups
from muniment.server.members.workflow import NoSuch
from muniment.server.recording import record
from muniment.server.tenants.models import TenantProfile
from muniment.server.tenants.scope import ledger_connection, lookup_scope, tenant_scope


@dataclass(frozen=True, slots=True)
class Belonging:
    """One tenant that a person belongs to.

    Attributes:
        tenant_id: of the tenant.
        slug: its short name; its pages stand under `/t/<slug>/`.
        name: for people.
        sample: its data are made up.
        roles: names of the person's roles there.
        until: when the membership ends by itself.
    """

    tenant_id: UUID
    slug: str
    name: str
    sample: bool
    roles: tuple[str, ...]
    until: datetime | None


def tenants_of(user_id: str) -> tuple[tuple[str, str], ...]:
    """(slug, name) of the tenants that a person belongs to now, by name; allowed in and outside of a tenant's scope.

    Args:
        user_id: `usr_…`.
    """
    found = []
    for row in _rows_of(user_id):
        with ledger_connection() as raw:
            tenant = tenant_by_slug(raw, row.slug)
        if tenant is not None:
            found.append((row.slug, tenant.name))
    return tuple(sorted(found, key=lambda pair: (pair[1].lower(), pair[0])))


def memberships_of(user_id: str) -> tuple[Belonging, ...]:
    """The tenants that a person belongs to now, by name. Call it outside of any tenant's scope.

    Args:
        user_id: `usr_…`.
    """
    rows = {row.slug: row for row in _rows_of(user_id)}
    found = []
    for slug, name in tenants_of(user_id):
        row = rows[slug]
        with tenant_scope(row.tenant_id):
            held = Role.objects.filter(id__in={*row.roles, *roles_of_groups(row.groups)}).order_by("name")
            roles = tuple(held.values_list("name", flat=True))
            sample = TenantProfile.objects.filter(sample=True).exists()
        found.append(Belonging(row.tenant_id, slug, name, sample, roles, row.until))
    return tuple(found)


def _rows_of(user_id: str) -> list[Membership]:
    with lookup_scope("muniment.user", user_id):
        rows = list(Membership.objects.filter(user_id=user_id))
    return [row for row in rows if row.until is None or row.until > timezone.now()]


@transaction.atomic
def admit(
    by: str,
    *,
    tenant_id: UUID,
    slug: str,
    user_id: str,
    roles: Collection[str],
    groups: Collection[str] = (),
    until: datetime | None = None,
    break_glass: bool = False,
) -> Membership:
    """Let somebody in by the installation's own authority: the first administrator, or single sign-on.

    Args:
        by: `system:…` or `user:usr_…`, as the ledger shall name who did it.
        tenant_id: of the tenant whose scope is open.
        slug: its slug.
        user_id: `usr_…`.
        roles: ids of its roles.
        groups: ids of its groups.
        until: when the membership ends by itself.
        break_glass: may sign in with a password where the tenant demands single sign-on.

    Raises:
        Refused: if the person is a member already, or a rule of `workflow` is broken.
    """
    with changing(by) as change:
        member = place(tenant_id, slug, user_id, roles, groups, until, change.now, break_glass=break_glass)
    record_joined(by, member)
    return member


def place(
    tenant_id: UUID,
    slug: str,
    user_id: str,
    roles: Collection[str],
    groups: Collection[str],
    until: datetime | None,
    now: datetime,
    *,
    break_glass: bool = False,
) -> Membership:
    """Write the row of a new member, inside `changing`; a membership that has ended makes room for it.

    Raises:
        Refused: if the person is a member.
    """
    Membership.objects.filter(user_id=user_id, until__lte=now).delete()
    if Membership.objects.filter(user_id=user_id).exists():
        raise Refused("the person is a member already", "member")
    return Membership.objects.create(
        tenant_id=tenant_id,
        slug=slug,
        user_id=user_id,
        roles=sorted(set(roles)),
        groups=sorted(set(groups)),
        until=until,
        break_glass=break_glass,
    )


def record_joined(by: str, member: Membership, **labels: object) -> None:
    """Record that somebody became a member."""
    record("member.join", by=by, resource=("member", member.id), labels=labels | _labels(member), body=_body(member))


@transaction.atomic
def change_member(
    standing: Standing | str,
    member_id: str,
    *,
    roles: Collection[str],
    groups: Collection[str],
    until: datetime | None,
) -> Membership:
    """Give a member exactly these roles, groups and end.

    Raises:
        NoSuch: if the tenant has no such member, role or group.
        Refused: if a rule of `workflow` is broken.
    """
    with changing(standing, needs=Capability.MEMBER_MANAGE) as change:
        member = member_row(member_id)
        before = _body(member)
        member.roles, member.groups, member.until = sorted(set(roles)), sorted(set(groups)), until
        member.save()
    if _body(member) != before:
        record(
            "member.change",
            by=change.actor.subject,
            resource=("member", member.id),
            labels=_labels(member),
            body={"before": before, "after": _body(member)},
        )
    return member


@transaction.atomic
def remove_member(standing: Standing | str, member_id: str) -> None:
    """End a membership now. Everybody may leave; removing others needs `member.manage`.

    Raises:
        NoSuch: if the tenant has no such member.
        Refused: if a rule of `workflow` is broken.
    """
    leaves = isinstance(standing, Standing) and _is_own(standing, member_id)
    with changing(standing, needs=None if leaves else Capability.MEMBER_MANAGE) as change:
        member = member_row(member_id)
        member.delete()
    record(
        "member.remove",
        by=change.actor.subject,
        resource=("member", member_id),
        labels={"user": member.user_id, "left": "yes" if leaves else ""},
        body=_body(member),
    )


def member_row(member_id: str) -> Membership:
    """The row of a member of the open tenant.

    Raises:
        NoSuch: if there is none.
    """
    row = Membership.objects.filter(id=member_id).first()
    if row is None:
        raise NoSuch("there is no such member", "member")
    return row


def _is_own(standing: Standing, member_id: str) -> bool:
    return Membership.objects.filter(id=member_id, user_id=standing.subject.partition(":")[2]).exists()


def _labels(member: Membership) -> dict[str, object]:
    return {"user": member.user_id, "until": member.until and member.until.isoformat()}


def _body(member: Membership) -> dict[str, object]:
    return {
        "roles": list(member.roles),
        "groups": list(member.groups),
        "until": member.until and member.until.isoformat(),
    }
