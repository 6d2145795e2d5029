"""The limit of the spools' size: reached, it is a full disk; shipped, there is room again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from muniment.agent.shipping.gaps import Gaps
from muniment.agent.shipping.shipper import Shipper
from muniment.agent.spools import backlog
from muniment.agent.spools.limit import DEFAULT, spool_limit
from muniment.agent.spools.spool import Spool, SpoolFull
from muniment.agent.state import State
from muniment.core.errors import Malformed
from tests.agent.fake_ledger import KEY_ID, FakeLedger
from tests.agent.reading_back import events, segments

Make = Callable[..., Shipper]
SEGMENT = 4_000


def limited(state: State, limit: str = "20000", agent: str = "a") -> Spool:
    return Spool(agent, state=state, segment_bytes=SEGMENT, environ={"MUNIMENT_SPOOL_LIMIT": limit})


def size(state: State) -> int:
    return sum(path.stat().st_size for path in segments(state))


def fill(spool: Spool) -> int:
    """Record until there is no more room; returns how many that took."""
    for number in range(1_000):
        try:
            spool.record(action="tool.call", tool=f"t{number}", durable=True)
        except SpoolFull as error:
            refusal = str(error)
            break
    assert "MUNIMENT_SPOOL_LIMIT (20000 bytes); ship them" in refusal
    return number


def test_a_durable_call_beyond_the_limit_is_refused_and_says_which_limit(state: State) -> None:
    with limited(state) as spool:
        count = fill(spool)
    assert len(events(state)) == count
    assert 20_000 <= size(state) <= 20_000 + 2 * SEGMENT


def test_other_calls_wait_in_memory_and_are_written_in_order_once_shipping_made_room(
    state: State, ledger: FakeLedger, shipper: Make
) -> None:
    with limited(state) as spool:
        count = fill(spool)
        for number in range(count, count + 10):
            spool.record(action="tool.call", tool=f"t{number}")
        assert len(events(state)) == count
        shipper().run_pass()
        spool.flush()
    shipper().run_pass()
    assert [event["tool"] for event in ledger.parsed()] == [f"t{number}" for number in range(count + 10)]


def test_what_exceeds_the_memory_too_is_counted_and_reported(
    state: State, ledger: FakeLedger, shipper: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "BACKLOG_EVENTS", 5)
    with limited(state) as spool:
        fill(spool)
        for _ in range(8):
            spool.record(action="tool.call")
        assert spool.dropped == 3
        shipper().run_pass()
        spool.flush()
    shipper().run_pass()
    (report,) = (event for event in ledger.parsed() if event["action"] == "event.dropped")
    assert "dropped.count=3" in report["labels"]  # type: ignore[operator]
    assert "MUNIMENT_SPOOL_LIMIT" in str(report["labels"])


def test_an_agent_whose_events_are_all_proven_is_not_stopped_by_its_own_last_segment(
    state: State, ledger: FakeLedger, shipper: Make
) -> None:
    with limited(state, "3000") as spool:
        for _ in range(20):
            spool.record(action="tool.call", durable=True)
            shipper().run_pass()
    assert len(ledger.parsed()) == 20


def test_the_limit_is_that_of_all_agents_together(state: State) -> None:
    with limited(state) as one, limited(state, agent="b") as two:
        fill(one)
        with pytest.raises(SpoolFull):
            two.record(action="tool.call", durable=True)


def test_what_the_shipper_has_to_say_about_gaps_has_no_limit(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_SPOOL_LIMIT", "20000")
    monkeypatch.setenv("MUNIMENT_REDACT", "/nonexistent")
    with limited(state) as spool:
        fill(spool)
        gaps = Gaps(state, KEY_ID)
        gaps._record(spool.source, "event.dropped", {"dropped.reason": "test"})
        gaps.close()
    assert any(event.action == "event.dropped" for event in events(state))


@pytest.mark.parametrize(
    ("text", "size"), [("", DEFAULT), ("1", 1), ("20000", 20_000), ("16G", 16 * 1024**3), ("1T", 1024**4)]
)
def test_a_size_is_bytes_or_a_number_with_a_unit(text: str, size: int) -> None:
    assert spool_limit({"MUNIMENT_SPOOL_LIMIT": text}) == size


@pytest.mark.parametrize("text", ["0", "-1", "1.5G", "16 G", "16GB", "all", "9" * 30])
def test_a_size_that_cannot_be_read_is_named_at_the_start(state: State, text: str) -> None:
    with pytest.raises(Malformed, match="MUNIMENT_SPOOL_LIMIT"):
        limited(state, text)
    assert not Path(state.spool).exists()
