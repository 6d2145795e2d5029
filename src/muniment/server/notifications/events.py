"""What people are told of, and the ways in which they can be told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from muniment.core.errors import Malformed

OFF: Final = "off"
AT_ONCE: Final = "at-once"
DAILY: Final = "daily"
WEEKLY: Final = "weekly"
WAYS: Final[Mapping[str, str]] = {
    AT_ONCE: "At once",
    DAILY: "In the daily digest",
    WEEKLY: "In the weekly digest",
    OFF: "No e-mail",
}
"""How e-mail goes out, and what that is called."""


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of thing that people are told of.

    Attributes:
        code: as callers and addresses name it.
        title: as pages name it.
        meaning: when it happens, and who is told.
        mail: how e-mail goes out if nobody said otherwise.
        always_shown: somebody has to do something, or would otherwise find out too late: in the application it cannot
            be switched off.
    """

    code: str
    title: str
    meaning: str
    mail: str = AT_ONCE
    always_shown: bool = True


_EVENTS: Final = (
    Event(
        "exception.submitted", "Waiting for a decision", "An exception was submitted. Told to whoever may decide on it."
    ),
    Event(
        "exception.decided",
        "Decided",
        "An exception was approved, returned, rejected or revoked. Told to its requester and its owner.",
        always_shown=False,
    ),
    Event("exception.expiring", "Expires soon", "An exception comes to its end. Told to its owner and its requester."),
    Event("exception.expired", "Expired", "An exception has ended. Told to its owner and its requester."),
    Event(
        "exception.stale",
        "No longer what was decided",
        "Something that a decision rested on was changed. Told to its owner, its requester and its approvers.",
    ),
    Event(
        "attestation.due", "Attestation due", "The owner has to say again that an exception is needed and still holds."
    ),
    Event(
        "approval.escalated",
        "Decision overdue",
        "An exception waited too long for a decision. Told to whoever keeps the approval rules.",
    ),
    Event("risk.proposed", "Risk to be accepted", "Somebody proposes to accept a risk. Told to whoever may accept it."),
    Event(
        "risk.decided",
        "Risk accepted or not",
        "It was decided whether a risk is accepted. Told to its owner and to who proposed it.",
        always_shown=False,
    ),
    Event(
        "risk.lapsed",
        "Risk no longer accepted",
        "An acceptance was revoked, expired, or the risk changed. Told to the risk's owner and to who proposed it.",
    ),
    Event("comment.mention", "Mentioned", "Somebody named you in a comment.", always_shown=False),
    Event("alert.raised", "Alert", "The anomaly detection raised an alert. Told to whoever acknowledges alerts."),
    Event("task.assigned", "Task assigned", "A task was given to you.", mail=DAILY, always_shown=False),
)
EVENTS: Final[Mapping[str, Event]] = {event.code: event for event in _EVENTS}
"""Every event, by its code."""


def find_event(code: str) -> Event:
    """An event by its code.

    Raises:
        Malformed: if there is none.
    """
    found = EVENTS.get(code)
    if found is None:
        raise Malformed(f"there is no such event; one is {_EVENTS[0].code}", "event")
    return found
