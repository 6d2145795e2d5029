"""CrewAI as it is installed, with a scripted model, and what the spool then holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.running import Scene, made, play, play_unrecorded, played


def quiet(directory: Path) -> dict[str, str]:
    """CrewAI reports to its makers, looks for new releases and keeps its memory in the home directory."""
    return {
        "CREWAI_DISABLE_TELEMETRY": "true",
        "CREWAI_DISABLE_VERSION_CHECK": "true",
        "CREWAI_STORAGE_DIR": str(directory / "storage"),
        "CREWAI_TRACING_ENABLED": "false",
        "HOME": str(directory),
        "OTEL_SDK_DISABLED": "true",
    }


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    directory = tmp_path_factory.mktemp("crewai")
    return play("crewai", "crewai_scenes", made(directory), **quiet(directory))


def test_every_cause_stands_before_its_effect_and_every_run_ends(scenes: dict[str, Scene]) -> None:
    for scene in scenes.values():
        scene.check()
        for began, ended in (
            ("agent.start", "agent.finish"),
            ("model.invoke", "model.result"),
            ("tool.call", "tool.result"),
        ):
            runs = {told.labels["run.id"] for told in scene.all(began)}
            assert runs == {told.labels["run.id"] for told in scene.all(ended)}, scene.lines()
        assert len({told.event.trace.id for told in scene if told.event.trace}) <= 1, scene.lines()


def test_switching_on_twice_records_once(scenes: dict[str, Scene]) -> None:
    assert scenes["switched_on"].said["returned"] is True
    assert len(scenes["parallel_tools"].all("agent.start", agent="calculator")) == 1


@played("parallel_tools", "asynchronous_and_streamed")
def test_tool_calls_are_caused_by_the_answer_that_asked_for_them(scene: Scene) -> None:
    assert scene.said["returned"] == "three and seven"
    first, _ = scene.all("model.result")
    calls = {call.labels["call.id"]: call for call in scene.all("tool.call")}
    assert {name: call.json for name, call in calls.items()} == {
        "call_a": {"a": 1, "b": 2},
        "call_b": {"a": 3, "b": 4},
    }
    assert all(first.reference in call.causes for call in calls.values())
    results = scene.all("tool.result", outcome="success")
    assert {cause for result in results for cause in result.causes} == {call.reference for call in calls.values()}
    assert {result.reference for result in results} < set(scene.all("model.invoke")[1].causes)


@played("parallel_tools", "asynchronous_and_streamed")
def test_what_a_tool_records_itself_belongs_to_its_call(scene: Scene) -> None:
    calls = {call.labels["call.id"]: call.reference for call in scene.all("tool.call")}
    inside = {event.json["sum"]: event.causes for event in scene.all("x.inside")}
    assert inside == {3: (calls["call_a"],), 7: (calls["call_b"],)}


@played("parallel_tools", "asynchronous_and_streamed")
def test_a_model_is_recorded_with_its_name_and_tokens_and_what_it_asked_for(scene: Scene) -> None:
    asked, answered = scene.all("model.invoke")[0], scene.all("model.result")[0]
    assert asked.labels["model.name"] == "asked-for"
    assert "what is the sum?" in str(asked.json["messages"])
    assert "add" in str(asked.json["tools"])
    assert {"tokens.in": "11", "tokens.out": "7", "tool.calls": "2"}.items() <= answered.labels.items()


@played("parallel_tools")
def test_crew_task_and_agent_stand_in_each_other_and_in_the_step_around_them(scene: Scene) -> None:
    crew, task = scene.one("agent.start", agent="sums"), scene.all("agent.step", step="sum", phase="intent")[0]
    agent = scene.one("agent.start", agent="calculator")
    assert crew.causes == (scene.all("x.task")[0].reference,)
    assert task.causes == (crew.reference,)
    assert agent.causes == (task.reference,)
    assert agent.event.actor.id == "agent:research-01/calculator"
    assert crew.labels["framework"].startswith("crewai 1.")
    assert scene.one("agent.finish", agent="sums").json == "three and seven"


@played("failing_tool")
def test_a_tool_that_raises_is_a_failure_of_the_tool(scene: Scene) -> None:
    assert scene.said["returned"] == "it failed"
    result = scene.all("tool.result")[0]
    assert result.outcome == "failure"
    assert "no such number" in str(result.json)
    assert scene.one("agent.finish", agent="calculator").outcome == "success"


@played("delegation")
def test_a_coworker_is_caused_by_the_call_that_delegates(scene: Scene) -> None:
    assert scene.said["returned"] == "three, says the researcher"
    call = scene.one("tool.call")
    assert call.tool == "delegate_work_to_coworker"
    assert scene.one("agent.start", agent="researcher").causes == (call.reference,)
    assert scene.one("tool.result").json == "found three"


@played("cancelled_model")
def test_a_cancelled_crew_is_unknown_with_all_that_is_open_in_it(scene: Scene) -> None:
    assert scene.said["raised"] == "CancelledError"
    assert scene.all("model.result")[0].outcome == "unknown"
    assert {told.outcome for told in scene.all("agent.finish")} == {"unknown"}


@played("failing_model")
def test_a_model_that_does_not_answer_is_a_failure(scene: Scene) -> None:
    assert scene.all("model.result")[-1].outcome == "failure"
    assert scene.one("agent.finish", agent="sums").outcome == "failure"


@played("flow")
def test_a_crew_inside_of_a_flow_is_caused_by_the_flows_method(scene: Scene) -> None:
    method = scene.all("agent.step", step="begin", phase="intent")[0]
    assert method.causes == (scene.one("agent.start", agent="Sums").reference,)
    assert scene.one("agent.start", agent="sums").causes == (method.reference,)


def test_without_contents_and_at_the_gate(tmp_path: Path) -> None:
    environ = {**quiet(tmp_path), "WITHOUT": "contents", "MODE": "gate"}
    scene = play("crewai", "crewai_scenes", made(tmp_path), "switched_on", "parallel_tools", **environ)[
        "parallel_tools"
    ]
    assert not scene.all("x.inside")
    assert not [told.body for told in scene if told.body]
    assert {told.outcome for told in scene.all("tool.result")} == {"denied"}
    assert {told.labels["gate.reason"] for told in scene.all("tool.result")} == {"no-shipper"}


def test_an_agent_goes_on_where_nothing_can_be_recorded_and_says_so_once(tmp_path: Path) -> None:
    said = play_unrecorded("crewai", "crewai_scenes", tmp_path, "switched_on", "delegation", **quiet(tmp_path))
    assert [each["returned"] for each in said] == [True, "three, says the researcher"] * 2
