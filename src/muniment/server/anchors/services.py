"""Use cases of anchors: how the authorities do, the tokens, and how often the log is anchored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from django.db import transaction

from muniment.anchors.authorities import Authorities, MalformedAuthorities, load_authorities, parse_every
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.timestamp import Token, note_imprint, parse_token, sealed_note
from muniment.core.timestamp_chain import UnknownAuthority
from muniment.core.timestamp_proof import Stamped, verify_token
from muniment.ledger.anchor_record import set_cadence
from muniment.ledger.anchors import Anchor, anchors_of, attempts, cadence, newest_by_authority, outlooks, token_page
from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.system import active_log
from muniment.server.access.standing import Standing
from muniment.server.anchoring import authorities_file
from muniment.server.anchors.workflow import AuthorityStanding, authority_standing
from muniment.server.recording import SERVER
from muniment.server.tenants.scope import ledger_connection

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Anchoring:
    """How the tenant's log is anchored.

    Attributes:
        every: seconds between two anchors.
        chosen: the tenant chose them itself; otherwise they are the installation's.
        usable: the installation's file of authorities can be read.
        authorities: each that is asked, then each that was asked once and left a token.
    """

    every: int
    chosen: bool
    usable: bool
    authorities: tuple[AuthorityStanding, ...]

    @property
    def asked(self) -> tuple[AuthorityStanding, ...]:
        """Those that are asked."""
        return tuple(one for one in self.authorities if one.authority is not None)

    @property
    def troubled(self) -> tuple[AuthorityStanding, ...]:
        """Those that give no timestamp, or should have given one by now."""
        return tuple(one for one in self.authorities if one.state in ("failing", "overdue"))

    @property
    def newest(self) -> Anchor | None:
        """The token over the largest checkpoint, the earliest of those."""
        found = [one.newest for one in self.authorities if one.newest is not None]
        return min(found, key=lambda one: (-one.size, one.stamped_at), default=None)


@dataclass(frozen=True, slots=True)
class TokenShown:
    """One stored token and what can be said of it here.

    Attributes:
        anchor: as stored.
        token: what it says; None if it cannot be read.
        imprint: SHA-256 of the note that it should stamp, 32 bytes.
        check: it holds under what this installation pins, does not, or was not checked.
        reason: why, where it does not hold or was not checked.
        stamped: what was proven; None unless it holds.
    """

    anchor: Anchor
    token: Token | None
    imprint: bytes
    check: Literal["holds", "fails", "not checked"]
    reason: str
    stamped: Stamped | None


def installed_authorities() -> Authorities | None:
    """The authorities of this installation; None if their file cannot be used."""
    try:
        return load_authorities(authorities_file(settings.PLACES))
    except MalformedAuthorities:
        # What is wrong with the operator's file is the operator's to read, in `muniment anchor status`.
        return None


def asked_names() -> frozenset[str] | None:
    """Names of the authorities that are asked; None if their file cannot be used, so that nobody knows."""
    found = installed_authorities()
    return None if found is None else frozenset(one.name for one in found.all)


def anchoring_of(connection: Connection[Any], standing: Standing) -> Anchoring:
    """How the authorities of a tenant's log do.

    Args:
        connection: in a transaction of the tenant.
        standing: whose log.
    """
    found = installed_authorities()
    known = found or Authorities()
    own = cadence(connection, standing.log_id)
    every = own or known.every
    configured = {one.name: one for one in known.all}
    seen = {one.authority: one for one in outlooks(connection, standing.log_id, list(configured))}
    tried = {one.authority: one for one in attempts(connection, standing.log_id)}
    newest = {one.authority: one for one in newest_by_authority(connection, standing.log_id)}
    names = [*configured, *(name for name in newest if name not in configured)]
    return Anchoring(
        every,
        own is not None,
        found is not None,
        tuple(
            authority_standing(name, configured.get(name), seen.get(name), tried.get(name), newest.get(name), every)
            for name in names
        ),
    )


@transaction.atomic
def set_every(standing: Standing, every: str) -> tuple[int, int | None]:
    """Set how often the tenant's log is anchored; the ledger records it.

    Args:
        standing: whose; needs `tenant.manage`.
        every: such as `6h`: a number and s, m, h or d, from 1m to 365d.

    Returns:
        The seconds, and the place of the entry that tells so; None if it was so before.

    Raises:
        Malformed: naming the field.
    """
    seconds = parse_every(every.strip(), "every")
    with ledger_connection() as raw:
        by = standing.subject if standing.subject.startswith("user:") else SERVER
        return seconds, set_cadence(raw, by=by, log_id=active_log(raw).log_id, every=seconds)


def read_cursor(text: str | None) -> tuple[int, str] | None:
    """Where a page of tokens begins: after this size and authority.

    Raises:
        Malformed: for a cursor that was not given by `cursor_after`.
    """
    if text is None:
        return None
    size, dot, authority = text.partition(".")
    if not dot or not (size.isascii() and size.isdecimal()) or len(size) > 16 or not authority.isprintable():
        raise Malformed("is no cursor that this service gave", "cursor")
    return int(size), authority[:63]


def tokens(
    connection: Connection[Any], standing: Standing, *, limit: int, cursor: str | None = None
) -> tuple[list[Anchor], str | None]:
    """Tokens of the log, that of the largest checkpoint first, and the cursor of the page after them.

    Raises:
        Malformed: for a cursor that is none.
    """
    found = token_page(connection, standing.log_id, limit=limit + 1, after=read_cursor(cursor))
    last = found[limit - 1] if len(found) > limit else None
    return found[:limit], None if last is None else f"{last.size}.{last.authority}"


def token_of(connection: Connection[Any], standing: Standing, size: int, authority: str) -> TokenShown | None:
    """One token, checked against what this installation pins; None if there is none.

    Args:
        connection: in a transaction of the tenant.
        standing: whose log.
        size: of the checkpoint.
        authority: its name.
    """
    if size > 2**53 - 1:
        return None
    anchor = next((one for one in anchors_of(connection, standing.log_id, [size]) if one.authority == authority), None)
    note = None if anchor is None else stamped_note(connection, standing, size)
    if anchor is None or note is None:
        return None
    imprint = note_imprint(note)
    known = installed_authorities() or Authorities()
    pinned = tuple(dict.fromkeys(one for at in known.all for one in at.pinned))
    between = tuple(dict.fromkeys(one for at in known.all for one in at.chain))
    try:
        token = parse_token(anchor.token)
    except Malformed as error:
        return TokenShown(anchor, None, imprint, "fails", str(error), None)
    if not pinned:
        return TokenShown(anchor, token, imprint, "not checked", "no authority is pinned here", None)
    try:
        stamped = verify_token(token, imprint, pinned, between)
    except UnknownAuthority as error:
        return TokenShown(anchor, token, imprint, "not checked", error.reason, None)
    except VerificationFailed as error:
        return TokenShown(anchor, token, imprint, "fails", error.reason, None)
    return TokenShown(anchor, token, imprint, "holds", "", stamped)


def stamped_note(connection: Connection[Any], standing: Standing, size: int) -> bytes | None:
    """The bytes whose SHA-256 the tokens over a checkpoint stamp: the note as sealed; None if there is no such one.

    Raises:
        Malformed, VerificationFailed: if the stored checkpoint gives no note.
    """
    if size > 2**53 - 1:
        return None
    stored = read_checkpoint(connection, standing.log_id, standing.origin, size)
    return None if stored is None else sealed_note(stored.note.encoded())
