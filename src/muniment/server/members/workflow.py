"""The rules of who may change who may do what. They judge the tenant before and after a change, whatever it was.

So no way of making a change (a role's definition, a group's parent, an invitation, a service account) can be forgotten:
services write, read everything again and ask `judge` before the transaction ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from muniment.core.errors import Refused
from muniment.server.capabilities import Capability
from muniment.server.members.directory import NOTHING, Directory, Holder, Power

TIME_BOX: Final = timedelta(days=90)
INVITATION_LASTS: Final = timedelta(days=7)


class NoSuch(Refused):
    """The id names nothing in this tenant; ids of other tenants are answered the same."""


class Escalation(Refused):
    """Somebody tried to give, or get, more than they hold."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, and what they hold while they make it.

    Attributes:
        subject: `user:usr_…`, `key:ak_…`, or `system:…`.
        holder: the row that its standing comes from, `mem_…` or `svc_…`; "" for a key of no service account.
        power: None for the installation itself (first-run setup, single sign-on), which gives without holding.
    """

    subject: str
    holder: str
    power: Power | None

    @property
    def own(self) -> frozenset[Capability]:
        """The capabilities it holds."""
        return frozenset() if self.power is None else self.power.capabilities


@dataclass(frozen=True, slots=True)
class Change:
    """A tenant before and after a change, who made it, and when."""

    before: Directory
    after: Directory
    actor: Actor
    now: datetime

    def touched(self) -> list[tuple[Holder | None, Holder | None]]:
        """Holders whose own rows differ: (before, after), None where there is none."""
        ids = sorted(self.before.holders.keys() | self.after.holders.keys())
        pairs = [(self.before.holders.get(row), self.after.holders.get(row)) for row in ids]
        return [(old, new) for old, new in pairs if old != new]


def judge(change: Change) -> None:
    """Refuse a change that breaks a rule.

    Raises:
        NoSuch: if it names a role or group that this tenant does not have.
        Escalation: if it gives or takes what its maker does not hold, or changes its maker's own roles.
        Refused: for the other rules.
    """
    for rule in RULES:
        rule(change)


def names_exist(change: Change) -> None:
    """What was changed names roles and groups of this tenant."""
    after = change.after
    for _, new in change.touched():
        if new is not None and not new.roles <= after.roles.keys():
            raise NoSuch("there is no such role", "roles")
        if new is not None and not new.groups <= after.groups.keys():
            raise NoSuch("there is no such group", "groups")
    for group in after.groups.values():
        if group == change.before.groups.get(group.id):
            continue
        if not group.roles <= after.roles.keys():
            raise NoSuch("there is no such role", "roles")
        if group.parent_id and group.parent_id not in after.groups:
            raise NoSuch("there is no such group", "parent")


def groups_form_no_circle(change: Change) -> None:
    """No group is part of itself, over however many others."""
    for group in change.after.groups.values():
        top = change.after.line_of(group.id)[-1]
        if top.parent_id and top.parent_id in change.after.groups:
            raise Refused("a group cannot be part of itself, directly or through others", "parent")


def nothing_in_use_disappears(change: Change) -> None:
    """A role or group that is gone is named by nothing that is left."""
    after = change.after
    gone = change.before.roles.keys() - after.roles.keys()
    if any(holder.roles & gone for holder in after.holders.values()) or any(
        group.roles & gone for group in after.groups.values()
    ):
        raise Refused("the role is in use: say which role replaces it", "replacement")
    lost = change.before.groups.keys() - after.groups.keys()
    if any(holder.groups & lost for holder in after.holders.values()) or any(
        group.parent_id in lost for group in after.groups.values()
    ):
        raise Refused("the group is still part of something", "group")


def administrator_is_fixed(change: Change) -> None:
    """The administrator's role is as it was."""
    for role in change.before.roles.values():
        if role.is_administrator and change.after.roles.get(role.id) != role:
            raise Refused("the role administrator cannot be changed or deleted", "role")


def roles_do_not_append(change: Change) -> None:
    """Recording events is for API keys of their own, never part of a role."""
    for role in change.after.roles.values():
        if role != change.before.roles.get(role.id) and Capability.LEDGER_APPEND in role.stored:
            raise Refused("ledger.append is given by the scope of an API key, not by roles", "capabilities")


def nobody_changes_their_own(change: Change) -> None:
    """Roles, groups and end of whoever acts are changed by somebody else, and no detour lifts what they may do."""
    if change.actor.power is None:
        return
    old, new = change.before.holders.get(change.actor.holder), change.after.holders.get(change.actor.holder)
    if new is None or old is None:
        # Leaving is allowed. Coming in is not done by somebody who is not there.
        return
    if old != new:
        raise Escalation("nobody changes their own roles, groups or end: ask another administrator", "member")
    was, is_now = change.before.power(old), change.after.power(new)
    if not is_now.capabilities <= was.capabilities or (was.recorded_reads and not is_now.recorded_reads):
        raise Escalation("this would change what you may do yourself", "member")
    if was.time_boxed and not is_now.time_boxed:
        raise Escalation("this would lift your own time limit", "member")


