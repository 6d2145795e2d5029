"""Tasks, findings and incidents as tables: their lists, their files, and what a file changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.registers.owners import owner_names
from muniment.server.registers.texts import MAX_LINE, MAX_TEXT
from muniment.server.remediation.contents import MAX_CONTROLS, MAX_ENTRIES, SEVERITIES, SOURCES
from muniment.server.remediation.models import Finding, Incident, Task
from muniment.server.remediation.recurrence import RECURRENCES
from muniment.server.remediation.services import is_overdue
from muniment.server.remediation.services.bringing import write_finding, write_task
from muniment.server.remediation.services.reading import findings, incidents, tasks
from muniment.server.remediation.workflow import STATES
from muniment.server.tables.registry import Bulk, Choice, Days, Listing, Named, Person, TableOf, Values, each
from muniment.tables import Column, Table

_ID: Final = Column("id", "Id", longest=30, help="Of one that is there; left empty, a new one is made.")
_TITLE: Final = Column("title", "Title", longest=MAX_LINE, help="What is new has one.")
_TEXT: Final = Column("text", "Text", "prose", longest=MAX_TEXT)
_OWNER: Final = Column("owner", "Owner's id", longest=254, help="Or the address of a member.")
_OWNER_NAME: Final = Column("owner_name", "Owner", given=False)
_CONTROLS: Final = Column("controls", "Controls", "list", longest=MAX_CONTROLS)
_OVERDUE: Final = Column("overdue", "Overdue", "choice", choices=("overdue",), given=False)
_CHANGED: Final = Column("changed", "Changed", "time", given=False)
_SEVERITY: Final = Column("severity", "Severity", "choice", choices=tuple(SEVERITIES), help="Left empty: medium.")


def _state(kind: str) -> Column:
    return Column("state", "State", "choice", choices=tuple(STATES[kind]), given=False)  # type: ignore[index]


TASK_TABLE: Final = Table(
    "tasks",
    (
        _ID,
        _TITLE,
        _OWNER_NAME,
        _OWNER,
        Column("due_on", "Due", "date", help="What is new has one."),
        _OVERDUE,
        Column("recurrence", "Comes again", "choice", choices=tuple(RECURRENCES), help="Left empty: none."),
        _CONTROLS,
        _TEXT,
        _state("task"),
        Column("finding", "Finding", longest=30, help="That a new task remediates."),
        _CHANGED,
    ),
)
FINDING_TABLE: Final = Table(
    "findings",
    (
        _ID,
        _TITLE,
        _SEVERITY,
        _state("finding"),
        _OWNER_NAME,
        _OWNER,
        Column("due_on", "Due", "date"),
        _OVERDUE,
        Column("source", "Source", "choice", choices=tuple(SOURCES), help="Of a new one; left empty: manual."),
        Column("reference", "Reference", longest=MAX_LINE, help="The sample, alert or page."),
        _CONTROLS,
        Column("asset", "Asset", longest=60, help="Its code or id."),
        _TEXT,
        Column("incident", "Incident", given=False),
        Column("exception", "Exception", given=False),
        _CHANGED,
    ),
)
INCIDENT_TABLE: Final = Table(
    "incidents",
    (
        _ID,
        _TITLE,
        _SEVERITY,
        _state("incident"),
        _OWNER_NAME,
        _OWNER,
        Column("started", "Started", "time", given=False),
        Column("detected", "Detected", "time", given=False),
        Column("resolved", "Resolved", "time", given=False),
        Column("entries", "Entries", "list", longest=MAX_ENTRIES, given=False),
        _TEXT,
        Column("lessons", "Lessons", "prose", longest=MAX_TEXT, given=False),
        _CHANGED,
    ),
)


def _task_cells(standing: Standing, rows: Sequence[Task]) -> list[Values]:
    names = owner_names(standing, {row.owner for row in rows})
    return [
        {
            **_shared(row, names[row.owner]),
            "due_on": row.due_on,
            "overdue": "overdue" if is_overdue(row) else None,
            "recurrence": row.recurrence,
            "controls": tuple(row.controls),
            "finding": row.finding,
        }
        for row in rows
    ]


def _finding_cells(standing: Standing, rows: Sequence[Finding]) -> list[Values]:
    names = owner_names(standing, {row.owner for row in rows})
    return [
        {
            **_shared(row, names[row.owner]),
            "severity": row.severity,
            "due_on": row.due_on,
            "overdue": "overdue" if is_overdue(row) else None,
            "source": row.source,
            "reference": row.reference,
            "controls": tuple(row.controls),
            "asset": row.asset,
            "incident": row.incident,
            "exception": row.exception,
        }
        for row in rows
    ]


def _incident_cells(standing: Standing, rows: Sequence[Incident]) -> list[Values]:
    names = owner_names(standing, {row.owner for row in rows})
    return [
        {
            **_shared(row, names[row.owner]),
            "severity": row.severity,
            "started": row.started_at,
            "detected": row.detected_at,
            "resolved": row.resolved_at,
            "entries": tuple(row.entries),
            "lessons": row.lessons,
        }
        for row in rows
    ]


def _shared(row: Task | Finding | Incident, name: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "title": row.title,
        "text": row.text,
        "state": row.state,
        "owner": row.owner.removeprefix("user:"),
        "owner_name": name,
        "changed": row.changed_at,
    }


_BULK: Final = "work:bulk"
_BY_OWNER: Final = Person("owner", "Owner", "owner")
_BY_CONTROL: Final = Named("control", "Control", "controls", holds=True)
_BY_SEVERITY: Final = Choice("severity", "Severity", "severity", tuple(SEVERITIES.items()))
TASKS: Final = TableOf(
    noun="tasks",
    kind="task",
    title="Tasks",
    lead="What is to be done for controls, by whom and by when.",
    table=TASK_TABLE,
    listing=Listing(
        rows=lambda _standing: tasks(),
        identity="id",
        values=_task_cells,
        shown=("title", "owner_name", "due_on", "overdue", "recurrence", "controls", "state"),
        sorts={"due_on": "due_on", "title": "title", "changed": "changed_at", "id": "id"},
        order="due_on",
        filters=(
            Choice("state", "State", "state", tuple(STATES["task"].items())),
            _BY_OWNER,
            Days("due", "Due", "due_on"),
            Choice("recurrence", "Comes again", "recurrence", tuple(RECURRENCES.items())),
            _BY_CONTROL,
            Named("finding", "Finding", "finding"),
        ),
        searched=("title", "text", "id"),
    ),
    apply=each(write_task),
    page="remediation:task",
    home="remediation:tasks",
    bulk=(Bulk("finish", "Done", Capability.REGISTER_MANAGE), Bulk("drop", "Drop", Capability.REGISTER_MANAGE)),
    bulk_route=_BULK,
    new="remediation:new-task",
    lead_import="Only open tasks are changed; finishing one is a step of its own.",
    icon="check",
    empty="Set a task: what is to be done, by whom, by when, and how often.",
)
FINDINGS: Final = TableOf(
    noun="findings",
    kind="finding",
    title="Findings",
    lead="What is not as it should be, until it is remediated and verified, or accepted through an exception.",
    table=FINDING_TABLE,
    listing=Listing(
        rows=lambda _standing: findings(),
        identity="id",
        values=_finding_cells,
        shown=("title", "severity", "state", "owner_name", "due_on", "overdue", "source"),
        sorts={"id": "id", "title": "title", "changed": "changed_at"},
        order="-id",
        filters=(
            Choice("state", "State", "state", tuple(STATES["finding"].items())),
            _BY_SEVERITY,
            Choice("source", "Source", "source", tuple(SOURCES.items())),
            _BY_OWNER,
            Days("due", "Due", "due_on"),
            _BY_CONTROL,
            Named("asset", "Asset", "asset"),
            Named("incident", "Incident", "incident"),
            Named("exception", "Exception", "exception"),
        ),
        searched=("title", "text", "reference", "id"),
    ),
    apply=each(write_finding),
    page="remediation:finding",
    home="remediation:findings",
    bulk=(
        Bulk("start", "Start remediating", Capability.REGISTER_MANAGE),
        Bulk("resolve", "Resolve", Capability.REGISTER_MANAGE),
        Bulk("verify", "Verify", Capability.REGISTER_MANAGE),
    ),
    bulk_route=_BULK,
    new="remediation:new-finding",
    lead_import="Only findings that are open or being remediated are changed; steps are taken one by one.",
    icon="warn",
    empty="Open a finding: from a sample, an audit, an alert, an incident, or by hand.",
)
INCIDENTS: Final = TableOf(
    noun="incidents",
    kind="incident",
    title="Incidents",
    lead="What happened, the entries that tell of it, and what was learned.",
    table=INCIDENT_TABLE,
    listing=Listing(
        rows=lambda _standing: incidents(),
        identity="id",
        values=_incident_cells,
        shown=("title", "severity", "state", "owner_name", "started", "resolved"),
        sorts={"started": "started_at", "title": "title", "changed": "changed_at", "id": "id"},
        order="-started",
        filters=(
            Choice("state", "State", "state", tuple(STATES["incident"].items())),
            _BY_SEVERITY,
            _BY_OWNER,
            Days("started", "Started", "started_at"),
        ),
        searched=("title", "text", "lessons", "id"),
    ),
    page="remediation:incident",
    home="remediation:incidents",
    new="remediation:new-incident",
    icon="warn",
    empty="Open an incident: what happened, and since when.",
)
