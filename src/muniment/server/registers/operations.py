"""What the operations of registers share: the scope in which they run, and one page of a list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from ninja import Query

from muniment.core.errors import Malformed, Refused
from muniment.ledger.proofs import NotSealed
from muniment.server.access.operations import standing_in
from muniment.server.access.standing import Standing
from muniment.server.problems import refuse
from muniment.server.registers.keeping import NoSuch, record_refused
from muniment.server.tenants.scope import tenant_scope

PAGE: Final = 100
MOST: Final = 500
Limit = Annotated[int, Query(ge=1, le=MOST)]
Word = Annotated[str, Query(max_length=64)]
Words = Annotated[str, Query(max_length=200)]

_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Doing:
    """What an operation is about to do, as a refusal of it is recorded: the action and the resource."""

    action: str
    resource: tuple[str, str] | None = None


@contextmanager
def scope(request: HttpRequest, doing: Doing | None = None) -> Iterator[Standing]:
    """Run the block in the scope of the caller's tenant; what is refused of `doing` is recorded after it.

    Raises:
        ProblemError: not-found, or invalid-request with the field.
    """
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            yield standing
    except NotSealed:
        raise
    except NoSuch as error:
        raise refuse("not-found", error.reason) from None
    except (Malformed, Refused) as error:
        if doing is not None:
            with tenant_scope(standing.tenant_id):
                record_refused(standing, doing.action, doing.resource, error)
        raise refuse("invalid-request", error.reason, field=error.where) from None


def one_page(rows: QuerySet[_Row], key: str, after: str, limit: int) -> tuple[list[_Row], str | None]:
    """A page of rows that are ordered by a unique column.

    Args:
        rows: ordered by `key`, upwards.
        key: the column.
        after: where the page before ended; "" for the first.
        limit: at most so many.

    Returns:
        The rows, and where the next page begins after; None if there is none.
    """
    if after and "\0" not in after:
        rows = rows.filter(**{f"{key}__gt": after})
    found: list[Any] = list(rows[: limit + 1])
    more = len(found) > limit
    return found[:limit], str(getattr(found[limit - 1], key)) if more else None
