"""Asking an authority for a timestamp, and refusing every answer that would prove nothing later.

An answer counts only when it is over the very hash and number that were sent, under the policy that was asked for, by a
signer below a pinned certificate, of now. Each other outcome has one word, which is recorded.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import httpx
from cryptography import x509

from muniment.anchors.authorities import Authority, shown_address
from muniment.anchors.revocation import RevocationList, check_not_revoked, read_lists
from muniment.core.errors import Malformed, Refused, VerificationFailed
from muniment.core.timestamp import MAX_TOKEN, parse_token
from muniment.core.timestamp_chain import OutOfTime, UnknownAuthority, WrongImprint, WrongSignature, WrongUsage, ends
from muniment.core.timestamp_exchange import parse_response, timestamp_request
from muniment.core.timestamp_proof import Stamped, verify_token

MAX_SKEW: Final = 300
"""Seconds by which an authority's clock may differ from ours."""

Word = Literal[
    "unreachable",
    "too-slow",
    "too-large",
    "garbage",
    "rejected",
    "wrong-hash",
    "wrong-nonce",
    "wrong-policy",
    "wrong-signature",
    "wrong-usage",
    "unknown-authority",
    "expired-certificate",
    "revoked-certificate",
    "wrong-time",
]
"""Why there is no token."""

DOWN: Final = frozenset({"unreachable", "too-slow"})
"""The words that say nothing about an answer: there was none."""

_WORDS: Final[dict[type[VerificationFailed], Word]] = {
    WrongImprint: "wrong-hash",
    WrongSignature: "wrong-signature",
    WrongUsage: "wrong-usage",
    UnknownAuthority: "unknown-authority",
    OutOfTime: "expired-certificate",
}


class NoTimestamp(Refused):
    """An authority gave no token that counts; `word` says why in one word, `reason` in a sentence."""

    def __init__(self, word: Word, reason: str, authority: str) -> None:
        super().__init__(reason, authority)
        self.args = (word, reason, authority)  # what pickle builds it from again
        self.word: Word = word


@dataclass(frozen=True, slots=True)
class Obtained:
    """A token that counts.

    Attributes:
        authority: the authority's name.
        token: DER.
        imprint: SHA-256 that was stamped, 32 bytes.
        stamped: what was proven of it.
        lists: revocation lists that were looked at.
        notes: sentences on revocation data that was asked for and not to be had.
    """

    authority: str
    token: bytes
    imprint: bytes
    stamped: Stamped
    lists: tuple[RevocationList, ...] = ()
    notes: tuple[str, ...] = ()


def obtain(authority: Authority, imprint: bytes, *, clock: Callable[[], float] = time.time) -> Obtained:
    """Ask for a token and prove it.

    Args:
        authority: whom.
        imprint: SHA-256 of a sealed note, 32 bytes.
        clock: seconds since the Unix epoch.

    Raises:
        NoTimestamp: with the word that says why.
    """
    nonce = int.from_bytes(secrets.token_bytes(16), "big") | 1
    answer = _ask(authority, timestamp_request(imprint, nonce, authority.policy))
    try:
        response = parse_response(answer)
        if not response.granted:
            raise NoTimestamp("rejected", f"it answers: {response.status}", authority.name)
        token = parse_token(response.token)
        stamped = verify_token(token, imprint, authority.pinned, authority.chain)
    except Malformed as error:
        raise NoTimestamp("garbage", f"its answer is no timestamp: {error}", authority.name) from error
    except VerificationFailed as error:
        raise NoTimestamp(_WORDS[type(error)], error.reason, authority.name) from error
    if token.nonce != nonce:
        raise NoTimestamp("wrong-nonce", "its answer is to another request: the number differs", authority.name)
    if authority.policy is not None and token.policy != authority.policy:
        raise NoTimestamp("wrong-policy", f"it stamped under {token.policy}, not {authority.policy}", authority.name)
    _check_time(authority, stamped, clock())
    lists, notes = read_lists(authority, token, lambda url: _fetch(authority, url))
    try:
        check_not_revoked(stamped, lists)
    except VerificationFailed as error:
        raise NoTimestamp("revoked-certificate", error.reason, authority.name) from error
    return Obtained(authority.name, response.token, imprint, stamped, lists, notes)


def _check_time(authority: Authority, stamped: Stamped, now: float) -> None:
    off = stamped.time / 1_000_000 - now
    if abs(off) > MAX_SKEW:
        which = "ahead of" if off > 0 else "behind"
        reason = f"its clock is {abs(off):.0f} s {which} ours, and {MAX_SKEW} are allowed"
        raise NoTimestamp("wrong-time", reason, authority.name)
    if stamped.until <= now:
        over: x509.Certificate = min(stamped.chain, key=ends)
        reason = f"a certificate above it has expired: {over.subject.rfc4514_string()[:200]}"
        raise NoTimestamp("expired-certificate", reason, authority.name)


def _ask(authority: Authority, query: bytes) -> bytes:
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    return _exchange(authority, "POST", authority.url, headers, query, MAX_TOKEN)


def _fetch(authority: Authority, url: str) -> bytes:
    return _exchange(authority, "GET", url, {}, None, 4 * MAX_TOKEN)


def _exchange(
    authority: Authority, method: str, url: str, headers: dict[str, str], content: bytes | None, limit: int
) -> bytes:
    """One request, within the authority's time as a whole and with an answer of at most `limit` bytes."""
    deadline = time.monotonic() + authority.timeout
    pieces: list[bytes] = []
    size = 0
    try:
        with (
            httpx.Client(timeout=authority.timeout, follow_redirects=False) as client,
            client.stream(method, url, headers=headers, content=content) as response,
        ):
            if response.status_code != 200:
                reason = f"it answers with status {response.status_code}"
                raise NoTimestamp("unreachable", reason, authority.name)
            for piece in response.iter_raw():
                size += len(piece)
                if size > limit:
                    raise NoTimestamp("too-large", f"its answer is longer than {limit:,} bytes", authority.name)
                if time.monotonic() > deadline:
                    raise _slow(authority)
                pieces.append(piece)
    except httpx.TimeoutException as error:
        raise _slow(authority) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = f"cannot be reached at {shown_address(url)}: {str(error)[:200] or type(error).__name__}"
        raise NoTimestamp("unreachable", reason, authority.name) from error
    return b"".join(pieces)


def _slow(authority: Authority) -> NoTimestamp:
    return NoTimestamp("too-slow", f"its answer took longer than {authority.timeout:g} s", authority.name)
