"""Pages of somebody's work: approvals, own exceptions, calendar, board, search, one step with many."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from muniment.core.errors import Malformed
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.workflow import RISK_LEVELS
from muniment.server.policies.models import PolicyVersion
from muniment.server.registers.keeping import newest
from muniment.server.tables.registry import home_of, table_of, tables
from muniment.server.work.approvals import waiting_for
from muniment.server.work.board import board as board_of
from muniment.server.work.bulk import EXCEPTIONS, MOST, Act, Item, Outcomes, act_on, acts_of, read_act
from muniment.server.work.calendar import KINDS, month_of, read_kinds, read_month
from muniment.server.work.forms import BulkForm
from muniment.server.work.marked import marked
from muniment.server.work.mine import my_exceptions
from muniment.server.work.registers.rows import people
from muniment.server.work.search import search as find

_PAGE = 50


@page(needs=Capability.EXCEPTION_READ)
def approvals(request: HttpRequest) -> HttpResponse:
    """What waits for the reader's decision."""
    standing = page_standing(request)
    after = request.GET.get("after", "")
    waiting, more = waiting_for(standing, timezone.now(), limit=_PAGE, after=after)
    rows = [one.row for one in waiting]
    names, policies = _names(standing, rows), _policies(rows)
    context = {
        "rows": [
            (
                one,
                names.get(one.row.requested_by, ""),
                names.get(one.on_behalf_of, ""),
                policies.get(one.row.policy_id, ""),
            )
            for one in waiting
        ],
        "next": waiting[-1].row.id if more else "",
        "paged": bool(after),
        "acts": [one for one in acts_of(EXCEPTIONS) if one.needs is Capability.EXCEPTION_APPROVE],
        "may_approve": standing.may(Capability.EXCEPTION_APPROVE),
    }
    return render(request, "work/approvals.html", context)


@page(needs=Capability.EXCEPTION_READ)
def mine(request: HttpRequest) -> HttpResponse:
    """The reader's own exceptions, what needs them first."""
    standing = page_standing(request)
    groups = my_exceptions(standing, timezone.now())
    policies = _policies([row for group in groups for row in group.rows])
    context = {
        "groups": [
            (group, [(row, policies.get(row.policy_id, "")) for row in group.rows]) for group in groups if group.total
        ],
        "may_request": standing.may(Capability.EXCEPTION_REQUEST),
    }
    return render(request, "work/mine.html", context)


@page(needs=Capability.EXCEPTION_READ)
def calendar(request: HttpRequest) -> HttpResponse:
    """What ends or is due in a month."""
    standing, today = page_standing(request), timezone.now().date()
    fault: Malformed | None = None
    asked = mine = request.GET.get("mine") == "yes"
    try:
        first, kinds = read_month(request.GET.get("month", ""), today), read_kinds(request.GET.get("show", ""))
    except Malformed as error:
        first, kinds, fault = today.replace(day=1), tuple(KINDS), error
    month = month_of(standing, first, today, kinds, mine=mine)
    context = {
        "month": month,
        "kinds": [(code, title, code in kinds) for code, title in KINDS.items()],
        "titles": KINDS,
        "show": ",".join(kinds) if len(kinds) < len(KINDS) else None,
        "mine": asked,
        "fault": fault,
        "days": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    }
    return render(request, "work/calendar.html", context, status=422 if fault else 200)


@page(needs=Capability.EXCEPTION_READ)
def board(request: HttpRequest) -> HttpResponse:
    """Exceptions in columns by state."""
    standing = page_standing(request)
    mine, level = request.GET.get("mine") == "yes", request.GET.get("risk_level", "")
    level = level if level in RISK_LEVELS else ""
    columns = board_of(standing, timezone.now(), mine=mine, risk_level=level)
    names = _names(standing, [card.row for column in columns for card in column.cards])
    context = {
        "columns": [(column, [(card, names.get(card.row.owner, "")) for card in column.cards]) for column in columns],
        "mine": mine,
        "level": level,
        "levels": RISK_LEVELS,
        "total": sum(column.total for column in columns),
    }
    return render(request, "work/board.html", context)


@page(needs=Capability.EXCEPTION_READ)
def search(request: HttpRequest) -> HttpResponse:
    """Words over everything in the registers."""
    standing = page_standing(request)
    words, kind = request.GET.get("q", ""), request.GET.get("kind", "")
    context: dict[str, Any] = {"q": words, "kind": kind, "kinds": [one for one in tables() if standing.may(one.reads)]}
    context["titles"] = {one.kind: one.title for one in context["kinds"]}
    if words.strip():
        try:
            context["found"] = find(standing, words, kind=kind)
        except Malformed as error:
            context["fault"] = error
    return render(request, "work/search.html", context, status=422 if "fault" in context else 200)


@page(needs=Capability.EXCEPTION_READ, step_up="always", methods=("GET", "POST"))
def bulk(request: HttpRequest) -> HttpResponse:
    """One step with many of a register: looked at first, with what stands against it, then taken with each."""
    standing = page_standing(request)
    given = request.POST if request.method == "POST" else request.GET
    act = read_act(given.get("do", ""), standing, given.get("of", EXCEPTIONS))
    ids = list(dict.fromkeys(given.getlist("item")))
    if not 1 <= len(ids) <= MOST:
        raise Malformed(f"mark 1 to {MOST} {act.of}", "items")
    form = BulkForm(request.POST if request.method == "POST" else None, act=act)
    if request.method == "POST" and form.is_valid():
        items = [_item(request, one) for one in ids]
        return _done(request, act, act_on(standing, act, items, form.cleaned_data["comment"]))
    rows = marked(standing, act, ids)
    context = {
        "act": act,
        "table": table_of(act.of),
        "home": home_of(table_of(act.of)),
        "rows": rows,
        "left": sum(not one.against for one in rows),
        "missing": len(ids) - len(rows),
        "form": form,
    }
    return render(request, "work/bulk.html", context, status=422 if form.errors else 200)


def _item(request: HttpRequest, wanted: str) -> Item:
    steps = request.POST.get(f"steps-{wanted}", "")
    return Item(
        wanted, request.POST.get(f"basis-{wanted}", ""), int(steps) if steps.isdecimal() and len(steps) < 9 else None
    )


def _done(request: HttpRequest, act: Act, found: Outcomes) -> HttpResponse:
    table = table_of(act.of)
    if not found.refused:
        messages.success(request, f"{len(found.done)} {act.done}, each with its own entry.")
        return HttpResponseRedirect(home_of(table))
    ids = [*found.done, *(one for one, _, _ in found.refused)]
    known = {one.id: one for one in marked(page_standing(request), act, ids)}

    def named(wanted: str) -> tuple[str, str]:
        return (known[wanted].title, known[wanted].url) if wanted in known else (wanted, "")

    context = {
        "act": act,
        "table": table,
        "home": home_of(table),
        "done": [named(one) for one in found.done],
        "refused": [(*named(one), reason) for one, _, reason in found.refused],
    }
    return render(request, "work/outcomes.html", context)


def _names(standing: Standing, rows: list[PolicyException]) -> dict[str, str]:
    return people(standing, {person for row in rows for person in (row.requested_by, row.owner)})


def _policies(rows: list[PolicyException]) -> dict[str, str]:
    """Codes of the policies of some exceptions."""
    wanted = {row.policy_id for row in rows}
    return dict(newest(PolicyVersion, "policy").filter(policy__in=wanted).values_list("policy", "code"))
