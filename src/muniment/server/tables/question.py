"""What a list is asked, read from its address and written into it: filters, order, columns, words, the page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q, QuerySet

from muniment.core.errors import Malformed
from muniment.server.access.standing import Standing
from muniment.server.tables.registry import Choice, Days, Filter, Named, Person, TableOf

MOST_WORDS: Final = 8
MAX_TEXT: Final = 200
PAGE: Final = 50
MAX_PAGE: Final = 200
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Question:
    """One question to one table.

    Attributes:
        given: the filters as (name, value) in the order of the table's filters; nothing else.
        words: of the search, as typed.
        order: key of a sort, with `-` for the largest first.
        columns: keys that are shown.
        chosen: whether somebody chose these columns.
        limit: rows on a page.
        cursor: of the page; "" for the first.
    """

    given: tuple[tuple[str, str], ...]
    words: str
    order: str
    columns: tuple[str, ...]
    chosen: bool = False
    limit: int = PAGE
    cursor: str = ""

    def query(self, table: TableOf, **changes: object) -> str:
        """The part of an address after `?` that asks this, with some things otherwise; "" for the plain list."""
        asked = replace(self, **changes)  # type: ignore[arg-type]
        pairs = list(asked.given)
        if asked.words:
            pairs.append(("q", asked.words))
        if asked.order != table.listing.order:
            pairs.append(("sort", asked.order))
        if asked.chosen and asked.columns != table.listing.shown:
            pairs.append(("columns", ",".join(asked.columns)))
        if asked.limit != PAGE:
            pairs.append(("limit", str(asked.limit)))
        if asked.cursor:
            pairs.append(("cursor", asked.cursor))
        return urlencode(pairs)

    def without(self, name: str) -> tuple[tuple[str, str], ...]:
        """The filters but one."""
        return tuple(pair for pair in self.given if pair[0] != name)


def names_of_filter(one: Filter) -> tuple[str, ...]:
    """What the parameters of a filter are called."""
    return (f"{one.key}_from", f"{one.key}_to") if isinstance(one, Days) else (one.key,)


def read_question(table: TableOf, asked: Mapping[str, str], *, strict: bool = True) -> Question:
    """Read a question.

    Args:
        table: of which table.
        asked: parameters of the address; those with the value "" do not count.
        strict: unknown parameters are refused.

    Raises:
        Malformed: naming the parameter.
    """
    known = [name for one in table.listing.filters for name in names_of_filter(one)]
    other = {"q", "sort", "columns", "column", "limit", "cursor"}
    values = {name: value.strip() for name, value in asked.items() if value.strip()}
    for name, value in values.items():
        if strict and name not in other and name not in known:
            raise Malformed(f"is no filter of {table.noun}; there are {', '.join(known)}", ascii(name)[1:-1][:60])
        if len(value) > 1_000 or "\0" in value:
            raise Malformed("is too long, or no text", ascii(name)[1:-1][:60])
    for one in table.listing.filters:
        for name in names_of_filter(one):
            if name in values:
                _check(one, name, values[name])
    order = values.get("sort", table.listing.order)
    if order.removeprefix("-") not in table.listing.sorts:
        raise Malformed(f"is one of {', '.join(table.listing.sorts)}, with - before it for the largest first", "sort")
    return Question(
        tuple((name, values[name]) for name in known if name in values),
        read_words(values.get("q", "")),
        order,
        _columns(table, values.get("columns", "")),
        chosen="columns" in values,
        limit=_limit(values.get("limit", "")),
        cursor=values.get("cursor", ""),
    )


def read_words(text: str) -> str:
    """What is searched for.

    Raises:
        Malformed: `q`, for too much of it.
    """
    words = text.split()
    if len(text) > MAX_TEXT or len(words) > MOST_WORDS:
        raise Malformed(f"has at most {MOST_WORDS} words and {MAX_TEXT} characters", "q")
    return " ".join(words)


def narrowed(table: TableOf, question: Question, standing: Standing) -> QuerySet[Any]:
    """The rows that a question asks for, in no order."""
    rows = table.listing.rows(standing)
    given = dict(question.given)
    for one in table.listing.filters:
        for name in names_of_filter(one):
            if name in given:
                rows = rows.filter(_condition(rows, one, name, given[name], standing))
    for word in question.words.split():
        found = Q()
        for field in table.listing.searched:
            found |= Q(**{f"{field}__icontains": word})
        rows = rows.filter(found)
    return rows


def field_of(rows: QuerySet[Any], name: str) -> models.Field[Any, Any]:
    """The field of some rows with a name: one of the model's, or one that was worked out beside them."""
    worked_out = rows.query.annotations.get(name)
    found: models.Field[Any, Any] = rows.model._meta.get_field(name) if worked_out is None else worked_out.output_field
    return found


def _condition(rows: QuerySet[Any], one: Filter, name: str, value: str, standing: Standing) -> Q:
    if isinstance(one, Days):
        day = date.fromisoformat(value)
        if isinstance(field_of(rows, one.field), models.DateTimeField):
            moment = datetime.combine(day, time(), UTC)
            after = moment + timedelta(days=1)
            return Q(**{f"{one.field}__gte": moment}) if name.endswith("_from") else Q(**{f"{one.field}__lt": after})
        return Q(**{f"{one.field}__gte": day}) if name.endswith("_from") else Q(**{f"{one.field}__lte": day})
    if isinstance(one, Person):
        found = Q()
        for field in one.field.split("|"):
            found |= Q(**{field: standing.subject if value == "me" else value})
        return found
    if isinstance(one, Named) and one.holds:
        return Q(**{f"{one.field}__contains": [value]})
    if isinstance(one, Choice) and "," in value:
        return Q(**{f"{one.field}__in": value.split(",")})
    return Q(**{one.field: value})


def _check(one: Filter, name: str, value: str) -> None:
    if isinstance(one, Choice):
        codes = [code for code, _ in one.choices]
        if any(part not in codes for part in value.split(",")):
            raise Malformed(f"is one of {', '.join(codes)}", name)
    elif isinstance(one, Days):
        try:
            day = date.fromisoformat(value) if _DAY.fullmatch(value) else None
        except ValueError:
            day = None
        if day is None or not 1970 <= day.year <= 2199:
            raise Malformed("is a day such as 2026-03-01", name)


def _columns(table: TableOf, text: str) -> tuple[str, ...]:
    if not text:
        return table.listing.shown
    wanted = dict.fromkeys(key for key in text.split(",") if key)
    for key in wanted:
        table.table.column(key)
    # Its name leads to the page of a thing; a list without it would lead nowhere.
    first = table.listing.shown[0]
    return (first, *(key for key in wanted if key != first))


def _limit(text: str) -> int:
    if not text:
        return PAGE
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= MAX_PAGE):
        raise Malformed(f"lies between 1 and {MAX_PAGE}", "limit")
    return int(text)
