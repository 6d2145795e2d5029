"""The frame of every change of who may do what: lock, read, write, read again, judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from muniment.core.errors import Refused
from muniment.server.access.standing import Standing
from muniment.server.capabilities import OF_SCOPE, Capability
from muniment.server.members.directory import Directory, Power
from muniment.server.members.models import ServiceKey
from muniment.server.members.rows import lock_tenant, read_directory
from muniment.server.members.workflow import Actor, Change, Escalation, judge

_further: Final[list[Callable[[Change], None]]] = []


def add_rule(rule: Callable[[Change], None]) -> None:
    """Have a change judged by one more rule, of an application that stands on this one; called when Django starts.

    Args:
        rule: as those of `workflow`, and inside the tenant's scope.
    """
    if rule not in _further:
        _further.append(rule)


@dataclass(frozen=True, slots=True)
class Changing:
    """A change that is being made.

    Attributes:
        before: the tenant as it was when the lock was taken.
        actor: who makes it, with what they hold now and not when their request began.
        now: the time that counts for it.
    """

    before: Directory
    actor: Actor
    now: datetime


@contextmanager
def changing(by: Standing | str, *, needs: Capability | None = None) -> Iterator[Changing]:
    """Run the block, which writes rows, so that its outcome keeps every rule or nothing of it stays.

    Args:
        by: whose standing; a text such as `system:muniment` or `user:usr_…` for what the installation itself gives.
        needs: the capability for it, asked again under the lock.

    Raises:
        Refused: as `workflow.judge` and the added rules do, or if the standing has ended.
    """
    with transaction.atomic():
        lock_tenant()
        now = timezone.now()
        before = read_directory(now)
        actor = Actor(by, "", None) if isinstance(by, str) else actor_of(by, before, now)
        if needs is not None and actor.power is not None and needs not in actor.own:
            raise Escalation(f"this needs the capability {needs}", "standing")
        yield Changing(before, actor, now)
        change = Change(before, read_directory(now), actor, now)
        judge(change)
        for rule in _further:
            rule(change)


def actor_of(standing: Standing, directory: Directory, now: datetime) -> Actor:
    """Who a standing is, with what the tenant's rows give it now.

    Raises:
        Refused: if it has ended since the request began.
    """
    if standing.subject.startswith("user:"):
        holder = directory.member_of(standing.subject)
        if holder is None or (holder.until is not None and holder.until <= now):
            raise Refused("your membership has ended", "standing")
        return Actor(standing.subject, holder.id, directory.power(holder))
    key_id = standing.subject.partition(":")[2]
    bound = ServiceKey.objects.filter(key_id=key_id).values_list("service_id", flat=True).first()
    if bound is None:
        return Actor(standing.subject, "", Power(OF_SCOPE["read" if standing.own_only is None else "append"]))
    service = directory.holders.get(bound)
    if service is None:
        raise Refused("the service account of this key is closed", "standing")
    return Actor(standing.subject, service.id, directory.power(service))
