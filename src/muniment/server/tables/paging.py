"""Pages of a list by cursor: what was added or changed meanwhile shifts nothing."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from muniment.core.errors import Malformed
from muniment.server.access.standing import Standing
from muniment.server.tables.question import Question, field_of, narrowed
from muniment.server.tables.registry import TableOf, Values

_EXPORTED: Final = 500
"""Rows that an export reads at once."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, the cursor of the page after them and that of the page before (None where there is none)."""

    rows: Sequence[Values]
    following: str | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class _Cursor:
    back: bool
    value: Any
    identity: str


def page_of(table: TableOf, question: Question, standing: Standing) -> Page:
    """One page of what was asked for.

    Raises:
        Malformed: `cursor`, if it was not given for this question.
    """
    at = _read_cursor(table, question, standing) if question.cursor else None
    back = at is not None and at.back
    rows = list(_ordered(table, question, narrowed(table, question, standing), at)[: question.limit + 1])
    more = len(rows) > question.limit
    rows = rows[: question.limit]
    if back:
        rows.reverse()
    before, after = (more, True) if back else (at is not None, more)
    if not rows:
        return Page((), None, None)
    return Page(
        table.listing.values(standing, rows),
        _write_cursor(table, question, rows[-1], back=False) if after else None,
        _write_cursor(table, question, rows[0], back=True) if before else None,
    )


def counted(table: TableOf, question: Question, standing: Standing, most: int) -> int:
    """How many rows were asked for; `most` + 1 if there are more than `most`."""
    found = narrowed(table, question, standing).order_by()
    return int(found[: most + 1].count())


def all_of(table: TableOf, question: Question, standing: Standing) -> Iterator[Values]:
    """Every row that was asked for, in its order, read a piece at a time."""
    at: _Cursor | None = None
    field = table.listing.sorts[question.order.removeprefix("-")]
    while True:
        rows = list(_ordered(table, question, narrowed(table, question, standing), at)[:_EXPORTED])
        yield from table.listing.values(standing, rows)
        if len(rows) < _EXPORTED:
            return
        at = _Cursor(False, getattr(rows[-1], field), str(getattr(rows[-1], table.listing.identity)))


def _ordered(table: TableOf, question: Question, rows: QuerySet[Any], at: _Cursor | None) -> QuerySet[Any]:
    down = question.order.startswith("-") != (at is not None and at.back)
    field, identity = table.listing.sorts[question.order.removeprefix("-")], table.listing.identity
    if at is not None:
        beyond = "lt" if down else "gt"
        rows = rows.filter(
            Q(**{f"{field}__{beyond}": at.value}) | Q(**{field: at.value, f"{identity}__{beyond}": at.identity})
        )
    return rows.order_by(*((f"-{field}", f"-{identity}") if down else (field, identity)))


def _digest(table: TableOf, question: Question) -> str:
    asked = repr((table.noun, question.given, question.words, question.order))
    return hashlib.sha256(asked.encode()).hexdigest()[:12]


def _write_cursor(table: TableOf, question: Question, row: Model, *, back: bool) -> str:
    value = getattr(row, table.listing.sorts[question.order.removeprefix("-")])
    shown = value.isoformat() if isinstance(value, date | datetime) else value
    said = [_digest(table, question), int(back), shown, str(getattr(row, table.listing.identity))]
    return base64.urlsafe_b64encode(orjson.dumps(said)).decode().rstrip("=")


def _read_cursor(table: TableOf, question: Question, standing: Standing) -> _Cursor:
    try:
        padded = question.cursor.encode("ascii") + b"=" * (-len(question.cursor) % 4)
        said = orjson.loads(base64.b64decode(padded, b"-_", validate=True))
        digest, back, shown, identity = said
        if not (isinstance(digest, str) and isinstance(identity, str) and back in (0, 1)):
            raise ValueError
        field = table.listing.sorts[question.order.removeprefix("-")]
        value = field_of(table.listing.rows(standing), field).to_python(shown)
        if value is None or "\0" in identity or "\0" in str(value):
            raise ValueError
    except (ValueError, TypeError, binascii.Error, UnicodeError, ValidationError, OverflowError):
        raise Malformed("is no cursor that this list gave", "cursor") from None
    if digest != _digest(table, question):
        raise Malformed("was given for another question; ask again from the first page", "cursor")
    return _Cursor(bool(back), value, identity)
