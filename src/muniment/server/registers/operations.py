"""What the operations of registers share: the scope in which they run, and the sorts of their parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Final

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
Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str, Query(max_length=200, description="`next` of the page before")]
Word = Annotated[str, Query(max_length=64)]
Words = Annotated[str, Query(max_length=200)]


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
