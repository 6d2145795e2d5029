"""Pages of the rules of approval: those in force, a version, writing and saving others."""

from __future__ import annotations

from typing import Any

import orjson
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.core.errors import Malformed, MunimentError, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.accounts.models import User
from muniment.server.approvals import services
from muniment.server.approvals.desk import Desk, Offered
from muniment.server.approvals.document import document_of, rules_from, text_of
from muniment.server.approvals.forms import CaseForm, SaveForm
from muniment.server.approvals.validation import Fault
from muniment.server.approvals.wording import compared, condition_of, deciders_of, lines_of
from muniment.server.approvals.workflow import DEFAULT_ID, MAX_CLAUSES, Case, Rules
from muniment.server.assets.services import find_assets
from muniment.server.capabilities import Capability
from muniment.server.members.rows import read_directory
from muniment.server.registers.keeping import record_refused

_DRAFT = "approvals.draft"


@page(needs=Capability.EXCEPTION_READ)
def home(request: HttpRequest) -> HttpResponse:
    """The rules in force, what is wrong with them, what they do with a made-up case, and the versions."""
    standing = page_standing(request)
    rules, rows = services.rules_in_force(), services.versions()
    names = services.names_for(rules)
    asked = "risk_level" in request.GET
    case = CaseForm(request.GET if asked else None)
    context = {
        **_shown(rules, names),
        "row": rows[0] if rows else None,
        "versions": [(row, names.get(row.created_by, "")) for row in rows],
        "faults": _faults(services.faults_of(rules), names),
        "case": case,
        "preview": _previewed(rules, case, names) if asked and case.is_valid() else None,
        "may_manage": standing.may(Capability.WORKFLOW_MANAGE),
    }
    return render(request, "approvals/home.html", context, status=422 if case.errors else 200)


@page(needs=Capability.EXCEPTION_READ)
def version(request: HttpRequest, rules_id: str) -> HttpResponse:
    """One version: what it says, what it changed, and its entry."""
    try:
        rules = services.rules_of(rules_id)
    except services.NoSuch:
        raise Http404 from None
    rows = services.versions()
    row = next((one for one in rows if one.id == rules_id), None)
    before = next((services.rules_in(one) for one in rows if one.number == rules.version - 1), services.DEFAULT)
    names = {**services.names_for(before), **services.names_for(rules)}
    context = {
        **_shown(rules, names),
        "row": row,
        "by": "" if row is None else names.get(row.created_by, ""),
        "in_force": services.rules_in_force().id == rules.id,
        "difference": compared(lines_of(before, names), lines_of(rules, names)) if row is not None else [],
        "may_manage": page_standing(request).may(Capability.WORKFLOW_MANAGE),
    }
    return render(request, "approvals/version.html", context)


@page(needs=Capability.WORKFLOW_MANAGE)
def change(request: HttpRequest) -> HttpResponse:
    """Write other rules: from the last draft of this session, a version that is named, or those in force."""
    standing = page_standing(request)
    rules = services.rules_in_force()
    wanted, draft = request.GET.get("from", ""), _draft(request, standing)
    if wanted:
        try:
            rules = services.rules_of(wanted)
        except services.NoSuch:
            raise Http404 from None
    elif draft is not None:
        rules = draft
    return _desk(request, Desk.begun(rules, _offered(rules)), drafted=draft is not None and not wanted)


@page(needs=Capability.WORKFLOW_MANAGE, methods=("POST",))
def check(request: HttpRequest) -> HttpResponse:
    """Add, move or remove a row, or say what is to be said of what was written. Nothing is saved but the draft."""
    standing = page_standing(request)
    desk = Desk.sent(request.POST, _offered(services.rules_in_force()))
    done = request.POST.get("do", "check")
    if done != "check":
        return _desk(request, desk.moved(_order(done, len(desk.rows))))
    if not desk.is_valid():
        return _desk(request, desk, status=422)
    try:
        rules = services.resolved(rules_from(desk.document()))
    except Malformed as error:
        desk.accuse(error)
        return _desk(request, desk, status=422)
    _keep_draft(request, standing, rules)
    names = services.names_for(rules)
    preview = _previewed(rules, desk.case, names)
    found = services.faults_of(rules)
    now = services.rules_in_force()
    before = lines_of(now, {**names, **services.names_for(now)})
    context = {
        "faults": _faults(found, names),
        "blocked": any(one.blocks for one in found),
        "same": text_of(now) == text_of(rules),
        "difference": compared(before, lines_of(rules, names)),
        "preview": preview,
        "save": SaveForm(initial={"document": text_of(rules), "number": now.version}),
        "checked": True,
    }
    return _desk(request, desk, status=422 if desk.case.errors else 200, **context)


