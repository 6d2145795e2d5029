"""Groups: people who get roles together."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from muniment.core.errors import Refused
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.members.models import Group, Invitation, Membership
from muniment.server.members.services.change import changing
from muniment.server.members.services.memberships import member_row
from muniment.server.members.workflow import NoSuch
from muniment.server.recording import record

MOST_GROUPS = 500


@transaction.atomic
def create_group(standing: Standing, *, name: str, roles: Collection[str] = (), parent_id: str = "") -> Group:
    """Make a group.

    Args:
        standing: whose; needs `member.manage` and everything that the group gives.
        name: unique in the tenant, at most 64 characters.
        roles: ids of the roles that its members get.
        parent_id: the group that it is part of and whose roles come with it; "" for none.

    Raises:
        NoSuch: if the tenant has no such role or group.
        Refused: if the name is taken or a rule of `workflow` is broken.
    """
    with changing(standing, needs=Capability.MEMBER_MANAGE) as change:
        _check_name(name, "")
        if len(change.before.groups) >= MOST_GROUPS:
            raise Refused(f"a tenant has at most {MOST_GROUPS} groups", "name")
        group = Group.objects.create(
            tenant_id=standing.tenant_id, name=name.strip(), roles=sorted(set(roles)), parent_id=parent_id
        )
    _record(change.actor.subject, group, "create", after=_body(group))
    return group


@transaction.atomic
def change_group(standing: Standing, group_id: str, *, name: str, roles: Collection[str], parent_id: str) -> Group:
    """Give a group this name, these roles and this parent; it works at once for all its members.

    Raises:
        NoSuch: if the tenant has no such group or role.
        Refused: if a rule of `workflow` is broken.
    """
    with changing(standing, needs=Capability.MEMBER_MANAGE) as change:
        group = group_row(group_id)
        before = _body(group)
        _check_name(name, group_id)
        group.name, group.roles, group.parent_id = name.strip(), sorted(set(roles)), parent_id
        group.save()
    if _body(group) != before:
        _record(change.actor.subject, group, "change", before=before, after=_body(group))
    return group


@transaction.atomic
def delete_group(standing: Standing, group_id: str) -> None:
    """Delete a group: its members lose what it gave, and groups inside it become part of its parent.

    Raises:
        NoSuch: if the tenant has no such group.
        Refused: if a rule of `workflow` is broken.
    """
    with changing(standing, needs=Capability.MEMBER_MANAGE) as change:
        group = group_row(group_id)
        for member in Membership.objects.filter(groups__contains=[group.id]):
            member.groups = [other for other in member.groups if other != group.id]
            member.save()
        for invitation in Invitation.objects.filter(groups__contains=[group.id]):
            invitation.groups = [other for other in invitation.groups if other != group.id]
            invitation.save()
        Group.objects.filter(parent_id=group.id).update(parent_id=group.parent_id)
        Group.objects.filter(id=group.id).delete()
    _record(change.actor.subject, group, "delete", before=_body(group))


@transaction.atomic
def put_in_group(standing: Standing, group_id: str, member_id: str) -> None:
    """Make a member part of a group.

    Raises:
        NoSuch: if the tenant has no such group or member.
        Refused: if a rule of `workflow` is broken.
    """
    with changing(standing, needs=Capability.MEMBER_MANAGE) as change:
        group, member = group_row(group_id), member_row(member_id)
        member.groups = sorted({*member.groups, group.id})
        member.save()
    _record_member(change.actor.subject, group, member, "put-in-group")


@transaction.atomic
def take_from_group(standing: Standing, group_id: str, member_id: str) -> None:
    """Take a member out of a group.

    Raises:
        NoSuch: if the tenant has no such group or member.
        Refused: if a rule of `workflow` is broken.
    """
    with changing(standing, needs=Capability.MEMBER_MANAGE) as change:
        group, member = group_row(group_id), member_row(member_id)
        member.groups = [other for other in member.groups if other != group.id]
        member.save()
    _record_member(change.actor.subject, group, member, "take-from-group")


def group_row(group_id: str) -> Group:
    """The row of a group of the open tenant.

    Raises:
        NoSuch: if there is none.
    """
    row = Group.objects.filter(id=group_id).first()
    if row is None:
        raise NoSuch("there is no such group", "group")
    return row


def _check_name(name: str, own_id: str) -> None:
    if not name.strip() or len(name) > 64:
        raise Refused("a group has a name of at most 64 characters", "name")
    if Group.objects.filter(name=name.strip()).exclude(id=own_id).exists():
        raise Refused("another group has this name", "name")


def _record_member(by: str, group: Group, member: Membership, what: str) -> None:
    record(
        "member.change",
        by=by,
        resource=("member", member.id),
        labels={"user": member.user_id, "what": what, "group": group.id},
    )


def _record(by: str, group: Group, what: str, **body: object) -> None:
    record("group.change", by=by, resource=("group", group.id), labels={"what": what}, body=body)


def _body(group: Group) -> dict[str, object]:
    return {"name": group.name, "roles": list(group.roles), "parent": group.parent_id}
