"""Anchors as the API writes them, and as pages name them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from muniment.anchors.authorities import shown_address
from muniment.core.timestamp_chain import name_of
from muniment.ledger.anchors import Anchor, Attempt
from muniment.server.anchors.services import Anchoring
from muniment.server.anchors.shapes import (
    AnchoringOut,
    AuthorityOut,
    FailingOut,
    PinnedOut,
    TokenOut,
)
from muniment.server.anchors.workflow import MEANINGS, AuthorityStanding, shown_every
from muniment.server.moments import moment

_MEANINGS: Final[Mapping[str, str]] = {str(word): meaning for word, meaning in MEANINGS.items()}


def anchoring_out(origin: str, found: Anchoring) -> AnchoringOut:
    """How a log is anchored."""
    newest = found.newest
    return AnchoringOut(
        log=origin,
        every=shown_every(found.every),
        every_seconds=found.every,
        chosen=found.chosen,
        usable=found.usable,
        last_anchor_at=None if newest is None else moment(newest.stamped_at),
        authorities=[_authority(one) for one in found.authorities],
    )


def token_out(anchor: Anchor) -> TokenOut:
    """A stored token."""
    return TokenOut(
        at=moment(anchor.stamped_at) or "",
        size=anchor.size,
        authority=anchor.authority,
        until=moment(anchor.valid_until) or "",
        entry=anchor.seq,
        sha256=hashlib.sha256(anchor.token).hexdigest(),
    )


def meaning_of(word: str | None) -> str:
    """What the word of a failure means; "" for a word that is not known here."""
    return _MEANINGS.get(word or "", "")


def pinned_out(certificate: x509.Certificate) -> PinnedOut:
    """A certificate that is trusted."""
    return PinnedOut(
        subject=name_of(certificate),
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        until=moment(_ends(certificate)) or "",
    )


def _ends(certificate: x509.Certificate) -> datetime:
    return certificate.not_valid_after_utc.astimezone(UTC)


def _authority(one: AuthorityStanding) -> AuthorityOut:
    return AuthorityOut(
        name=one.name,
        state=one.state,
        address=None if one.authority is None else shown_address(one.authority.url),
        pinned=[] if one.authority is None else [pinned_out(pinned) for pinned in one.authority.pinned],
        newest=None if one.newest is None else token_out(one.newest),
        failing=None if one.failing is None else _failing(one.failing),
        next_at=moment(one.next_at),
    )


def _failing(attempt: Attempt) -> FailingOut:
    return FailingOut(
        word=attempt.word or "",
        meaning=meaning_of(attempt.word),
        since=moment(attempt.failing_since),
        failures=attempt.failures,
        retry_at=moment(attempt.retry_at),
    )
