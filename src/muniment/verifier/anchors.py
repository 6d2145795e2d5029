"""Timestamp tokens: whether pinned authorities say that a checkpoint existed, since when, and until when that holds.

- A token that is not over the checkpoint before it, or whose signature, certificates or form do not hold, fails.
- A token of an authority that is not pinned is neither good nor bad: it was not checked.
- A token counts while the certificates of its chain are valid, and beyond that if a newer token that counts was made
  while they were, over a checkpoint that holds the older token's `anchor.record` entry: so that entry must be shown.

Source: docs/format.md section 9.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cryptography import x509

from muniment.core.canonical import Json, parse_json
from muniment.core.entry import VERSION
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.times import format_time6
from muniment.core.timestamp import note_imprint, parse_token
from muniment.core.timestamp_chain import UnknownAuthority, parse_certificates
from muniment.core.timestamp_proof import Stamped, verify_token

ACTION: Final = "anchor.record"
MAX_TOKENS: Final = 100_000
"""Tokens and records of tokens that are followed; what comes beyond is not checked."""

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_LABEL: Final = "anchor.token="
_MAX_FILE: Final = 1_048_576

State = Literal["holds", "ended", "unknown"]


@dataclass(frozen=True, slots=True)
class TimestampTrust:
    """What is trusted of timestamps.

    Attributes:
        pinned: certificates of authorities.
        at: the second, since the Unix epoch, as of which tokens are to be verified: now.
    """

    pinned: tuple[x509.Certificate, ...]
    at: int


@dataclass(frozen=True, slots=True)
class AnchorFound:
    """One token that was looked at and did not fail.

    Attributes:
        size: entries of the checkpoint that it stamps.
        state: it `holds`; its certificates have `ended` and nothing shown renews it; its authority is `unknown`.
        time: of the token, microseconds since the Unix epoch; for an unknown authority its own claim.
        until: second at which the first certificate of its own chain ends; None for an unknown authority.
        authority: the signer's name; empty for an unknown one.
    """

    size: int
    state: State
    time: int
    until: int | None
    authority: str

    def as_json(self) -> dict[str, object]:
        """The token as a JSON object."""
        return {
            "size": self.size,
            "state": self.state,
            "time": format_time6(self.time),
            "until": None if self.until is None else format_time6(self.until * 1_000_000),
            "authority": self.authority or None,
        }


@dataclass(frozen=True, slots=True)
class Recorded:
    """An `anchor.record` entry: `token` is the SHA-256 that it names, hex; `position` its place."""

    token: str
    position: int


@dataclass(frozen=True, slots=True)
class _Followed:
    size: int
    digest: str
    claimed: int
    stamped: Stamped | None


def load_trust(files: Sequence[Path], now: int) -> TimestampTrust | None:
    """Pin the certificates in some PEM files; None without files.

    Args:
        files: PEM, each of at most 1 MiB.
        now: microseconds since the Unix epoch, UTC.

    Raises:
        Malformed: naming the file that cannot be read or holds no certificate.
    """
    pinned: list[x509.Certificate] = []
    for file in files:
        try:
            with file.open("rb") as stream:
                data = stream.read(_MAX_FILE + 1)
        except OSError as error:
            raise Malformed(f"cannot be read: {error.strerror}", str(file)) from error
        if len(data) > _MAX_FILE:
            raise Malformed("is longer than 1 MiB", str(file))
        pinned += parse_certificates(data, str(file))
    return TimestampTrust(tuple(pinned), now // 1_000_000) if files else None


class AnchorBook:
    """Takes tokens and the entries that record them, and says at the end which hold.

    Args:
        trust: without it tokens are counted and not looked at.
        fail: told of a broken place: reason, size of the checkpoint.
    """

    def __init__(self, trust: TimestampTrust | None, fail: Callable[[str, int], None]) -> None:
        self.trust = trust
        self.tokens = 0
        self.dropped = 0
        self._fail = fail
        self._followed: list[_Followed] = []
        self._recorded: dict[str, int] = {}

    def token(self, der: bytes, note: bytes, size: int) -> None:
        """A token, and the checkpoint note that stands before it."""
        self.tokens += 1
        if self.trust is None:
            return
        if len(self._followed) >= MAX_TOKENS:
            self.dropped += 1
            return
        try:
            token = parse_token(der)
            try:
                stamped = verify_token(token, note_imprint(note), self.trust.pinned)
            except UnknownAuthority:
                stamped = None
        except (Malformed, VerificationFailed) as error:
            self._fail(f"the token does not hold: {error.reason}", size)
            return
        self._followed.append(_Followed(size, hashlib.sha256(der).hexdigest(), token.time, stamped))

    def recorded(self, records: Sequence[Recorded]) -> None:
        """Entries that record tokens, in the order of their places."""
        for record in records:
            if len(self._recorded) < MAX_TOKENS:
                self._recorded.setdefault(record.token, record.position)

    def named(self) -> dict[str, int]:
        """The tokens that entries record: SHA-256, hex, and the place of the first entry that does."""
        return dict(self._recorded)

    def found(self) -> tuple[AnchorFound, ...]:
        """Every token that did not fail, in the order in which they came."""
        if self.trust is None:
            return ()
        holding: list[_Followed] = []
        states: dict[int, State] = {}
        # A token can only be renewed by a later one, which therefore has to be judged before it.
        order = sorted(range(len(self._followed)), key=lambda at: self._followed[at].claimed, reverse=True)
        for at in order:
            one = self._followed[at]
            if one.stamped is None:
                states[at] = "unknown"
            elif one.stamped.until > self.trust.at or self._renewed(one, one.stamped, holding):
                states[at] = "holds"
                holding.append(one)
            else:
                states[at] = "ended"
        return tuple(_shown(one, states[at]) for at, one in enumerate(self._followed))

    def _renewed(self, one: _Followed, stamped: Stamped, holding: Sequence[_Followed]) -> bool:
        position = self._recorded.get(one.digest)
        if position is None:
            return False
        return any(
            newer.size > position and newer.stamped is not None and newer.stamped.time // 1_000_000 < stamped.until
            for newer in holding
        )


def records(texts: Sequence[bytes], start: int) -> tuple[Recorded, ...]:
    """What some neighbouring entries record of tokens; a text that cannot be read records nothing."""
    # Parsing is slow, one look over all of them is not. In a text that is not canonical an escape may hide the word.
    # One character is found much faster than two.
    joined = b"".join(texts)
    if b"anchor.record" not in joined and not (b"\\" in joined and b"\\u" in joined):
        return ()
    found = []
    for position, text in enumerate(texts, start):
        if b"anchor.record" in text or b"\\u" in text:
            digest = _token_named(text)
            if digest is not None:
                found.append(Recorded(digest, position))
    return tuple(found)


def _token_named(text: bytes) -> str | None:
    try:
        entry = parse_json(text)
    except Malformed:
        return None
    event = entry.get("event") if isinstance(entry, dict) and entry.get("v") == VERSION else None
    return named_token(event) if isinstance(event, dict) else None


def named_token(event: Mapping[str, Json]) -> str | None:
    """The SHA-256, hex, of the token that an event records; None if it names none, or more than one."""
    labels = event.get("labels")
    if event.get("action") != ACTION or not isinstance(labels, list):
        return None
    named = [label[len(_LABEL) :] for label in labels if isinstance(label, str) and label.startswith(_LABEL)]
    return named[0] if len(named) == 1 and _HASH.fullmatch(named[0]) else None


def _shown(one: _Followed, state: State) -> AnchorFound:
    if one.stamped is None:
        return AnchorFound(one.size, state, one.claimed, None, "")
    return AnchorFound(one.size, state, one.stamped.time, one.stamped.until, one.stamped.authority)
