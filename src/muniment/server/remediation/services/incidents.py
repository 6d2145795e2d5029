"""Incidents: what happened, when it was known, the entries that tell of it, and what was learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.registers.keeping import Unchanged, check_number
from muniment.server.registers.texts import checked_text
from muniment.server.remediation.contents import (
    IncidentContent,
    checked_entries,
    checked_incident,
    checked_moment,
)
from muniment.server.remediation.models import Incident, incident_id
from muniment.server.remediation.services.naming import check_entries_there, owner_of
from muniment.server.remediation.services.reading import incident_for
from muniment.server.remediation.services.steps import Order, actor_of, take
from muniment.server.remediation.services.telling import assigned

ACTION = "incident.change"
_NAMED: Final = ("title", "text", "severity", "owner", "started_at", "detected_at", "lessons")


def create(standing: Standing, said: IncidentContent) -> Incident:
    """Open an incident.

    Args:
        standing: of who opens it.
        said: the owner may be given by address.

    Raises:
        Malformed: naming the field.
        Refused: if they do not keep the registers.
    """
    said = checked_incident(replace(said, owner=owner_of(standing, said.owner)), timezone.now())
    row = Incident(id=incident_id(), tenant_id=standing.tenant_id, created_by=standing.subject, entries=[])
    for name in _NAMED:
        setattr(row, name, getattr(said, name))
    take(actor_of(standing, row), row, "create", Order())
    assigned(row, by=standing.subject)
    return row


def change(
    standing: Standing, wanted: str, given: Mapping[str, Any], *, comment: str = "", number: int | None = None
) -> Incident:
    """Change what an incident says, until it is closed.

    Raises:
        NoSuch: if the tenant has no such incident.
        Malformed: naming the field.
        Refused: if it is closed, somebody changed it meanwhile, or nothing would be changed.
    """
    row = incident_for(wanted, lock=True)
    check_number(row.number, number)
    before = content_of(row)
    after = replace(before, **given)
    after = checked_incident(replace(after, owner=owner_of(standing, after.owner, before.owner)), timezone.now())
    if row.resolved_at is not None and row.resolved_at < after.started_at:
        raise Malformed("is after the incident was resolved", "started_at")
    sets = {name: getattr(after, name) for name in _NAMED if getattr(before, name) != getattr(after, name)}
    if not sets:
        raise Unchanged("nothing would be changed", "title")
    take(actor_of(standing, row), row, "change", Order(comment, sets=sets))
    if after.owner != before.owner:
        assigned(row, by=standing.subject)
    return row


def add_entries(
    standing: Standing, wanted: str, places: Sequence[int], *, comment: str = "", number: int | None = None
) -> Incident:
    """Add entries of the ledger to an incident as evidence; what was added stays.

    Raises:
        NoSuch: if the tenant has no such incident.
        Malformed: naming the field.
        Refused: if it is closed, or holds all of them already.
    """
    row = incident_for(wanted, lock=True)
    check_number(row.number, number)
    places = checked_entries(tuple(places))
    new = [one for one in places if one not in row.entries]
    if places and not new:
        raise Refused("it holds these entries already", "entries")
    check_entries_there(standing, new)
    entries = checked_entries((*row.entries, *new))
    take(actor_of(standing, row), row, "evidence", Order(comment, sets={"entries": list(entries)}))
    return row


def contain(standing: Standing, wanted: str, comment: str, *, number: int | None = None) -> Incident:
    """Say that an incident does not spread any more.

    Raises:
        NoSuch: if the tenant has no such incident.
        Malformed: without a comment.
        Refused: if it is not open.
    """
    row = incident_for(wanted, lock=True)
    check_number(row.number, number)
    take(actor_of(standing, row), row, "contain", Order(comment))
    return row


def resolve(
    standing: Standing, wanted: str, comment: str, *, at: datetime | None = None, number: int | None = None
) -> Incident:
    """Say that an incident is over.

    Args:
        standing: of who says so.
        wanted: `inc_…`.
        comment: how.
        at: since when, aware; None for now.
        number: of the step that the caller has seen last; None if that does not matter.

    Raises:
        NoSuch: if the tenant has no such incident.
        Malformed: naming the field.
        Refused: if it is resolved already.
    """
    row = incident_for(wanted, lock=True)
    check_number(row.number, number)
    now = timezone.now()
    over = checked_moment(at or now, "resolved_at", now, since=row.started_at)
    take(actor_of(standing, row), row, "resolve", Order(comment, sets={"resolved_at": over}))
    return row


def close(
    standing: Standing, wanted: str, comment: str, *, lessons: str | None = None, number: int | None = None
) -> Incident:
    """Close an incident that is resolved, with what was learned.

    Args:
        standing: of who closes it.
        wanted: `inc_…`.
        comment: why it can be closed.
        lessons: what was learned; None leaves what is written down.
        number: of the step that the caller has seen last; None if that does not matter.

    Raises:
        NoSuch: if the tenant has no such incident.
        Malformed: naming the field.
        Refused: if it is not resolved, or closed already.
    """
    row = incident_for(wanted, lock=True)
    check_number(row.number, number)
    sets = {} if lessons is None else {"lessons": checked_text(lessons, "lessons")}
    take(actor_of(standing, row), row, "close", Order(comment, sets=sets))
    return row


def reopen(standing: Standing, wanted: str, comment: str, *, number: int | None = None) -> Incident:
    """Open an incident again that was not over.

    Raises:
        NoSuch: if the tenant has no such incident.
        Malformed: without a comment.
        Refused: if it is not resolved.
    """
    row = incident_for(wanted, lock=True)
    check_number(row.number, number)
    take(actor_of(standing, row), row, "reopen", Order(comment, sets={"resolved_at": None}))
    return row


def content_of(row: Incident) -> IncidentContent:
    """What an incident says."""
    return IncidentContent(row.title, row.started_at, row.detected_at, row.text, row.severity, row.owner, row.lessons)
