"""Steps: an intent before, an outcome after, and causes that follow the task wherever it goes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

import muniment
from muniment import caused_by, current, handover, intent, record
from muniment.agent import cause, recording
from muniment.agent.state import State
from muniment.core.errors import Malformed, Refused
from muniment.core.event import Event
from tests.agent.reading_back import events, frames, labels


@pytest.fixture(autouse=True)
def fresh(state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has recorded nothing yet."""
    monkeypatch.setenv("MUNIMENT_STATE", str(state.root))
    for name in ("MUNIMENT_CAUSE", "TRACEPARENT", "MUNIMENT_REDACT", "MUNIMENT_AGENT", "MUNIMENT_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (("_spool", None), ("_agent", None), ("_redaction", None), ("_missed", 0), ("_warned", set())):
        monkeypatch.setattr(recording, name, value)
    cause._inherited.cache_clear()
    yield
    if recording._spool is not None:
        recording._spool.close()
    cause._inherited.cache_clear()


def reference(event: Event) -> str:
    return f"{event.source.id}/{event.id}"


def bodies(state: State) -> list[object]:
    return [json.loads(frame.body) if frame.body else None for frame in frames(state)]


def test_an_action_is_announced_before_it_runs_and_its_outcome_names_the_announcement(state: State) -> None:
    with intent("config.change", resource=("host", "db-1"), payload={"max": 200}, labels={"env": "prod"}) as step:
        (announced,) = events(state)
        assert reference(announced) == step.reference
        step.result = {"restarted": False}
        step.labels["took"] = "1 s"
    before, after = events(state)
    assert (before.action, before.outcome, labels(before)) == (
        "config.change",
        "unknown",
        {"env": "prod", "step": "intent"},
    )
    assert (after.action, after.outcome, after.causes) == ("config.change", "success", (step.reference,))
    assert labels(after) == {"env": "prod", "took": "1 s", "step": "outcome"}
    assert after.resource == before.resource
    assert after.trace == before.trace
    assert bodies(state) == [{"max": 200}, {"result": {"restarted": False}}]


@pytest.mark.parametrize(
    ("action", "ending"),
    [("tool.call", "tool.result"), ("model.invoke", "model.result"), ("agent.start", "agent.finish"), ("x.a", "x.a")],
)
def test_the_outcome_has_the_action_that_belongs_to_the_intents(state: State, action: str, ending: str) -> None:
    with intent(action):
        pass
    assert [event.action for event in events(state)] == [action, ending]


def test_an_exception_is_a_failure_whose_text_stays_out_unless_asked_for(state: State) -> None:
    for errors in (False, True):
        with pytest.raises(KeyError), intent("tool.call", errors=errors):
            raise KeyError("a secret")
    first, second = (event for event in events(state) if labels(event)["step"] == "outcome")
    assert first.outcome == second.outcome == "failure"
    assert labels(first)["error.type"] == "builtins.KeyError"
    assert first.body is None
    assert bodies(state)[3] == {"error": {"type": "KeyError", "text": "'a secret'"}}


@pytest.mark.parametrize(
    "error", [asyncio.CancelledError, concurrent.futures.CancelledError, KeyboardInterrupt, SystemExit]
)
def test_what_was_cancelled_has_an_unknown_outcome(state: State, error: type[BaseException]) -> None:
    with pytest.raises(error), intent("tool.call"):
        raise error
    assert events(state)[1].outcome == "unknown"
    assert labels(events(state)[1])["error.type"].endswith(error.__name__)


def test_the_block_may_say_itself_how_it_ended(state: State) -> None:
    with intent("tool.call") as step:
        step.outcome = "denied"
    assert events(state)[1].outcome == "denied"


def test_details_that_cannot_stand_in_an_event_do_not_cost_the_outcome(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    with intent("tool.call") as step:
        step.outcome = "fine"
        step.labels["Not A Key"] = 1
    event = next(event for event in events(state) if event.action == "tool.result")
    assert (event.outcome, labels(event)["step.details"]) == ("success", "malformed")
    assert "details of an outcome" in caplog.text


def test_an_intent_that_cannot_be_said_is_refused_before_anything_runs(state: State) -> None:
    with pytest.raises(Malformed, match="not registered"), intent("nonsense.action"):
        pytest.fail("ran")
    with pytest.raises(Malformed, match="mode"):
        intent("tool.call", mode="fast")  # type: ignore[arg-type]


def test_a_step_is_used_once(state: State) -> None:
    step = intent("tool.call")
    with step:
        pass
    with pytest.raises(Refused, match="used once"), step:
        pass


def test_what_happens_inside_has_the_step_as_its_cause_and_its_trace(state: State) -> None:
    with intent("agent.start") as outer:
        assert current() == outer.reference
        inside = record("file.access")
        with intent("tool.call") as inner:
            deepest = record("secret.access")
        alone = record("file.access", causes=())
    outside = record("file.access")
    found = {reference(event): event for event in events(state)}
    assert found[inside].causes == (outer.reference,)
    assert found[inner.reference].causes == (outer.reference,)
    assert found[deepest].causes == (inner.reference,)
    assert found[alone].causes == found[outside].causes == found[outer.reference].causes == ()
    traces = {event.trace.id for event in found.values() if event.trace}
    assert len(traces) == 1
    spans = [found[name].trace.span for name in (outer.reference, inner.reference, deepest)]  # type: ignore[union-attr]
    assert spans[0] != spans[1] == spans[2]
    assert found[outside].trace is None
    assert current() is None


async def test_tasks_and_threads_have_the_cause_of_where_they_were_started(state: State) -> None:
    async def child(number: int) -> tuple[str, str | None]:
        async with intent("tool.call", tool=str(number)) as step:
            await asyncio.sleep(0)
            assert current() == step.reference
            made = await asyncio.to_thread(record, "file.access")
            return step.reference, made

    async with intent("agent.start") as outer:
        pairs = await asyncio.gather(*(child(number) for number in range(10)))
        assert current() == outer.reference
        copied: list[str] = []
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(lambda: copied.append(record("file.access")),))
        thread.start()
        thread.join()
    found = {reference(event): event for event in events(state)}
    for step, made in pairs:
        assert found[step].causes == (outer.reference,)
        assert made is not None
        assert found[made].causes == (step,)
    assert found[copied[0]].causes == (outer.reference,)


async def test_a_cancelled_task_has_an_unknown_outcome(state: State) -> None:
    began = asyncio.Event()

    async def work() -> None:
        async with intent("tool.call"):
            began.set()
            await asyncio.sleep(3_600)

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events(state)[1].outcome == "unknown"


def test_a_child_process_goes_on_where_its_parent_stands(state: State) -> None:
    with intent("agent.delegate") as step:
        environ = {**os.environ, **handover()}
        code = "import muniment\nwith muniment.intent('agent.start'): muniment.record('file.access')"
        done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    start = next(event for event in events(state) if event.action == "agent.start")
    assert start.causes == (step.reference,)
    assert len({event.trace.id for event in events(state) if event.trace}) == 1


def test_a_cause_that_came_in_a_message_encloses(state: State) -> None:
    parent = record("agent.delegate")
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with caused_by(parent, traceparent):
        assert handover() == {"MUNIMENT_CAUSE": parent, "TRACEPARENT": traceparent}
        with intent("agent.start") as step:
            assert step.traceparent is not None
            assert step.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert events(state)[1].causes == (parent,)
    for wrong in ("evt_1", "x" * 100):
        with pytest.raises(Malformed, match="reference"), caused_by(wrong):
            pass
    with pytest.raises(Malformed, match="traceparent"), caused_by(parent, "00-zz"):
        pass


def test_a_cause_in_the_environment_that_cannot_be_read_stops_nobody(
    state: State, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MUNIMENT_CAUSE", "'; DROP TABLE")
    monkeypatch.setenv("TRACEPARENT", "00-nonsense")
    record("tool.call")
    record("tool.call")
    assert [event.causes for event in events(state)] == [(), ()]
    assert caplog.text.count("MUNIMENT_CAUSE") == 1


def test_a_spool_that_cannot_be_written_stops_no_action_in_async_mode_and_the_gap_is_reported(
    state: State, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    from muniment.agent import steps

    ran = []
    with monkeypatch.context() as patched:
        patched.setattr(steps, "default_spool", broken)
        patched.setattr(recording, "default_spool", broken)
        for _ in range(3):
            with intent("tool.call") as step:
                ran.append(step.reference)
    assert ran == ["", "", ""]
    assert caplog.text.count("Read-only") == 2
    record("tool.call")
    report, _ = events(state)
    assert (report.action, labels(report)["dropped.count"]) == ("event.dropped", "6")


def test_a_spool_that_cannot_be_written_stops_the_action_in_durable_mode(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.agent.test_spool import fill_disk

    record("tool.call")
    with monkeypatch.context() as patched:
        fill_disk(patched)
        with pytest.raises(muniment.SpoolFull), intent("tool.call", mode="durable"):
            pytest.fail("ran")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_in_gate_mode_nothing_runs_without_the_ledgers_word_and_the_refusal_is_recorded(
    state: State, asynchronous: bool
) -> None:
    async def act() -> None:
        async with intent("config.change", mode="gate"):
            pytest.fail("ran")

    def act_at_once() -> None:
        with intent("config.change", mode="gate"):
            pytest.fail("ran")

    with pytest.raises(muniment.NotAccepted) as caught:
        asyncio.run(act()) if asynchronous else act_at_once()
    before, after = events(state)
    assert caught.value.reference == reference(before)
    assert (after.outcome, after.causes) == ("denied", (reference(before),))
    assert labels(after)["gate.reason"] == "no-shipper"


def test_a_record_in_gate_mode_is_refused_without_a_shipper(state: State) -> None:
    with pytest.raises(muniment.NotAccepted):
        record("secret.access", mode="gate")
    assert len(events(state)) == 1


async def test_cancelled_while_the_ledger_is_waited_for_nothing_runs_and_the_outcome_is_unknown(state: State) -> None:
    import socket

    from muniment.agent.gate import DIRECTORY, socket_path

    home = state.root / DIRECTORY
    home.mkdir(parents=True)
    descriptor = os.open(home, os.O_PATH)
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(socket_path(descriptor, "ak_0.sock"))
    silent.listen()

    async def act() -> None:
        async with intent("config.change", mode="gate", timeout=1.0):
            pytest.fail("ran")

    task = asyncio.create_task(act())
    connection, _ = await asyncio.to_thread(silent.accept)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    connection.close()
    silent.close()
    os.close(descriptor)
    assert [event.outcome for event in events(state)] == ["unknown", "unknown"]
    assert labels(events(state)[1])["step"] == "outcome"


def test_configuring_comes_before_the_first_event(state: State) -> None:
    muniment.configure(agent="research-01", redaction=muniment.Redaction(keys=["password"]))
    record("tool.call", payload={"password": "hunter2"})
    assert events(state)[0].actor.id == "agent:research-01"
    assert bodies(state) == [{"password": "[redacted]"}]
    with pytest.raises(Refused, match="before the first event"):
        muniment.configure(agent="other")


def test_the_package_imports_nothing_of_this_until_it_is_used() -> None:
    code = "import sys, muniment; print([m for m in sys.modules if m.startswith('muniment.agent')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n"
    for name in muniment.__all__:
        assert getattr(muniment, name)
    with pytest.raises(AttributeError):
        _ = muniment.nothing_of_that_name
