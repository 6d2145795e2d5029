"""Telling people: in the application at once, by e-mail when and as each of them wants it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.core.event import Actor, Resource
from muniment.ledger.system import Happening, active_log, record_system_many
from muniment.server.accounts.models import User
from muniment.server.members.models import Membership
from muniment.server.notifications.events import OFF, find_event
from muniment.server.notifications.models import Notification, notification_id
from muniment.server.notifications.routing import Routing, mail_at
from muniment.server.notifications.services.routing import routing_of
from muniment.server.recording import SERVER
from muniment.server.tenants.scope import ledger_connection

MAX_TITLE: Final = 200
MAX_FACTS: Final = 12
MAX_FACT: Final = 300
_PATH: Final = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@%-][A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*)?", re.ASCII)
_PREFIX: Final = re.compile(r"/t/[a-z0-9-]{1,63}(?=/)", re.ASCII)
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people are told of.

    Attributes:
        event: its code.
        to: who is told, `usr_…` or `user:usr_…`; whoever is no present member is left out.
        subject_kind, subject_id: what it is about, as entries name it.
        title: one line that names it; the only text of the case that goes out by e-mail. Cut at 200 characters.
        url: the page to go to: a path, with or without the tenant's prefix.
        facts: short, shown in the application alone; by their names.
    """

    event: str
    to: Sequence[str]
    subject_kind: str
    subject_id: str
    title: str
    url: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


def notify(
    event: str,
    to: Sequence[str],
    subject_kind: str,
    subject_id: str,
    title: str,
    url: str,
    facts: Mapping[str, str | int] | None = None,
) -> tuple[str, ...]:
    """Tell people of something, in the transaction in which it happens. See `Notice` for the arguments.

    It stands in their list when the transaction commits, and its entry `notification.send` in the log. E-mail goes out
    later, in the background.

    Returns:
        Ids of the notifications; nobody to tell gives none.

    Raises:
        Malformed: naming the field.
        Refused: outside a tenant's scope.
    """
    return notify_many([Notice(event, to, subject_kind, subject_id, title, url, facts or {})])


def notify_many(notices: Iterable[Notice], *, now: datetime | None = None) -> tuple[str, ...]:
    """The same for many things at once.

    Args:
        notices: what people are told of.
        now: aware; when it happens.

    Raises:
        Malformed: naming the field.
        Refused: outside a tenant's scope.
    """
    at = now or timezone.now()
    tenant_id = _tenant()
    checked = [(notice, _checked(notice)) for notice in notices]
    people = _members({_user(one) for notice, _ in checked for one in notice.to}, at)
    routing = routing_of(people)
    made = [
        [
            row
            for one in dict.fromkeys(map(_user, notice.to))
            if one in people and (row := _row(tenant_id, one, notice, path, routing[one], at)) is not None
        ]
        for notice, path in checked
    ]
    _record([(notice, rows) for (notice, _), rows in zip(checked, made, strict=True)])
    rows = [row for of_notice in made for row in of_notice]
    Notification.objects.bulk_create(rows, batch_size=1000)
    return tuple(row.id for row in rows)


def _record(told: Sequence[tuple[Notice, Sequence[Notification]]]) -> None:
    """An entry for each notice that somebody is shown, and its reference on what they are shown."""
    shown = [(notice, [row for row in rows if row.in_app]) for notice, rows in told]
    shown = [(notice, rows) for notice, rows in shown if rows]
    if not shown:
        return
    happenings = [
        Happening(
            "notification.send",
            Actor(SERVER, "system"),
            resource=Resource(notice.subject_id, notice.subject_kind),
            labels=["channel=in-app", f"event={notice.event}", f"people={len(rows)}"],
            body={"to": {row.user_id: row.id for row in rows}},
        )
        for notice, rows in shown
    ]
    with ledger_connection() as raw:
        log = active_log(raw)
        receipts = record_system_many(raw, by=SERVER, log=log, happenings=happenings)
    for (_, rows), receipt in zip(shown, receipts, strict=True):
        for row in rows:
            row.entry = f"{log.source}/{receipt.id}"


def _row(
    tenant_id: UUID, user_id: str, notice: Notice, path: str, routing: Routing, now: datetime
) -> Notification | None:
    choice = routing.choices[notice.event]
    if not choice.in_app and choice.mail == OFF:
        return None
    return Notification(
        id=notification_id(),
        tenant_id=tenant_id,
        user_id=user_id,
        event=notice.event,
        subject_kind=notice.subject_kind,
        subject_id=notice.subject_id,
        title=_line(notice.title)[:MAX_TITLE],
        url=path,
        facts={_line(name): _line(one) if isinstance(one, str) else one for name, one in notice.facts.items()},
        in_app=choice.in_app,
        created_at=now,
        way=choice.mail,
        due_at=mail_at(routing.hours, choice.mail, now),
    )


def _checked(notice: Notice) -> str:
    """The path of a notice, once everything about it is known to be right."""
    find_event(notice.event)
    if not _line(notice.title):
        raise Malformed("a notification has a title", "title")
    path = _PREFIX.sub("", notice.url, count=1)
    if len(path) > 500 or not _PATH.fullmatch(path):
        raise Malformed("is a path of this server, such as /exceptions/exc_01K…", "url")
    if len(notice.facts) > MAX_FACTS or any(len(str(value)) > MAX_FACT for value in notice.facts.values()):
        raise Malformed(f"at most {MAX_FACTS} facts of at most {MAX_FACT} characters", "facts")
    return path


def _line(text: str) -> str:
    """A text in one line, without control characters: nothing that begins another header, or that no database takes."""
    return _BLANK.sub(" ", text).strip()


def _user(given: str) -> str:
    return given.removeprefix("user:")


def _members(wanted: set[str], now: datetime) -> frozenset[str]:
    """Those of some people who are members now and whose accounts are open."""
    rows = Membership.objects.filter(Q(until=None) | Q(until__gt=now), user_id__in=wanted)
    present = list(rows.values_list("user_id", flat=True))
    return frozenset(User.objects.filter(id__in=present, is_active=True).values_list("id", flat=True))


def _tenant() -> UUID:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nullif(current_setting('muniment.tenant', true), '')")
        (named,) = cursor.fetchone()
    if not connection.in_atomic_block or named is None:
        raise Refused("people are told inside the transaction in which it happens", "tenant")
    return UUID(named)
