"""How an authority does, as pages and the API say it: pure rules over what the ledger has of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from muniment.anchors.asking import Word
from muniment.anchors.authorities import Authority
from muniment.ledger.anchors import Anchor, Attempt, Outlook
from muniment.server.anchoring import is_due

State = Literal["works", "due", "overdue", "failing", "waiting", "not-asked"]

MEANINGS: Final[dict[Word, str]] = {
    "unreachable": "no connection, or an answer that is not 200",
    "too-slow": "no whole answer in time",
    "too-large": "an answer that is far too long for a timestamp",
    "garbage": "an answer that is no timestamp",
    "rejected": "the authority says no",
    "wrong-hash": "a timestamp over something else",
    "wrong-nonce": "an answer to another request: an old one, or somebody else's",
    "wrong-policy": "a timestamp under another policy than the one asked for",
    "wrong-signature": "the signature does not hold, or the signer's certificate is missing or changed",
    "wrong-usage": "a certificate that may not sign timestamps",
    "unknown-authority": "no certificate that is pinned here stands above the signer's",
    "expired-certificate": "a certificate of the chain was not valid at that time",
    "revoked-certificate": "a certificate of the chain is revoked",
    "wrong-time": "the authority's clock is more than five minutes off",
}
"""What each word of a failure means, in plain words."""

STATES: Final[dict[State, str]] = {
    "works": "Works",
    "due": "Due now",
    "overdue": "Overdue",
    "failing": "Gives no timestamp",
    "waiting": "Waits for a checkpoint",
    "not-asked": "Not asked any more",
}


@dataclass(frozen=True, slots=True)
class AuthorityStanding:
    """One authority, as this tenant's log knows it.

    Attributes:
        name: as entries call it.
        authority: how it is asked; None for one that is not in the installation's file any more.
        state: of `STATES`.
        newest: the token over the largest checkpoint; None before the first.
        failing: its failures in a row; None while it works.
        next_at: when it is asked again; None where that waits for something new, or for nothing.
        news: something was sealed that it did not stamp, besides the ledger's own entries.
    """

    name: str
    authority: Authority | None
    state: State
    newest: Anchor | None
    failing: Attempt | None
    next_at: datetime | None
    news: bool


def authority_standing(
    name: str,
    authority: Authority | None,
    outlook: Outlook | None,
    attempt: Attempt | None,
    newest: Anchor | None,
    every: int,
) -> AuthorityStanding:
    """How one authority does.

    Args:
        name: of it.
        authority: how it is asked, or None.
        outlook: how it stands to the newest checkpoint; None while nothing is sealed.
        attempt: how its last attempt went, where one failed ever.
        newest: its token over the largest checkpoint.
        every: seconds between two anchors.
    """
    failing = attempt if attempt is not None and attempt.failures else None
    news = outlook is not None and outlook.news
    if authority is None:
        return AuthorityStanding(name, None, "not-asked", newest, None, None, news=False)
    if failing is not None:
        return AuthorityStanding(name, authority, "failing", newest, failing, failing.retry_at, news)
    if outlook is None:
        return AuthorityStanding(name, authority, "waiting", newest, None, None, news=False)
    if is_due(outlook, every):
        # Before the first token there is no time from which on one could be late.
        late = outlook.recorded_at is not None and is_due(outlook, 2 * every)
        return AuthorityStanding(name, authority, "overdue" if late else "due", newest, None, outlook.now, news)
    due = outlook.recorded_at + timedelta(seconds=every) if outlook.recorded_at is not None and news else None
    return AuthorityStanding(name, authority, "works", newest, None, due, news)


def shown_every(seconds: int) -> str:
    """A cadence in its largest whole unit.

    >>> shown_every(86400), shown_every(5400), shown_every(61)
    ('1d', '90m', '61s')
    """
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"
