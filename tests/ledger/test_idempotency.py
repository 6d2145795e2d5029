"""An event is recorded once, whoever retries, however often and in whatever company."""

import secrets
import threading
from dataclasses import replace

import psycopg
import pytest

from muniment.core.body import commit
from muniment.core.entry import entry_hash, parse_entry
from muniment.core.event import Body, Source
from muniment.ledger.receipt import Conflict, Known, Outcome, Recorded
from muniment.ledger.refused import ClockBehind, LogClosed
from muniment.ledger.submission import Submission
from tests.ledger.append_world import Ledger, event, event_id, source_id, submission


def receipts(outcomes: list[Outcome]) -> list[object]:
    return [outcome.receipt for outcome in outcomes if isinstance(outcome, Recorded | Known)]


def kinds(outcomes: list[Outcome]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


def test_a_retry_gets_the_first_receipt(ledger: Ledger):
    items = [submission(b"{}"), Submission(event()), submission(b"x")]
    first = ledger.append(*items)
    size = ledger.size()
    again = ledger.append(*items)
    assert kinds(again) == [Known] * 3
    assert receipts(again) == receipts(first)
    assert ledger.size() == size


def test_the_same_id_with_other_content_is_a_conflict(ledger: Ledger):
    one = Submission(event())
    ledger.append(one)
    size = ledger.size()
    for change in ({"tool": "other"}, {"occurred_at": 1}, {"outcome": "failure"}):
        assert kinds(ledger.append(replace(one, event=replace(one.event, **change)))) == [Conflict]
    assert ledger.size() == size


def test_known_and_new_and_conflicting_events_go_together(ledger: Ledger):
    known, clash = Submission(event()), Submission(event())
    first = ledger.append(known, clash)
    new = [Submission(event()), Submission(event())]
    outcomes = ledger.append(new[0], known, replace(clash, event=replace(clash.event, tool="x")), new[1])
    assert kinds(outcomes) == [Recorded, Known, Conflict, Recorded]
    assert outcomes[1].receipt == first[0].receipt
    assert outcomes[3].receipt.seq == outcomes[0].receipt.seq + 1


def test_twins_in_one_batch_are_recorded_once(ledger: Ledger):
    one = Submission(event())
    other = replace(one, event=replace(one.event, tool="x"))
    outcomes = ledger.append(one, Submission(event()), one, other, Submission(event()))
    assert kinds(outcomes) == [Recorded, Recorded, Known, Conflict, Recorded]
    assert outcomes[2].receipt == outcomes[0].receipt
    assert outcomes[4].receipt.seq == outcomes[0].receipt.seq + 2


def test_other_controls_do_not_make_another_event(ledger: Ledger):
    one = Submission(event())
    [first] = ledger.append(one, controls=[["soc2:CC6.1"]])
    [again] = ledger.append(one, controls=[["soc2:CC7.2"]])
    assert kinds([again]) == [Known]
    assert again.receipt == first.receipt


def test_a_retry_that_the_server_completed_with_another_salt_is_recognised(ledger: Ledger):
    identity = event_id()

    def posted(body: bytes, **fields) -> Submission:
        return replace(submission(body, id=identity, **fields), made_salt=True)

    [first] = ledger.append(posted(b'{"a":1}'))
    [again] = ledger.append(posted(b'{"a":1}'))
    assert isinstance(first, Recorded)
    assert isinstance(again, Known)
    assert again.receipt == first.receipt
    assert kinds(ledger.append(posted(b'{"a":2}'))) == [Conflict]
    assert kinds(ledger.append(posted(b'{"a":1}', tool="x"))) == [Conflict]
    assert kinds(ledger.append(submission(b'{"a":1}', id=identity))) == [Conflict], "a client's own salt is content"


def test_a_retry_that_the_server_completed_with_another_time_is_recognised(ledger: Ledger):
    identity = event_id()

    def posted(at: int, *, made: bool = True, **fields) -> Submission:
        one = submission(b"{}", id=identity, occurred_at=at, **fields)
        return replace(one, made_salt=True, made_time=made)

    [first] = ledger.append(posted(5_000_000_000))
    [again] = ledger.append(posted(6_000_000_001))
    assert again == Known(first.receipt)
    assert kinds(ledger.append(posted(6_000_000_001, made=False))) == [Conflict]
    assert kinds(ledger.append(posted(7_000_000_000, tool="x"))) == [Conflict]
    twins = [replace(submission(b"y", id=event_id(), occurred_at=n), made_time=True, made_salt=True) for n in (1, 2)]
    twins[1] = replace(twins[1], event=replace(twins[1].event, id=twins[0].event.id))
    assert kinds(ledger.append(*twins)) == [Recorded, Known]


def test_a_forged_key_inside_a_string_does_not_disturb_the_comparison(ledger: Ledger):
    nasty = '"occurred_at":"1970-01-01T00:00:05.000000000Z","body":{"commit":"'
    one = submission(b"{}", tool=nasty, occurred_at=5_000_000_000)
    first = replace(one, made_salt=True, made_time=True)
    salt = secrets.token_bytes(32)
    other_body = Body(commit(salt, b"{}"), 2, "application/json")
    retry = Submission(
        replace(one.event, body=other_body, occurred_at=6_000_000_000), b"{}", salt, made_salt=True, made_time=True
    )
    assert kinds(ledger.append(first) + ledger.append(retry)) == [Recorded, Known]


def test_ids_older_than_everything_are_taken_in_and_recognised(ledger: Ledger):
    old = [Submission(event(id=event_id(at))) for at in (0, 1, 1_500_000_000)]
    first = ledger.append(*old)
    assert kinds(first) == [Recorded] * 3
    assert receipts(ledger.append(*old)) == receipts(first)


def test_sixteen_writers_make_one_chain_without_a_gap(ledger: Ledger):
    rounds, writers, failures = 12, 16, []
    shared = [Submission(event()) for _ in range(4)]

    def write() -> None:
        try:
            mine = Source(source_id())
            with ledger.database.connect("ingest", autocommit=True) as conn:
                for n in range(rounds):
                    batch = [Submission(event(source=mine)) for _ in range(3)]
                    outcomes = ledger.append_on(conn, *batch, shared[n % 4])
                    assert kinds(outcomes[:3]) == [Recorded] * 3
                    assert isinstance(outcomes[3], Recorded | Known)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    texts = ledger.texts()
    assert len(texts) == 3 + writers * rounds * 3 + 4
    prev, before = bytes(32), 0
    for seq, text in enumerate(texts):
        entry = parse_entry(text)
        assert (entry.seq, entry.prev) == (seq, prev)
        assert entry.recorded_at >= before
        prev, before = entry_hash(text), entry.recorded_at


def test_nothing_is_recorded_by_a_transaction_that_fails(ledger: Ledger):
    one, size = Submission(event()), ledger.size()
    with ledger.database.connect("ingest") as conn:
        assert kinds(ledger.append_on(conn, one)) == [Recorded]
        conn.rollback()
    assert ledger.size() == size
    assert kinds(ledger.append(one)) == [Recorded]


def test_a_clock_that_went_back_a_little_does_not_turn_time_back(ledger: Ledger):
    set_last_at(ledger, "clock_timestamp() + interval '2 minutes'")
    [before, outcome] = ledger.append(Submission(event()), Submission(event()))
    assert before.receipt.recorded_at == outcome.receipt.recorded_at
    [(stood,)] = heads(ledger)
    set_last_at(ledger, "clock_timestamp() + interval '3 minutes'")
    ledger.append(Submission(event()))
    assert heads(ledger)[0][0] > stood


def test_a_clock_more_than_five_minutes_behind_is_refused(ledger: Ledger):
    set_last_at(ledger, "clock_timestamp() + interval '6 minutes'")
    with pytest.raises(ClockBehind, match="set the clock right"):
        ledger.append(Submission(event()))


def test_a_closed_log_takes_nothing(ledger: Ledger):
    with ledger.database.connect(autocommit=True) as conn:
        conn.execute("UPDATE ledger.logs SET state = 'closed' WHERE log_id = %s", [ledger.log])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("UPDATE ledger.logs SET state = 'active' WHERE log_id = %s", [ledger.log])
    with pytest.raises(LogClosed):
        ledger.append(Submission(event()))


def heads(ledger: Ledger) -> list[tuple]:
    with ledger.database.connect() as conn:
        return conn.execute("SELECT last_at FROM ledger.heads WHERE log_id = %s", [ledger.log]).fetchall()


def set_last_at(ledger: Ledger, expression: str) -> None:
    """Make the log stand in the future, as after a clock was set back. Only a superuser can, with the guards off."""
    with ledger.database.connect(autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")
        conn.execute(f"UPDATE ledger.heads SET last_at = {expression} WHERE log_id = %s", [ledger.log])
