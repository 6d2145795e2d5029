"""Pydantic AI as it is installed, with a scripted model, and what the spool then holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.running import Scene, made, play, play_unrecorded, played

EVERY_WAY = ["parallel_tools", "responses", "streamed", "from_ordinary_code", "driven_node_by_node"]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    return play("pydantic-ai", "pydantic_ai_scenes", made(tmp_path_factory.mktemp("pydantic-ai")))


def test_every_cause_stands_before_its_effect_and_every_run_ends(scenes: dict[str, Scene]) -> None:
    for scene in scenes.values():
        scene.check()
        for began, ended in (
            ("agent.start", "agent.finish"),
            ("model.invoke", "model.result"),
            ("tool.call", "tool.result"),
        ):
            assert len(scene.all(began)) == len(scene.all(ended)), scene.lines()


@played("agent_from_before", "switched_on_twice")
def test_every_agent_is_recorded_once_whenever_it_was_made(scene: Scene) -> None:
    assert scene.said["returned"] == "three"
    scene.one("agent.start")
    scene.one("tool.call")


@played(*EVERY_WAY)
def test_tool_calls_are_caused_by_the_answer_that_asked_for_them(scene: Scene) -> None:
    assert scene.said["returned"] == "three and seven"
    first, second = scene.all("model.result")
    calls = scene.all("tool.call")
    assert {call.labels["call.id"]: call.json for call in calls} == {
        "call_a": {"a": 1, "b": 2},
        "call_b": {"a": 3, "b": 4},
    }
    assert all(first.reference in call.causes for call in calls)
    shown = scene.all("model.invoke")[1]
    assert {result.reference for result in scene.all("tool.result", outcome="success")} < set(shown.causes)
    assert second.causes == (shown.reference,)


@played(*EVERY_WAY)
def test_parallel_calls_keep_their_arguments_results_and_what_they_record_apart(scene: Scene) -> None:
    calls = {call.reference: call.json for call in scene.all("tool.call")}
    for result in scene.all("tool.result"):
        (cause,) = result.causes
        assert result.json == sum(calls[cause].values())
    for inside in scene.all("x.inside"):
        (cause,) = inside.causes
        assert inside.json["sum"] == sum(calls[cause].values())


@played(*EVERY_WAY)
def test_a_model_is_recorded_with_its_names_tokens_prompt_and_answer(scene: Scene) -> None:
    asked, answered = scene.all("model.invoke")[0], scene.all("model.result")[0]
    assert (asked.labels["model.name"], asked.labels["model.provider"]) == ("asked-for", "openai")
    assert "what is the sum?" in str(asked.json["messages"])
    assert asked.json["tools"][0]["name"] == "add"
    expected = {"model.answered": "scripted-1", "tokens.in": "11", "tokens.out": "7", "tool.calls": "2"}
    assert expected.items() <= answered.labels.items()
    assert "call_a" in str(answered.json)


@played("parallel_tools")
def test_one_run_is_one_trace_with_the_frameworks_own_id(scene: Scene) -> None:
    start = scene.one("agent.start")
    (trace,) = {told.event.trace.id.hex() for told in scene if told.event.trace}
    assert trace == start.labels["run.id"].replace("-", "")
    assert start.labels["framework"].startswith("pydantic-ai 2.")
    assert start.event.actor.id == "agent:research-01/calculator"
    assert (start.json, scene.one("agent.finish").json) == ("what is the sum?", "three and seven")


@played("from_ordinary_code")
def test_a_run_belongs_to_the_step_around_it(scene: Scene) -> None:
    assert scene.one("agent.start").causes == (scene.one("x.task", phase="intent").reference,)
    assert len({told.event.trace.id for told in scene if told.event.trace}) == 1


@played("failing_tool")
def test_a_tool_that_raises_is_a_failure_up_to_the_agent(scene: Scene) -> None:
    assert scene.said["raised"] == "ValueError"
    result = scene.one("tool.result")
    assert (result.outcome, result.labels["error.type"]) == ("failure", "builtins.ValueError")
    assert result.json["error"]["text"] == "no such number"
    assert scene.one("agent.finish").outcome == "failure"


@played("retried_tool")
def test_a_tool_that_asks_for_another_try_failed_the_first_time(scene: Scene) -> None:
    assert [told.outcome for told in scene.all("tool.result")] == ["failure", "success"]
    assert [told.labels.get("retry.attempt") for told in scene.all("tool.call")] == [None, "2"]
    assert scene.one("agent.finish").outcome == "success"


@played("arguments_that_do_not_fit")
def test_a_call_whose_arguments_are_refused_is_recorded_though_the_tool_never_ran(scene: Scene) -> None:
    assert "many" in str(scene.one("tool.call").json)
    result = scene.one("tool.result")
    assert (result.outcome, result.labels["stage"]) == ("failure", "validation")
    assert not scene.all("x.inside")


@played("agent_as_tool")
def test_an_agent_inside_of_a_tool_is_caused_by_the_call(scene: Scene) -> None:
    call = scene.one("tool.call", tool="research")
    assert scene.one("agent.start", agent="researcher").causes == (call.reference,)
    assert scene.one("tool.call", tool="add").labels["agent.name"] == "researcher"
    assert len({told.event.trace.id for told in scene if told.event.trace}) == 1


@played("tool_of_a_toolset")
def test_a_tool_of_a_toolset_is_a_tool(scene: Scene) -> None:
    assert scene.one("tool.call", tool="add").json == {"a": 1, "b": 2}
    assert scene.one("tool.result", tool="add").json == 3


@played("cancelled_model", "cancelled_tool")
def test_what_is_cancelled_is_unknown(scene: Scene) -> None:
    assert scene.said["raised"] == "CancelledError"
    last = "tool.result" if scene.all("tool.call") else "model.result"
    for ending in (scene.one(last), scene.one("agent.finish")):
        assert (ending.outcome, ending.labels["cancelled"]) == ("unknown", "yes")


@played("failing_model", "cut_stream")
def test_a_model_that_does_not_answer_in_full_is_no_success(scene: Scene) -> None:
    assert scene.one("model.result").outcome != "success"
    assert scene.one("agent.finish").outcome == "failure"


@played("approved_tool")
def test_a_tool_that_a_human_allowed_runs_in_the_run_that_follows(scene: Scene) -> None:
    stopped, going_on = scene.all("agent.start")
    assert stopped.labels["conversation.id"] == going_on.labels["conversation.id"]
    assert going_on.reference in scene.one("tool.call").causes


@played("denied_tool")
def test_a_tool_that_a_human_did_not_allow_is_denied_and_the_model_is_shown_that(scene: Scene) -> None:
    assert scene.said["returned"] == "as you wish"
    assert not scene.all("x.inside")
    going_on = scene.all("agent.start")[1]
    call, result = scene.one("tool.call"), scene.one("tool.result")
    assert (call.tool, call.labels["call.id"], call.causes) == ("dangerous", "call_d", (going_on.reference,))
    assert (result.outcome, result.causes, result.json) == ("denied", (call.reference,), "not today")
    assert result.reference in scene.all("model.invoke")[1].causes


@played("without_contents")
def test_without_contents_nothing_of_them_is_recorded(scene: Scene) -> None:
    assert not [told.body for told in scene if told.body and told.action != "x.inside"]
    assert not any("sum?" in label for told in scene for label in told.event.labels)
    assert scene.one("tool.result").outcome == "success"


@played("gate_without_a_shipper")
def test_in_gate_mode_a_tool_does_not_run_before_the_ledger_has_its_call(scene: Scene) -> None:
    assert scene.said["raised"] == "NotAccepted"
    assert not scene.all("x.inside")
    result = scene.one("tool.result")
    assert (result.outcome, result.labels["gate.reason"]) == ("denied", "no-shipper")
    assert result.causes == (scene.one("tool.call").reference,)


def test_an_agent_goes_on_where_nothing_can_be_recorded_and_says_so_once(tmp_path: Path) -> None:
    said = play_unrecorded(
        "pydantic-ai", "pydantic_ai_scenes", tmp_path, "switched_on", "another_model_after_a_failure"
    )
    assert [each["returned"] for each in said] == [True, "at last"] * 2
