"""Bringing in tasks and findings from a file, row by row."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, Literal

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.registers.keeping import NoSuch, Unchanged
from muniment.server.remediation.contents import FindingContent, TaskContent
from muniment.server.remediation.services import findings, tasks
from muniment.server.remediation.services.reading import finding_for, task_for
from muniment.tables import Row

Brought = Literal["added", "changed", "unchanged"]

_TASK: Final = ("title", "text", "owner", "recurrence")
_FINDING: Final = ("title", "text", "owner", "severity", "reference", "asset", "source")
# A cell that is left empty leaves these as they are.
_NEVER_EMPTY: Final = ("title", "recurrence", "severity", "source")


def write_task(standing: Standing, row: Row) -> Brought:
    """Set a task, or change the one whose id the row names.

    Raises:
        Malformed: naming the column.
        Refused: for a task that cannot be changed any more.
    """
    given = _given(row, _TASK)
    day = row.values.get("due_on")
    if isinstance(day, date):
        given["due_on"] = day
    wanted = row.text("id")
    if not wanted:
        for name in ("title", "owner", "due_on"):
            if not given.get(name):
                raise Malformed("is empty; a task that is new has one", name)
        try:
            tasks.create(standing, TaskContent(**given), finding=row.text("finding"))
        except NoSuch as error:
            raise Malformed(error.reason, "finding") from None
        return "added"
    try:
        there = task_for(wanted)
    except NoSuch as error:
        raise Malformed(error.reason, "id") from None
    if not given.get("owner", "-"):
        del given["owner"]
    if row.text("finding", there.finding) != there.finding:
        raise Refused("the finding of a task is not changed", "finding")
    try:
        tasks.change(standing, wanted, given)
    except Unchanged:
        return "unchanged"
    return "changed"


def write_finding(standing: Standing, row: Row) -> Brought:
    """Open a finding, or change the one whose id the row names.

    Raises:
        Malformed: naming the column.
        Refused: for a finding that cannot be changed any more.
    """
    given = _given(row, _FINDING)
    if "due_on" in row.values:
        given["due_on"] = row.values["due_on"]
    wanted = row.text("id")
    if not wanted:
        if not given.get("title"):
            raise Malformed("is empty; a finding that is new has one", "title")
        findings.create(standing, FindingContent(**given))
        return "added"
    try:
        there = finding_for(wanted)
    except NoSuch as error:
        raise Malformed(error.reason, "id") from None
    if given.pop("source", there.source) != there.source:
        raise Refused("the source of a finding is not changed", "source")
    try:
        findings.change(standing, wanted, given)
    except Unchanged:
        return "unchanged"
    return "changed"


def _given(row: Row, names: tuple[str, ...]) -> dict[str, Any]:
    given: dict[str, Any] = {name: row.text(name) for name in names if name in row.values}
    for name in _NEVER_EMPTY:
        if not given.get(name, "-"):
            del given[name]
    controls = row.values.get("controls")
    if "controls" in row.values:
        given["controls"] = controls if isinstance(controls, tuple) else ()
    return given
