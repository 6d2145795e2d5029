"""What a task, a finding and an incident say, checked without a database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from muniment.core.errors import Malformed
from muniment.server.registers.days import checked_day
from muniment.server.registers.texts import checked_line, checked_text
from muniment.server.remediation.recurrence import RECURRENCES

SEVERITIES: Final = {"low": "Low", "medium": "Medium", "high": "High", "critical": "Critical"}
"""From the least to the most."""
SOURCES: Final = {
    "manual": "Found by somebody",
    "sample": "Exception in a sample",
    "audit": "Audit",
    "alert": "Alert",
    "incident": "Incident",
}
MAX_CONTROLS: Final = 64
MAX_ENTRIES: Final = 500
MAX_EVIDENCE: Final = 32
# Clocks differ: what was noted a little ahead of the server's is taken.
_AHEAD: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class TaskContent:
    """What a control task says.

    Attributes:
        title: what is to be done, 1 to 200 characters.
        text: more of it, at most 4,000 characters.
        controls: ids of the controls that it serves, at most 64.
        owner: `user:usr_…` who does it.
        due_on: a day of UTC.
        recurrence: one of `RECURRENCES`.
    """

    title: str
    owner: str
    due_on: date
    text: str = ""
    controls: tuple[str, ...] = ()
    recurrence: str = "none"


@dataclass(frozen=True, slots=True)
class FindingContent:
    """What a finding says.

    Attributes:
        title: 1 to 200 characters.
        text: at most 4,000 characters.
        severity: one of `SEVERITIES`.
        source: one of `SOURCES`.
        reference: what of the source it is, such as the id of a sample or an alert; at most 200 characters.
        controls: ids of the controls that it is about, at most 64.
        asset: `ast_…`, or "".
        owner: `user:usr_…` who remediates it, or "" for nobody yet.
        due_on: a day of UTC by which it is to be resolved, if there is one.
    """

    title: str
    text: str = ""
    severity: str = "medium"
    source: str = "manual"
    reference: str = ""
    controls: tuple[str, ...] = ()
    asset: str = ""
    owner: str = ""
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class IncidentContent:
    """What an incident says.

    Attributes:
        title: 1 to 200 characters.
        started_at: aware.
        detected_at: aware; not before the start.
        text: at most 4,000 characters.
        severity: one of `SEVERITIES`.
        owner: `user:usr_…` who leads it, or "".
        lessons: what was learned, at most 4,000 characters.
    """

    title: str
    started_at: datetime
    detected_at: datetime | None = None
    text: str = ""
    severity: str = "medium"
    owner: str = ""
    lessons: str = ""


def checked_task(said: TaskContent) -> TaskContent:
    """A task as it may be kept; owner and controls are checked elsewhere.

    Raises:
        Malformed: naming the field.
    """
    _one_of(said.recurrence, RECURRENCES, "recurrence")
    return replace(
        said,
        title=checked_line(said.title, "title"),
        text=checked_text(said.text, "text"),
        controls=_controls(said.controls),
        due_on=checked_day(said.due_on, "due_on"),
    )


def checked_finding(said: FindingContent) -> FindingContent:
    """A finding as it may be kept; owner, controls and asset are checked elsewhere.

    Raises:
        Malformed: naming the field.
    """
    _one_of(said.severity, SEVERITIES, "severity")
    _one_of(said.source, SOURCES, "source")
    return replace(
        said,
        title=checked_line(said.title, "title"),
        text=checked_text(said.text, "text"),
        reference=checked_line(said.reference, "reference", least=0),
        controls=_controls(said.controls),
        due_on=None if said.due_on is None else checked_day(said.due_on, "due_on"),
    )


def checked_incident(said: IncidentContent, now: datetime) -> IncidentContent:
    """An incident as it may be kept; the owner is checked elsewhere.

    Args:
        said: the content.
        now: aware.

    Raises:
        Malformed: naming the field.
    """
    _one_of(said.severity, SEVERITIES, "severity")
    checked_moment(said.started_at, "started_at", now)
    if said.detected_at is not None:
        checked_moment(said.detected_at, "detected_at", now, since=said.started_at)
    return replace(
        said,
        title=checked_line(said.title, "title"),
        text=checked_text(said.text, "text"),
        lessons=checked_text(said.lessons, "lessons"),
    )


def checked_moment(at: datetime, where: str, now: datetime, *, since: datetime | None = None) -> datetime:
    """A moment that has been.

    Args:
        at: aware.
        where: the field, as the error names it.
        now: aware.
        since: not before this one, if it is given.

    Raises:
        Malformed: naming the field.
    """
    if at.tzinfo is None:
        raise Malformed("says its zone, such as 2026-03-01T14:23:07Z", where)
    if not datetime(1970, 1, 1, tzinfo=UTC) <= at <= now + _AHEAD:
        raise Malformed("lies between 1970 and now", where)
    if since is not None and at < since:
        raise Malformed("is before the incident started", where)
    return at


def checked_entries(places: tuple[int, ...]) -> tuple[int, ...]:
    """Places of entries, sorted and each once.

    Raises:
        Malformed: naming the field.
    """
    found = tuple(sorted(set(places)))
    if len(found) > MAX_ENTRIES:
        raise Malformed(f"names at most {MAX_ENTRIES} entries", "entries")
    if any(not 0 <= one < 2**53 for one in found):
        raise Malformed("holds places of entries, which count from 0", "entries")
    return found


def _controls(ids: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(sorted(set(ids)))
    if len(found) > MAX_CONTROLS:
        raise Malformed(f"names at most {MAX_CONTROLS} controls", "controls")
    return found


def _one_of(given: str, known: dict[str, str], where: str) -> None:
    if given not in known:
        raise Malformed(f"is one of {', '.join(known)}", where)
