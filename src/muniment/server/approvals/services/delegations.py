"""Who is away, who decides for them meanwhile, and the end of that."""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.approvals.models import Delegation, Revocation, delegation_id
from muniment.server.approvals.periods import MAX_COMMENT, Period, checked_period
from muniment.server.approvals.services.deciding import roster
from muniment.server.approvals.services.naming import person_of
from muniment.server.approvals.services.rules import checked_comment
from muniment.server.capabilities import Capability
from muniment.server.members.rows import read_directory
from muniment.server.registers.keeping import NoSuch, keep_entry, lock

DELEGATION_ACTION = "delegation.change"
MOST_LISTED = 500


def delegate(
    standing: Standing,
    *,
    first_day: date,
    last_day: date,
    zone: str,
    to: str = "",
    person: str = "",
    comment: str = "",
) -> Delegation:
    """Write down that somebody is away, and who decides for them meanwhile.

    Who stands in needs `exception.approve` of their own, is not away themselves, and passes nothing on. One delegates
    for oneself; whoever has `workflow.manage` does so for others, and never to themselves.

    Args:
        standing: of who does it.
        first_day, last_day: whole days of `zone`, both belong to it.
        zone: IANA name of the zone in which the person counts their days.
        to: who stands in, as address or `usr_…`; "" for nobody.
        person: who is away, likewise; "" for whoever does it.
        comment: at most 1,000 characters.

    Raises:
        Malformed, Refused: naming what stands against it.
    """
    lock(standing, "approvals/delegations")
    now = timezone.now()
    directory = read_directory(now)
    away = person_of(directory, person, "person") if person.strip() else standing.subject
    if not away.startswith("user:"):
        raise Malformed("say who is away: a key is nobody who could be", "person")
    meanwhile = person_of(directory, to, "to") if to.strip() else ""
    _check_who(standing, away, meanwhile)
    period = checked_period(first_day, last_day, zone, now)
    people = roster(now).people
    if away not in people or not people[away].approves:
        raise Refused("approves no exceptions, so that there is nothing to stand in for", "person")
    if meanwhile and not people[meanwhile].approves:
        raise Refused("may not approve exceptions; choose somebody who may", "to")
    _check_apart(away, meanwhile, period)
    row = Delegation(
        id=delegation_id(),
        tenant_id=standing.tenant_id,
        person=away,
        delegate=meanwhile,
        first_day=period.first_day,
        last_day=period.last_day,
        zone=period.zone,
        begins=period.begins,
        ends=period.ends,
        comment=checked_comment(comment, "comment", MAX_COMMENT),
        created_by=standing.subject,
    )
    row.seq, row.event = _keep(standing, row, "made", row.comment)
    row.save(force_insert=True)
    return row


def revoke_delegation(standing: Standing, wanted: str, *, comment: str = "") -> Revocation:
    """End a delegation from now on: whoever is away, whoever stands in, and whoever has `workflow.manage` may.

    Raises:
        Refused: for anybody else, and for one that is over or was revoked.
        NoSuch: if there is none of that id.
    """
    lock(standing, "approvals/delegations")
    row = delegation_for(wanted)
    if standing.subject not in (row.person, row.delegate) and not standing.may(Capability.WORKFLOW_MANAGE):
        raise Refused("only who is away, who stands in, or who manages the rules can end it", "delegation")
    now = timezone.now()
    if row.ends <= now or Revocation.objects.filter(delegation=row.id).exists():
        raise Refused("is over already", "delegation")
    said = checked_comment(comment, "comment", MAX_COMMENT)
    made = Revocation(delegation=row.id, tenant_id=standing.tenant_id, by=standing.subject, at=now, comment=said)
    made.seq, made.event = _keep(standing, row, "revoked", said)
    made.save(force_insert=True)
    return made


def delegation_for(wanted: str) -> Delegation:
    """A delegation of the open tenant by its id.

    Raises:
        NoSuch: if there is none.
    """
    row = None if "\0" in wanted else Delegation.objects.filter(id=wanted).first()
    if row is None:
        raise NoSuch("there is no such delegation", "delegation")
    return row


def delegations(*, person: str = "", over: bool = False, now: datetime | None = None) -> list[Delegation]:
    """Delegations of the open tenant, the latest days first. At most 500.

    Args:
        person: only those of somebody who is away or stands in, `user:usr_…`; "" for all.
        over: also what has ended or was revoked.
        now: by which what has ended is told; None for the moment.
    """
    rows: QuerySet[Delegation] = Delegation.objects.all()
    if person:
        rows = rows.filter(Q(person=person) | Q(delegate=person))
    if not over:
        rows = rows.filter(ends__gt=now or timezone.now()).exclude(id__in=Revocation.objects.values("delegation"))
    return list(rows.order_by("-ends", "-id")[:MOST_LISTED])


def revocations_of(rows: list[Delegation]) -> dict[str, Revocation]:
    """Of which delegations were revoked, by the id of the delegation."""
    return {one.delegation: one for one in Revocation.objects.filter(delegation__in=[row.id for row in rows])}


def _check_who(standing: Standing, away: str, meanwhile: str) -> None:
    if away != standing.subject and not standing.may(Capability.WORKFLOW_MANAGE):
        raise Refused("for somebody else only who manages the rules can do this", "person")
    if away == standing.subject and not standing.may(Capability.EXCEPTION_APPROVE):
        raise Refused("approves no exceptions, so that there is nothing to stand in for", "person")
    if meanwhile == away:
        raise Malformed("is whoever is away", "to")
    if meanwhile == standing.subject:
        raise Refused("nobody makes themselves decide for somebody else: ask them, or another who manages", "to")


def _check_apart(away: str, meanwhile: str, period: Period) -> None:
    rows = Delegation.objects.filter(begins__lt=period.ends, ends__gt=period.begins)
    for row in rows.exclude(id__in=Revocation.objects.values("delegation")):
        days = f"{row.first_day.isoformat()} to {row.last_day.isoformat()}"
        if row.person == away:
            raise Refused(f"is away from {days} already: revoke that first", "first_day")
        if meanwhile and row.person == meanwhile:
            raise Refused(f"is away themselves from {days}: choose somebody else", "to")
        if meanwhile and row.delegate == away:
            raise Refused(
                f"stands in for somebody from {days}, and passes nothing on: revoke that first, or name nobody", "to"
            )


def _keep(standing: Standing, row: Delegation, what: str, comment: str) -> tuple[int, str]:
    return keep_entry(
        standing.subject,
        DELEGATION_ACTION,
        ("delegation", row.id),
        labels={
            "step": what,
            "person": row.person,
            "delegate": row.delegate or "none",
            "first.day": row.first_day.isoformat(),
            "last.day": row.last_day.isoformat(),
            "zone": row.zone,
        },
        causes=[row.event] if row.event else [],
        body={"comment": comment},
    )


__all__ = [
    "DELEGATION_ACTION",
    "NoSuch",
    "delegate",
    "delegation_for",
    "delegations",
    "revocations_of",
    "revoke_delegation",
]
