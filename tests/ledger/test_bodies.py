"""Bodies stand beside the entries, match their commitments, and can be erased in sight of all, and nothing else."""

import secrets
from dataclasses import replace

import pytest
from psycopg import errors

from muniment.core.body import check_body, commit
from muniment.core.entry import parse_entry
from muniment.core.event import Body, Source
from muniment.ledger.append import append_system
from muniment.ledger.bodies import MAX_STORED, erase_body
from muniment.ledger.receipt import BodyErased, Conflict, Known, Recorded, Refusal
from muniment.ledger.refused import BodyKept
from muniment.ledger.submission import Submission
from tests.ledger.append_world import CONTROLS, MAPPING, Ledger, event, event_id, source_id, submission


def stored(ledger: Ledger) -> list[tuple]:
    return ledger.rows("salt, body, state", table="bodies")


def erase(ledger: Ledger, seq: int) -> int | None:
    with ledger.app() as app:
        return erase_body(app, by="user:usr_01KAY9M2Z7Q4WXYH3J8V5T6R0C", log_id=ledger.log, seq=seq)


def recorded(ledger: Ledger, *items: Submission) -> list[int]:
    outcomes = ledger.append(*items)
    assert all(isinstance(outcome, Recorded) for outcome in outcomes), outcomes
    return [outcome.receipt.seq for outcome in outcomes]


@pytest.mark.parametrize("body", [b"", b"{}", b"\x00\xff\\", "zażółć".encode(), b"x" * MAX_STORED])
def test_a_body_is_kept_as_it_came(ledger: Ledger, body: bytes):
    item = submission(body)
    recorded(ledger, item)
    [(salt, kept, state)] = stored(ledger)
    assert (bytes(salt), bytes(kept), state) == (item.salt, body, "stored")
    told = parse_entry(ledger.texts()[-1]).event.body
    assert told is not None
    check_body(told.commit, told.len, bytes(salt), bytes(kept))


def test_of_a_body_that_is_too_large_the_salt_is_kept(ledger: Ledger):
    item = submission(b"x" * (MAX_STORED + 1))
    recorded(ledger, item)
    [(salt, kept, state)] = stored(ledger)
    assert (bytes(salt), kept, state) == (item.salt, None, "not_stored")


def test_a_commitment_may_come_without_its_body(ledger: Ledger):
    item = submission(b"{}")
    recorded(ledger, replace(item, body=None), replace(submission(b"x"), body=None, salt=None))
    assert [(salt and bytes(salt), body, state) for salt, body, state in stored(ledger)] == [
        (item.salt, None, "not_stored"),
        (None, None, "not_stored"),
    ]


def test_events_without_a_body_have_no_row(ledger: Ledger):
    seqs = recorded(ledger, Submission(event()), submission(b"{}"), Submission(event()))
    assert ledger.rows("seq", table="bodies") == [(seqs[1],)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"body": b"[]"}, "body.commit"),
        ({"body": b"{} "}, "body.len"),
        ({"salt": bytes(32)}, "body.commit"),
        ({"salt": bytes(31)}, "body.salt"),
        ({"salt": bytes(33)}, "body.salt"),
        ({"salt": None}, "body.salt"),
    ],
)
def test_a_body_that_its_commitment_does_not_fit_is_refused(ledger: Ledger, change: dict, field: str):
    outcomes = ledger.append(submission(b"ok"), replace(submission(b"{}"), **change), submission(b"ok"))
    assert [type(outcome) for outcome in outcomes] == [Recorded, Refusal, Recorded]
    assert isinstance(outcomes[1], Refusal)
    assert outcomes[1].field == field


def test_a_body_needs_an_event_that_commits_to_one(ledger: Ledger):
    [outcome] = ledger.append(Submission(event(), b"{}", bytes(32)))
    assert isinstance(outcome, Refusal)
    assert outcome.field == "body"


def test_a_length_is_that_of_the_body_and_not_another(ledger: Ledger):
    salt = secrets.token_bytes(32)
    lying = Submission(event(body=Body(commit(salt, b"{}"), 3, "application/json")), b"{}", salt)
    [outcome] = ledger.append(lying)
    assert isinstance(outcome, Refusal)
    assert outcome.field == "body.len"


