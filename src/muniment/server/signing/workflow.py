"""What a signature is, what it means, and when it holds: rules without a database.

A signature is an entry `entry.sign`. It names the signed entry three times, and all three have to agree: by the event
in `causes`, by place and hash in its labels, and by log, place and hash in its body, beside the signer's id and printed
name, the meaning and the time. None of it can be changed, moved or copied without another entry, or a broken chain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from muniment.core.body import check_body
from muniment.core.entry import Entry, entry_hash, parse_entry
from muniment.core.errors import Malformed, MunimentError

if TYPE_CHECKING:
    from datetime import datetime

    from muniment.ledger.disclosed import Disclosed
    from muniment.ledger.read import StoredEntry

ACTION: Final = "entry.sign"
MEANINGS: Final[Mapping[str, str]] = {
    "authorship": "I am the author of this record",
    "review": "I have reviewed this record",
    "approval": "I approve this record",
    "responsibility": "I take responsibility for this record",
}
"""What a signature can always mean."""
MOST_MEANINGS: Final = 20
"""Meanings of a tenant's own."""
MAX_WORDS: Final = 120
MAX_COMMENT: Final = 2_000
MAX_NAME: Final = 128
_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_PERSON: Final = "user:usr_"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature on an entry.

    Attributes:
        seq: its own place in the log.
        signed_seq: the place of the signed entry.
        signed_hash: that entry's hash as the signer saw it, hex.
        person: the signer, `user:usr_…`.
        name: the signer's printed name when they signed.
        meaning: its code.
        words: what that code meant when they signed.
        comment: what the signer added, or "".
        signed_at: by the ledger's clock.
        fault: why it does not hold; "" if it does.
    """

    seq: int
    signed_seq: int
    signed_hash: str
    person: str
    name: str
    meaning: str
    words: str
    comment: str
    signed_at: datetime
    fault: str

    @property
    def holds(self) -> bool:
        """Whether it is a signature of the entry at `signed_seq` as that entry stands."""
        return not self.fault


def checked_meanings(given: Mapping[str, str]) -> dict[str, str]:
    """A tenant's own meanings, by code.

    Raises:
        Malformed: naming the first that cannot be one.
    """
    if len(given) > MOST_MEANINGS:
        raise Malformed(f"at most {MOST_MEANINGS} meanings of your own", "meanings")
    for code, words in given.items():
        if not _CODE.fullmatch(code):
            raise Malformed(
                f"{ascii(code)[:40]}: a code is lower-case letters, digits, hyphens, at most 32", "meanings"
            )
        if code in MEANINGS:
            raise Malformed(f"{code} is there for everybody and cannot be given other words", "meanings")
        if not 1 <= len(words.strip()) <= MAX_WORDS or not words.isprintable():
            raise Malformed(f"{code}: say it in 1 to {MAX_WORDS} characters on one line", "meanings")
    return {code: given[code].strip() for code in sorted(given)}


def read_meanings(text: str) -> dict[str, str]:
    """Meanings as somebody typed them: a code, a colon and words on each line.

    Raises:
        Malformed: naming the line.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        code, colon, words = line.partition(":")
        if not colon:
            raise Malformed(f"line {number}: write a code, a colon and what it means", "meanings")
        if code.strip() in found:
            raise Malformed(f"line {number}: {ascii(code.strip())[:40]} stands there twice", "meanings")
        found[code.strip()] = words.strip()
    return checked_meanings(found)


def checked_comment(comment: str) -> str:
    """What a signer adds, without white space around it.

    Raises:
        Malformed: if it is too long or holds a control character.
    """
    comment = comment.strip()
    if len(comment) > MAX_COMMENT:
        raise Malformed(f"has at most {MAX_COMMENT:,} characters", "comment")
    if any(ord(letter) < 32 and letter not in "\n\r\t" for letter in comment):
        raise Malformed("holds a control character", "comment")
    return comment


def labels_of(*, seq: int, hash_: str, meaning: str) -> dict[str, object]:
    """The labels of a signature's entry."""
    return {"signed.seq": seq, "signed.hash": hash_, "meaning": meaning}


def body_of(
    *, log: str, seq: int, hash_: str, person: str, name: str, meaning: str, words: str, comment: str, at: str
) -> dict[str, object]:
    """The body of a signature's entry: all that 21 CFR 11.50(a) wants to be read in it."""
    return {
        "entry": {"log": log, "seq": seq, "hash": hash_},
        "person": person,
        "name": name,
        "meaning": meaning,
        "words": words,
        "comment": comment,
        "signed_at": at,
    }


def read_signature(row: Disclosed, signed: StoredEntry | None) -> Signature | None:
    """A signature's entry as a signature of another entry; None for an entry that is no signature that was made.

    Args:
        row: an entry `entry.sign` with its body.
        signed: the entry at the place that it names, None if the log has none there.
    """
    try:
        entry = parse_entry(row.entry.text)
    except MunimentError:
        return None
    event = entry.event
    if event.action != ACTION or event.outcome != "success":
        return None
    labels = _once(event.labels)
    said = _body(row)
    seq = labels.get("signed.seq", "")
    return Signature(
        seq=row.entry.seq,
        signed_seq=int(seq) if seq.isascii() and seq.isdecimal() and len(seq) < 17 else -1,
        signed_hash=labels.get("signed.hash", ""),
        person=entry.by,
        name=str(said.get("name", "")),
        meaning=labels.get("meaning", ""),
        words=str(said.get("words", "")),
        comment=str(said.get("comment", "")),
        signed_at=row.entry.recorded_at,
        fault=_fault(row, entry, labels, said, signed),
    )


def _fault(
    row: Disclosed, entry: Entry, labels: Mapping[str, str], said: Mapping[str, Any], signed: StoredEntry | None
) -> str:
    event = entry.event
    if entry_hash(row.entry.text) != row.entry.entry_hash:
        return "the stored hash of the signature's entry is not the hash of its text"
    if not entry.by.startswith(_PERSON) or event.actor.id != entry.by or event.actor.type != "user":
        return "it was not recorded for a person"
    if row.body is None or row.body.body is None or row.body.salt is None or event.body is None:
        return "its body is missing, and with it the printed name"
    try:
        check_body(event.body.commit, event.body.len, row.body.salt, row.body.body)
    except MunimentError:
        return "its body is not the one that its entry commits to"
    if signed is None:
        return "there is no entry at the place that it names"
    if entry_hash(signed.text).hex() != labels.get("signed.hash"):
        return "it signs another entry than the one that stands at that place: the hashes differ"
    about = said.get("entry")
    wanted = {"log": entry.log, "seq": signed.seq, "hash": labels.get("signed.hash")}
    if about != wanted or labels.get("signed.seq") != str(signed.seq):
        return "its body and its labels name different entries"
    if said.get("person") != entry.by or said.get("meaning") != labels.get("meaning"):
        return "its body and its labels name different persons or meanings"
    of = parse_entry(signed.text)
    if of.log != entry.log or event.causes != (f"{of.event.source.id}/{of.event.id}",):
        return "the event that caused it is not the signed one"
    return ""


def _body(row: Disclosed) -> Mapping[str, Any]:
    if row.body is None or row.body.body is None:
        return {}
    try:
        found = orjson.loads(row.body.body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _once(labels: Iterable[str]) -> dict[str, str]:
    """Labels by name, without those that stand there twice."""
    found: dict[str, str] = {}
    doubled = set()
    for label in labels:
        name, _, value = label.partition("=")
        if name in found:
            doubled.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in doubled}