@page(needs=Capability.WORKFLOW_MANAGE, step_up="writes", methods=("POST",))
def save(request: HttpRequest) -> HttpResponse:
    """Put what was checked in force."""
    standing = page_standing(request)
    form = SaveForm(request.POST)
    rules = services.rules_in_force()
    if form.is_valid():
        try:
            rules = rules_from(orjson.loads(form.cleaned_data["document"]))
            with transaction.atomic():
                row = services.save_rules(
                    standing, rules, comment=form.cleaned_data["comment"], number=form.cleaned_data["number"]
                )
        except orjson.JSONDecodeError:
            form.add_error(None, "what was checked did not arrive whole: check it again")
        except (Malformed, Refused) as error:
            record_refused(standing, services.ACTION, None, error)
            form.accuse(error)
        else:
            request.session.pop(_DRAFT, None)
            messages.success(request, f"Version {row.number} is in force.")
            return HttpResponseRedirect(reverse("approvals:home"))
    return _desk(request, Desk.begun(rules, _offered(rules)), status=422, save=form)


@page(needs=Capability.WORKFLOW_MANAGE, methods=("POST",))
def discard(request: HttpRequest) -> HttpResponse:
    """Forget what was written and not saved."""
    request.session.pop(_DRAFT, None)
    return HttpResponseRedirect(reverse("approvals:change"))


def _desk(request: HttpRequest, desk: Desk, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {"desk": desk, "number": services.rules_in_force().version, "full": len(desk.rows) >= MAX_CLAUSES}
    return render(request, "approvals/change.html", {**context, **more}, status=status)


def _order(done: str, count: int) -> list[int | None]:
    """Places of rows after `add`, `up-2`, `down-0` or `remove-1`; as they are after anything else."""
    order: list[int | None] = list(range(count))
    word, _, number = done.partition("-")
    place = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else -1
    if word == "add" and count < MAX_CLAUSES:
        order.append(None)
    elif word == "remove" and 0 <= place < count:
        del order[place]
    elif word in ("up", "down") and 0 <= place < count:
        other = place + (1 if word == "down" else -1)
        if 0 <= other < count:
            order[place], order[other] = order[other], order[place]
    return order


def _shown(rules: Rules, names: dict[str, str]) -> dict[str, Any]:
    paths = [
        *((condition_of(one, names), one.levels) for one in rules.clauses),
        ("every other case" if rules.clauses else "every case", rules.otherwise),
    ]
    rows = [(said, [deciders_of(level, names) for level in levels]) for said, levels in paths]
    return {"rules": rules, "rows": rows, "default": rules.id == DEFAULT_ID}


def _previewed(rules: Rules, form: CaseForm, names: dict[str, str]) -> dict[str, Any] | None:
    said = form.said()
    try:
        case = services.case_of(
            Case(said["risk_level"], frozenset(said["frameworks"]), frozenset(said["assets"]), frozenset())
        )
        found = services.preview(rules, case, requester=services.requester_of(said["requester"]))
    except MunimentError as error:
        form.accuse(error)
        return None
    levels = [
        (level.number, [(one, names.get(one.subject, ""), names.get(one.mandate.on_behalf_of, "")) for one in deciders])
        for level, deciders in found.levels
    ]
    return {"row": None if found.place is None else found.place + 1, "levels": levels}


def _faults(found: list[Fault], names: dict[str, str]) -> list[tuple[Fault, str, str]]:
    said = []
    for one in found:
        reason = one.reason
        for subject in {word.rstrip(":,") for word in reason.split() if word.startswith("user:")}:
            reason = reason.replace(subject, names.get(subject, subject))
        place, _, level = one.where.partition(".levels[")
        row = f"Row {int(place[8:-1]) + 1}" if place.startswith("clauses[") else "Every other case"
        said.append((one, f"{row}, approval {int(level[0]) + 1}" if level else row, reason))
    return said


def _offered(rules: Rules) -> Offered:
    directory = read_directory(timezone.now())
    named = {role for _, levels in rules.paths() for level in levels for role in level.roles}
    roles = [
        (role.code, role.name)
        for role in directory.roles.values()
        if Capability.EXCEPTION_APPROVE in role.capabilities or role.code in named
    ]
    groups = [(group.id, group.name) for group in directory.groups.values()]
    subjects = {subject for _, levels in rules.paths() for level in levels for subject in level.people}
    people = User.objects.filter(id__in=[one.removeprefix("user:") for one in subjects]).values_list("id", "email")
    assets = find_assets({asset for clause in rules.clauses for asset in clause.assets}).values()
    names = {f"user:{one}": email for one, email in people} | {one.id: one.code for one in assets}
    return Offered(sorted(roles, key=_by_name), sorted(groups, key=_by_name), names)


def _by_name(pair: tuple[str, str]) -> str:
    return pair[1].lower()


def _draft(request: HttpRequest, standing: Standing) -> Rules | None:
    kept = request.session.get(_DRAFT)
    if not isinstance(kept, dict) or kept.get("tenant") != str(standing.tenant_id):
        return None
    try:
        return rules_from(kept.get("rules"))
    except Malformed:
        return None


def _keep_draft(request: HttpRequest, standing: Standing, rules: Rules) -> None:
    request.session[_DRAFT] = {"tenant": str(standing.tenant_id), "rules": document_of(rules)}
