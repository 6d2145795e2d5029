"""Who holds which roles in one tenant, as values: what the rules of `workflow` judge and what pages explain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from muniment.server.capabilities import Capability
from muniment.server.members.provisioning import ADMINISTRATOR

_KNOWN = frozenset(Capability)
# Whatever this version knows: a tenant that is older than a capability has an administrator who holds it.
EVERYTHING = _KNOWN - {Capability.LEDGER_APPEND}


@dataclass(frozen=True, slots=True)
class RoleState:
    """A role as stored.

    Attributes:
        id: `rol_…`.
        code: unique in the tenant.
        name: for people.
        stored: capability codes, as the row has them.
        builtin: came with the tenant.
        recorded_reads: what its holders read is recorded.
        time_boxed: its holders must have an end.
        description: for people.
    """

    id: str
    code: str
    name: str
    stored: frozenset[str]
    builtin: bool = False
    recorded_reads: bool = False
    time_boxed: bool = False
    description: str = ""

    @property
    def is_administrator(self) -> bool:
        """Whether it is the one role that cannot be changed."""
        return self.builtin and self.code == ADMINISTRATOR

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it allows; codes that this version does not know allow nothing."""
        if self.is_administrator:
            return EVERYTHING
        return frozenset(Capability(code) for code in self.stored if code in _KNOWN)


@dataclass(frozen=True, slots=True)
class GroupState:
    """A group as stored: `roles` of its own; those of `parent_id` (or "") come with them."""

    id: str
    name: str
    parent_id: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody or something that holds roles.

    Attributes:
        id: of the row: `mem_…`, `inv_…`, `svc_…`.
        kind: of the row.
        subject: `user:usr_…` of a member, else "".
        roles: ids, given directly.
        groups: ids.
        until: when it ends by itself; None for never.
        active: False for people whose account is off; they count for nothing.
        break_glass: may sign in without the provider where the tenant demands single sign-on.
    """

    id: str
    kind: Literal["member", "invitation", "service"]
    subject: str
    roles: frozenset[str]
    groups: frozenset[str] = frozenset()
    until: datetime | None = None
    active: bool = True
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class Power:
    """What roles add up to.

    Attributes:
        capabilities: of all of them together.
        recorded_reads: at least one of them records what is read.
        time_boxed: at least one of them demands an end.
        administrator: one of them is the administrator's.
        until: when it ends.
    """

    capabilities: frozenset[Capability] = frozenset()
    recorded_reads: bool = False
    time_boxed: bool = False
    administrator: bool = False
    until: datetime | None = None


NOTHING = Power()


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything of one tenant that decides who may do what.

    Attributes:
        roles: by id.
        groups: by id.
        holders: by id: members, open invitations and service accounts that are not closed.
    """

    roles: Mapping[str, RoleState]
    groups: Mapping[str, GroupState]
    holders: Mapping[str, Holder]

    @classmethod
    def of(cls, roles: Iterable[RoleState], groups: Iterable[GroupState], holders: Iterable[Holder]) -> Directory:
        """From the rows, in any order."""
        return cls({r.id: r for r in roles}, {g.id: g for g in groups}, {h.id: h for h in holders})

    def line_of(self, group_id: str) -> list[GroupState]:
        """A group and those that it is part of, nearest first; a circle is walked once."""
        line: list[GroupState] = []
        group = self.groups.get(group_id)
        while group is not None and group not in line:
            line.append(group)
            group = self.groups.get(group.parent_id)
        return line

    def sources(self, holder: Holder) -> dict[str, list[GroupState | None]]:
        """By role id, through what a holder has it: None stands for directly, else the group that holds the role."""
        found: dict[str, list[GroupState | None]] = {role: [None] for role in holder.roles if role in self.roles}
        for group_id in sorted(holder.groups):
            for group in self.line_of(group_id):
                for role in group.roles & self.roles.keys():
                    through = found.setdefault(role, [])
                    if group not in through:
                        through.append(group)
        return found

    def roles_of_group(self, group_id: str) -> frozenset[str]:
        """Ids of the roles that a group gives, inherited ones included."""
        return frozenset(role for group in self.line_of(group_id) for role in group.roles)

    def power(self, holder: Holder) -> Power:
        """What a holder's roles add up to."""
        ids = holder.roles.union(*(self.roles_of_group(group) for group in holder.groups))
        return self.power_of_roles(ids, until=holder.until)

    def power_of_roles(self, ids: Iterable[str], *, until: datetime | None = None) -> Power:
        """What these roles add up to; ids that are not there give nothing."""
        roles = [self.roles[role] for role in ids if role in self.roles]
        return Power(
            frozenset().union(*(role.capabilities for role in roles)),
            any(role.recorded_reads for role in roles),
            any(role.time_boxed for role in roles),
            any(role.is_administrator for role in roles),
            until,
        )

    def member_of(self, subject: str) -> Holder | None:
        """The membership of a person, `user:usr_…`."""
        found = (holder for holder in self.holders.values() if holder.kind == "member" and holder.subject == subject)
        return next(found, None)

    def users_of_role(self, role_id: str) -> int:
        """How many holders and groups name a role directly."""
        return sum(role_id in holder.roles for holder in self.holders.values()) + sum(
            role_id in group.roles for group in self.groups.values()
        )
