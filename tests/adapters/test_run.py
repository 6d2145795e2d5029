"""What is shared by all adapters: runs as events with causes, and objects of a framework as bodies."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import muniment
from muniment.agent import recording
from muniment.agent.adapters import openrun
from muniment.agent.adapters.plain import MAX_DEPTH, MAX_PARTS, plain
from muniment.agent.adapters.run import Runs
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from tests.adapters.running import Scene, read


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    state = State(tmp_path / "state")
    with Spool("unit", state=state) as spool:
        monkeypatch.setattr(recording, "_spool", spool)
        yield state


def scene(state: State) -> Scene:
    return Scene(read(state), {})


def test_what_is_below_a_run_without_an_event_belongs_to_its_parent(state: State) -> None:
    runs = Runs("frame", "1")
    start = runs.begin("agent", "agent.start", agent="a")
    runs.skip("chain", "agent")
    runs.begin("tool", "tool.call", parent="chain", tool="t")
    assert scene(state).one("tool.call").causes == (start,)


def test_a_run_with_an_unknown_parent_belongs_to_the_step_around_it(state: State) -> None:
    with muniment.intent("x.task") as step:
        Runs("frame").begin("tool", "tool.call", parent="never seen", tool="t")
    assert scene(state).one("tool.call").causes == (step.reference,)


def test_the_oldest_open_run_is_forgotten_when_a_framework_never_ends_its_runs(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openrun, "MAX_OPEN", 3)
    runs = Runs("frame")
    for number in range(5):
        runs.begin(number, "tool.call", tool="t")
    assert [runs.end(number) is not None for number in range(5)] == [False, False, True, True, True]


def test_what_ends_after_the_run_around_it_failed_is_recorded_all_the_same(state: State) -> None:
    runs = Runs("frame")
    runs.begin("agent", "agent.start", agent="a")
    call = runs.begin("tool", "tool.call", parent="agent", tool="t")
    runs.end("agent", error=TimeoutError("too slow"))
    swept = scene(state).one("tool.result")
    assert (swept.outcome, swept.causes) == ("unknown", (call,))
    runs.end("tool", payload="late")
    late = scene(state).one("tool.result", outcome="success")
    assert (late.json, late.causes) == ("late", (call,))


def test_a_label_of_any_content_costs_no_event(state: State) -> None:
    runs = Runs("frame\n", "ü")
    runs.begin("tool", "tool.call", tool="\x00\ud800", agent="a\nb", call="c\x00", labels={"call.id": "\ud800" * 999})
    assert runs.end("tool", payload="\ud800") is not None
    scene(state).one("tool.result")


def test_nothing_is_raised_where_nothing_can_be_recorded(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise OSError("no disk")

    monkeypatch.setattr(recording, "_spool", None)
    monkeypatch.setattr(recording, "default_spool", broken)
    monkeypatch.setattr("muniment.agent.adapters.run.default_spool", broken)
    runs = Runs("frame")
    assert runs.begin("tool", "tool.call", tool="t", agent="a") is None
    assert runs.end("tool") is None
    assert runs.note("agent.delegate", to="b") is None


@pytest.mark.parametrize("mode", ["durable", "gate"])
def test_in_the_strict_modes_a_tool_call_that_cannot_be_recorded_raises(
    state: State, monkeypatch: pytest.MonkeyPatch, mode: recording.Mode
) -> None:
    def broken() -> Any:
        raise OSError("no disk")

    monkeypatch.setattr(recording, "_spool", None)
    monkeypatch.setattr(recording, "default_spool", broken)
    runs = Runs("frame", mode=mode)
    runs.begin("agent", "agent.start")
    with pytest.raises(Exception, match=r"no disk"):
        runs.begin("tool", "tool.call", parent="agent", tool="t")


class Hostile:
    """What a tool may return."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no")


@dataclasses.dataclass
class Fields:
    inner: object
    data: bytes = b"\xff"


def test_objects_become_their_fields() -> None:
    assert plain(Fields(inner={1: (None, True)})) == {"inner": {"1": [None, True]}, "data": {"base64": "/w=="}}


def test_an_object_that_raises_becomes_its_type() -> None:
    assert plain(Hostile()) == "<Hostile>"
    assert plain({"a": [1, Hostile()]}) in ({"a": [1, "<Hostile>"]}, "<dict>")


def test_what_contains_itself_ends() -> None:
    ring: list[Any] = [1]
    ring.append(ring)
    assert plain(ring) == [1, "<list>"]


def test_depth_and_parts_are_bounded_however_often_a_part_is_shared() -> None:
    deep: Any = "end"
    for _ in range(MAX_DEPTH * 2):
        deep = [deep]
    assert "<list>" in str(plain(deep))
    doubled: Any = "laugh"
    for _ in range(60):
        doubled = [doubled, doubled]
    written = str(plain(doubled))
    assert written.count("laugh") <= MAX_PARTS


def test_more_causes_than_an_event_can_name_are_counted(state: State) -> None:
    runs = Runs("frame")
    asked = [runs.note("agent.delegate") for _ in range(20)]
    runs.begin("model", "model.invoke", causes=asked)
    invoked = scene(state).one("model.invoke")
    assert (len(invoked.causes), invoked.labels["causes.cut"]) == (16, "4")


def test_a_long_result_is_committed_to_and_not_kept(state: State) -> None:
    runs = Runs("frame")
    runs.begin("tool", "tool.call", tool="t")
    runs.end("tool", payload="x" * 10_000_000)
    result = scene(state).one("tool.result")
    assert result.event.body is not None
    assert result.event.body.len == 10_000_002
    assert result.body == b""
