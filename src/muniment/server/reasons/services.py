"""Use cases of reasons: registering which actions need one, and asking for what was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.db import connection as django_connection

from muniment.core.errors import Malformed
from muniment.core.reason import reason_of
from muniment.ledger.disclosed import Disclosed, at_places, of_actions
from muniment.server.access.standing import Standing
from muniment.server.explorer.rows import parsed
from muniment.server.reasons.models import ChangeAction
from muniment.server.reasons.workflow import OFFERED, STATES, State, checked_actions, is_required, own_changes
from muniment.server.recording import record

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import Connection

    from muniment.ledger.receipt import Receipt

EXAMINED: Final = 2_000
"""Entries that one question looks at; a cursor leads on."""
COUNTED: Final = 200_000
"""Changes up to which they are counted exactly."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change and its reason.

    Attributes:
        seq: its place.
        recorded_at: by the ledger's clock.
        action: what happened.
        actor: who did it.
        outcome: success, failure, denied or unknown.
        state: of the reason.
        reason: the text where it was given, else "".
        entry_hash: 32 bytes.
    """

    seq: int
    recorded_at: datetime
    action: str
    actor: str
    outcome: str
    state: State
    reason: str
    entry_hash: bytes


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Changes, newest first; `examined` entries were looked at for them; `cursor` is None at the end."""

    changes: list[Change]
    examined: int
    cursor: int | None


def registered_actions() -> tuple[str, ...]:
    """What the tenant of the open scope registered, sorted."""
    return tuple(sorted(ChangeAction.objects.values_list("action", flat=True)))


def is_needed(action: str) -> bool:
    """Whether the tenant of the open scope registered an action."""
    return is_required(action, registered_actions())


def offered_actions() -> tuple[str, ...]:
    """What is offered to a tenant that has registered nothing: changes of sources, its own, and the product's."""
    return (*OFFERED, *own_changes())


def require_reasons(standing: Standing, actions: Iterable[str]) -> Receipt | None:
    """Register which actions need a reason, in place of those that were registered before.

    It holds for what is submitted from now on: entries from before stay as they are.

    Args:
        standing: of who decides it; has `tenant.manage`.
        actions: exact ones, `x.….*` or `x.*`.

    Returns:
        The receipt of the entry that tells of it; None if nothing changes.

    Raises:
        Malformed: naming what cannot be registered.
        ReasonNeededError: if this too was registered, and no reason is given.
    """
    wanted = checked_actions(actions)
    # One at a time, so that the entry says what became of what.
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{standing.tenant_id}/reasons"])
    before = registered_actions()
    if wanted == before:
        return None
    added, removed = sorted(set(wanted) - set(before)), sorted(set(before) - set(wanted))
    # Recorded under the rules from before: who takes a duty away gives the reason that it asked for.
    receipt = record(
        "change.require",
        by=standing.subject,
        resource=("log", standing.origin),
        labels={"actions": len(wanted), "added": len(added), "removed": len(removed)},
        body={"actions": list(wanted), "added": added, "removed": removed},
    )
    ChangeAction.objects.filter(tenant_id=standing.tenant_id, action__in=removed).delete()
    ChangeAction.objects.bulk_create(
        ChangeAction(tenant_id=standing.tenant_id, action=action, created_by=standing.subject) for action in added
    )
    return receipt


def changes(
    standing: Standing,
    *,
    actions: Sequence[str] = (),
    state: str = "",
    text: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    below: int | None = None,
    limit: int = 50,
) -> ChangePage:
    """Changes and their reasons, newest first.

    Reasons stand in bodies, which no index covers: one question looks at 2,000 changes, says how many it looked at, and
    a cursor leads on.

    Args:
        standing: of the reader, who may see bodies.
        actions: of the changes; what is registered, or else what is offered, without any.
        state: one of `STATES`, or "" for all.
        text: that the reason contains, whatever its case.
        since: recorded at or after.
        until: recorded before.
        below: the cursor of the page before.
        limit: of changes, 1 to 200.

    Raises:
        Malformed: naming the field.
        ProblemError: if the reader may not see bodies.
    """
    standing.require_bodies()
    if not 1 <= limit <= 200:
        raise Malformed("must lie between 1 and 200", "limit")
    if state and state not in STATES:
        raise Malformed(f"is one of {', '.join(STATES)}", "state")
    if len(text) > 200 or "\0" in text:
        raise Malformed("has at most 200 characters", "text")
    asked = checked_actions(actions) or registered_actions() or offered_actions()
    wanted = text.strip().casefold()
    found: list[Change] = []
    with standing.transaction() as reading:
        rows = of_actions(
            reading, standing.log_id, asked, since=since, until=until, below=below, limit=EXAMINED + 1
        )  # fmt: skip
    for at, row in enumerate(rows[:EXAMINED]):
        one = change_of(row)
        if (not state or one.state == state) and (not wanted or wanted in one.reason.casefold()):
            found.append(one)
            if len(found) == limit:
                return ChangePage(found, at + 1, one.seq if at + 1 < len(rows) else None)
    examined = min(len(rows), EXAMINED)
    return ChangePage(found, examined, rows[examined - 1].entry.seq if len(rows) > EXAMINED else None)


def count_changes(
    reading: Connection[Any],
    log_id: int,
    actions: Sequence[str],
    *,
    since: datetime | None,
    until: datetime | None,
    size: int,
) -> dict[State, int] | None:
    """How many changes of a period gave a reason, and how many did not; None for more than can be counted.

    Args:
        reading: in a transaction of the tenant.
        log_id: the log.
        actions: of the changes.
        since: recorded at or after.
        until: recorded before.
        size: of a checkpoint; what lies beyond is not counted.
    """
    counts: dict[State, int] = dict.fromkeys(STATES, 0)
    for number, row in enumerate(_walked(reading, log_id, actions, since, until, size)):
        if number >= COUNTED:
            return None
        counts[change_of(row).state] += 1
    return counts


def reasons_at(standing: Standing, places: Sequence[int]) -> dict[int, Change]:
    """The changes among the entries at some places, by place: what is registered, or what gives a reason anyway.

    Args:
        standing: of the reader; without the right to see bodies there are none.
        places: at most 10,000.
    """
    if not standing.sees_bodies:
        return {}
    registered = registered_actions()
    with standing.transaction() as reading:
        rows = at_places(reading, standing.log_id, places)
    found = {row.entry.seq: change_of(row) for row in rows}
    return {
        seq: one for seq, one in found.items() if is_required(one.action, registered) or (
            one.state == "given" and is_required(one.action, offered_actions())
        )
    }  # fmt: skip


def change_of(row: Disclosed) -> Change:
    """An entry as a change with its reason."""
    event = parsed(row.entry)["event"]
    body = row.body
    reason = reason_of(event.get("labels", ()), None if body is None else body.body)
    state: State = "given" if reason is not None else "none"
    if reason is None and body is not None and body.state != "stored":
        state = "erased" if body.state == "erased" else "withheld"
    return Change(
        seq=row.entry.seq,
        recorded_at=row.entry.recorded_at,
        action=event["action"],
        actor=event["actor"]["id"],
        outcome=event["outcome"],
        state=state,
        reason=reason or "",
        entry_hash=row.entry.entry_hash,
    )


def _walked(
    reading: Connection[Any],
    log_id: int,
    actions: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    size: int,
) -> Iterator[Disclosed]:
    below: int | None = size
    while below is not None:
        rows = of_actions(reading, log_id, actions, since=since, until=until, below=below, limit=EXAMINED)
        yield from rows
        below = rows[-1].entry.seq if len(rows) == EXAMINED else None
