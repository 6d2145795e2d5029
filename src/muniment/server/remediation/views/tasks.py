"""Pages of control tasks."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.controls.owners import possible_owners
from muniment.server.remediation import services
from muniment.server.remediation.contents import TaskContent
from muniment.server.remediation.forms import StepForm, TaskForm
from muniment.server.remediation.models import Task
from muniment.server.remediation.recurrence import RECURRENCES
from muniment.server.remediation.services import tasks
from muniment.server.remediation.services.tasks import next_turn
from muniment.server.remediation.views.shown import item_context, kept_form, take, title_of
from muniment.server.tables.lists import list_page


@page(needs=Capability.EXCEPTION_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The tasks, the earliest due first."""
    return list_page(request, "tasks")


@page(needs=Capability.REGISTER_MANAGE, methods=("GET", "POST"))
def new(request: HttpRequest) -> HttpResponse:
    """Set a task; `?finding=fnd_…` names what it remediates."""
    standing = page_standing(request)
    finding = request.GET.get("finding", "")
    form = TaskForm(request.POST if request.method == "POST" else None, owners=possible_owners(standing.tenant_id))
    return kept_form(
        request,
        standing,
        "task",
        form,
        lambda: tasks.create(standing, TaskContent(**form.given), finding=finding),
        context={"finding": finding},
    )


@page(needs=Capability.EXCEPTION_READ)
def task(request: HttpRequest, task_id: str) -> HttpResponse:
    """One task: what it says, its steps, and its history drawn from the ledger."""
    return _task(request, page_standing(request), _found(task_id))


@page(needs=Capability.REGISTER_MANAGE, methods=("GET", "POST"))
def change(request: HttpRequest, task_id: str) -> HttpResponse:
    """Change what a task says."""
    standing, row = page_standing(request), _found(task_id)
    form = TaskForm(
        request.POST if request.method == "POST" else None,
        owners=possible_owners(standing.tenant_id),
        before=tasks.content_of(row),
        number=row.number,
    )
    return kept_form(
        request,
        standing,
        "task",
        form,
        lambda: tasks.change(
            standing,
            row.id,
            form.given,
            comment=form.cleaned_data["comment"],
            number=form.cleaned_data["number"],
        ),
        context={},
        about=row,
    )


@page(needs=Capability.EXCEPTION_READ, methods=("POST",))
def step(request: HttpRequest, task_id: str) -> HttpResponse:
    """Say that a task is done, skip a turn, or drop it. Its owner may say that it is done."""
    standing, row = page_standing(request), _found(task_id)

    def do(form: StepForm) -> str:
        said = form.cleaned_data
        match said["step"]:
            case "skip":
                _, following = tasks.skip(standing, row.id, said["comment"], number=said["number"])
            case "drop":
                tasks.drop(standing, row.id, said["comment"], number=said["number"])
                return "Dropped."
            case "finish":
                _, following = tasks.finish(
                    standing, row.id, said["comment"], evidence=form.attachments, number=said["number"]
                )
            case _:
                raise Http404
        if following is None:
            return "Done."
        return f"Recorded. The next turn is due on {following.due_on.isoformat()}."

    return take(request, standing, row, do, lambda form: _task(request, standing, _found(task_id), form))


def _task(request: HttpRequest, standing: Standing, row: Task, tried: StepForm | None = None) -> HttpResponse:
    context = {
        **item_context(standing, row, tried),
        "overdue": services.is_overdue(row),
        "often": RECURRENCES[row.recurrence],
        "following": next_turn(row),
        "finding_title": title_of("finding", row.finding),
    }
    return render(request, "remediation/task.html", context, status=422 if tried else 200)


def _found(wanted: str) -> Task:
    try:
        return services.task_for(wanted)
    except services.NoSuch:
        raise Http404 from None
