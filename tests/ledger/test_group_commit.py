"""Many callers, few transactions: everyone gets their own answer, and nobody pays for another's mistake."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from muniment.core.entry import entry_hash, parse_entry
from muniment.core.event import Source
from muniment.ledger.groupcommit import GroupCommitter, connector
from muniment.ledger.receipt import BodyErased, Known, Outcome, Receipt, Recorded, Refusal
from muniment.ledger.refused import KeyRefused, LedgerUnavailable
from muniment.ledger.submission import Submission
from tests.ledger.append_world import CONTROLS, MAPPING, Ledger, event, source_id, submission
from tests.support.databases import Database, Databases, running_cluster


@asynccontextmanager
async def committing(ledger: Ledger, **options: Any) -> AsyncIterator[GroupCommitter]:
    async with GroupCommitter(connector(ledger.database.url("ingest")), **options) as committer:
        yield committer


async def send(committer: GroupCommitter, ledger: Ledger, *items: Submission, key: str | None = None) -> list[Outcome]:
    return await committer.append(
        key_id=key or ledger.key.key_id,
        log_id=ledger.log,
        submissions=items,
        controls=[CONTROLS] * len(items),
        mapping=MAPPING,
    )


def receipt(outcome: Outcome) -> Receipt:
    assert isinstance(outcome, Recorded | Known | BodyErased)
    return outcome.receipt


def check_chain(ledger: Ledger) -> int:
    prev = bytes(32)
    texts = ledger.texts()
    for seq, text in enumerate(texts):
        entry = parse_entry(text)
        assert (entry.seq, entry.prev) == (seq, prev)
        prev = entry_hash(text)
    return len(texts)


def transactions(ledger: Ledger) -> int:
    """How many appends the log has seen: each has a time of its own."""
    return len({at for (at,) in ledger.rows("recorded_at")})


async def test_everyone_gets_the_receipts_of_their_own_events(ledger: Ledger):
    async with committing(ledger) as committer:
        batches = [[submission(b"%d" % n), *(Submission(event()) for _ in range(n % 4))] for n in range(60)]
        answers = await asyncio.gather(*(send(committer, ledger, *batch) for batch in batches))
    by_seq = {parse_entry(text).seq: parse_entry(text).event.id for text in ledger.texts()}
    for batch, answer in zip(batches, answers, strict=True):
        assert [receipt(outcome).id for outcome in answer] == [item.event.id for item in batch]
        for outcome in answer:
            assert by_seq[receipt(outcome).seq] == receipt(outcome).id
    check_chain(ledger)


async def test_what_waits_goes_into_one_append(ledger: Ledger):
    before = transactions(ledger)
    async with committing(ledger, connections=1) as committer:
        await send(committer, ledger, Submission(event()))
        await asyncio.gather(*(send(committer, ledger, Submission(event())) for _ in range(200)))
    assert transactions(ledger) - before <= 4


async def test_one_caller_alone_is_not_kept_waiting_for_company(ledger: Ledger):
    async with committing(ledger) as committer:
        for _ in range(3):
            [outcome] = await asyncio.wait_for(send(committer, ledger, Submission(event())), 10)
            assert isinstance(outcome, Recorded)


async def test_twins_of_two_callers_in_one_append_are_one_entry(ledger: Ledger):
    one = Submission(event())
    async with committing(ledger, connections=1) as committer:
        answers = await asyncio.gather(*(send(committer, ledger, one) for _ in range(20)))
    assert Counter(type(outcome) for [outcome] in answers) == {Recorded: 1, Known: 19}
    assert len({receipt(outcome) for [outcome] in answers}) == 1


async def test_a_revoked_key_spoils_nothing_for_the_others(ledger: Ledger):
    async with committing(ledger, connections=1) as committer:
        await send(committer, ledger, Submission(event()))
        calls = [
            send(committer, ledger, Submission(event()), key="ak_01KAY9M2Z7Q4WXYH3J8V5T6R0C" if n % 5 == 0 else None)
            for n in range(50)
        ]
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [n for n, answer in enumerate(answers) if isinstance(answer, KeyRefused)] == list(range(0, 50, 5))
    assert sum(isinstance(answer, list) for answer in answers) == 40
    assert check_chain(ledger) == 3 + 1 + 40


async def test_a_poisoned_batch_fails_alone(ledger: Ledger):
    """A control with a newline shifts the columns: the database refuses whatever it is in."""
    async with committing(ledger, connections=1) as committer:
        await send(committer, ledger, Submission(event()))
        poison = committer.append(
            key_id=ledger.key.key_id,
            log_id=ledger.log,
            submissions=[Submission(event())],
            controls=[["a:b\na:c"]],
            mapping=MAPPING,
        )
        answers = await asyncio.gather(
            poison, *(send(committer, ledger, Submission(event())) for _ in range(20)), return_exceptions=True
        )
    assert isinstance(answers[0], Exception)
    assert all(isinstance(answer, list) for answer in answers[1:])
    assert check_chain(ledger) == 3 + 21


async def test_refused_events_are_answered_to_the_caller_they_are_of(ledger: Ledger):
    ahead = event(id="evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ")
    async with committing(ledger, connections=1) as committer:
        await send(committer, ledger, Submission(event()))
        answers = await asyncio.gather(
            *(send(committer, ledger, Submission(event()), *([Submission(ahead)] if n == 7 else [])) for n in range(20))
        )
    assert [[type(outcome) for outcome in answer] for answer in answers] == [
        [Recorded, Refusal] if n == 7 else [Recorded] for n in range(20)
    ]


async def test_keys_and_logs_and_tenants_are_kept_apart(ledger: Ledger):
    others = [Ledger(ledger.database, f"other{n}") for n in range(3)]
    with ledger.app() as app:
        second = ledger.new_key(app).key_id
    theirs = Source(source_id())
    async with committing(ledger) as committer:
        calls = []
        for n in range(30):
            calls.append(send(committer, ledger, Submission(event())))
            calls.append(send(committer, ledger, Submission(event(source=theirs)), key=second))
            calls.append(send(committer, others[n % 3], Submission(event())))
        await asyncio.gather(*calls)
    assert check_chain(ledger) == 4 + 60
    assert [check_chain(other) for other in others] == [3 + 10] * 3
    submitters = Counter(parse_entry(text).by for text in ledger.texts())
    assert submitters[f"key:{second}"] == submitters[f"key:{ledger.key.key_id}"] == 30


async def test_two_committers_of_two_processes_make_one_chain(ledger: Ledger):
    async with committing(ledger) as first, committing(ledger) as second:
        await asyncio.gather(
            *(send(committer, ledger, Submission(event())) for committer in (first, second) for _ in range(60))
        )
    assert check_chain(ledger) == 3 + 120


async def test_callers_wait_outside_while_there_is_no_room(ledger: Ledger):
    async with committing(ledger, connections=1, max_waiting=20_000) as committer:
        calls = [asyncio.create_task(send(committer, ledger, submission(b"x" * 4_000))) for _ in range(40)]
        most = 0
        while not all(call.done() for call in calls):
            most = max(most, committer._load)
            await asyncio.sleep(0)
        assert all(isinstance(call.result()[0], Recorded) for call in calls)
        assert most <= 20_000
        assert committer._load == 0


async def test_a_batch_larger_than_all_room_gets_in_alone(ledger: Ledger):
    async with committing(ledger, max_waiting=1_000) as committer:
        answers = await asyncio.gather(*(send(committer, ledger, submission(b"x" * 4_000)) for _ in range(3)))
    assert all(isinstance(outcome, Recorded) for [outcome] in answers)


async def test_a_caller_who_gives_up_disturbs_nobody(ledger: Ledger):
    async with committing(ledger, connections=1) as committer:
        calls = [asyncio.create_task(send(committer, ledger, Submission(event()))) for _ in range(20)]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(answer, list) for answer in answers[1::2])
    assert committer._load == 0
    assert check_chain(ledger) >= 3 + 10


async def test_closing_finishes_what_waits_and_takes_nothing_more(ledger: Ledger):
    async with committing(ledger) as committer:
        calls = [asyncio.create_task(send(committer, ledger, Submission(event()))) for _ in range(30)]
        await asyncio.sleep(0)
    assert all(isinstance(call.result()[0], Recorded) for call in calls)
    with pytest.raises(LedgerUnavailable):
        await send(committer, ledger, Submission(event()))


@pytest.mark.parametrize("count", [0, 5001])
async def test_no_batch_and_too_large_a_batch_are_errors_of_the_caller(ledger: Ledger, count: int):
    async with committing(ledger) as committer:
        with pytest.raises(ValueError, match="1 to 5000"):
            await send(committer, ledger, *[Submission(event())] * count)


async def test_a_connection_that_was_cut_is_replaced_unnoticed(ledger: Ledger):
    async with committing(ledger, connections=1) as committer:
        await send(committer, ledger, Submission(event()))
        with ledger.database.connect(autocommit=True) as conn:
            cut = conn.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'muniment append' AND datname = current_database()"
            ).fetchall()
        assert cut == [(True,)]
        [outcome] = await send(committer, ledger, Submission(event()))
    assert isinstance(outcome, Recorded)


async def test_without_a_database_callers_are_told_to_send_again(ledger: Ledger):
    async def nowhere() -> psycopg.AsyncConnection[Any]:
        return await psycopg.AsyncConnection.connect("host=127.0.0.1 port=1 connect_timeout=2")

    async with GroupCommitter(nowhere) as committer:
        with pytest.raises(LedgerUnavailable, match="send the same again"):
            await send(committer, ledger, Submission(event()))


async def test_a_database_that_hangs_is_given_up(ledger: Ledger):
    with ledger.database.connect() as holder:
        holder.execute("SELECT FROM ledger.heads WHERE log_id = %s FOR UPDATE", [ledger.log])
        async with committing(ledger, timeout=0.5) as committer:
            with pytest.raises(LedgerUnavailable):
                await send(committer, ledger, Submission(event()))
            holder.rollback()
            assert isinstance((await send(committer, ledger, Submission(event())))[0], Recorded)


@pytest.mark.parametrize("way", ["stop", "kill"])
async def test_what_was_acknowledged_outlives_a_restart_and_the_rest_can_be_sent_again(way: str):
    with running_cluster() as cluster, Databases(cluster).fresh() as database:
        ledger = Ledger(database)
        async with committing(ledger) as committer:
            items = [Submission(event()) for _ in range(400)]
            acknowledged: dict[str, Receipt] = {}
            unsure: list[Submission] = []
            started = asyncio.Event()

            async def caller(mine: list[Submission]) -> None:
                for item in mine:
                    try:
                        [outcome] = await send(committer, ledger, item)
                        acknowledged[item.event.id] = receipt(outcome)
                        if len(acknowledged) > 40:
                            started.set()
                    except LedgerUnavailable:
                        unsure.append(item)

            callers = asyncio.gather(*(caller(items[n::8]) for n in range(8)))
            await started.wait()
            await asyncio.to_thread(bring_down, database, way)
            await callers
            assert unsure, "the restart came too late to be noticed"
            await asyncio.to_thread(cluster.start)
            for item in unsure:
                [outcome] = await send(committer, ledger, item)
                acknowledged[item.event.id] = receipt(outcome)
        assert check_chain(ledger) == 3 + len(items)
        stored = {parse_entry(text).event.id: entry_hash(text) for text in ledger.texts()}
        assert {identity: found.entry_hash for identity, found in acknowledged.items()} == {
            item.event.id: stored[item.event.id] for item in items
        }


def bring_down(database: Database, way: str) -> None:
    if way == "stop":
        database.cluster.stop()
        return
    pid = int((database.cluster.data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
