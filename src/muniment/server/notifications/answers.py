"""Notifications, messages and routing as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from muniment.server.moments import moment
from muniment.server.notifications.models import Message, Notification
from muniment.server.notifications.routing import Routing


def notification_json(row: Notification, reader: str) -> dict[str, Any]:
    """A notification for somebody; whether another person has read theirs is not said.

    Args:
        row: the notification.
        reader: `usr_…` who asks; "" for an API key.
    """
    return {
        "id": row.id,
        "person": row.user_id,
        "event": row.event,
        "subject": {"type": row.subject_kind, "id": row.subject_id},
        "title": row.title,
        "url": row.url,
        "facts": row.facts,
        "in_app": row.in_app,
        "at": moment(row.created_at),
        "read": row.read_at is not None if row.user_id == reader else None,
        "way": row.way,
        "message": row.mail,
        "entry": row.entry,
    }


def message_json(row: Message) -> dict[str, Any]:
    """A message and how it went."""
    return {
        "id": row.id,
        "person": row.user_id,
        "way": row.way,
        "number": row.number,
        "state": row.state,
        "attempts": row.attempts,
        "due_at": moment(row.due_at),
        "said": row.said,
        "entry": row.seq,
    }


def routing_json(person: str, routing: Routing, *, own: bool) -> dict[str, Any]:
    """What holds for a person; with "" for everybody who chose nothing."""
    return {
        "person": person,
        "own": own,
        "hours": asdict(routing.hours),
        "events": {code: asdict(choice) for code, choice in routing.choices.items()},
    }
