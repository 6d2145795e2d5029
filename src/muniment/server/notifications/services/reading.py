"""What a person was told, and what of it they have read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils import timezone

from muniment.core.errors import Refused
from muniment.server.notifications.models import Notification

MOST_COUNTED: Final = 100
"""From here on, how many are not read is not counted."""


class NoSuch(Refused):
    """The person has no such notification in this tenant."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a list, newest first.

    Attributes:
        rows: of the page.
        older: cursor of the next page, or "".
    """

    rows: Sequence[Notification]
    older: str


def listed(user_id: str, *, only_unread: bool = False, event: str = "", cursor: str = "", limit: int = 50) -> Page:
    """What a person is shown in the open tenant, newest first.

    Args:
        user_id: `usr_…`; "" for everybody.
        only_unread: what they have not read.
        event: of one kind; "" for all.
        cursor: `Page.older` of the page before.
        limit: at most so many, 1 to 200.
    """
    rows = Notification.objects.filter(in_app=True) if user_id else Notification.objects.all()
    if user_id:
        rows = rows.filter(user_id=user_id)
    if only_unread:
        rows = rows.filter(read_at=None)
    if event:
        rows = rows.filter(event=event)
    if cursor:
        rows = rows.filter(id__lt=cursor)
    found = list(rows.order_by("-id")[: limit + 1])
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else "")


def unread(user_id: str) -> int:
    """How many notifications a person has not read in the open tenant, at most `MOST_COUNTED`."""
    rows = Notification.objects.filter(user_id=user_id, in_app=True, read_at=None)
    return len(rows.values_list("id", flat=True)[:MOST_COUNTED])


def find(user_id: str, wanted: str) -> Notification:
    """One of a person's notifications.

    Raises:
        NoSuch: if they have none of that id.
    """
    row = Notification.objects.filter(user_id=user_id, id=wanted).first() if "\0" not in wanted else None
    if row is None:
        raise NoSuch("there is no such notification", "notification")
    return row


def mark_read(user_id: str, wanted: Sequence[str]) -> int:
    """Mark some of a person's notifications as read; ids of others' change nothing. Gives how many were not before."""
    good = [one for one in wanted if "\0" not in one]
    return Notification.objects.filter(user_id=user_id, id__in=good, read_at=None).update(read_at=timezone.now())


def mark_all_read(user_id: str, *, up_to: str = "") -> int:
    """Mark everything as read that a person was shown, up to a notification that they saw; gives how many."""
    rows = Notification.objects.filter(user_id=user_id, in_app=True, read_at=None)
    return (rows.filter(id__lte=up_to) if up_to else rows).update(read_at=timezone.now())
