"""How an operation of the API runs a use case: in its tenant's scope, refusals answered as problems and recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest

from muniment.core.errors import Refused
from muniment.server.access.operations import standing_in
from muniment.server.access.refusals import record_refusal
from muniment.server.access.standing import Standing
from muniment.server.members.workflow import Escalation, NoSuch
from muniment.server.problems import refuse
from muniment.server.tenants.scope import tenant_scope

# What an address names, as opposed to what the body of a request names.
_PLACES = frozenset({"member", "role", "group", "invitation", "service", "key", "host"})


@contextmanager
def acting(request: HttpRequest) -> Iterator[Standing]:
    """Run the block in the scope of the caller's tenant; it gets the caller's standing.

    Raises:
        ProblemError: not-found, missing-capability (for whoever tries to give or get more than they hold, which is
            recorded), or invalid-request with the field.
    """
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            yield standing
    except NoSuch as error:
        if error.where in _PLACES:
            raise refuse("not-found", error.reason) from None
        raise refuse("invalid-request", error.reason, field=error.where) from None
    except Escalation as error:
        record_refusal(
            standing.tenant_id,
            by=standing.subject,
            resource=("operation", request.path_info),
            labels={"reason": "escalation", "method": request.method or ""},
        )
        raise refuse("missing-capability", error.reason, field=error.where) from None
    except Refused as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None


def one_id(text: str) -> str:
    """An id out of an address; what cannot be one is not there.

    Raises:
        ProblemError: not-found.
    """
    if not text.isascii() or not text.isprintable() or len(text) > 64:
        raise refuse("not-found", "there is nothing here that this request may see")
    return text