def test_erasing_takes_body_and_salt_and_leaves_entry_and_trace(ledger: Ledger):
    [seq] = recorded(ledger, submission(b"secret"))
    text = ledger.texts()[seq]
    told_by = erase(ledger, seq)
    assert stored(ledger) == [(None, None, "erased")]
    assert ledger.texts()[seq] == text
    told = parse_entry(ledger.texts()[-1])
    assert (told.seq, told.by) == (told_by, "user:usr_01KAY9M2Z7Q4WXYH3J8V5T6R0C")
    assert (told.event.action, told.event.labels) == ("body.erase", (f"body.seq={seq}",))
    assert erase(ledger, seq) is None
    assert ledger.size() == seq + 2


def test_a_retry_after_an_erasure_says_so_and_stores_nothing(ledger: Ledger):
    item = submission(b"secret")
    [first] = ledger.append(item)
    erase(ledger, first.receipt.seq)
    assert ledger.append(item) == [BodyErased(first.receipt)]
    salted_anew = submission(b"secret", id=item.event.id)
    assert ledger.append(replace(salted_anew, made_salt=True)) == [BodyErased(first.receipt)]
    other = submission(b"secret", id=item.event.id, tool="x")
    assert ledger.append(replace(other, made_salt=True)) == [Conflict()]
    assert stored(ledger) == [(None, None, "erased")]


def test_a_retry_of_a_body_too_large_to_keep_is_recognised_by_its_salt(ledger: Ledger):
    identity, large = event_id(), b"x" * (MAX_STORED + 1)
    first = ledger.append(replace(submission(large, id=identity), made_salt=True))
    again = ledger.append(replace(submission(large, id=identity), made_salt=True))
    assert again == [Known(first[0].receipt)]
    shorter = ledger.append(replace(submission(large[1:] + b"y", id=identity), made_salt=True))
    assert shorter == [Conflict()]


def test_the_ledgers_own_bodies_are_never_erased(ledger: Ledger):
    item = submission(b"{}", source=Source(source_id()))
    with ledger.app() as app:
        [outcome] = append_system(
            app, by="system:x", log_id=ledger.log, submissions=[item], controls=[CONTROLS], mapping=MAPPING
        )
    assert isinstance(outcome, Recorded)
    with pytest.raises(BodyKept, match="never erased"):
        erase(ledger, outcome.receipt.seq)


@pytest.mark.parametrize("seq", [0, 3, 4, 99])
def test_what_has_no_body_cannot_be_erased(ledger: Ledger, seq: int):
    recorded(ledger, Submission(event()))
    with pytest.raises(BodyKept, match="has no body"):
        erase(ledger, seq)


def test_another_tenants_body_cannot_be_erased(ledger: Ledger):
    other = Ledger(ledger.database, "other")
    [seq] = recorded(ledger, submission(b"{}"))
    with other.app() as app, pytest.raises(BodyKept), app.transaction():
        erase_body(app, by="system:x", log_id=ledger.log, seq=seq)
    assert stored(ledger)[0][2] == "stored"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.bodies SET body = 'x'",
        "UPDATE ledger.bodies SET salt = sha256('x')",
        "UPDATE ledger.bodies SET body = NULL, state = 'not_stored'",
        "UPDATE ledger.bodies SET body = NULL, salt = NULL, state = 'erased'",
        "UPDATE ledger.bodies SET seq = seq + 1",
        "DELETE FROM ledger.bodies",
    ],
)
def test_a_body_cannot_be_touched_beside_erase_body(ledger: Ledger, statement: str):
    recorded(ledger, submission(b"{}"))
    with ledger.database.connect() as conn, pytest.raises(errors.InsufficientPrivilege):
        conn.execute(statement)


def test_an_erased_body_cannot_be_put_back(ledger: Ledger):
    item = submission(b"{}")
    [seq] = recorded(ledger, item)
    erase(ledger, seq)
    with ledger.database.connect() as conn, pytest.raises(errors.InsufficientPrivilege):
        conn.execute("UPDATE ledger.bodies SET body = %s, salt = %s, state = 'stored'", [item.body, item.salt])


def test_the_erasure_of_one_body_does_not_excuse_that_of_another(ledger: Ledger):
    first, second = recorded(ledger, submission(b"1"), submission(b"2"))
    erase(ledger, first)
    with ledger.database.connect() as conn, pytest.raises(errors.InsufficientPrivilege, match="not recorded"):
        conn.execute("UPDATE ledger.bodies SET body = NULL, salt = NULL, state = 'erased' WHERE seq = %s", [second])
