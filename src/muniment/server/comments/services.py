"""Commenting: the only writer of comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from muniment.core.errors import Malformed, MunimentError, Refused
from muniment.ledger.system import active_log
from muniment.server.access.standing import Standing, resolver
from muniment.server.accounts.models import User
from muniment.server.capabilities import Capability
from muniment.server.comments.mentions import Member, read_mentions
from muniment.server.comments.models import Comment, comment_id
from muniment.server.members.models import Membership
from muniment.server.notifications.services import notify
from muniment.server.recording import record
from muniment.server.tables.registry import TableOf, address, find, table_of_kind
from muniment.server.tenants.scope import ledger_connection

MAX_TEXT: Final = 4_000
PAGE: Final = 200
_MOST_MEMBERS: Final = 1_000


class NoSuch(Refused):
    """There is nothing here that can be commented on."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is commented on: its table, its row as it stands, what it is called and where its page is."""

    table: TableOf
    row: Model
    title: str
    url: str


def subject_of(standing: Standing, kind: str, wanted: str) -> Subject:
    """What can be commented on.

    Raises:
        NoSuch: the same for what is not there and what the reader may not see.
    """
    table = table_of_kind(kind)
    row = find(standing, table, wanted) if table is not None and standing.may(table.reads) else None
    if table is None or row is None:
        raise NoSuch("there is no such thing here", "subject")
    cells = table.listing.values(standing, [row])[0]
    title = str(cells.get("title") or cells.get("name") or wanted)
    here = address(table.page, wanted) or reverse("tables:list", args=[table.noun]) + f"?q={wanted}"
    return Subject(table, row, title, here)


def comments_on(kind: str, wanted: str, *, limit: int = PAGE) -> list[Comment]:
    """The newest comments on something, oldest first."""
    rows = Comment.objects.filter(kind=kind, subject=wanted).order_by("-at", "-id")[:limit]
    return list(reversed(rows))


def add(standing: Standing, kind: str, wanted: str, text: str) -> Comment:
    """Comment on something; who is named is told.

    Args:
        standing: of who comments.
        kind: of the thing: `exception`, `risk`, `task`, `finding`, `incident`, `policy`, `asset`.
        wanted: its id.
        text: 1 to 4,000 characters.

    Raises:
        NoSuch: if there is no such thing.
        Malformed: `text`.
        Refused: for somebody who may not comment.
    """
    subject = subject_of(standing, kind, wanted)
    if not standing.may(Capability.EXCEPTION_REQUEST):
        raise Refused("commenting needs the capability exception.request", "capability")
    said = read_mentions(checked_text(text), _members())
    _check_readers(standing, subject.table, said.people)
    row = Comment(
        id=comment_id(),
        tenant_id=standing.tenant_id,
        kind=kind,
        subject=wanted,
        text=said.text,
        mentions=[f"user:{one}" for one in said.people],
        by=standing.subject,
        at=timezone.now(),
    )
    told = [one for one in row.mentions if one != standing.subject]
    if told:
        notify("comment.mention", told, kind, wanted, subject.title[:200], subject.url, {"by": standing.subject})
    with ledger_connection() as raw:
        source = active_log(raw).source
    receipt = record(
        "comment.add",
        by=standing.subject,
        resource=(kind, wanted),
        labels={"comment": row.id, "mentions": ",".join(said.people[:4]), "mentioned": len(said.people) or None},
        body={"text": row.text, "mentions": list(said.people)},
    )
    row.seq, row.event = receipt.seq, f"{source}/{receipt.id}"
    row.save(force_insert=True)
    return row


def record_refused(standing: Standing, kind: str, wanted: str, error: MunimentError) -> None:
    """Record that a comment was refused; after the transaction was rolled back."""
    known = table_of_kind(kind) is not None and wanted.isascii() and wanted.replace("_", "").isalnum()
    record(
        "comment.add",
        by=standing.subject,
        resource=(kind, wanted) if known and len(wanted) <= 64 else None,
        outcome="denied",
        labels={"field": (error.where or "")[:60]},
        body={"said": str(error)[:4_000]},
    )


def checked_text(text: str) -> str:
    """A comment's text as it is kept.

    Raises:
        Malformed: `text`.
    """
    plain = text.replace("\r\n", "\n").strip()
    if not 1 <= len(plain) <= MAX_TEXT:
        raise Malformed(f"has 1 to {MAX_TEXT:,} characters", "text")
    if any(not (one.isprintable() or one in "\n\t") for one in plain):
        raise Malformed("holds a character that is not printed", "text")
    return plain


def names_in(comments: Sequence[Comment]) -> dict[str, str]:
    """Names of the members who are named in some comments, by id `usr_…`."""
    wanted = {one.removeprefix("user:") for comment in comments for one in comment.mentions}
    here = Membership.objects.filter(user_id__in=wanted).values_list("user_id", flat=True)
    return dict(User.objects.filter(id__in=list(here)).exclude(name="").values_list("id", "name"))


def _members() -> list[Member]:
    ids = list(Membership.objects.values_list("user_id", flat=True)[:_MOST_MEMBERS])
    return [Member(row.id, row.email, row.name) for row in User.objects.filter(id__in=ids)]


def _check_readers(standing: Standing, table: TableOf, people: Sequence[str]) -> None:
    """Refuse to name somebody who could not open what they are told of."""
    for one in people:
        found = resolver().of_user(one, standing.tenant_id)
        if found is None or not found.may(table.reads):
            raise Malformed(f"@{one} is no member who may see this", "text")
