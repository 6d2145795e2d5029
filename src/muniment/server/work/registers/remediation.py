"""Tasks, findings and incidents as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from muniment.core.errors import Malformed
from muniment.server.access.standing import Standing
from muniment.server.remediation.contents import SEVERITIES, SOURCES, FindingContent, IncidentContent, TaskContent
from muniment.server.remediation.models import Finding, Incident, Task
from muniment.server.remediation.recurrence import RECURRENCES
from muniment.server.remediation.services import findings, incidents, tasks
from muniment.server.remediation.workflow import STATES
from muniment.server.tables.registry import Choice, Days, Listing, Named, Person, TableOf, Values, Written, each
from muniment.server.work.registers.rows import given_by, people, write_by_id
from muniment.tables import Column, Row, Table

_ID: Final = Column("id", "Id", longest=30, help="of one that is there; empty for a new one")
_TITLE: Final = Column("title", "Title", longest=200)
_TEXT: Final = Column("text", "Text", "prose", longest=4_000)
_OWNER: Final = Column("owner", "Owner", longest=254, help="address or id of a member")
_CONTROLS: Final = Column("controls", "Controls", "list", longest=64)
_DUE: Final = Column("due_on", "Due", "date")
_SEVERITY: Final = Column("severity", "Severity", "choice", choices=tuple(SEVERITIES), help="Medium if left empty")
_ENDING: Final = (
    Column("created_at", "Made", "time", given=False),
    Column("changed_at", "Changed", "time", given=False),
    Column("entry", "Entry", "integer", given=False),
)


def _state(kind: str) -> Column:
    return Column("state", "State", "choice", choices=tuple(STATES[kind]), given=False)  # type: ignore[index]


def _values(names: Sequence[str]) -> Any:
    """The cells of rows by the fields of these names."""

    def values(standing: Standing, rows: Sequence[Any]) -> list[Values]:
        named = people(standing, {row.owner for row in rows})
        return [
            {
                **{name: getattr(row, name) for name in names},
                "owner": row.owner.removeprefix("user:"),
                "owner_name": named.get(row.owner, ""),
                "entry": row.seq,
            }
            for row in rows
        ]

    return values


_TASK: Final = {"title": "", "text": "", "owner": "", "controls": (), "recurrence": "none"}
_FINDING: Final = {
    "title": "", "text": "", "owner": "", "controls": (), "severity": "medium", "source": "manual", "reference": "",
    "asset": "",
}  # fmt: skip
_INCIDENT: Final = {"title": "", "text": "", "owner": "", "severity": "medium", "lessons": ""}


def _needs(values: dict[str, Any], *names: str) -> None:
    for name in names:
        if not values.get(name):
            raise Malformed("is empty; a new one needs it", name)


def _write_task(standing: Standing, row: Row) -> Written:
    def create(who: Standing, values: dict[str, Any]) -> None:
        _needs(values, "title", "owner", "due_on")
        tasks.create(who, TaskContent(**values))

    return write_by_id(row, given_by(row, (*_TASK, "due_on"), never_none=_TASK), "id", create, tasks.change)(standing)


def _write_finding(standing: Standing, row: Row) -> Written:
    def create(who: Standing, values: dict[str, Any]) -> None:
        _needs(values, "title")
        findings.create(who, FindingContent(**values))

    values = given_by(row, (*_FINDING, "due_on"), never_none=_FINDING)
    return write_by_id(row, values, "id", create, findings.change)(standing)


def _write_incident(standing: Standing, row: Row) -> Written:
    def create(who: Standing, values: dict[str, Any]) -> None:
        _needs(values, "title", "started_at")
        incidents.create(who, IncidentContent(**values))

    values = given_by(row, (*_INCIDENT, "started_at", "detected_at"), never_none=_INCIDENT)
    if "started_at" in values and values["started_at"] is None and row.text("id"):
        raise Malformed("is empty; an incident has one", "started_at")
    return write_by_id(row, values, "id", create, incidents.change)(standing)


TASKS: Final = TableOf(
    noun="tasks",
    kind="task",
    title="Tasks",
    lead="What is to be done for controls and findings, by whom and until when.",
    table=Table(
        "tasks",
        (
            _ID, _TITLE, _state("task"), _TEXT, _OWNER, _DUE,
            Column("recurrence", "Comes again", "choice", choices=tuple(RECURRENCES)), _CONTROLS,
            Column("finding", "Finding", given=False), *_ENDING,
        ),
    ),
    listing=Listing(
        rows=lambda _: Task.objects.all(),
        identity="id",
        values=_values(
            ("id", "title", "state", "text", "due_on", "recurrence", "controls", "finding", "created_at", "changed_at")
        ),
        shown=("title", "state", "owner", "due_on", "recurrence", "controls"),
        sorts={"due_on": "due_on", "title": "title", "created_at": "created_at", "changed_at": "changed_at"},
        order="due_on",
        filters=(
            Choice("state", "State", "state", tuple(STATES["task"].items())),
            Person("owner", "Owner", "owner"),
            Named("finding", "Finding id", "finding"),
            Named("control", "Control id", "controls", holds=True),
            Days("due", "Due", "due_on"),
        ),
        searched=("id", "title", "text"),
    ),
    apply=each(_write_task),
    page="remediation:task",
    new="remediation:new-task",
    lead_import="A row without an id sets a task; a row with one changes it.",
    icon="check",
    empty="Set a task, or bring in a list.",
)  # fmt: skip
FINDINGS: Final = TableOf(
    noun="findings",
    kind="finding",
    title="Findings",
    lead="What was found wrong, how bad it is, and how far putting it right has come.",
    table=Table(
        "findings",
        (
            _ID, _TITLE, _state("finding"), _TEXT, _SEVERITY,
            Column("source", "Source", "choice", choices=tuple(SOURCES)),
            Column("reference", "Reference", longest=200), _CONTROLS,
            Column("asset", "Asset", longest=64, help="its code or id"), _OWNER, _DUE,
            Column("incident", "Incident", given=False), Column("exception", "Exception", given=False), *_ENDING,
        ),
    ),
    listing=Listing(
        rows=lambda _: Finding.objects.all(),
        identity="id",
        values=_values(
            ("id", "title", "state", "text", "severity", "source", "reference", "controls", "asset", "due_on",
             "incident", "exception", "created_at", "changed_at")
        ),
        shown=("title", "state", "severity", "owner", "due_on", "source"),
        sorts={"created_at": "created_at", "title": "title", "changed_at": "changed_at"},
        order="-created_at",
        filters=(
            Choice("state", "State", "state", tuple(STATES["finding"].items())),
            Choice("severity", "Severity", "severity", tuple(SEVERITIES.items())),
            Choice("source", "Source", "source", tuple(SOURCES.items())),
            Person("owner", "Owner", "owner"),
            Named("asset", "Asset id", "asset"),
            Named("exception", "Exception id", "exception"),
            Days("due", "Due", "due_on"),
        ),
        searched=("id", "title", "text", "reference"),
    ),
    apply=each(_write_finding),
    page="remediation:finding",
    new="remediation:new-finding",
    lead_import="A row without an id is a new finding; a row with one changes it, but not its source.",
    icon="warn",
    empty="Note what was found wrong, or bring in a list.",
)  # fmt: skip
INCIDENTS: Final = TableOf(
    noun="incidents",
    kind="incident",
    title="Incidents",
    lead="What went wrong, from when to when, and what was learned.",
    table=Table(
        "incidents",
        (
            _ID, _TITLE, _state("incident"), _TEXT, _SEVERITY, _OWNER,
            Column("started_at", "Started", "time"), Column("detected_at", "Detected", "time"),
            Column("resolved_at", "Resolved", "time", given=False),
            Column("lessons", "Lessons", "prose", longest=4_000), *_ENDING,
        ),
    ),
    listing=Listing(
        rows=lambda _: Incident.objects.all(),
        identity="id",
        values=_values(
            ("id", "title", "state", "text", "severity", "started_at", "detected_at", "resolved_at", "lessons",
             "created_at", "changed_at")
        ),
        shown=("title", "state", "severity", "owner", "started_at", "resolved_at"),
        sorts={"started_at": "started_at", "title": "title", "created_at": "created_at"},
        order="-started_at",
        filters=(
            Choice("state", "State", "state", tuple(STATES["incident"].items())),
            Choice("severity", "Severity", "severity", tuple(SEVERITIES.items())),
            Person("owner", "Owner", "owner"),
            Days("started", "Started", "started_at"),
        ),
        searched=("id", "title", "text", "lessons"),
    ),
    apply=each(_write_incident),
    page="remediation:incident",
    new="remediation:new-incident",
    lead_import="A row without an id is a new incident; a row with one changes it. Times are of UTC: 2026-03-01 14:30.",
    icon="bad",
    empty="Note an incident, or bring in a list.",
)  # fmt: skip
