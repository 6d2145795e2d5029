"""What the server itself records, in the transaction of the decision that it records."""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from psycopg import Connection

from muniment.catalogs.overrides import fixed_actions, unchanged
from muniment.core.body import commit
from muniment.core.errors import Refused
from muniment.core.event import Actor, Body, Event, Resource, Source
from muniment.core.identifiers import new_ulid
from muniment.ledger.append import append_system
from muniment.ledger.mappings import held_mapping
from muniment.ledger.receipt import Receipt, Recorded
from muniment.ledger.submission import Submission

BODY_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class ActiveLog:
    """The active log of the transaction's tenant.

    Attributes:
        log_id: in the database.
        origin: its name outside.
        source: the source id of what the server records in it.
        region: where it is kept.
    """

    log_id: int
    origin: str
    source: str
    region: str


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that the server records; the fields as for `record_system`."""

    action: str
    actor: Actor
    outcome: str = "success"
    resource: Resource | None = None
    labels: Sequence[str] = ()
    causes: Sequence[str] = ()
    workspace: str | None = None
    body: Mapping[str, object] | None = None


def active_log(conn: Connection[Any]) -> ActiveLog:
    """The log that the transaction's tenant writes.

    Args:
        conn: in a transaction whose tenant is set.

    Raises:
        Refused: if the tenant has none, or no tenant is set.
    """
    row = conn.execute(
        "SELECT log_id, origin, system_source, region FROM ledger.logs WHERE state = 'active' ORDER BY log_id LIMIT 1"
    ).fetchone()
    if row is None:
        raise Refused("no tenant with an active log is set in this transaction", "tenant")
    return ActiveLog(*row)


def record_system(
    conn: Connection[Any],
    *,
    by: str,
    log: ActiveLog,
    action: str,
    actor: Actor,
    outcome: str = "success",
    resource: Resource | None = None,
    labels: Sequence[str] = (),
    causes: Sequence[str] = (),
    workspace: str | None = None,
    body: Mapping[str, object] | None = None,
) -> Receipt:
    """Append one event of the server in the connection's transaction: nothing is recorded before that commits.

    The log's head stays locked until then, so record last and commit at once.

    Args:
        conn: as the app role, in a transaction whose tenant is set.
        by: `system:…` or `user:usr_…`.
        log: of that tenant.
        action: from the registry.
        actor: who did it.
        outcome: success, failure, denied or unknown.
        resource: what it was done to.
        labels: `key=value`; sorted here.
        causes: `<source>/<event id>`; sorted here.
        workspace: where it happened.
        body: committed to, never contained; kept beside the entry as JSON.

    Raises:
        Malformed: naming the field, if the event breaks the format.
        Refused: as `append_system` does.
    """
    happening = Happening(action, actor, outcome, resource, labels, causes, workspace, body)
    return record_system_many(conn, by=by, log=log, happenings=[happening])[0]


def record_system_many(
    conn: Connection[Any], *, by: str, log: ActiveLog, happenings: Sequence[Happening]
) -> list[Receipt]:
    """Append several events of the server at once, as `record_system` does one; a receipt for each, in their order.

    Args:
        conn: as the app role, in a transaction whose tenant is set.
        by: `system:…` or `user:usr_…`.
        log: of that tenant.
        happenings: at most `muniment.ledger.append.MAX_BATCH`.

    Raises:
        Malformed: naming the field, if an event breaks the format.
        Refused: as `append_system` does; then none of them is recorded once the transaction is rolled back.
    """
    receipts: list[Receipt] = []
    # One append holds for one mapping: those whose controls never change go apart.
    for fixed, group in groupby(happenings, key=lambda one: one.action in fixed_actions()):
        told, mapping = list(group), unchanged() if fixed else held_mapping(conn, log.log_id)
        outcomes = append_system(
            conn,
            by=by,
            log_id=log.log_id,
            submissions=[_submission(log, happening) for happening in told],
            controls=[mapping.controls_for(happening.action) for happening in told],
            mapping=mapping.version,
        )
        for happening, outcome_of in zip(told, outcomes, strict=True):
            if not isinstance(outcome_of, Recorded):
                raise Refused(f"the ledger did not record {happening.action}: {outcome_of}", happening.action)
            receipts.append(outcome_of.receipt)
    return receipts


def _submission(log: ActiveLog, happening: Happening) -> Submission:
    now = time.time_ns()
    body = happening.body
    text = None if body is None else json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
    salt = None if text is None else secrets.token_bytes(32)
    event = Event(
        id="evt_" + new_ulid(now // 1_000_000, secrets.token_bytes(10)),
        source=Source(log.source),
        occurred_at=now,
        action=happening.action,
        actor=happening.actor,
        outcome=happening.outcome,
        resource=happening.resource,
        labels=tuple(sorted(set(happening.labels))),
        causes=tuple(sorted(set(happening.causes))),
        workspace=happening.workspace,
        body=None if text is None or salt is None else Body(commit(salt, text), len(text), BODY_TYPE, 1),
    )
    return Submission(event, text, salt)
