"""Tasks, findings, incidents and their steps as JSON."""

from __future__ import annotations

from muniment.server.moments import moment
from muniment.server.remediation.models import Finding, Incident, Step, Task
from muniment.server.remediation.services import is_overdue


def task_json(row: Task) -> dict[str, object]:
    """A task."""
    return {
        "id": row.id,
        "state": row.state,
        "number": row.number,
        "title": row.title,
        "text": row.text,
        "controls": row.controls,
        "owner": row.owner,
        "due_on": row.due_on.isoformat(),
        "overdue": is_overdue(row),
        "recurrence": row.recurrence,
        "finding": row.finding or None,
        "series": row.series,
        "turn": row.turn,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "changed_at": moment(row.changed_at),
        "entry": row.seq,
    }


def finding_json(row: Finding) -> dict[str, object]:
    """A finding."""
    return {
        "id": row.id,
        "state": row.state,
        "number": row.number,
        "title": row.title,
        "text": row.text,
        "severity": row.severity,
        "source": row.source,
        "reference": row.reference,
        "controls": row.controls,
        "asset": row.asset or None,
        "incident": row.incident or None,
        "owner": row.owner or None,
        "due_on": None if row.due_on is None else row.due_on.isoformat(),
        "overdue": is_overdue(row),
        "resolved_by": row.resolved_by or None,
        "verified_by": row.verified_by or None,
        "exception": row.exception or None,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "changed_at": moment(row.changed_at),
        "entry": row.seq,
    }


def incident_json(row: Incident) -> dict[str, object]:
    """An incident."""
    return {
        "id": row.id,
        "state": row.state,
        "number": row.number,
        "title": row.title,
        "text": row.text,
        "severity": row.severity,
        "owner": row.owner or None,
        "started_at": moment(row.started_at),
        "detected_at": moment(row.detected_at),
        "resolved_at": moment(row.resolved_at),
        "lessons": row.lessons,
        "entries": row.entries,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "changed_at": moment(row.changed_at),
        "entry": row.seq,
    }


def step_json(row: Step) -> dict[str, object]:
    """A step."""
    return {
        "number": row.number,
        "step": row.step,
        "before": row.before or None,
        "after": row.after,
        "comment": row.comment,
        "evidence": row.evidence,
        "exception": row.exception or None,
        "by": row.by,
        "at": moment(row.at),
        "entry": row.seq,
    }
