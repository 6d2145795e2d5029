"""The Claude Agent SDK with the Claude Code that it brings, a scripted model, and what the spool then holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.running import Scene, made, play, play_unrecorded


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Scene]:
    directory = tmp_path_factory.mktemp("claude-agent")
    return play("claude-agent", "claude_agent_scenes", made(directory), SCENES=str(directory))


def played(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scene", [name], indirect=True, ids=[""])


def test_every_cause_stands_before_its_effect_and_every_tool_call_ends(scenes: dict[str, Scene]) -> None:
    for scene in scenes.values():
        scene.check()
        assert len(scene.all("tool.call")) == len(scene.all("tool.result")), scene.lines()
        assert len({told.event.trace.id for told in scene if told.event.trace}) <= 1


def test_switching_on_twice_records_once(scenes: dict[str, Scene]) -> None:
    assert scenes["switched_on"].said["returned"] is True
    assert len(scenes["tools"].all("agent.start")) == 1


@played("tools")
def test_a_session_belongs_to_the_step_around_it_and_says_how_it_went(scene: Scene) -> None:
    assert scene.said["returned"] == "three and seven"
    start, finish = scene.one("agent.start"), scene.one("agent.finish")
    assert start.causes == (scene.all("x.task")[0].reference,)
    assert start.labels["framework"].startswith("claude-agent 0.")
    prompt, answer = scene.all("agent.step", step="prompt")
    assert (prompt.json, answer.json) == ("what is the sum?", "three and seven")
    assert (finish.outcome, finish.causes) == ("success", (start.reference, answer.reference))
    total = scene.one("agent.step", step="result")
    assert (total.labels["tokens.in"], total.labels["tokens.out"]) == ("44", "28")


@played("tools")
def test_tool_calls_are_caused_by_the_answer_that_asked_for_them(scene: Scene) -> None:
    answers = {told.reference: told for told in scene.all("model.result")}
    for call in scene.all("tool.call"):
        (asked,) = [answers[cause] for cause in call.causes if cause in answers]
        assert call.labels["call.id"] in [block["id"] for block in asked.json]
        assert (asked.labels["model.answered"], asked.labels["tokens.in"]) == ("scripted-1", "11")
    shown = {cause for answer in answers.values() for cause in answer.causes}
    assert {result.reference for result in scene.all("tool.result")} <= shown


@played("tools")
def test_what_a_tool_of_the_program_records_itself_belongs_to_its_call(scene: Scene) -> None:
    calls = {call.labels["call.id"]: call.reference for call in scene.all("tool.call")}
    inside = {event.json["sum"]: event.causes for event in scene.all("x.inside")}
    assert inside == {3: (calls["toolu_a"],), 7: (calls["toolu_b"],)}


@played("tools")
def test_what_ran_failed_and_was_not_allowed_are_told_apart(scene: Scene) -> None:
    results = {told.labels["call.id"]: told for told in scene.all("tool.result")}
    assert {call: told.outcome for call, told in results.items()} == {
        "toolu_a": "success",
        "toolu_b": "success",
        "toolu_c": "failure",
        "toolu_d": "failure",
        "toolu_w": "denied",
    }
    assert results["toolu_c"].json == {"error": "no such number"}
    assert scene.one("agent.step", step="PermissionRequest").labels["tool.name"] == "Write"


@played("conversation")
def test_a_sub_agent_is_caused_by_the_call_that_started_it(scene: Scene) -> None:
    started = scene.one("agent.start", agent="researcher")
    call = scene.one("tool.call", tool="Agent")
    assert started.causes == (call.reference,)
    inner = scene.one("tool.call", agent="researcher")
    assert started.reference in inner.causes
    assert scene.one("agent.finish", agent="researcher").json == "found three"
    assert {told.labels.get("agent.name") for told in scene.all("model.result")} == {None, "researcher"}


@played("conversation")
def test_a_prompt_that_no_model_answers_fails(scene: Scene) -> None:
    outcomes = [told.outcome for told in scene.all("agent.step", step="prompt", phase="outcome")]
    assert outcomes == ["success", "failure"]
    assert scene.all("model.result")[-1].outcome == "failure"
    assert [told.outcome for told in scene.all("agent.step", step="result")] == ["success", "failure"]
    assert scene.all("agent.finish")[-1].outcome == "failure"


@played("cancelled_tool")
def test_what_is_open_when_a_session_is_cancelled_is_unknown(scene: Scene) -> None:
    assert scene.said["raised"] == "CancelledError"
    assert scene.one("tool.result").outcome == "unknown"
    assert scene.one("agent.finish").outcome == "unknown"


@played("by_hand_at_the_gate")
def test_at_the_gate_a_tool_is_denied_before_the_ledger_has_its_call(scene: Scene) -> None:
    assert scene.said["returned"] == "it did not run"
    assert not scene.all("x.inside")
    result = scene.one("tool.result")
    assert (result.outcome, result.labels["gate.reason"]) == ("denied", "no-shipper")
    assert result.causes == (scene.one("tool.call").reference,)


@played("by_hand_at_the_gate")
def test_without_contents_nothing_of_them_is_recorded(scene: Scene) -> None:
    assert len(scene.told) >= 5
    assert not [told.body for told in scene if told.body]
    assert not any("sum" in label for told in scene for label in told.event.labels)


def test_an_agent_goes_on_where_nothing_can_be_recorded_and_says_so_once(tmp_path: Path) -> None:
    said = play_unrecorded(
        "claude-agent", "claude_agent_scenes", tmp_path, "switched_on", "tools", SCENES=str(tmp_path)
    )
    assert [each["returned"] for each in said] == [True, "three and seven"] * 2
