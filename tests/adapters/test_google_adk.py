"""Google ADK as it is installed, with a scripted model, and what the spool then holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.running import Scene, made, play, play_unrecorded, played


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    return play("google-adk", "google_adk_scenes", made(tmp_path_factory.mktemp("google-adk")))


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


@played("parallel_tools", "streamed")
def test_tool_calls_are_caused_by_the_answer_that_asked_for_them(scene: Scene) -> None:
    assert scene.said["returned"] == "three and seven"
    first, _ = scene.all("model.result")
    calls = scene.all("tool.call")
    assert {call.labels["call.id"] for call in calls} == {"call_a", "call_b"}
    assert all(first.reference in call.causes for call in calls)
    results = scene.all("tool.result", outcome="success")
    assert {cause for result in results for cause in result.causes} == {call.reference for call in calls}
    assert {result.reference for result in results} < set(scene.all("model.invoke")[1].causes)


@played("parallel_tools", "streamed")
def test_what_a_tool_records_itself_belongs_to_its_call(scene: Scene) -> None:
    calls = {call.labels["call.id"]: call.reference for call in scene.all("tool.call")}
    inside = {event.json["sum"]: event.causes for event in scene.all("x.inside")}
    assert inside == {3: (calls["call_a"],), 7: (calls["call_b"],)}


@played("parallel_tools", "streamed")
def test_a_model_is_recorded_with_its_names_and_tokens_and_what_it_asked_for(scene: Scene) -> None:
    asked, answered = scene.all("model.invoke")[0], scene.all("model.result")[0]
    assert asked.labels["model.name"] == "gemini-asked-for"
    assert asked.json["contents"][0]["parts"][0]["text"] == "what is the sum?"
    assert "You calculate." in str(asked.json["system"])
    assert "add" in str(asked.json["tools"])
    expected = {"model.answered": "scripted-1", "tokens.in": "11", "tokens.out": "7", "tool.calls": "2"}
    assert expected.items() <= answered.labels.items()
    assert answered.labels["finish.reason"] == "STOP"


@played("parallel_tools")
def test_a_run_belongs_to_the_step_around_it_and_says_what_was_asked_and_answered(scene: Scene) -> None:
    start, finish = scene.one("agent.start"), scene.one("agent.finish")
    assert start.causes == (scene.all("x.task")[0].reference,)
    assert start.json["parts"][0]["text"] == "what is the sum?"
    assert finish.json["parts"][0]["text"] == "three and seven"
    assert start.labels["framework"].startswith("google-adk 2.")
    assert start.event.actor.id == "agent:research-01/calculator"
    assert len({told.event.trace.id for told in scene if told.event.trace}) == 1


@played("failing_tool")
def test_a_tool_that_raises_is_a_failure_up_to_the_agent(scene: Scene) -> None:
    assert scene.said["raised"] == "ValueError"
    result = scene.one("tool.result")
    assert (result.outcome, result.labels["error.type"]) == ("failure", "builtins.ValueError")
    assert result.json == {"error": {"type": "ValueError", "text": "no such number"}}
    assert scene.one("agent.finish").outcome == "failure"


@played("handoff")
def test_a_transfer_is_a_delegation_that_the_next_agents_start_names(scene: Scene) -> None:
    delegation = scene.one("agent.delegate")
    assert (delegation.labels["agent.name"], delegation.labels["agent.to"]) == ("planner", "writer")
    assert delegation.causes == (scene.one("tool.result").reference,)
    assert delegation.reference in scene.one("agent.start", agent="writer").causes


@played("agent_as_tool")
def test_an_agent_inside_of_a_tool_is_caused_by_the_call(scene: Scene) -> None:
    call = scene.one("tool.call", tool="researcher")
    assert scene.one("agent.start", agent="researcher").causes == (call.reference,)
    assert scene.one("tool.call", tool="add").labels["agent.name"] == "researcher"
    assert len({told.event.trace.id for told in scene if told.event.trace}) == 1


@played("parallel_agents")
def test_agents_side_by_side_are_told_apart(scene: Scene) -> None:
    both = scene.one("agent.start", agent="both").reference
    for name in ("left", "right"):
        start = scene.one("agent.start", agent=name)
        assert start.causes == (both,)
        assert scene.one("model.invoke", agent=name).causes == (start.reference,)


@played("cancelled_model")
def test_a_cancelled_model_call_is_unknown_and_so_is_the_run(scene: Scene) -> None:
    assert scene.said["raised"] == "CancelledError"
    result = scene.one("model.result")
    assert (result.outcome, result.labels["ended"]) == ("unknown", "with-its-run")
    assert (scene.one("agent.finish").outcome, scene.one("agent.finish").labels["cancelled"]) == ("unknown", "yes")


@played("cancelled_tool")
def test_a_cancelled_tool_is_unknown_and_so_is_the_run(scene: Scene) -> None:
    for ending in (scene.one("tool.result"), scene.one("agent.finish")):
        assert (ending.outcome, ending.labels["cancelled"]) == ("unknown", "yes")


@played("failing_model")
def test_a_model_that_does_not_answer_is_a_failure(scene: Scene) -> None:
    assert scene.one("model.result").outcome == "failure"
    assert scene.one("model.result").labels["error.type"].endswith("ClientError")
    assert scene.one("agent.finish").outcome == "failure"


@played("without_contents")
def test_without_contents_nothing_of_them_is_recorded(scene: Scene) -> None:
    assert not [told.body for told in scene if told.body and told.action != "x.inside"]
    assert not any("sum?" in label for told in scene for label in told.event.labels)


@played("durable")
def test_in_durable_mode_a_tool_still_stands_inside_of_its_call(scene: Scene) -> None:
    assert scene.one("x.inside").causes == (scene.one("tool.call").reference,)


@played("gate_without_a_shipper")
def test_in_gate_mode_a_tool_does_not_run_before_the_ledger_has_its_call(scene: Scene) -> None:
    assert not scene.all("x.inside")
    result = scene.one("tool.result")
    assert (result.outcome, result.labels["gate.reason"]) == ("denied", "no-shipper")
    assert scene.one("agent.finish").outcome == "success"


@played("callbacks_of_another_release")
def test_what_is_not_as_this_release_has_it_raises_nothing(scene: Scene) -> None:
    assert scene.said["returned"] == [None] * 5


def test_an_agent_goes_on_where_nothing_can_be_recorded_and_says_so_once(tmp_path: Path) -> None:
    said = play_unrecorded("google-adk", "google_adk_scenes", tmp_path, "switched_on", "handoff")
    assert [each["returned"] for each in said] == [True, "written"] * 2
