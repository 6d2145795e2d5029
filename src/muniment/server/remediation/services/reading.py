"""Tasks, findings and incidents as they stand, and the steps that they took."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final, TypeVar

from django.db.models import Q, QuerySet

from muniment.server.registers.keeping import NoSuch
from muniment.server.remediation.models import Finding, Incident, Step, Task
from muniment.server.remediation.services.steps import Item, kind_of
from muniment.server.remediation.workflow import UNFINISHED

_Item = TypeVar("_Item", Task, Finding, Incident)
UNFINISHED_WORD: Final = "unfinished"
"""Asks for every state that still waits for somebody."""


def today() -> date:
    """The day of UTC that it is: due days are days of UTC."""
    return datetime.now(UTC).date()


def task_for(wanted: str, *, lock: bool = False) -> Task:
    """A task by its id.

    Raises:
        NoSuch: if the tenant has none.
    """
    return _one(Task, wanted, "task", lock=lock)


def finding_for(wanted: str, *, lock: bool = False) -> Finding:
    """A finding by its id.

    Raises:
        NoSuch: if the tenant has none.
    """
    return _one(Finding, wanted, "finding", lock=lock)


def incident_for(wanted: str, *, lock: bool = False) -> Incident:
    """An incident by its id.

    Raises:
        NoSuch: if the tenant has none.
    """
    return _one(Incident, wanted, "incident", lock=lock)


def tasks(
    *, state: str = "", owner: str = "", control: str = "", finding: str = "", text: str = "", overdue: bool = False
) -> QuerySet[Task]:
    """The tenant's tasks.

    Args:
        state: a state, or `unfinished`; "" for all, and so the rest.
        owner: `user:usr_…`.
        control: a control id.
        finding: `fnd_…`.
        text: only those whose title or text holds it.
        overdue: only those that are open and were due before today.
    """
    rows = _searched(_in_state(Task.objects.all(), "task", state), text)
    if overdue:
        rows = rows.filter(state="open", due_on__lt=today())
    if owner:
        rows = rows.filter(owner=owner)
    if control:
        rows = rows.filter(controls__contains=[control])
    if finding:
        rows = rows.filter(finding=finding)
    return rows


def findings(
    *,
    state: str = "",
    severity: str = "",
    source: str = "",
    owner: str = "",
    control: str = "",
    asset: str = "",
    incident: str = "",
    exception: str = "",
    text: str = "",
    overdue: bool = False,
) -> QuerySet[Finding]:
    """The tenant's findings.

    Args:
        state: a state, or `unfinished`; "" for all, and so the rest.
        severity: one of `SEVERITIES`.
        source: one of `SOURCES`.
        owner: `user:usr_…`.
        control: a control id.
        asset: `ast_…`.
        incident: `inc_…`.
        exception: `exc_…` through which it was accepted.
        text: only those whose title, text or reference holds it.
        overdue: only those that are not resolved and were due before today.
    """
    rows = _searched(_in_state(Finding.objects.all(), "finding", state), text, "reference")
    if overdue:
        rows = rows.filter(state__in=("open", "remediating"), due_on__lt=today())
    given = {
        "severity": severity,
        "source": source,
        "owner": owner,
        "asset": asset,
        "incident": incident,
        "exception": exception,
    }
    rows = rows.filter(**{name: value for name, value in given.items() if value})
    return rows.filter(controls__contains=[control]) if control else rows


def incidents(*, state: str = "", severity: str = "", owner: str = "", text: str = "") -> QuerySet[Incident]:
    """The tenant's incidents.

    Args:
        state: a state, or `unfinished`; "" for all, and so the rest.
        severity: one of `SEVERITIES`.
        owner: `user:usr_…`.
        text: only those whose title, text or lessons hold it.
    """
    rows = _searched(_in_state(Incident.objects.all(), "incident", state), text, "lessons")
    given = {"severity": severity, "owner": owner}
    return rows.filter(**{name: value for name, value in given.items() if value})


def steps_of(row: Item) -> list[Step]:
    """Every step that something took, oldest first."""
    return list(Step.objects.filter(kind=kind_of(row), item=row.id).order_by("number"))


def is_overdue(row: Task | Finding) -> bool:
    """Whether it should have been done or resolved before today."""
    waits = row.state == "open" if isinstance(row, Task) else row.state in ("open", "remediating")
    return waits and row.due_on is not None and row.due_on < today()


def _one(model: type[_Item], wanted: str, what: str, *, lock: bool) -> _Item:
    rows = model._default_manager.select_for_update() if lock else model._default_manager.all()
    row = None if "\0" in wanted or len(wanted) > 64 else rows.filter(pk=wanted).first()
    if row is None:
        raise NoSuch(f"there is no such {what}", what)
    return row


def _in_state(rows: QuerySet[_Item], kind: str, state: str) -> QuerySet[_Item]:
    if state == UNFINISHED_WORD:
        return rows.filter(state__in=UNFINISHED[kind])  # type: ignore[index]
    return rows.filter(state=state) if state else rows


def _searched(rows: QuerySet[_Item], text: str, *more: str) -> QuerySet[_Item]:
    if not text or "\0" in text:
        return rows
    found = Q()
    for column in ("title", "text", *more):
        found |= Q(**{f"{column}__icontains": text})
    return rows.filter(found)
