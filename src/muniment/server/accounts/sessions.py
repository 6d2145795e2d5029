"""A person's sessions: which there are, ending them, and giving one another key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from muniment.core.errors import Refused
from muniment.server.accounts.addresses import client_address
from muniment.server.accounts.events import recorded_change
from muniment.server.accounts.models import User

IDLE_HOURS: Final = 2


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One place where somebody is signed in.

    Attributes:
        number: names it on the page; opens nothing.
        began_at: when it was signed in.
        seen_at: when it was last used, to the minute.
        address: from where.
        browser: as it described itself.
        current: it is the one that asks.
    """

    number: int
    began_at: datetime
    seen_at: datetime
    address: str
    browser: str
    current: bool


def sessions_of(user: User, current_key: str | None) -> list[OpenSession]:
    """Where somebody is signed in, newest first."""
    rows = list(UserSession.objects.filter(user_id=user.pk).order_by("-last_seen_at", "-pk"))
    alive = set(
        Session.objects.filter(
            session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now()
        ).values_list("session_key", flat=True)
    )
    return [
        OpenSession(row.pk, row.created_at, row.last_seen_at, row.ip, row.user_agent, row.session_key == current_key)
        for row in rows
        if row.session_key in alive
    ]


def end_session(request: HttpRequest, user: User, number: int) -> None:
    """End one session of a person, at once.

    Raises:
        Refused: if it is not theirs, or has ended.
    """
    with recorded_change(request, "session.revoke", user, resource=("session", str(number))) as labels:
        if _end(UserSession.objects.filter(user_id=user.pk, pk=number)) == 0:
            raise Refused("there is no such session; it may have ended already", "session")
        labels["whose"] = "own"


def end_others(request: HttpRequest, user: User) -> int:
    """End every session of a person but the one that asks.

    Returns:
        How many.
    """
    with recorded_change(request, "session.revoke", user) as labels:
        ended = end_but(user, request.session.session_key)
        labels.update(whose="own", sessions=ended)
    return ended


def end_all(user: User) -> int:
    """End every session of a person, inside the caller's transaction; the caller records it.

    Returns:
        How many.
    """
    return end_but(user, None)


def end_but(user: User, key: str | None) -> int:
    """As `end_all`, but the session with this key stays."""
    return _end(UserSession.objects.filter(user_id=user.pk).exclude(session_key=key or ""))


def rotate(request: HttpRequest, renew: Callable[[], None] | None = None) -> bool:
    """Give the session another key: what held the old one holds nothing.

    Args:
        request: whose session.
        renew: gives it the key; the session's own `cycle_key`, if left out.

    Returns:
        False if somebody ended the session meanwhile: then it is over, and nothing is left in it.
    """
    with transaction.atomic():
        # The row is what ends a session: under its lock, nobody ends the old key and misses the new one.
        row = UserSession.objects.select_for_update().filter(session_key=request.session.session_key or "").first()
        if row is not None:
            (renew or request.session.cycle_key)()
            row.session_key = request.session.session_key
            row.save(update_fields=["session_key"])
    if row is None:
        request.session.flush()
    return row is not None


def touch(request: HttpRequest) -> None:
    """Note that the session is in use, and from where."""
    UserSession.objects.filter(session_key=request.session.session_key).update(
        last_seen_at=timezone.now(), ip=client_address(request)
    )


def _end(those: QuerySet[UserSession]) -> int:
    """End sessions, under the keys that they have once nobody gives them another; how many."""
    rows = list(those.select_for_update().order_by("pk"))
    Session.objects.filter(session_key__in=[row.session_key for row in rows]).delete()
    UserSession.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)
