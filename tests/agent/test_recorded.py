"""`@recorded`: functions of every kind, their arguments and results, and nothing changed about how they behave."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Iterator

import pytest

import muniment
from muniment import current, record, recorded
from muniment.agent.state import State
from muniment.core.errors import Malformed
from tests.agent.reading_back import events, labels
from tests.agent.test_steps import bodies, fresh, reference

__all__ = ["fresh"]


def test_a_call_is_recorded_with_its_arguments_by_name_and_its_result(state: State) -> None:
    @recorded
    def search(query: str, *rest: int, limit: int = 10, **more: object) -> list[str]:
        """Looks for it."""
        return [query] * 2

    assert search("a", 1, 2, limit=3, x="y") == ["a", "a"]
    before, after = events(state)
    assert (before.action, after.action, after.outcome) == ("tool.call", "tool.result", "success")
    assert before.tool == after.tool == search.__qualname__
    assert (
        labels(before)["code.function"].startswith("test_recorded.")
        or "test_recorded" in labels(before)["code.function"]
    )
    assert bodies(state) == [
        {"arguments": {"query": "a", "rest": [1, 2], "limit": 3, "more": {"x": "y"}}},
        {"result": ["a", "a"]},
    ]
    assert (search.__name__, search.__doc__) == ("search", "Looks for it.")


def test_contents_may_be_left_out(state: State) -> None:
    @recorded("model.invoke", arguments=False, result=False, labels={"model": "m"})
    def invoke(prompt: str) -> str:
        return prompt

    invoke("secret")
    assert [event.body for event in events(state)] == [None, None]
    assert [(event.action, event.tool) for event in events(state)] == [("model.invoke", None), ("model.result", None)]
    assert all(labels(event)["model"] == "m" for event in events(state))


def test_methods_leave_their_object_out(state: State) -> None:
    class Tools:
        @recorded
        def one(self, a: int) -> None: ...

        @classmethod
        @recorded
        def two(cls, a: int) -> None: ...

        @staticmethod
        @recorded
        def three(a: int) -> None: ...

    Tools().one(1)
    Tools.two(2)
    Tools.three(3)
    assert [body for body in bodies(state) if body] == [{"arguments": {"a": number}} for number in (1, 2, 3)]


def test_a_wrong_call_fails_as_it_would_and_is_recorded(state: State) -> None:
    @recorded
    def one(a: int) -> None: ...

    with pytest.raises(TypeError):
        one(1, 2)  # type: ignore[call-arg]
    assert events(state)[1].outcome == "failure"
    assert bodies(state)[0] == {"arguments": {"positional": [1, 2], "keyword": {}}}


def test_arguments_that_break_when_they_are_shown_break_nothing(state: State) -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no")

        __repr__ = __str__

    @recorded
    def one(a: object, b: object) -> object:
        return a

    loop: list[object] = []
    loop.append(loop)
    one(Odd(), loop)
    assert len(events(state)) == 2


async def test_coroutines_are_recorded_while_they_run(state: State) -> None:
    @recorded
    async def fetch(url: str) -> str:
        await asyncio.sleep(0)
        record("file.access")
        return url.upper()

    assert inspect.iscoroutinefunction(fetch)
    assert await asyncio.gather(fetch("a"), fetch("b")) == ["A", "B"]
    calls = {reference(event): event for event in events(state) if event.action == "tool.call"}
    assert {event.causes[0] for event in events(state) if event.action == "file.access"} == set(calls)


def test_a_generator_is_one_step_and_its_consumer_is_outside_of_it(state: State) -> None:
    @recorded
    def numbers(most: int) -> Iterator[int]:
        for number in range(most):
            record("file.access")
            yield number
        return "done"

    assert inspect.isgeneratorfunction(numbers)
    generator = numbers(3)
    assert not state.spool.exists()
    seen = []
    for number in generator:
        assert current() is None
        seen.append(number)
    assert seen == [0, 1, 2]
    call, *inner, result = events(state)
    assert {event.causes for event in inner} == {(reference(call),)}
    assert labels(result)["step.items"] == "3"
    assert bodies(state)[-1] == {"result": "done"}


def test_a_generator_takes_what_is_sent_and_thrown_as_before(state: State) -> None:
    @recorded
    def echo() -> Iterator[object]:
        got: object = None
        while True:
            try:
                got = yield got
            except KeyError as error:
                got = repr(error)

    generator = echo()
    assert next(generator) is None
    assert generator.send(1) == 1  # type: ignore[attr-defined]
    assert generator.throw(KeyError("x")) == "KeyError('x')"  # type: ignore[attr-defined]
    generator.close()  # type: ignore[attr-defined]
    assert events(state)[1].outcome == "unknown"
    failing = echo()
    next(failing)
    with pytest.raises(ValueError, match="out"):
        failing.throw(ValueError("out"))  # type: ignore[attr-defined]
    assert events(state)[-1].outcome == "failure"


async def test_asynchronous_generators_too(state: State) -> None:
    closed = []

    @recorded
    async def numbers() -> AsyncIterator[int]:
        try:
            for number in range(5):
                record("file.access")
                yield number
        finally:
            closed.append(True)

    assert inspect.isasyncgenfunction(numbers)
    assert [number async for number in numbers()] == [0, 1, 2, 3, 4]
    assert current() is None
    call, *inner, result = events(state)
    assert {event.causes for event in inner} == {(reference(call),)}
    assert (result.outcome, labels(result)["step.items"]) == ("success", "5")
    half = numbers()
    assert await anext(half) == 0
    await half.aclose()  # type: ignore[attr-defined]
    assert closed == [True, True]
    assert (events(state)[-1].outcome, labels(events(state)[-1])["step.items"]) == ("unknown", "1")
    thrown = numbers()
    await anext(thrown)
    with pytest.raises(KeyError):
        await thrown.athrow(KeyError("x"))  # type: ignore[attr-defined]
    assert events(state)[-1].outcome == "failure"


def test_wrong_options_are_refused_where_the_function_is_decorated() -> None:
    with pytest.raises(Malformed, match="not registered"):
        recorded("tool.cal")
    with pytest.raises(Malformed, match="labels"):
        recorded(labels={"Not A Key": 1})


def test_anything_that_can_be_called_can_be_recorded(state: State) -> None:
    assert recorded()(functools.partial(int, base=2))("101") == 5
    assert recorded()(max)(1, 2) == 2
    assert [event.outcome for event in events(state)] == ["unknown", "success"] * 2


def test_in_gate_mode_the_function_does_not_run_without_the_ledgers_word(state: State) -> None:
    @recorded("config.change", mode="gate")
    def dangerous() -> None:
        pytest.fail("ran")

    with pytest.raises(muniment.NotAccepted):
        dangerous()
    assert [event.outcome for event in events(state)] == ["unknown", "denied"]


def test_rules_of_the_function_hold_beside_those_of_the_process(state: State) -> None:
    @recorded(redaction=muniment.Redaction(paths=["/arguments/card/*", "/result/number"]))
    def pay(card: dict[str, str], amount: int) -> dict[str, object]:
        return {"number": card["number"], "amount": amount}

    assert pay({"number": "4111", "cvc": "1"}, 5) == {"number": "4111", "amount": 5}
    assert bodies(state) == [
        {"arguments": {"card": {"number": "[redacted]", "cvc": "[redacted]"}, "amount": 5}},
        {"result": {"number": "[redacted]", "amount": 5}},
    ]
