"""How an operation runs: in its tenant's scope, with refusals answered as problems."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest

from muniment.core.errors import Malformed, Refused
from muniment.ledger.proofs import NotSealed
from muniment.server.access.operations import standing_in
from muniment.server.access.standing import Standing
from muniment.server.attachments.services import NoSuch as NoSuchAttachment
from muniment.server.packets.services import NoSuch
from muniment.server.populations.services import NoSuch as NoSuchPopulation
from muniment.server.problems import refuse
from muniment.server.tenants.scope import tenant_scope


@contextmanager
def scope(request: HttpRequest) -> Iterator[Standing]:
    """Run the block in the scope of the caller's tenant; it gets the caller's standing.

    Raises:
        ProblemError: not-found, or invalid-request with the field.
    """
    standing = standing_in(request)
    with refusals(), tenant_scope(standing.tenant_id):
        yield standing


@contextmanager
def refusals() -> Iterator[None]:
    """Answer refusals of the block as problems.

    Raises:
        ProblemError: not-found, or invalid-request with the field.
    """
    try:
        yield
    except NotSealed:
        raise
    except NoSuch as error:
        raise refuse("not-found", error.reason) from None
    except (NoSuchAttachment, NoSuchPopulation, Malformed, Refused) as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None