def nobody_gives_what_they_do_not_hold(change: Change) -> None:
    """Who changes a role, group, member, invitation or service account holds everything that it gives or gave."""
    power = change.actor.power
    if power is None:
        return
    before, after = change.before, change.after
    for role_id in sorted(before.roles.keys() | after.roles.keys()):
        was, is_now = before.power_of_roles([role_id]), after.power_of_roles([role_id])
        _within(change.actor, was.capabilities ^ is_now.capabilities, "capabilities")
    for group_id in sorted(before.groups.keys() | after.groups.keys()):
        if before.groups.get(group_id) != after.groups.get(group_id):
            given = before.power_of_roles(before.roles_of_group(group_id)).capabilities
            given ^= after.power_of_roles(after.roles_of_group(group_id)).capabilities
            _within(change.actor, given, "roles")
    for old, new in change.touched():
        had = NOTHING if old is None else before.power(old)
        has = NOTHING if new is None else after.power(new)
        leaves = new is None and old is not None and old.id == change.actor.holder
        if not leaves:
            _within(change.actor, had.capabilities | has.capabilities, "roles")
        if new is not None and _gains(old, had, has):
            _within_limits(power, has)
    for row in before.holders.keys() & after.holders.keys():
        delta = before.power(before.holders[row]).capabilities ^ after.power(after.holders[row]).capabilities
        _within(change.actor, delta, "roles")


def time_boxes_are_kept(change: Change) -> None:
    """Whoever holds a role with a time limit ends within 90 days of the change."""
    latest = change.now + TIME_BOX
    for holder in change.after.holders.values():
        if not change.after.power(holder).time_boxed:
            continue
        if holder.kind == "service":
            raise Refused("a role with a time limit is for people: a service account has no end", "roles")
        if holder.until is None or holder.until > latest:
            raise Refused("a role with a time limit needs an end at most 90 days from now", "until")


def ends_lie_ahead(change: Change) -> None:
    """An end that is given now is not over already."""
    for old, new in change.touched():
        until = None if new is None else new.until
        if until is not None and until <= change.now and (old is None or old.until != until):
            raise Refused("the end must lie ahead", "until")


def an_administrator_stays(change: Change) -> None:
    """A tenant that has an active administrator without an end keeps one."""
    if lasting_administrators(change.before) and not lasting_administrators(change.after):
        raise Refused("this is the last administrator without an end: appoint another first", "member")


RULES: Final[tuple[Callable[[Change], None], ...]] = (
    names_exist,
    groups_form_no_circle,
    administrator_is_fixed,
    roles_do_not_append,
    nobody_changes_their_own,
    nobody_gives_what_they_do_not_hold,
    nothing_in_use_disappears,
    ends_lie_ahead,
    time_boxes_are_kept,
    an_administrator_stays,
)


def may_still_give(inviter: Power | None, offered: Power) -> bool:
    """Whether an invitation still stands behind what it offers: its maker is a member and holds all of it."""
    return inviter is not None and offered.capabilities <= inviter.capabilities


def may_make_key(actor: Actor, scope: str, power: Power) -> None:
    """Refuse a key that could do more, or last longer, than whoever makes it.

    Args:
        actor: who makes it.
        scope: `append` or `read`; recording events is nobody's capability but the key's own.
        power: what the key could do.

    Raises:
        Escalation: naming what is lacking.
    """
    if scope == "append" or actor.power is None:
        return
    _within(actor, power.capabilities, "scope")
    _within_limits(actor.power, power)


def lasting_administrators(state: Directory) -> list[Holder]:
    """The members who administer a tenant without an end, those whose account is off left out."""
    return [
        holder
        for holder in state.holders.values()
        if holder.kind == "member" and holder.active and holder.until is None and state.power(holder).administrator
    ]


def _within(actor: Actor, capabilities: frozenset[Capability], field: str) -> None:
    lacking = sorted(capabilities - actor.own)
    if lacking:
        raise Escalation(f"only who holds {', '.join(lacking)} can give or take that", field)


def _gains(old: Holder | None, had: Power, has: Power) -> bool:
    longer = old is not None and had.until is not None and (has.until is None or has.until > had.until)
    unrecorded = had.recorded_reads and not has.recorded_reads
    return old is None or longer or unrecorded or not has.capabilities <= had.capabilities


def _within_limits(own: Power, given: Power) -> None:
    """Raise Escalation where somebody's own limits would not bind those to whom they give."""
    if own.recorded_reads and not given.recorded_reads and given.capabilities:
        raise Escalation("what you read is recorded, so you cannot give a standing whose reading is not", "roles")
    if own.until is not None and (given.until is None or given.until > own.until):
        raise Escalation("your own membership ends, so what you give must end no later", "until")
