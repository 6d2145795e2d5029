"""Who reads: the API key of a request, and a database transaction that sees its tenant and nothing else."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ninja.security.http import HttpAuthBase

from muniment.ledger.apikeys import Scope, authenticate
from muniment.ledger.connection import tenant_transaction
from muniment.server.credentials import read_credential, unauthenticated
from muniment.server.pools import reader
from muniment.server.problems import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from django.http import HttpRequest
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Access:
    """What one request may read.

    Args:
        key_id: the API key.
        tenant_id: its tenant.
        log_id: the one log that it opens, named `origin`.
        origin: see `log_id`.
        scope: `read` for all of the log, `append` for what its own sources submitted.
    """

    key_id: str
    tenant_id: UUID
    log_id: int
    origin: str
    scope: Scope

    @property
    def own_only(self) -> str | None:
        """The key whose sources alone may be shown; None for a read key."""
        return None if self.scope == "read" else self.key_id

    def require_read(self) -> None:
        """Refuse append keys.

        Raises:
            ProblemError: wrong-scope.
        """
        if self.scope != "read":
            raise refuse("wrong-scope", f"{self.key_id} is an append key; this needs a read key")

    @contextmanager
    def transaction(self) -> Iterator[Connection[Any]]:
        """A read-only transaction of the tenant.

        Raises:
            ProblemError: unavailable.
        """
        with reader() as connection, tenant_transaction(connection, self.tenant_id):
            yield connection


class ApiKey(HttpAuthBase):
    """The API key of an operation. Asked of the database at every request, so that revoking works at once."""

    openapi_scheme = "bearer"

    def __call__(self, request: HttpRequest) -> Access:
        """The access of a request.

        Raises:
            ProblemError: unauthenticated or unavailable.
        """
        return read_access(request)


class AsyncApiKey(HttpAuthBase):
    """`ApiKey` for asynchronous operations: the database is asked in a thread."""

    openapi_scheme = "bearer"

    async def __call__(self, request: HttpRequest) -> Access:
        """The access of a request.

        Raises:
            ProblemError: unauthenticated or unavailable.
        """
        return await asyncio.to_thread(read_access, request)


def access_of(request: HttpRequest) -> Access:
    """The access that `ApiKey` found for an operation."""
    access = getattr(request, "auth", None)
    if not isinstance(access, Access):
        raise TypeError("the operation has no authentication")
    return access


def read_access(request: HttpRequest) -> Access:
    """The access of a request that must have an API key.

    Raises:
        ProblemError: unauthenticated or unavailable.
    """
    credential = read_credential(request.headers.get("Authorization"))
    with reader() as connection:
        found = authenticate(connection, credential.key_id, credential.secret_hash)
    if found is None:
        raise unauthenticated("the API key is unknown or revoked")
    return Access(credential.key_id, found.tenant_id, found.log_id, found.origin, found.scope)
