"""The text of e-mails: titles and links, for reading and as HTML, without anything that is loaded or counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Final

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from muniment.server.notifications.events import AT_ONCE, DAILY, EVENTS, WEEKLY

MOST_LISTED: Final = 50
"""How many notifications one e-mail names; of the rest it says how many there are."""
_DIGESTS: Final = {DAILY: "Daily digest", WEEKLY: "Weekly digest"}


@dataclass(frozen=True, slots=True)
class Item:
    """One notification in an e-mail: what kind, which title, where to look ("" if no address is known)."""

    event: str
    title: str
    link: str

    @property
    def kind(self) -> str:
        """The kind in words."""
        return EVENTS[self.event].title if self.event in EVENTS else self.event


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail before it is written out.

    Attributes:
        message_id: `msg_…`; the header Message-ID is made of it, so that every attempt has the same.
        to: the address.
        tenant: its name.
        way: at-once, daily or weekly.
        items: the first of what it tells, at most `MOST_LISTED`.
        number: how many it tells of altogether.
        all_link: of the list of notifications, or "".
        settings_link: of the page where its reader says how they are told, or "".
    """

    message_id: str
    to: str
    tenant: str
    way: str
    items: Sequence[Item]
    number: int
    all_link: str
    settings_link: str

    @property
    def subject(self) -> str:
        """One line: the title of what happened, or how much did."""
        tenant = " ".join(self.tenant.split())
        if self.way == AT_ONCE and self.number == 1:
            return f"{self.items[0].kind}: {self.items[0].title}"
        many = f"{self.number:,} notification{'' if self.number == 1 else 's'}"
        return f"{_DIGESTS[self.way]} of {tenant}: {many}" if self.way in _DIGESTS else f"{tenant}: {many}"

    @property
    def more(self) -> int:
        """How many are not named."""
        return self.number - len(self.items)


def write(letter: Letter, sender: str) -> EmailMultiAlternatives:
    """A letter as the message that a mail server is given.

    Args:
        letter: what it says.
        sender: the address it comes from; the name in Message-ID is of the same domain.
    """
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    written = EmailMultiAlternatives(
        letter.subject,
        render_to_string("notifications/mail.txt", {"letter": letter}),
        sender,
        [letter.to],
        headers={
            "Message-ID": f"<{letter.message_id}@{domain}>",
            # RFC 3834: nobody's out-of-office note answers it.
            "Auto-Submitted": "auto-generated",
        },
    )
    written.attach_alternative(render_to_string("notifications/mail.html", {"letter": letter}), "text/html")
    return written
