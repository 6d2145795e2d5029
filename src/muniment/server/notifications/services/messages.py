"""How e-mails went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from muniment.server.notifications.models import Message


@dataclass(frozen=True, slots=True)
class State:
    """A state of a message as pages show it."""

    title: str
    kind: str
    meaning: str


STATES: Final[Mapping[str, State]] = {
    "waiting": State("Waiting", "", "It goes out when it is due, or is tried again."),
    "handing": State("Being handed over", "", "The mail server has it and has not answered yet."),
    "sent": State("Sent", "good", "A mail server took it."),
    "failed": State("Given up", "bad", "No mail server took it."),
    "unknown": State("Unknown", "warn", "Whether the mail server took it never became known; it is not sent again."),
    "dropped": State("Dropped", "warn", "The person is no member any more."),
}


@dataclass(frozen=True, slots=True)
class SentPage:
    """Some of the messages, newest first; `older` is the cursor of the next page, or ""."""

    rows: Sequence[Message]
    older: str


def sent(*, state: str = "", user_id: str = "", cursor: str = "", limit: int = 50) -> SentPage:
    """The messages of the open tenant, newest first.

    Args:
        state: one of `STATES`; "" for all.
        user_id: to one person; "" for everybody.
        cursor: `SentPage.older` of the page before.
        limit: at most so many, 1 to 200.
    """
    rows = Message.objects.order_by("-id")
    if state:
        rows = rows.filter(state=state)
    if user_id:
        rows = rows.filter(user_id=user_id)
    if cursor:
        rows = rows.filter(id__lt=cursor)
    found = list(rows[: limit + 1])
    return SentPage(found[:limit], found[limit - 1].id if len(found) > limit else "")
