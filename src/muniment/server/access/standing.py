"""What a subject may do in one tenant, and who answers that: the members application, once Django is set up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from muniment.ledger.connection import tenant_transaction
from muniment.server.capabilities import Capability
from muniment.server.pools import reader
from muniment.server.problems import refuse

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Standing:
    """One subject in one tenant.

    Attributes:
        subject: `user:usr_…` or `key:ak_…`.
        tenant_id: of the tenant.
        log_id: its active log, named `origin`.
        origin: see `log_id`.
        capabilities: what it may do.
        recorded_reads: every read is to be recorded (auditors).
        until: when it ends by itself; None for never.
        own_only: the API key whose sources alone may be shown; None if all may.
    """

    subject: str
    tenant_id: UUID
    log_id: int
    origin: str
    capabilities: frozenset[Capability]
    recorded_reads: bool = False
    until: datetime | None = None
    own_only: str | None = None

    def may(self, capability: Capability) -> bool:
        """Whether it has a capability."""
        return capability in self.capabilities

    def require(self, capability: Capability) -> None:
        """Refuse a request of the API that needs a capability which is not there.

        Raises:
            ProblemError: missing-capability, naming it.
        """
        if capability not in self.capabilities:
            if self.own_only is not None:
                raise refuse("wrong-scope", f"{self.own_only} is an append key; this needs a read key")
            raise refuse("missing-capability", f"{self.subject} lacks the capability {capability}")

    @property
    def sees_bodies(self) -> bool:
        """Whether payloads may be shown; a source's own key may always see what it sent."""
        return self.own_only is not None or Capability.BODY_READ in self.capabilities

    def require_bodies(self) -> None:
        """Refuse who may not see payloads.

        Raises:
            ProblemError: missing-capability.
        """
        if not self.sees_bodies:
            self.require(Capability.BODY_READ)

    @contextmanager
    def transaction(self) -> Iterator[Connection[Any]]:
        """A read-only transaction of the tenant on a connection of the readers' pool.

        Raises:
            ProblemError: unavailable.
        """
        with reader() as connection, tenant_transaction(connection, self.tenant_id):
            yield connection


class Resolver(Protocol):
    """Who knows the standing of people and keys. Both are asked inside `tenant_scope` of the tenant."""

    def of_user(self, user_id: str, tenant_id: UUID) -> Standing | None:
        """The standing of a person; None if they are no member, or no longer."""

    def of_key(self, key_id: str, tenant_id: UUID, scope: str, log_id: int, origin: str) -> Standing | None:
        """The standing of an authenticated API key; None if its service account was closed."""

    def note_key_use(self, standing: Standing) -> None:
        """Record that a key is in use, if this was not done within the hour."""


_resolver: Resolver | None = None


def install_resolver(resolver: Resolver) -> None:
    """Say who knows; called once, by the members application."""
    global _resolver
    _resolver = resolver


def resolver() -> Resolver:
    """Who knows.

    Raises:
        RuntimeError: before Django is set up.
    """
    if _resolver is None:
        raise RuntimeError("no resolver is installed: the members application is not in INSTALLED_APPS")
    return _resolver
