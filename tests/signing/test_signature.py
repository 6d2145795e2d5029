"""A signature holds for one entry, and for no other."""

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from muniment.core.body import commit
from muniment.core.entry import Entry, entry_hash
from muniment.core.errors import Malformed
from muniment.core.event import Actor, Body, Event, Resource, Source
from muniment.ledger.disclosed import Disclosed
from muniment.ledger.read import StoredBody, StoredEntry
from muniment.server.signing.workflow import body_of, labels_of, read_meanings, read_signature

LOG, PERSON = "log.example/1", "user:usr_01K00000000000000000000000"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOURCE = Source("src_01K00000000000000000000000")
SALT = bytes(32)


def stored(seq: int, event: Event, *, by: str = PERSON) -> StoredEntry:
    text = Entry(
        seq=seq, prev=bytes(32), recorded_at=1_772_323_200_000_000, log=LOG, by=by, map="base-1", event=event
    ).text()
    return StoredEntry(seq, NOW, entry_hash(text), text)


def signed(seq: int) -> StoredEntry:
    event = Event(
        id=f"evt_01K000000000000000000000{seq:02}", source=SOURCE, occurred_at=0, action="tool.call",
        actor=Actor("agent:a", "agent"), outcome="success",
    )  # fmt: skip
    return stored(seq, event, by="key:ak_01K00000000000000000000000")


def signature(
    of: StoredEntry, *, names: StoredEntry | None = None, says: StoredEntry | None = None, **changes: object
) -> Disclosed:
    """A signature of an entry; `names` is what its labels name instead, `says` what its body does."""
    labels, body = names or of, says or names or of
    text = orjson.dumps(
        body_of(
            log=LOG,
            seq=body.seq,
            hash_=body.entry_hash.hex(),
            person=str(changes.pop("person", PERSON)),
            name="Ada Byron",
            meaning=str(changes.pop("meaning", "review")),
            words="w",
            comment="",
            at="2026-03-01T00:00:00.000000Z",
        )
    )
    said = labels_of(seq=labels.seq, hash_=labels.entry_hash.hex(), meaning="review")
    event = Event(
        id="evt_01K00000000000000000000099",
        source=SOURCE,
        occurred_at=0,
        action="entry.sign",
        actor=Actor(PERSON, "user"),
        outcome="success",
        resource=Resource(str(of.seq), "entry"),
        labels=tuple(sorted(f"{name}={value}" for name, value in said.items())),
        causes=(f"{SOURCE.id}/evt_01K000000000000000000000{of.seq:02}",),
        body=Body(commit(SALT, text), len(text), "application/json", 1),
    )
    return Disclosed(stored(9, replace(event, **changes)), StoredBody("stored", SALT, text))  # type: ignore[arg-type]


def fault(row: Disclosed, of: StoredEntry | None) -> str:
    found = read_signature(row, of)
    assert found is not None
    return found.fault


def test_it_holds_for_the_entry_that_was_signed() -> None:
    found = read_signature(signature(signed(3)), signed(3))
    assert found is not None
    assert (found.holds, found.name, found.meaning, found.signed_seq) == (True, "Ada Byron", "review", 3)


def test_moved_to_another_entry_it_does_not() -> None:
    one, other = signed(3), signed(4)
    assert "hashes differ" in fault(signature(one), other)
    assert "the event that caused it" in fault(signature(one, names=other), other)
    assert "name different entries" in fault(signature(one, says=other), one)
    assert "no entry at the place" in fault(signature(one), None)


def test_what_was_changed_behind_it_shows() -> None:
    one = signed(3)
    made = signature(one)
    assert made.body is not None
    altered = replace(made.body, body=made.body.body.replace(b"Ada", b"Eve"))  # type: ignore[union-attr]
    assert "not the one that its entry commits to" in fault(replace(made, body=altered), one)
    assert "printed name" in fault(replace(made, body=StoredBody("erased")), one)
    assert "printed name" in fault(replace(made, body=None), one)
    assert "not the hash of its text" in fault(replace(made, entry=replace(made.entry, entry_hash=bytes(32))), one)
    rewritten = replace(one, text=one.text.replace(b"agent:a", b"agent:b"))
    assert "hashes differ" in fault(made, rewritten)


def test_another_person_or_meaning_in_the_body_shows() -> None:
    one = signed(3)
    for made in (signature(one, person="user:usr_01K00000000000000000000001"), signature(one, meaning="approval")):
        assert "different persons or meanings" in fault(made, one)


def test_what_no_person_made_is_none() -> None:
    one = signed(3)
    assert read_signature(signature(one, outcome="denied"), one) is None
    assert read_signature(signature(one, action="tool.call"), one) is None
    made = signature(one)
    text = made.entry.text.replace(PERSON.encode(), b"key:ak_01")
    by_key = Disclosed(replace(made.entry, text=text, entry_hash=entry_hash(text)), made.body)
    assert "not recorded for a person" in fault(by_key, one)
    actor = signature(one, actor=Actor("user:usr_01K00000000000000000000001", "user"))
    assert "not recorded for a person" in fault(actor, one)


@pytest.mark.parametrize(
    "text",
    ["Review: x", "approval: mine", "a", "a:", "a: b\na: c", "a: \u2028b", "\n".join(f"m{n}: x" for n in range(21))],
)
def test_meanings_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Malformed) as said:
        read_meanings(text)
    assert said.value.where == "meanings"


def test_meanings_are_a_code_and_words_a_line() -> None:
    assert read_meanings("witness: I saw it done\n\nqa-release: Released: by QA\n") == {
        "qa-release": "Released: by QA",
        "witness": "I saw it done",
    }
