"""Shipping: everything arrives once and in order, and nothing is freed before the proof holds."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from muniment.agent.shipping.binding import FILE, Binding, write_binding
from muniment.agent.shipping.client import LedgerClient, ProtocolViolated, RequestRefused, Unavailable
from muniment.agent.shipping.proving import LedgerContradicts
from muniment.agent.shipping.shipper import Shipper
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from muniment.core.errors import Malformed
from muniment.core.event import event_hash
from tests.agent.fake_ledger import KEY_ID, FakeLedger
from tests.agent.reading_back import segments

Make = Callable[..., Shipper]


def fill(state: State, count: int, agent: str = "a", **options: int) -> str:
    """Record numbered events; returns the source id."""
    with Spool(agent, state=state, **options) as spool:
        for number in range(count):
            spool.record(action="tool.call", payload={"number": number}, tool=f"t{number}")
        return spool.source


def test_everything_arrives_in_order_with_its_body_and_the_spool_is_freed(
    state: State, ledger: FakeLedger, shipper: Make
) -> None:
    fill(state, 1_200)
    one = shipper()
    assert not one.run_pass()
    assert [event["tool"] for event in ledger.parsed()] == [f"t{number}" for number in range(1_200)]
    assert ledger.bodies[7] == b'{"number":6}'
    assert one.proven == 1_200
    assert not list(state.spool.glob("src_*/*/"))


def test_a_running_agents_spool_is_shipped_and_its_open_segment_kept(
    state: State, ledger: FakeLedger, shipper: Make
) -> None:
    with Spool("a", state=state, segment_bytes=2_000) as spool:
        for number in range(20):
            spool.record(action="tool.call", tool=f"t{number}")
        shipper().run_pass()
        assert len(ledger.parsed()) == 20
        assert len(segments(state)) == 1
        spool.record(action="tool.call", tool="last")
        shipper().run_pass()
    assert [event["tool"] for event in ledger.parsed()][-1] == "last"
    assert len(ledger.parsed()) == 21


def test_many_short_epochs_need_one_proof(state: State, ledger: FakeLedger, shipper: Make) -> None:
    for _ in range(30):
        fill(state, 1)
    shipper().run_pass()
    assert len(ledger.parsed()) == 30
    assert ledger.requests == ["/api/events", "/api/bundles"]


def test_nothing_is_lost_while_the_ledger_is_down(state: State, ledger: FakeLedger, shipper: Make) -> None:
    fill(state, 5)
    ledger.down = True
    with pytest.raises(Unavailable):
        shipper().run_pass()
    assert len(segments(state)) == 1
    ledger.down = False
    shipper().run_pass()
    assert len(ledger.parsed()) == 5


def test_an_answer_that_got_lost_makes_no_second_entry(state: State, ledger: FakeLedger, shipper: Make) -> None:
    fill(state, 5)
    ledger.sealing = False
    with pytest.raises(Unavailable, match="does not reach that far"):
        shipper().run_pass()
    assert len(segments(state)) == 1
    ledger.sealing = True
    shipper().run_pass()
    assert len(ledger.parsed()) == 5
    assert not segments(state)


def test_losing_the_state_file_only_sends_again(state: State, ledger: FakeLedger, shipper: Make) -> None:
    with Spool("a", state=state) as spool:
        spool.record(action="tool.call", tool="x")
        shipper().run_pass()
        for path in state.spool.glob("src_*/*/shipped.json"):
            path.unlink()
        assert shipper().run_pass() is False
        (next(state.spool.glob("src_*/*/")) / "shipped.json").write_bytes(b"\x00garbage")
        shipper().run_pass()
    assert len(ledger.parsed()) == 1


def test_a_second_shipper_leaves_a_source_that_another_one_is_at(
    state: State, ledger: FakeLedger, shipper: Make
) -> None:
    source = fill(state, 3)
    first = shipper()
    with first._sources.lock(state.spool / source) as ours:
        assert ours
        assert shipper().run_pass()
        assert not ledger.parsed()
    assert not shipper().run_pass()
    assert len(ledger.parsed()) == 3


def test_a_source_of_another_key_is_left_to_that_key(state: State, ledger: FakeLedger, shipper: Make) -> None:
    source = fill(state, 3)
    write_binding(state.spool / source, Binding("ak_01KAY9M2Z7Q4WXYH3J8V5T6R0D"))
    assert shipper().run_pass()
    assert not ledger.requests


def test_a_damaged_binding_stops_loudly(state: State, shipper: Make) -> None:
    source = fill(state, 1)
    (state.spool / source / FILE).write_text("{")
    with pytest.raises(Malformed, match="which key and log"):
        shipper().run_pass()


def test_a_refused_event_goes_to_the_dead_letters_and_the_gap_is_recorded(
    state: State, ledger: FakeLedger, shipper: Make
) -> None:
    source = fill(state, 5)
    ledger.refuse = lambda event: "not this one" if event.get("tool") == "t2" else None
    one = shipper()
    assert one.drain(0.0)
    tools = [event.get("tool") for event in ledger.parsed()]
    assert tools == ["t0", "t1", "t3", "t4", None]
    refusal = ledger.parsed()[-1]
    assert refusal["action"] == "event.refused"
    letter = json.loads(next(state.dead_letter.glob(f"{source}/*/*.json")).read_bytes())
    assert letter["problem"]["detail"] == "not this one"
    assert letter["body"]
    marks = dict(label.split("=", 1) for label in refusal["labels"])  # type: ignore[attr-defined]
    assert marks["refused.seq"] == "2"
    assert marks["refused.source"] == source
    assert marks["refused.hash"] == event_hash(letter["event"].encode()).hex()
    assert not segments(state)


def test_a_refused_report_of_a_refusal_makes_no_further_report(state: State, ledger: FakeLedger, shipper: Make) -> None:
    fill(state, 1)
    ledger.refuse = lambda _: "nothing today"
    one = shipper()
    assert one.drain(0.0)
    assert one.gaps.refused == 2
    assert len(list(state.dead_letter.glob("src_*/*/*.json"))) == 2
    assert not ledger.parsed()


def test_a_wrong_key_is_refused_and_nothing_is_touched(state: State, ledger: FakeLedger) -> None:
    fill(state, 2)
    client = LedgerClient(ledger.url, "mk_01KAY9M2Z7Q4WXYH3J8V5T6R0C_" + "t" * 43)
    with pytest.raises(RequestRefused, match="401"):
        Shipper(state, client, {}).run_pass()
    client.close()
    assert len(segments(state)) == 1
    assert not state.dead_letter.exists()


# --- a segment that was damaged --------------------------------------------------------------------------------------


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("where", ["header", "event"])
def test_a_flipped_byte_costs_one_event_which_is_named(
    state: State, ledger: FakeLedger, shipper: Make, where: str
) -> None:
    source = fill(state, 5)
    (path,) = segments(state)
    third = path.read_bytes().index(b'"t2"')
    start = path.read_bytes().rindex(path.read_bytes()[:8], 0, third)
    flip(path, start + 10 if where == "header" else third)
    one = shipper()
    assert one.drain(0.0)
    assert [event.get("tool") for event in ledger.parsed()] == ["t0", "t1", "t3", "t4", None]
    marks = dict(label.split("=", 1) for label in ledger.parsed()[-1]["labels"])  # type: ignore[attr-defined]
    assert ledger.parsed()[-1]["action"] == "event.dropped"
    assert (marks["dropped.first"], marks["dropped.last"], marks["dropped.reason"]) == ("2", "2", "damaged")
    assert marks["dropped.source"] == source
    assert [kept.name[-20:] for kept in (state.dead_letter / "damaged").iterdir()] == [path.name]


def test_a_flipped_byte_in_a_body_costs_only_the_body(state: State, ledger: FakeLedger, shipper: Make) -> None:
    fill(state, 3)
    (path,) = segments(state)
    flip(path, path.read_bytes().index(b'{"number":1}'))
    one = shipper()
    assert one.drain(0.0)
    assert [event.get("tool") for event in ledger.parsed()] == ["t0", "t1", "t2", None]
    assert set(ledger.bodies) == {1, 3}
    assert "dropped.reason=body-damaged" in ledger.parsed()[-1]["labels"]  # type: ignore[operator]


def test_a_torn_last_frame_is_cut_named_and_counted(state: State, ledger: FakeLedger, shipper: Make) -> None:
    fill(state, 4)
    (path,) = segments(state)
    path.write_bytes(path.read_bytes()[:-20])
    one = shipper()
    assert one.drain(0.0)
    assert one.gaps.lost == 1
    assert [event.get("tool") for event in ledger.parsed()] == ["t0", "t1", "t2", None]
    marks = dict(label.split("=", 1) for label in ledger.parsed()[-1]["labels"])  # type: ignore[attr-defined]
    assert (marks["dropped.first"], marks["dropped.reason"]) == ("3", "torn")


def test_a_frame_that_is_still_being_written_is_waited_for(state: State, ledger: FakeLedger, shipper: Make) -> None:
    with Spool("a", state=state) as spool:
        spool.record(action="tool.call", tool="t0")
        spool.record(action="tool.call", tool="t1")
        (path,) = segments(state)
        whole = path.read_bytes()
        path.write_bytes(whole[:-5])
        one = shipper()
        one.run_pass()
        assert (one.proven, one.gaps.lost) == (1, 0)
        path.write_bytes(whole)
        one.run_pass()
        assert (one.proven, one.gaps.lost) == (2, 0)


def test_a_missing_segment_is_named(state: State, ledger: FakeLedger, shipper: Make) -> None:
    fill(state, 20, segment_bytes=2_000)
    segments(state)[1].unlink()
    one = shipper()
    assert one.drain(0.0)
    assert ledger.parsed()[-1]["action"] == "event.dropped"
    assert "dropped.reason=missing" in ledger.parsed()[-1]["labels"]  # type: ignore[operator]


# --- a ledger that lies -----------------------------------------------------------------------------------------------


def test_a_receipt_with_a_wrong_hash_is_caught_and_nothing_is_freed(
    state: State, ledger: FakeLedger, shipper: Make
) -> None:
    fill(state, 2)
    ledger.lie = lambda receipt: {**receipt, "entry_hash": "ab" * 32}
    with pytest.raises(LedgerContradicts, match="not the one that the receipt named"):
        shipper().run_pass()
    assert len(segments(state)) == 1
    assert list((state.root / "evidence").iterdir())


def test_a_receipt_that_names_another_entry_is_caught(state: State, ledger: FakeLedger, shipper: Make) -> None:
    fill(state, 2)
    shipper().run_pass()
    fill(state, 1, "b")
    first = ledger.log.texts[1]

    def lie(receipt: dict[str, object]) -> dict[str, object]:
        from muniment.core.entry import entry_hash

        return {**receipt, "seq": 1, "entry_hash": entry_hash(first).hex()}

    ledger.lie = lie
    with pytest.raises(LedgerContradicts, match="does not hold the event that was sent"):
        shipper().run_pass()


def test_a_proof_for_another_entry_is_caught(state: State, ledger: FakeLedger, shipper: Make) -> None:
    fill(state, 3)
    ledger.swap = lambda seqs: [seq for seq in seqs if seq != 2]
    with pytest.raises(LedgerContradicts, match="entry 2 is missing from the bundle"):
        shipper().run_pass()
    assert len(segments(state)) == 1


def test_an_event_that_was_changed_before_it_was_recorded_is_caught(
    state: State, ledger: FakeLedger, shipper: Make
) -> None:
    fill(state, 1)
    original = ledger.log.add
    from dataclasses import replace

    ledger.log.add = lambda event, **fields: original(replace(event, tool="other"), **fields)  # type: ignore[method-assign]
    with pytest.raises(LedgerContradicts, match="does not hold the event that was sent"):
        shipper().run_pass()


def test_an_entry_in_another_submitters_name_is_caught(state: State, ledger: FakeLedger, shipper: Make) -> None:
    fill(state, 1)
    original = ledger.log.add
    ledger.log.add = lambda event, **_: original(event, by="user:usr_1")  # type: ignore[method-assign]
    with pytest.raises(LedgerContradicts, match="user:usr_1 as the submitter"):
        shipper().run_pass()


def test_a_forked_log_is_caught_by_what_this_machine_knows(state: State, ledger: FakeLedger, shipper: Make) -> None:
    before = copy.deepcopy((ledger.log, ledger.seen))
    fill(state, 3)
    shipper().run_pass()
    ledger.log, ledger.seen = before
    fill(state, 9, "b")
    with pytest.raises(LedgerContradicts, match="does not contain what this machine has proven"):
        shipper().run_pass()
    assert segments(state)
    assert list((state.known_logs / "evidence").iterdir())


def test_a_restored_older_database_is_waited_for_and_then_called_out(
    state: State, ledger: FakeLedger, shipper: Make
) -> None:
    before = copy.deepcopy((ledger.log, ledger.seen))
    fill(state, 30)
    shipper().run_pass()
    ledger.log, ledger.seen = before
    fill(state, 1, "b")
    with pytest.raises(Unavailable, match="does not reach that far"):
        shipper().run_pass()
    one = shipper(alarm_after=0.05, patience=5.0)
    with pytest.raises(LedgerContradicts, match="older database"):
        one.run_pass()
    assert segments(state)


def test_a_ledger_that_answers_as_another_log_is_caught(state: State, ledger: FakeLedger, shipper: Make) -> None:
    fill(state, 1)
    shipper().run_pass()
    fill(state, 1)
    ledger.log.origin = "log.example/eu1/other"
    with pytest.raises(LedgerContradicts, match=r"belongs to log\.example/eu1/7f3a"):
        shipper().run_pass()
    assert segments(state)


def test_another_log_key_is_caught(state: State, ledger: FakeLedger, shipper: Make) -> None:
    fill(state, 1)
    shipper().run_pass()
    fill(state, 1)
    ledger.log.seed = "stolen"
    with pytest.raises(LedgerContradicts):
        shipper().run_pass()
    assert segments(state)


@pytest.mark.parametrize(
    "answer",
    [
        {"results": []},
        {"results": [{"state": "recorded"}]},
        {"results": [{"state": "recorded", "log": "x", "id": "y", "seq": True, "entry_hash": "ab" * 32}]},
        {"results": [7]},
        {"results": [{"type": "other"}]},
        [],
        {},
    ],
)
def test_an_answer_that_is_none_of_a_ledger_frees_nothing(
    state: State, ledger: FakeLedger, shipper: Make, answer: object
) -> None:
    fill(state, 1)
    ledger.append = lambda _: (201, answer)  # type: ignore[assignment,method-assign,return-value]
    with pytest.raises(ProtocolViolated):
        shipper().run_pass()
    assert len(segments(state)) == 1


def test_first_use_is_said(state: State, ledger: FakeLedger, shipper: Make, caplog: pytest.LogCaptureFixture) -> None:
    fill(state, 1)
    shipper().run_pass()
    assert "first use of the log log.example/eu1/7f3a" in caplog.text
    caplog.clear()
    fill(state, 1)
    shipper().run_pass()
    assert "first use" not in caplog.text
    assert KEY_ID in (next(state.spool.glob("src_*")) / FILE).read_text()
