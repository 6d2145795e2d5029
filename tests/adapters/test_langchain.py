"""LangChain and LangGraph as they are installed, with a scripted model, and what the spool then holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from muniment.core.event import Event
from tests.adapters.running import Scene, made, play, play_unrecorded


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    return play("langchain", "langchain_scenes", made(tmp_path_factory.mktemp("langchain")))


def played(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scene", [name], indirect=True, ids=[""])


def test_every_cause_stands_before_its_effect_and_every_run_ends(scenes: dict[str, Scene]) -> None:
    for scene in scenes.values():
        scene.check()
        for began, ended in (
            ("agent.start", "agent.finish"),
            ("model.invoke", "model.result"),
            ("tool.call", "tool.result"),
        ):
            assert len(scene.all(began)) == len(scene.all(ended)), scene.lines()


def test_switching_on_twice_records_once(scenes: dict[str, Scene]) -> None:
    assert scenes["switched_on"].said["returned"] is True
    assert len(scenes["parallel_tools"].all("agent.start")) == 1


@pytest.mark.parametrize("scene", ["parallel_tools", "asynchronous_and_streamed"], indirect=True)
def test_tool_calls_are_caused_by_the_answer_that_asked_for_them(scene: Scene) -> None:
    assert scene.said["returned"] == "three and seven"
    first, second = scene.all("model.result")
    calls = scene.all("tool.call")
    assert {call.labels["call.id"] for call in calls} == {"call_a", "call_b"}
    assert all(first.reference in call.causes for call in calls)
    results = scene.all("tool.result", outcome="success")
    assert {cause for result in results for cause in result.causes} == {call.reference for call in calls}
    shown = scene.all("model.invoke")[1]
    assert {result.reference for result in results} < set(shown.causes)
    assert shown.reference in second.causes


@pytest.mark.parametrize("scene", ["parallel_tools", "asynchronous_and_streamed"], indirect=True)
def test_what_a_tool_records_itself_belongs_to_its_call(scene: Scene) -> None:
    calls = {call.labels["call.id"]: call.reference for call in scene.all("tool.call")}
    inside = {event.json["sum"]: event.causes for event in scene.all("x.inside")}
    assert inside == {3: (calls["call_a"],), 7: (calls["call_b"],)}


@pytest.mark.parametrize("scene", ["parallel_tools", "asynchronous_and_streamed"], indirect=True)
def test_a_model_is_recorded_with_its_names_and_tokens_and_what_it_asked_for(scene: Scene) -> None:
    asked, answered = scene.all("model.invoke")[0], scene.all("model.result")[0]
    assert asked.labels["model.name"] == "asked-for"
    assert asked.json["messages"][0]["content"] == "what is the sum?"
    assert asked.json["tools"][0]["function"]["name"] == "add"
    expected = {"model.answered": "scripted-1", "tokens.in": "11", "tokens.out": "7", "tool.calls": "2"}
    assert expected.items() <= answered.labels.items()
    assert answered.labels["finish.reason"] == "tool_calls"


def one_trace(events: list[Event]) -> bool:
    return len({event.trace.id for event in events if event.trace}) == 1


@played("parallel_tools")
def test_one_run_is_one_trace_and_carries_the_frameworks_own_id(scene: Scene) -> None:
    start = scene.one("agent.start")
    assert one_trace([told.event for told in scene])
    assert start.event.trace is not None
    assert start.event.trace.id.hex() == start.labels["run.id"].replace("-", "")
    assert start.labels["framework"].startswith("langchain 1.")
    assert start.event.actor.id == "agent:research-01/calculator"
    assert scene.one("agent.finish").causes[0] == start.reference


@played("failing_tool")
def test_a_tool_that_raises_is_a_failure_up_to_the_agent(scene: Scene) -> None:
    assert scene.said["raised"] == "ValueError"
    result = scene.one("tool.result")
    assert (result.outcome, result.labels["error.type"]) == ("failure", "builtins.ValueError")
    assert result.json == {"error": {"type": "ValueError", "text": "no such number"}}
    assert scene.one("agent.finish").outcome == "failure"


@played("tool_that_tells_its_error")
def test_a_tool_that_tells_its_error_to_the_model_is_a_failure_of_the_tool_alone(scene: Scene) -> None:
    result = scene.one("tool.result")
    assert (result.outcome, result.json) == ("failure", "no such number")
    assert scene.one("agent.finish").outcome == "success"
    assert result.reference in scene.all("model.invoke")[1].causes


@played("agent_as_tool")
def test_an_agent_inside_of_a_tool_is_caused_by_the_call(scene: Scene) -> None:
    call = scene.one("tool.call", tool="research")
    start = scene.one("agent.start", agent="researcher")
    assert start.causes == (call.reference,)
    assert scene.one("tool.call", tool="add").labels["agent.name"] == "researcher"
    assert one_trace([told.event for told in scene])


@played("handoff")
def test_a_handoff_is_a_delegation_that_the_next_agents_run_names(scene: Scene) -> None:
    delegation = scene.one("agent.delegate")
    assert delegation.labels["agent.to"] == "writer"
    assert scene.one("tool.result", tool="to_writer").reference in delegation.causes
    step = scene.one("agent.step", step="writer", phase="intent")
    assert delegation.reference in step.causes
    assert scene.one("agent.start", agent="writer").causes == (step.reference,)
    assert all(told.outcome == "success" for told in scene.all("agent.finish"))


@played("batch")
def test_runs_of_a_batch_belong_to_the_step_around_it_and_are_kept_apart(scene: Scene) -> None:
    task = scene.one("x.task", phase="intent")
    starts = scene.all("agent.start")
    assert [start.causes for start in starts] == [(task.reference,)] * 2
    for call in scene.all("tool.call"):
        asked_for_it = next(told for told in scene.all("model.result") if told.reference in call.causes)
        assert call.labels["call.id"] in str(asked_for_it.json)


@played("cancelled_model")
def test_a_cancelled_model_call_is_unknown_and_so_is_the_run(scene: Scene) -> None:
    assert scene.said["raised"] == "CancelledError"
    assert scene.one("model.result").outcome == "unknown"
    for ending in (scene.one("agent.finish"), *scene.all("agent.step", phase="outcome")):
        assert (ending.outcome, ending.labels["cancelled"]) == ("unknown", "yes")


@played("cancelled_tool")
def test_a_cancelled_tool_is_ended_with_the_run_around_it(scene: Scene) -> None:
    """LangChain says nothing of the tool itself then."""
    result = scene.one("tool.result")
    assert (result.outcome, result.labels["ended"]) == ("unknown", "with-its-run")
    assert result.causes == (scene.one("tool.call").reference,)


@played("retried_model")
def test_each_attempt_is_an_invocation_of_its_own(scene: Scene) -> None:
    assert [told.outcome for told in scene.all("model.result")] == ["failure", "success"]
    assert scene.all("model.invoke")[1].labels["retry.attempt"] == "2"


@played("cut_stream")
def test_a_stream_that_is_cut_is_a_failure(scene: Scene) -> None:
    assert scene.one("model.result").outcome == "failure"


@played("interrupted_for_a_human")
def test_a_graph_that_waits_for_a_human_goes_on_from_where_it_stopped(scene: Scene) -> None:
    stopped, ended = scene.all("agent.finish")
    assert (stopped.outcome, stopped.labels["interrupted"]) == ("unknown", "yes")
    assert scene.all("agent.start")[1].causes == (stopped.reference,)
    assert ended.outcome == "success"


@played("retriever")
def test_a_retriever_is_a_tool(scene: Scene) -> None:
    assert scene.one("tool.call", tool="Shelf").labels["tool.kind"] == "retriever"
    assert scene.one("tool.result").json[0]["page_content"] == "about sums"


@played("without_contents")
def test_without_contents_nothing_of_them_is_recorded(scene: Scene) -> None:
    bodies = [told.body for told in scene if told.body and told.action != "x.inside"]
    assert not bodies
    assert not any("sum?" in label for told in scene for label in told.event.labels)
    assert scene.one("tool.result").outcome == "success"


@played("gate_without_a_shipper")
def test_in_gate_mode_a_tool_does_not_run_before_the_ledger_has_its_call(scene: Scene) -> None:
    assert scene.said["raised"] == "NotAccepted"
    assert not scene.all("x.inside")
    result = scene.one("tool.result")
    assert (result.outcome, result.labels["gate.reason"]) == ("denied", "no-shipper")
    assert result.causes == (scene.one("tool.call").reference,)
    assert scene.one("agent.finish").outcome == "failure"


@played("callbacks_of_another_release")
def test_what_is_not_as_this_release_has_it_raises_nothing(scene: Scene) -> None:
    assert scene.said["returned"] == [None] * 4


def test_an_agent_goes_on_where_nothing_can_be_recorded_and_says_so_once(tmp_path: Path) -> None:
    said = play_unrecorded("langchain", "langchain_scenes", tmp_path, "switched_on", "tool_that_tells_its_error")
    assert [each["returned"] for each in said] == [True, "it failed"] * 2
