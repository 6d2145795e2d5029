"""Answers which changes need a reason: to `recording` for the product's own, and to appends for those of sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import connection

from muniment.ledger.read import entries_of_event
from muniment.server.reasons.services import is_needed, registered_actions
from muniment.server.reasons.workflow import fault_of, is_required, own_changes
from muniment.server.reasons.workflow import may_need as may_need_of
from muniment.server.tenants.scope import ledger_connection, tenant_scope

if TYPE_CHECKING:
    from uuid import UUID

    from muniment.ledger.submission import Submission


class TenantReasons:
    """`Reasons`, from the rows of the tenant."""

    def takes(self, action: str) -> bool:
        """Whether a reason that is given is recorded with the action: it is a change of the product's own."""
        return action in own_changes()

    def needs(self, action: str) -> bool:
        """Whether the tenant of the open scope registered the action."""
        return is_needed(action)

    def may_need(self, action: str) -> bool:
        """Whether an action of a source could have been registered by anybody."""
        return may_need_of(action)

    def missing(self, tenant_id: UUID, log_id: int, submissions: Sequence[Submission]) -> dict[int, str]:
        """Which submissions lack a reason that the tenant wants, by their places, and what is wrong with each.

        What is recorded already is let through: it is a retry, whose answer is the first receipt.
        """
        with tenant_scope(tenant_id):
            registered = registered_actions()
            found = {
                at: fault
                for at, one in enumerate(submissions)
                if is_required(one.event.action, registered) and (fault := fault_of(one.event, one.body)) is not None
            }
            if not found:
                return {}
            with ledger_connection() as raw:
                known = {
                    at
                    for at in found
                    if entries_of_event(raw, log_id, submissions[at].event.id, submissions[at].event.source.id)
                }
        return {at: fault for at, fault in found.items() if at not in known}

    def release(self) -> None:
        """Give the thread's connection back."""
        connection.close()
