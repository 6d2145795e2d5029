"""Tasks for programs."""

from __future__ import annotations

from typing import Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.registers.operations import PAGE, Cursor, Doing, Limit, Word, Words, scope
from muniment.server.registers.pages import one_page
from muniment.server.remediation import services
from muniment.server.remediation.answers import step_json, task_json
from muniment.server.remediation.contents import TaskContent
from muniment.server.remediation.services import tasks
from muniment.server.remediation.services.reading import tasks as find_tasks
from muniment.server.remediation.shapes import (
    ChangedTask,
    NewTask,
    RemediationSteps,
    TaskDone,
    TaskList,
    TaskOut,
    TaskState,
    TaskStep,
)

_LISTED: Final = frozenset({"state", "owner", "control", "finding", "text", "overdue", "after", "limit"})
_MANAGE: Final = Needs(Capability.REGISTER_MANAGE)
_CHANGE: Final = Doing(tasks.ACTION)

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["remediation"])


@router.get("/api/tasks", summary="Tasks", operation_id="tasks", response=TaskList)
def listed(
    request: HttpRequest,
    state: TaskState | Literal["unfinished"] | None = None,
    owner: Word = "",
    control: Words = "",
    finding: Word = "",
    text: Words = "",
    overdue: bool = False,
    after: Cursor = "",
    limit: Limit = PAGE,
) -> HttpResponse:
    """Tasks, the earliest due first."""
    check_query(request, _LISTED)
    with scope(request):
        rows = find_tasks(state=state or "", owner=owner, control=control, finding=finding, text=text, overdue=overdue)
        found, following = one_page(rows, ("due_on", "id"), after, limit)
        return json_response({"tasks": [task_json(row) for row in found], "next": following})


@router.post("/api/tasks", auth=_MANAGE, summary="Set a task", operation_id="create_task", response={201: TaskOut})
def create(request: HttpRequest, order: NewTask) -> HttpResponse:
    """For somebody, by a day; recorded, and so is a refusal."""
    with scope(request, _CHANGE) as standing:
        given = order.model_dump(exclude={"finding"})
        said = TaskContent(**{**given, "controls": tuple(order.controls)})
        return json_response(task_json(tasks.create(standing, said, finding=order.finding)), status=201)


@router.get("/api/tasks/{task_id}", summary="One task", operation_id="task", response=TaskOut)
def task(request: HttpRequest, task_id: str) -> HttpResponse:
    """A task as it stands."""
    with scope(request):
        return json_response(task_json(services.task_for(task_id)))


@router.get(
    "/api/tasks/{task_id}/steps", summary="Steps of a task", operation_id="task_steps", response=RemediationSteps
)
def steps(request: HttpRequest, task_id: str) -> HttpResponse:
    """Every step that it took, oldest first; each has its entry in the ledger."""
    with scope(request):
        rows = services.steps_of(services.task_for(task_id))
        return json_response({"steps": [step_json(row) for row in rows]})


@router.patch(
    "/api/tasks/{task_id}",
    auth=_MANAGE,
    summary="Change a task",
    operation_id="change_task",
    response=TaskOut,
)
def change(request: HttpRequest, task_id: str, changes: ChangedTask) -> HttpResponse:
    """What it says; recorded, and so is a refusal."""
    with scope(request, _CHANGE) as standing:
        row = tasks.change(standing, task_id, changes.given, comment=changes.comment, number=changes.number)
        return json_response(task_json(row))


@router.post("/api/tasks/{task_id}/steps", summary="A step of a task", operation_id="task_step", response=TaskDone)
def take(request: HttpRequest, task_id: str, order: TaskStep) -> HttpResponse:
    """Finish it (its owner may as well), skip this turn, or drop it; recorded, and so is a refusal."""
    with scope(request, _CHANGE) as standing:
        following = None
        if order.step == "finish":
            evidence = tuple(order.evidence)
            row, following = tasks.finish(standing, task_id, order.comment, evidence=evidence, number=order.number)
        elif order.step == "skip":
            row, following = tasks.skip(standing, task_id, order.comment, number=order.number)
        else:
            row = tasks.drop(standing, task_id, order.comment, number=order.number)
        return json_response({**task_json(row), "following": None if following is None else following.id})
