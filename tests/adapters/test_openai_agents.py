"""The OpenAI Agents SDK as it is installed, with a scripted model, and what the spool then holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.running import Scene, made, play, play_unrecorded, played

EVERY_WAY = ["parallel_tools", "chat_completions", "streamed", "chat_streamed", "from_ordinary_code"]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    return play("openai-agents", "openai_agents_scenes", made(tmp_path_factory.mktemp("openai-agents")))


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
    results = scene.all("tool.result", outcome="success")
    shown = scene.all("model.invoke")[1]
    assert {result.reference for result in results} < set(shown.causes)
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
def test_a_model_is_recorded_with_its_name_tokens_prompt_and_answer(scene: Scene) -> None:
    answered = scene.all("model.result")[0]
    labels = scene.all("model.invoke")[0].labels | answered.labels
    assert (labels["tokens.in"], labels["tokens.out"], labels["tool.calls"]) == ("11", "7", "2")
    assert "what is the sum?" in str(answered.json["input"])
    assert "call_a" in str(answered.json["output"])


@played("parallel_tools")
def test_one_run_is_one_trace_with_the_sdks_own_id(scene: Scene) -> None:
    traces = {told.event.trace.id.hex() for told in scene if told.event.trace}
    assert len(traces) == 1
    start = scene.one("agent.start")
    assert start.labels["run.id"].startswith("span_")
    assert start.labels["framework"].startswith("openai-agents 0.")
    assert start.event.actor.id == "agent:research-01/calculator"
    assert scene.one("agent.finish").json["tools"] == ["add"]


@played("from_ordinary_code")
def test_a_run_belongs_to_the_step_around_it(scene: Scene) -> None:
    assert scene.one("agent.start").causes == (scene.one("x.task", phase="intent").reference,)
    assert len({told.event.trace.id for told in scene if told.event.trace}) == 1


@played("tool_that_tells_its_error")
def test_a_tool_that_raises_is_a_failure_even_where_the_model_is_told(scene: Scene) -> None:
    """The SDK keeps the error's own text to itself."""
    result = scene.one("tool.result")
    assert result.outcome == "failure"
    assert result.json["error"]["data"]["tool_name"] == "boom"
    assert result.json["result"].startswith("An error occurred")
    assert scene.one("agent.finish").outcome == "success"


@played("failing_tool")
def test_a_tool_that_ends_the_run_is_a_failure_up_to_the_agent(scene: Scene) -> None:
    assert scene.said["raised"] == "UserError"
    assert scene.one("tool.result").outcome == "failure"
    assert scene.one("agent.finish").outcome == "failure"


@played("handoff")
def test_a_handoff_is_a_delegation_that_the_next_agents_start_names(scene: Scene) -> None:
    delegation = scene.one("agent.delegate")
    assert delegation.labels["agent.to"] == "writer"
    assert scene.one("model.result", agent="planner").reference in delegation.causes
    assert scene.one("agent.start", agent="writer").causes == (delegation.reference,)


@played("agent_as_tool")
def test_an_agent_inside_of_a_tool_is_caused_by_the_call(scene: Scene) -> None:
    call = scene.one("tool.call", tool="research")
    assert scene.one("agent.start", agent="researcher").causes == (call.reference,)
    assert scene.one("tool.call", tool="add").labels["agent.name"] == "researcher"


@played("without_contents")
def test_without_contents_nothing_of_them_is_recorded(scene: Scene) -> None:
    assert scene.said["returned"] == "it failed"
    assert not [told.body for told in scene if told.body]
    assert not any("sum?" in label for told in scene for label in told.event.labels)
    assert scene.one("tool.result").outcome == "failure"


@played("without_sensitive_data")
def test_what_the_sdk_keeps_from_processors_is_missing_and_nothing_else(scene: Scene) -> None:
    assert scene.said["returned"] == "three and seven"
    assert [told.outcome for told in scene.all("tool.result")] == ["success", "success"]
    assert not any("sum?" in str(told.body) for told in scene)
    assert scene.one("agent.finish").outcome == "success"


@played("tool_of_an_mcp_server")
def test_a_tool_of_an_mcp_server_is_a_tool_and_fails_where_the_server_says_so(scene: Scene) -> None:
    calls = {call.labels["call.id"]: call for call in scene.all("tool.call", tool="double")}
    results = {cause: result for result in scene.all("tool.result") for cause in result.causes}
    assert {name: call.json for name, call in calls.items()} == {"call_mcp": {"a": 2}, "call_wrong": {"a": -2}}
    right, wrong = results[calls["call_mcp"].reference], results[calls["call_wrong"].reference]
    assert (right.outcome, wrong.outcome) == ("success", "failure")
    assert right.labels["mcp.server"]
    assert "4" in str(right.json)
    assert "double" in str(wrong.json)


@played("cancelled_model", "cancelled_tool")
def test_what_is_cancelled_is_unknown(scene: Scene) -> None:
    assert scene.said["raised"] == "CancelledError"
    last = "tool.result" if scene.all("tool.call") else "model.result"
    for ending in (scene.one(last), scene.one("agent.finish")):
        assert (ending.outcome, ending.labels["cancelled"]) == ("unknown", "yes")


@played("failing_model")
def test_a_model_that_does_not_answer_is_a_failure(scene: Scene) -> None:
    assert scene.one("model.result").outcome == "failure"
    assert scene.one("agent.finish").outcome == "failure"


@played("started_while_an_error_is_handled")
def test_an_error_that_is_being_handled_already_is_not_taken_for_the_runs_own(scene: Scene) -> None:
    assert scene.one("agent.finish", agent="second").outcome == "success"


@played("guardrail")
def test_a_guardrail_that_trips_is_denied(scene: Scene) -> None:
    assert scene.one("agent.step", step="guardrail never", phase="outcome").outcome == "denied"
    assert scene.one("agent.finish").outcome == "failure"


@played("rejected_tool")
def test_a_tool_that_waits_for_approval_has_an_unknown_outcome(scene: Scene) -> None:
    assert scene.one("tool.result").outcome == "unknown"


@played("gate_by_decorator")
def test_a_tool_behind_the_gate_does_not_run_before_the_ledger_has_its_call(scene: Scene) -> None:
    assert not scene.all("x.inside")
    gated = scene.one("tool.result", outcome="denied")
    outer = scene.one("tool.call", tool="add")
    assert scene.one("tool.result", tool="add").outcome == "failure"
    call = next(told for told in scene if told.reference == gated.causes[0])
    assert call.causes == (outer.reference,)


def test_an_agent_goes_on_where_nothing_can_be_recorded_and_says_so_once(tmp_path: Path) -> None:
    said = play_unrecorded(
        "openai-agents", "openai_agents_scenes", tmp_path, "switched_on", "tool_that_tells_its_error"
    )
    assert [each["returned"] for each in said] == [True, "it failed"] * 2
