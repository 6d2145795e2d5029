"""What the pages of tasks, findings and incidents share: finding one, its form, its steps, and taking one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.exceptions.services import exception_for
from muniment.server.registers.keeping import record_refused
from muniment.server.registers.owners import owner_names
from muniment.server.remediation import services
from muniment.server.remediation.forms import StepForm
from muniment.server.remediation.services.steps import Item, actor_of, kind_of
from muniment.server.remediation.workflow import STATES, TRANSITIONS, Kind

_FIELDS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("task", "finish"): ("comment", "evidence"),
    ("finding", "resolve"): ("comment", "evidence"),
    ("finding", "verify"): ("comment", "evidence"),
    ("finding", "accept"): ("exception", "comment"),
    ("incident", "evidence"): ("entries", "comment"),
    ("incident", "resolve"): ("at", "comment"),
    ("incident", "close"): ("lessons", "comment"),
}
_SAID: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("task", "finish"): ("Done", "What was done. What shows it can be named as attachments."),
    ("task", "skip"): ("Skip this turn", "Why it is left out this time. The next turn is set."),
    ("task", "drop"): ("Drop it", "Why it is not to be done any more. No turn follows."),
    ("finding", "start"): ("Start remediating", ""),
    ("finding", "resolve"): ("Resolve", "What was done. Somebody else verifies it."),
    ("finding", "verify"): ("Verify", "What was looked at, and what it showed."),
    ("finding", "accept"): ("Accept through an exception", "The exception was approved and has not ended."),
    ("finding", "reopen"): ("Open it again", "Why it does not hold."),
    ("incident", "evidence"): ("Add entries", "Entries of the ledger that tell of it. What was added stays."),
    ("incident", "contain"): ("Contained", "How it was kept from spreading."),
    ("incident", "resolve"): ("Resolved", "How it was ended, and since when."),
    ("incident", "close"): ("Close", "What was learned stays with it."),
    ("incident", "reopen"): ("Open it again", "Why it is not over."),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A step that a person may take now: its name, what it is called, what it asks for, and its form."""

    step: str
    title: str
    lead: str
    form: StepForm
    fields: tuple[forms.BoundField, ...]
    open: bool


def offers(standing: Standing, row: Item, tried: StepForm | None = None) -> list[Offer]:
    """The steps that somebody may take now, in the order of the table; `change` has a page of its own.

    Args:
        standing: of the reader.
        row: what takes the step.
        tried: a form that was sent and is wrong; it is shown again in place of its step's.
    """
    kind, actor = kind_of(row), actor_of(standing, row)
    shown: list[Offer] = []
    for rule in TRANSITIONS:
        if (rule.kind, rule.before) != (kind, row.state) or rule.step == "change":
            continue
        if not (actor.manages or (rule.by == "owner" and actor.owns)):
            continue
        if rule.not_by and getattr(row, rule.not_by) == actor.subject:
            continue
        if rule.step == "skip" and getattr(row, "recurrence", "none") == "none":
            continue
        initial = {"step": rule.step, "number": row.number, "lessons": getattr(row, "lessons", "")}
        wrong = tried is not None and tried.data.get("step") == rule.step
        form = tried if wrong and tried is not None else StepForm(initial=initial, auto_id=f"{rule.step}-%s")
        title, lead = _SAID[kind, rule.step]
        fields = tuple(form[name] for name in _FIELDS.get((kind, rule.step), ("comment",)))
        shown.append(Offer(rule.step, title, lead, form, fields, wrong))
    return shown


def title_of(kind: str, wanted: str) -> str:
    """What something that is linked by its id is called; "" for none."""
    if not wanted:
        return ""
    match kind:
        case "exception":
            return str(exception_for(wanted).title)
        case "finding":
            return str(services.finding_for(wanted).title)
    return str(services.incident_for(wanted).title)


def item_context(standing: Standing, row: Item, tried: StepForm | None = None) -> dict[str, Any]:
    """What every page of one thing shows: its state, owner, steps, and the steps that can be taken."""
    kind = kind_of(row)
    steps = services.steps_of(row)
    people = {row.owner, row.created_by, *(one.by for one in steps)}
    people |= {getattr(row, name, "") for name in ("resolved_by", "verified_by")}
    names = owner_names(standing, people)
    return {
        "row": row,
        "kind": kind,
        "state": STATES[kind][row.state],
        "state_kind": _KINDS.get(row.state, ""),
        "owner": names[row.owner],
        "names": names,
        "steps": [(one, names[one.by]) for one in reversed(steps)],
        "offers": offers(standing, row, tried),
        "may_change": any((rule.kind, rule.before, rule.step) == (kind, row.state, "change") for rule in TRANSITIONS)
        and actor_of(standing, row).manages,
    }


def take(
    request: HttpRequest,
    standing: Standing,
    row: Item,
    do: Callable[[StepForm], str],
    again: Callable[[StepForm], HttpResponse],
) -> HttpResponse:
    """Take the step that a form asks for.

    Args:
        request: the form.
        standing: of who takes it.
        row: what takes it.
        do: takes it and says so in a sentence.
        again: the page with the form as it is, once something was wrong with it.
    """
    form = StepForm(request.POST, auto_id=f"{request.POST.get('step', '')[:12]}-%s")
    kind: Kind = kind_of(row)
    if form.is_valid():
        try:
            with transaction.atomic():
                said = do(form)
        except services.NoSuch:
            raise Http404 from None
        except (Malformed, Refused) as error:
            record_refused(standing, f"{kind}.change", (kind, row.id), error)
            form.accuse(error)
        else:
            messages.success(request, said)
            return HttpResponseRedirect(reverse(f"remediation:{kind}", args=[row.id]))
    return again(form)


def kept_form(
    request: HttpRequest,
    standing: Standing,
    kind: Kind,
    form: Any,
    keep: Callable[[], Item],
    *,
    context: Mapping[str, object],
    about: Item | None = None,
) -> HttpResponse:
    """A form that makes or changes one, and what becomes of it.

    Args:
        request: that shows or sends it.
        standing: of who sends it.
        kind: of what it makes.
        form: bound if it was sent.
        keep: does it.
        context: for the template.
        about: what is changed; None where one is made.
    """
    if form.is_bound and form.is_valid():
        try:
            with transaction.atomic():
                row = keep()
        except services.NoSuch as error:
            form.add_error(None, error.reason)
        except (Malformed, Refused) as error:
            record_refused(standing, f"{kind}.change", None if about is None else (kind, about.id), error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse(f"remediation:{kind}", args=[row.id]))
    said = {"form": form, "kind": kind, "row": about, **context}
    return render(request, "remediation/form.html", said, status=422 if form.errors else 200)


_KINDS: Final = {"done": "good", "verified": "good", "closed": "good", "resolved": "accent", "accepted": "warn"}
