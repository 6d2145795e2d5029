"""Months are made ahead, without a gap, and hold what belongs to them."""

import time

import pytest
from psycopg import errors

from muniment.ledger.partitions import MONTHS_AHEAD, create_partitions, months_ready
from muniment.ledger.receipt import Recorded, Refusal
from muniment.ledger.submission import Submission
from tests.ledger.append_world import Ledger, event, event_id, submission

DAY = 86_400


def partition_of(ledger: Ledger, table: str, seq: int) -> str:
    [(name,)] = ledger.rows("tableoid::regclass::text", table=table, where=f"seq = {seq}")
    return str(name).removeprefix("ledger.")


def test_a_new_database_is_ready_for_this_month_and_three_more(ledger: Ledger):
    with ledger.app() as app:
        assert months_ready(app) == 1 + MONTHS_AHEAD
        assert create_partitions(app) == []
        assert len(create_partitions(app, MONTHS_AHEAD + 2)) == 2 * 4
        assert months_ready(app) == 3 + MONTHS_AHEAD


def test_a_missing_month_is_seen_and_made_up_for(ledger: Ledger):
    with ledger.database.connect(autocommit=True) as conn:
        [(name,)] = conn.execute(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'ledger'::regnamespace"
            " AND relkind = 'r' AND relname LIKE 'bodies\\_2%' ORDER BY 1 LIMIT 1 OFFSET 2"
        ).fetchall()
        conn.execute(f"DROP TABLE ledger.{name}")
    with ledger.app() as app:
        assert months_ready(app) == 2
        assert create_partitions(app) == [name]
        assert months_ready(app) == 1 + MONTHS_AHEAD


def test_months_without_a_start_are_made_up_for(ledger: Ledger):
    """As if the database had stood still since January 2020: ULIDs of all months since then may still come."""
    with ledger.database.connect(autocommit=True) as conn:
        names = conn.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'ledger.event_ids'::regclass"
        ).fetchall()
        for (name,) in names:
            conn.execute(f"DROP TABLE {name}")
        conn.execute("SET ROLE muniment_owner")
        conn.execute(
            "SELECT ledger.make_partition('event_ids', 'event_ids_2020_01',"
            " format('FOR VALUES FROM (MINVALUE) TO (%L)', 'evt_' || ledger.ulid_time('2020-02-01 00:00:00+00')))"
        )
    with ledger.app() as app:
        made = create_partitions(app)
    assert {"event_ids_2020_02", "event_ids_2023_07"} <= set(made)
    for at in (1_580_515_200 - 0.001, 1_580_515_200, 1_688_169_600):
        assert isinstance(ledger.append(Submission(event(id=event_id(at))))[0], Recorded)
    assert partition_of(ledger, "event_ids", ledger.size() - 3) == "event_ids_2020_01"
    assert partition_of(ledger, "event_ids", ledger.size() - 2) == "event_ids_2020_02"
    assert partition_of(ledger, "event_ids", ledger.size() - 1) == "event_ids_2023_07"


def test_every_part_of_an_entry_is_in_the_same_month(ledger: Ledger):
    [outcome] = ledger.append(submission(b"{}"))
    assert isinstance(outcome, Recorded)
    month = partition_of(ledger, "entries", outcome.receipt.seq).removeprefix("entries_")
    for table in ("entry_controls", "bodies"):
        names = {
            name
            for (name,) in ledger.rows("tableoid::regclass::text", table=table, where=f"seq = {outcome.receipt.seq}")
        }
        assert names == {f"ledger.{table}_{month}"}


def test_a_ulid_ahead_of_the_clock_is_refused_by_name(ledger: Ledger):
    now = time.time()
    outcomes = ledger.append(
        Submission(event(id=event_id(now + DAY - 60))),
        Submission(event(id=event_id(now + DAY + 60))),
        Submission(event(id="evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ")),
        Submission(event(id=event_id(253_402_300_799))),
    )
    assert [type(outcome) for outcome in outcomes] == [Recorded, Refusal, Refusal, Refusal]
    for outcome in outcomes[1:]:
        assert isinstance(outcome, Refusal)
        assert outcome.field == "id"
        assert "more than a day ahead of the ledger's clock" in outcome.reason


@pytest.mark.parametrize("months", [-1, 25, 1000])
def test_partitions_are_not_made_for_ever(ledger: Ledger, months: int):
    with ledger.app() as app, pytest.raises(errors.InvalidParameterValue), app.transaction():
        create_partitions(app, months)


def test_a_reader_does_not_stop_partitions_from_being_made(ledger: Ledger):
    ledger.append(submission(b"{}"))
    with ledger.database.connect("auditor") as reader, ledger.app() as app:
        reader.execute("SELECT set_config('muniment.tenant', %s, true)", [str(ledger.tenant)])
        assert reader.execute("SELECT count(*) FROM ledger.entries").fetchone() == (4,)
        assert len(create_partitions(app, 4)) == 4
