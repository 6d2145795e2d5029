"""A list page: filters, search, columns and pages, all of them in its address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from muniment.core.errors import Malformed
from muniment.server.access.pages import page_standing
from muniment.server.access.standing import Standing
from muniment.server.accounts.models import User
from muniment.server.capabilities import Capability
from muniment.server.members.models import Membership
from muniment.server.tables.paging import Page, counted, page_of
from muniment.server.tables.question import Question, read_question
from muniment.server.tables.registry import Choice, Days, Person, TableOf, Values, address, table_of
from muniment.tables import Column

_COUNTED: Final = 10_000
_MOST_PEOPLE: Final = 500


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its column, its value, and whether it names the thing."""

    column: Column
    value: object
    leads: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the page: its id, the address of its page ("" without one), and its cells."""

    id: str
    url: str
    cells: tuple[Cell, ...]
    values: Values


def list_page(request: HttpRequest, noun: str, extra: Mapping[str, object] | None = None) -> HttpResponse:
    """The list of a noun, for a view wrapped by `page`; another application's list page calls it too.

    Args:
        request: whose address holds the question.
        noun: of a registered table.
        extra: for the template.
    """
    standing, table = page_standing(request), table_of(noun)
    fault: Malformed | None = None
    found, total = Page((), None, None), 0
    try:
        asked = request.GET.dict()
        if chosen := request.GET.getlist("column"):
            # The form of columns gives one at a time.
            asked["columns"] = ",".join(chosen)
        question = read_question(table, asked, strict=False)
        found = page_of(table, question, standing)
        total = counted(table, question, standing, _COUNTED)
    except Malformed as error:
        question, fault = read_question(table, {}), error
    base = request.path
    context: dict[str, Any] = {
        "table": table,
        "question": question,
        "fault": fault,
        "lines": _lines(table, question, found.rows),
        "columns": [(column, _sorted(table, column)) for column in table.table.chosen(question.columns)],
        "every_column": [
            (column, column.key in question.columns, column.key == table.listing.shown[0])
            for column in table.table.columns
        ],
        "filters": _filters(table, question, standing),
        "chips": _chips(table, question, base),
        "total": total if total <= _COUNTED else None,
        "most": _COUNTED,
        "base": base,
        "older_url": f"{base}?{question.query(table, cursor=found.following)}" if found.following else None,
        "newer_url": f"{base}?{question.query(table, cursor=found.previous)}" if found.previous else None,
        "plain_query": question.query(table, cursor="", limit=50),
        "bulk": [one for one in table.bulk if standing.may(one.needs)],
        "bulk_url": address(table.bulk_route),
        "may_export": standing.may(Capability.EXPORT_CREATE),
        "may_import": table.apply is not None and standing.may(table.writes),
        "new_url": address(table.new) if standing.may(table.writes) else "",
    }
    return render(request, "tables/list.html", context | dict(extra or {}), status=422 if fault else 200)


def _lines(table: TableOf, question: Question, rows: Sequence[Values]) -> list[Line]:
    chosen = table.table.chosen(question.columns)
    return [
        Line(
            str(row["id"]),
            address(table.page, str(row["id"])),
            tuple(Cell(column, row.get(column.key), place == 0) for place, column in enumerate(chosen)),
            row,
        )
        for row in rows
    ]


def _sorted(table: TableOf, column: Column) -> str:
    return column.key if column.key in table.listing.sorts else ""


def _filters(table: TableOf, question: Question, standing: Standing) -> list[dict[str, object]]:
    """What the filter form shows: kind, name, title, the value, and what can be chosen."""
    given = dict(question.given)
    people = _people(standing) if any(isinstance(one, Person) for one in table.listing.filters) else []
    shown: list[dict[str, object]] = []
    for one in table.listing.filters:
        if isinstance(one, Choice):
            shown.append({"kind": "choice", "one": one, "value": given.get(one.key, ""), "choices": one.choices})
        elif isinstance(one, Person):
            shown.append({"kind": "choice", "one": one, "value": given.get(one.key, ""), "choices": people})
        elif isinstance(one, Days):
            shown.append(
                {
                    "kind": "days",
                    "one": one,
                    "since": given.get(f"{one.key}_from", ""),
                    "until": given.get(f"{one.key}_to", ""),
                }
            )
        else:
            shown.append({"kind": "text", "one": one, "value": given.get(one.key, "")})
    return shown


def _people(standing: Standing) -> list[tuple[str, str]]:
    members = Membership.objects.filter(tenant_id=standing.tenant_id).values_list("user_id", flat=True)[:_MOST_PEOPLE]
    rows = User.objects.filter(id__in=list(members)).order_by("name", "email")
    return [("me", "Me"), *((f"user:{row.id}", row.name or row.email) for row in rows)]


def _chips(table: TableOf, question: Question, base: str) -> list[tuple[str, str, str]]:
    """The filters in force: what it is called, the value as people read it, and the address without it."""
    given = dict(question.given)
    chips: list[tuple[str, str, str]] = []
    for one in table.listing.filters:
        if isinstance(one, Days):
            for name, word in ((f"{one.key}_from", "from"), (f"{one.key}_to", "until")):
                if name in given:
                    chips.append((f"{one.title} {word}", given[name], _off(table, question, base, name)))
        elif one.key in given:
            value = given[one.key]
            if isinstance(one, Choice):
                titles = dict(one.choices)
                value = ", ".join(titles[part] for part in value.split(","))
            elif isinstance(one, Person):
                value = "me" if value == "me" else _name(value)
            chips.append((one.title, value, _off(table, question, base, one.key)))
    if question.words:
        chips.append(("Words", question.words, f"{base}?{question.query(table, words='', cursor='')}"))
    return chips


def _off(table: TableOf, question: Question, base: str, name: str) -> str:
    return f"{base}?{question.query(table, given=question.without(name), cursor='')}"


def _name(subject: str) -> str:
    user = subject.removeprefix("user:")
    if not Membership.objects.filter(user_id=user).exists():
        return subject
    found = User.objects.filter(id=user).first()
    return (found.name or found.email) if found else subject
