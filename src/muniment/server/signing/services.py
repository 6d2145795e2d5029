"""Use cases of signatures: signing an entry, reading what was signed, and what signatures can mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import connection as django_connection

from muniment.core.entry import entry_hash, parse_entry
from muniment.core.errors import Malformed, Refused, VerificationFailed
from muniment.ledger.disclosed import Disclosed, at_places, of_actions, with_labels
from muniment.ledger.read import entry_at
from muniment.server.accounts.models import User
from muniment.server.moments import moment
from muniment.server.recording import record
from muniment.server.signing.models import OwnMeaning
from muniment.server.signing.workflow import (
    ACTION,
    MAX_NAME,
    MEANINGS,
    Signature,
    body_of,
    checked_comment,
    checked_meanings,
    labels_of,
    read_signature,
)

if TYPE_CHECKING:
    from psycopg import Connection

    from muniment.ledger.receipt import Receipt
    from muniment.server.access.standing import Standing
    from muniment.server.signing.components import Components

MOST_LISTED: Final = 100
_MAX_SEQ: Final = 2**53 - 1


class NoSuchEntry(Refused):
    """The log has no entry at that place."""


def meanings() -> dict[str, str]:
    """What signatures can mean in the tenant of the open scope, by code: what is there for everybody first."""
    own = OwnMeaning.objects.order_by("code").values_list("code", "words")
    return {**MEANINGS, **dict(own)}


def change_meanings(standing: Standing, given: Mapping[str, str]) -> Receipt | None:
    """Say what signatures can mean beside what they always can. Signatures keep the words that they were made with.

    Args:
        standing: of who decides it; has `tenant.manage`.
        given: words by code, in place of those from before.

    Returns:
        The receipt of the entry that tells of it; None if nothing changes.

    Raises:
        Malformed: naming what cannot be a meaning.
    """
    wanted = checked_meanings(given)
    _one_at_a_time(f"{standing.tenant_id}/meanings")
    before = dict(OwnMeaning.objects.values_list("code", "words"))
    if wanted == before:
        return None
    receipt = record(
        "entry.meanings",
        by=standing.subject,
        resource=("log", standing.origin),
        labels={"meanings": len(wanted)},
        body={"meanings": wanted, "before": before},
    )
    OwnMeaning.objects.filter(tenant_id=standing.tenant_id).delete()
    OwnMeaning.objects.bulk_create(
        OwnMeaning(tenant_id=standing.tenant_id, code=code, words=words, created_by=standing.subject)
        for code, words in wanted.items()
    )
    return receipt


def sign(
    standing: Standing, seq: int, *, shown: str, meaning: str, comment: str = "", components: Components
) -> Signature:
    """Sign an entry, as the person who is signed in.

    Args:
        standing: of the signer; has `entry.sign`.
        seq: the entry's place.
        shown: the hash of the entry that the signer saw, hex.
        meaning: a code of `meanings`.
        comment: added to the signature; never erased.
        components: that were given for it, and judged.

    Raises:
        NoSuchEntry: for a place that the log does not have.
        Malformed: naming the field.
        Refused: if it is not a person who asks, if what was shown is not what stands there, or if that person signed
            with this meaning before.
        VerificationFailed: if the stored entry is not what its hash says.
    """
    if not standing.subject.startswith("user:"):
        raise Refused("only a person signs; an API key has no name of its own", "person")
    if components.fault:
        raise Refused(components.fault, components.field)
    words = meanings().get(meaning)
    if words is None:
        raise Malformed(f"is one of {', '.join(meanings())}", "meaning")
    comment = checked_comment(comment)
    name = _printed_name(standing.subject)
    _one_at_a_time(f"{standing.tenant_id}/{standing.subject}/{seq}")
    with standing.transaction() as reading:
        found = entry_at(reading, standing.log_id, seq) if 0 <= seq <= _MAX_SEQ else None
        if found is None:
            raise NoSuchEntry("the log has no entry at that place", "seq")
        before = _signatures(reading, standing.log_id, [seq])
    entry = found[0]
    hash_ = entry_hash(entry.text)
    if hash_ != entry.entry_hash:
        raise VerificationFailed("the stored hash is not the hash of the stored text", f"entry {seq}")
    if shown.strip().lower() != hash_.hex():
        raise Refused("is not the hash of the entry at that place: look at the entry again, then sign", "hash")
    if again := [one for one in before if one.holds and (one.person, one.meaning) == (standing.subject, meaning)]:
        raise Refused(f"you signed this entry with this meaning already, as entry {again[0].seq:,}", "meaning")
    event = parse_entry(entry.text).event
    receipt = record(
        ACTION,
        by=standing.subject,
        resource=("entry", str(seq)),
        labels={**labels_of(seq=seq, hash_=hash_.hex(), meaning=meaning), "components": components.words},
        causes=[f"{event.source.id}/{event.id}"],
        body=body_of(
            log=standing.origin,
            seq=seq,
            hash_=hash_.hex(),
            person=standing.subject,
            name=name,
            meaning=meaning,
            words=words,
            comment=comment,
            at=moment(datetime.now(UTC)) or "",
        ),
    )
    return Signature(
        seq=receipt.seq,
        signed_seq=seq,
        signed_hash=hash_.hex(),
        person=standing.subject,
        name=name,
        meaning=meaning,
        words=words,
        comment=comment,
        signed_at=datetime.now(UTC),
        fault="",
    )


def record_refused_signing(standing: Standing, seq: int, meaning: str, reason: str) -> None:
    """Record that somebody wanted to sign and did not give the components; in the open scope."""
    record(
        ACTION,
        by=standing.subject,
        resource=("entry", str(seq)),
        outcome="denied",
        labels={"reason": reason},
        body={"meaning": meaning[:64]},
    )


def signatures_of(standing: Standing, places: Sequence[int]) -> dict[int, list[Signature]]:
    """The signatures on some entries, by place, in the order in which they were made; those that do not hold too.

    Args:
        standing: of the reader.
        places: at most 10,000.
    """
    with standing.transaction() as reading:
        return signatures_in(reading, standing.log_id, places)


def signatures_in(reading: Connection[Any], log_id: int, places: Sequence[int]) -> dict[int, list[Signature]]:
    """`signatures_of` in a transaction of the tenant that is open already."""
    found: dict[int, list[Signature]] = {}
    for one in _signatures(reading, log_id, places):
        found.setdefault(one.signed_seq, []).append(one)
    return found


def newest_signatures(standing: Standing, *, below: int | None = None) -> tuple[list[Signature], int | None]:
    """The newest signatures of the log, newest first, and the place from which to go on (None at the end)."""
    with standing.transaction() as reading:
        rows = of_actions(reading, standing.log_id, [ACTION], below=below, limit=MOST_LISTED + 1)
        page = _read(reading, standing.log_id, rows[:MOST_LISTED])
    return page, rows[MOST_LISTED - 1].entry.seq if len(rows) > MOST_LISTED else None


def _signatures(reading: Connection[Any], log_id: int, places: Sequence[int]) -> list[Signature]:
    rows = with_labels(reading, log_id, action=ACTION, labels=[f"signed.seq={place}" for place in places])
    return _read(reading, log_id, rows)


def _read(reading: Connection[Any], log_id: int, rows: Sequence[Disclosed]) -> list[Signature]:
    named = [(row, one.signed_seq) for row in rows if (one := read_signature(row, None)) is not None]
    signed = {
        row.entry.seq: row.entry
        for row in at_places(reading, log_id, sorted({seq for _, seq in named if 0 <= seq <= _MAX_SEQ}))
    }
    return [one for row, seq in named if (one := read_signature(row, signed.get(seq))) is not None]


def _printed_name(subject: str) -> str:
    name = str(
        User.objects.filter(id=subject.removeprefix("user:")).values_list("name", flat=True).first() or ""
    ).strip()
    if not name or len(name) > MAX_NAME:
        raise Refused("your account has no name: give it one under Account security, then sign", "name")
    return name


def _one_at_a_time(name: str) -> None:
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
