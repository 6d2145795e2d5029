"""What is due becomes messages, and messages go on: claimed before they are handed over, settled with an entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Literal

from django.db.models import Q

from muniment.server.accounts.models import User
from muniment.server.members.models import Membership
from muniment.server.notifications.letters import MOST_LISTED, Item, Letter
from muniment.server.notifications.models import Message, Notification, message_id
from muniment.server.recording import SERVER, record

AT_MOST: Final = 5_000
"""Notifications that one message takes in."""
GIVE_UP_AFTER: Final = timedelta(days=3)
"""How long a message is tried."""
FORGOTTEN_AFTER: Final = timedelta(minutes=15)
"""How long after it was claimed a message without an outcome is in doubt: no server takes that long to answer."""
_FIRST_PAUSE: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_MOST_CAUSES: Final = 16
_MOST_NAMED: Final = 1_000
_OUTCOMES: Final[Mapping[str, str]] = {"sent": "success", "unknown": "unknown"}

Settled = Literal["sent", "failed", "unknown", "dropped"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where links lead: `base` is the tenant's address without a slash at its end, or "" if none is known."""

    tenant: str
    base: str


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts that failed.

    >>> [pause_after(n).total_seconds() / 60 for n in (1, 2, 3, 7, 50)]
    [1.0, 2.0, 4.0, 60.0, 60.0]
    """
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(max(0, attempts - 1), 12)))


def gather(now: datetime) -> int:
    """Put every notification of the open tenant that is due into a message: one for each person and way.

    Returns:
        How many messages were made.
    """
    rows = Notification.objects.filter(mail="", due_at__lte=now).order_by("user_id", "way", "id")
    due = list(rows.select_for_update(skip_locked=True)[:AT_MOST])
    made: list[Message] = []
    for (user_id, way), group in groupby(due, key=lambda row: (row.user_id, row.way)):
        ids = [row.id for row in group]
        tenant_id = due[0].tenant_id
        message = Message(
            id=message_id(), tenant_id=tenant_id, user_id=user_id, way=way, number=len(ids), created_at=now, due_at=now
        )
        made.append(message)
        Notification.objects.filter(id__in=ids).update(mail=message.id)
    Message.objects.bulk_create(made)
    return len(made)


def waiting(now: datetime, *, limit: int) -> list[Message]:
    """Messages of the open tenant that may go out, the longest waiting first."""
    return list(Message.objects.filter(state="waiting", due_at__lte=now).order_by("due_at", "id")[:limit])


def letter_for(message: Message, place: Place, now: datetime) -> Letter | None:
    """What a message says; None if its person is no member any more, or has no account that is open."""
    member = Membership.objects.filter(Q(until=None) | Q(until__gt=now), user_id=message.user_id).exists()
    address = User.objects.filter(id=message.user_id, is_active=True).values_list("email", flat=True).first()
    if not member or not address:
        return None
    rows = Notification.objects.filter(mail=message.id).order_by("id")[:MOST_LISTED]
    items = [Item(row.event, row.title, f"{place.base}{row.url}" if place.base else "") for row in rows]
    return Letter(
        message.id,
        address,
        place.tenant,
        message.way,
        items,
        message.number,
        f"{place.base}/notifications" if place.base else "",
        f"{place.base}/settings/notifications" if place.base else "",
    )


def claim(message: Message, now: datetime) -> bool:
    """Say, before it is handed over, that a message is; False if somebody else said so first."""
    claimed = Message.objects.filter(id=message.id, state="waiting", attempts=message.attempts)
    return bool(claimed.update(state="handing", attempts=message.attempts + 1, handed_at=now))


def try_again(message: Message, said: str, now: datetime) -> None:
    """A message was not taken and will be tried again, unless it was tried for too long; recorded."""
    row = _locked(message)
    if row is None:
        return
    attempts = row.attempts + (row.state == "waiting")
    if now - row.created_at >= GIVE_UP_AFTER:
        _settle(row, "failed", said, now, attempts=attempts, reason="tried-too-long")
        return
    seq = _record(row, "failure", said, attempts=attempts, again="yes")
    row.state, row.attempts, row.said, row.seq = "waiting", attempts, said[:300], seq
    row.due_at = now + pause_after(attempts)
    row.save()


def settle(message: Message, state: Settled, said: str, now: datetime, *, reason: str = "") -> None:
    """A message has ended; recorded. One that ended before stays as it ended.

    Args:
        message: which.
        state: how.
        said: by the mail server, or why.
        now: aware.
        reason: one word for the entry.
    """
    row = _locked(message)
    if row is not None:
        _settle(row, state, said, now, attempts=row.attempts, reason=reason)


def give_up_old(now: datetime) -> int:
    """End messages of the open tenant that waited for too long; gives how many."""
    old = Message.objects.filter(state="waiting", created_at__lte=now - GIVE_UP_AFTER, due_at__lte=now)
    rows = list(old.order_by("id")[:AT_MOST])
    for row in rows:
        settle(row, "failed", "no mail server could be reached for three days", now, reason="tried-too-long")
    return len(rows)


def settle_forgotten(now: datetime) -> int:
    """End messages whose hand-over was cut off, by a crash for example: nobody knows, and nobody sends them twice."""
    cut = Message.objects.filter(state="handing", handed_at__lte=now - FORGOTTEN_AFTER)
    rows = list(cut.order_by("id")[:AT_MOST])
    for row in rows:
        settle(row, "unknown", "the hand-over was cut off", now, reason="cut-off")
    return len(rows)


def record_outage(said: str, number: int) -> None:
    """Record that no mail server could be reached for what waits in the open tenant."""
    record(
        "notification.send",
        by=SERVER,
        outcome="failure",
        labels={"channel": "e-mail", "reason": "no-server", "waiting": number},
        body={"said": said[:1000]},
    )


def _locked(message: Message) -> Message | None:
    return Message.objects.select_for_update().filter(id=message.id, state__in=["waiting", "handing"]).first()


def _settle(row: Message, state: Settled, said: str, now: datetime, *, attempts: int, reason: str) -> None:
    row.seq = _record(row, _OUTCOMES.get(state, "failure"), said, attempts=attempts, reason=reason)
    row.state, row.said, row.settled_at, row.attempts = state, said[:300], now, attempts
    row.save()


def _record(row: Message, outcome: str, said: str, **labels: object) -> int:
    """The entry of one attempt, caused by those under which the same was shown in the application."""
    told = list(Notification.objects.filter(mail=row.id).order_by("id")[:_MOST_NAMED])
    events = sorted({one.event for one in told})
    alone = told[0] if row.number == 1 and told else None
    receipt = record(
        "notification.send",
        by=SERVER,
        outcome=outcome,
        resource=("message", row.id) if alone is None else (alone.subject_kind, alone.subject_id),
        labels={
            "channel": "e-mail",
            "message": row.id,
            "way": row.way,
            "number": row.number,
            "event": events[0] if len(events) == 1 else "",
            **labels,
        },
        causes=_causes(told),
        body={"to": row.user_id, "notifications": [one.id for one in told], "said": said[:1000]},
    )
    return receipt.seq


def _causes(told: Sequence[Notification]) -> list[str]:
    return sorted({one.entry for one in told if one.entry})[:_MOST_CAUSES]
