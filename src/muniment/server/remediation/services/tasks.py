"""Control tasks: set, changed, done, skipped, dropped; and the next turn of one that comes again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from muniment.server.access.standing import Standing
from muniment.server.registers.keeping import Unchanged, check_number
from muniment.server.remediation.contents import TaskContent, checked_task
from muniment.server.remediation.models import Task, task_id
from muniment.server.remediation.recurrence import next_due
from muniment.server.remediation.services.naming import checked_controls, owner_of
from muniment.server.remediation.services.reading import finding_for, task_for
from muniment.server.remediation.services.steps import Order, actor_of, take
from muniment.server.remediation.services.telling import assigned
from muniment.server.remediation.workflow import Actor

ACTION = "task.change"


def create(standing: Standing, said: TaskContent, *, finding: str = "") -> Task:
    """Set a task.

    Args:
        standing: of who sets it.
        said: the owner may be given by address.
        finding: that it remediates, `fnd_…`; "" for none.

    Raises:
        Malformed: naming the field.
        Refused: if they do not keep the registers.
        NoSuch: for a finding that is not there.
    """
    said = checked_task(replace(said, owner=owner_of(standing, said.owner)))
    checked_controls(said.controls)
    row = Task(id=task_id(), tenant_id=standing.tenant_id, turn=0, created_by=standing.subject)
    row.series, row.due_day = row.id, said.due_on.day
    row.finding = finding_for(finding).id if finding else ""
    _say(row, said)
    take(actor_of(standing, row), row, "create", Order())
    assigned(row, by=standing.subject)
    return row


def change(
    standing: Standing, wanted: str, given: Mapping[str, Any], *, comment: str = "", number: int | None = None
) -> Task:
    """Change what a task says.

    Args:
        standing: of who changes it.
        wanted: `tsk_…`.
        given: new values by the names of `TaskContent`.
        comment: why.
        number: of the step that the caller has seen last; None if that does not matter.

    Raises:
        NoSuch: if the tenant has no such task.
        Malformed: naming the field.
        Refused: if it is finished, somebody changed it meanwhile, or nothing would be changed.
    """
    row = task_for(wanted, lock=True)
    check_number(row.number, number)
    before = content_of(row)
    after = replace(before, **given)
    after = checked_task(replace(after, owner=owner_of(standing, after.owner, before.owner)))
    checked_controls(after.controls, before.controls)
    sets = _changes(before, after)
    if not sets:
        raise Unchanged("nothing would be changed", "title")
    if "due_on" in sets:
        sets["due_day"] = after.due_on.day
    take(actor_of(standing, row), row, "change", Order(comment, sets=sets))
    if after.owner != before.owner:
        assigned(row, by=standing.subject)
    return row


def finish(
    standing: Standing, wanted: str, comment: str, *, evidence: tuple[str, ...] = (), number: int | None = None
) -> tuple[Task, Task | None]:
    """Say that a task is done. One that comes again is set anew for its next turn.

    Returns:
        The task, and its next turn.

    Raises:
        NoSuch: if the tenant has no such task.
        Malformed: naming the field.
        Refused: if it is finished already, or they are neither its owner nor keep the registers.
    """
    return _end(standing, wanted, "finish", Order(comment, evidence), number)


def skip(standing: Standing, wanted: str, comment: str, *, number: int | None = None) -> tuple[Task, Task | None]:
    """Leave out one turn of a task that comes again; the next one is set.

    Raises:
        NoSuch: if the tenant has no such task.
        Malformed: naming the field.
        Refused: if it is finished already.
    """
    return _end(standing, wanted, "skip", Order(comment), number)


def drop(standing: Standing, wanted: str, comment: str, *, number: int | None = None) -> Task:
    """End a task that is not to be done any more; no turn follows.

    Raises:
        NoSuch: if the tenant has no such task.
        Malformed: naming the field.
        Refused: if it is finished already.
    """
    row = task_for(wanted, lock=True)
    check_number(row.number, number)
    take(actor_of(standing, row), row, "drop", Order(comment))
    return row


def content_of(row: Task) -> TaskContent:
    """What a task says."""
    return TaskContent(row.title, row.owner, row.due_on, row.text, tuple(row.controls), row.recurrence)


def next_turn(row: Task) -> Task | None:
    """The task that follows a turn; None for the last."""
    return Task.objects.filter(series=row.series, turn=row.turn + 1).first()


def _end(standing: Standing, wanted: str, step: str, order: Order, number: int | None) -> tuple[Task, Task | None]:
    row = task_for(wanted, lock=True)
    check_number(row.number, number)
    take(actor_of(standing, row), row, step, order)
    due = next_due(row.due_on, row.due_day, row.recurrence)
    if due is None:
        return row, None
    following = Task(
        id=task_id(),
        tenant_id=row.tenant_id,
        series=row.series,
        turn=row.turn + 1,
        due_day=row.due_day,
        finding=row.finding,
        created_by=standing.subject,
    )
    _say(following, replace(content_of(row), due_on=due))
    # The rule of the series sets it, also where its owner alone said that this turn is done.
    take(Actor(standing.subject, manages=True, owns=True), following, "create", Order())
    assigned(following, by=standing.subject)
    return row, following


def _say(row: Task, said: TaskContent) -> None:
    row.title, row.text, row.controls = said.title, said.text, list(said.controls)
    row.owner, row.due_on, row.recurrence = said.owner, said.due_on, said.recurrence


def _changes(before: TaskContent, after: TaskContent) -> dict[str, Any]:
    named = ("title", "text", "controls", "owner", "due_on", "recurrence")
    changed = {name: getattr(after, name) for name in named if getattr(before, name) != getattr(after, name)}
    if "controls" in changed:
        changed["controls"] = list(changed["controls"])
    return changed
