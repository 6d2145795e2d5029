"""Pages of a list that begin after a row, whatever was added or removed before it."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q, QuerySet

from muniment.core.errors import Malformed

_Row = TypeVar("_Row", bound=Model)
_BETWEEN: Final = "~"


def one_page(rows: QuerySet[_Row], keys: tuple[str, ...], after: str, limit: int) -> tuple[list[_Row], str | None]:
    """A page of rows.

    Args:
        rows: in any order; they are sorted by `keys`.
        keys: columns that together are unique; `-` before one sorts it downwards.
        after: where the page before ended; "" for the first.
        limit: at most so many.

    Returns:
        The rows, and where the next page begins after; None if there is none.

    Raises:
        Malformed: `after`, if no page ended there.
    """
    if after:
        rows = rows.filter(_beyond(rows.model, keys, after))
    found = list(rows.order_by(*keys)[: limit + 1])
    more = len(found) > limit
    return found[:limit], _place(found[limit - 1], keys) if more else None


def _place(row: Model, keys: tuple[str, ...]) -> str:
    values = [getattr(row, key.removeprefix("-")) for key in keys]
    return _BETWEEN.join(one.isoformat() if isinstance(one, date) else str(one) for one in values)


def _beyond(model: type[Model], keys: tuple[str, ...], after: str) -> Q:
    values = after.split(_BETWEEN)
    if len(values) != len(keys) or "\0" in after:
        raise Malformed("is not where a page ended", "after")
    found, same = Q(pk__in=[]), dict[str, Any]()
    for key, text in zip(keys, values, strict=True):
        name = key.removeprefix("-")
        try:
            value = _column(model, name).to_python(text)
        except ValidationError:
            raise Malformed("is not where a page ended", "after") from None
        found |= Q(**same, **{f"{name}__{'lt' if key.startswith('-') else 'gt'}": value})
        same[name] = value
    return found


def _column(model: type[Model], name: str) -> Field[Any, Any]:
    return next(one for one in model._meta.concrete_fields if one.name == name)
