"""`@recorded`: every call of a function as a step, with its arguments and its result.

Functions, coroutines, generators and asynchronous generators. A generator's step begins with its first item and ends
with its last; its items are counted and not kept. Between two items the consumer's code is outside of the step.
"""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast, overload

from muniment.agent.draft import Actor, Resource, draft
from muniment.agent.labels import Labels, label_pairs
from muniment.agent.recording import Mode
from muniment.agent.redaction.rules import Redaction
from muniment.agent.steps import Step, intent

_Begin: TypeAlias = Callable[[tuple[object, ...], dict[str, object]], Step]
_P = ParamSpec("_P")
_R = TypeVar("_R")


@overload
def recorded(action: Callable[_P, _R]) -> Callable[_P, _R]: ...


@overload
def recorded(
    action: str = "tool.call",
    *,
    tool: str | None = None,
    arguments: bool = True,
    result: bool = True,
    errors: bool = False,
    redaction: Redaction | None = None,
    mode: Mode = "async",
    timeout: float | None = None,
    labels: Labels = (),
    resource: Resource | None = None,
    actor: Actor | None = None,
    workspace: str | None = None,
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]: ...


def recorded(
    action: Any = "tool.call",
    *,
    tool: str | None = None,
    arguments: bool = True,
    result: bool = True,
    errors: bool = False,
    redaction: Redaction | None = None,
    mode: Mode = "async",
    timeout: float | None = None,
    labels: Labels = (),
    resource: Resource | None = None,
    actor: Actor | None = None,
    workspace: str | None = None,
) -> Any:
    """Record every call of a function: an event before it runs, one after it. Bare, or with options.

    Args:
        action: of the first event.
        tool: by default the function's qualified name, for the actions `tool.…`.
        arguments: whether they go into the first event's body, by the names of the parameters, without `self`.
        result: whether what the function returns goes into the second event's body.

    The other arguments are those of `intent`.

    Raises:
        Malformed: where the function is decorated, naming the argument that cannot stand in an event.
    """
    if callable(action):
        return recorded()(action)
    told = (*label_pairs(labels), "code.function=x", "step=intent")
    draft(action, "agent:x" if actor is None else actor, tool=tool, resource=resource, labels=told, workspace=workspace)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        name = getattr(function, "__qualname__", type(function).__qualname__)
        own = (*label_pairs(labels), f"code.function={getattr(function, '__module__', '')}.{name}")
        named = name if tool is None and action.startswith("tool.") else tool
        parameters = _parameters(function)

        def step(positional: tuple[object, ...], keyword: dict[str, object]) -> Step:
            return intent(
                action,
                actor=actor,
                payload={"arguments": _named(parameters, positional, keyword)} if arguments else None,
                tool=named,
                resource=resource,
                labels=own,
                workspace=workspace,
                mode=mode,
                timeout=timeout,
                errors=errors,
                redaction=redaction,
            )

        return _wrapped(function, step, result)

    return decorate


def _wrapped(function: Callable[..., Any], begin: _Begin, result: bool) -> Callable[..., Any]:
    if inspect.isasyncgenfunction(function):
        return _asynchronous_generator(function, begin)
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*positional: Any, **keyword: Any) -> Any:
            async with begin(positional, keyword) as step:
                value = await function(*positional, **keyword)
                step.result = value if result else None
            return value

        return coroutine
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generator(*positional: Any, **keyword: Any) -> Generator[Any, Any, Any]:
            return (yield from _drive(function(*positional, **keyword), begin(positional, keyword), result))

        return generator

    @functools.wraps(function)
    def plain(*positional: Any, **keyword: Any) -> Any:
        with begin(positional, keyword) as step:
            value = function(*positional, **keyword)
            step.result = value if result else None
        return value

    return plain


def _drive(inner: Generator[Any, Any, Any], step: Step, result: bool) -> Generator[Any, Any, Any]:
    step.begin()
    items, error = 0, None
    advance: Callable[[], Any] = functools.partial(next, inner)
    try:
        while True:
            with step.inside():
                item = advance()
            items += 1
            try:
                sent = yield item
                advance = functools.partial(inner.send, sent)
            except GeneratorExit:
                with step.inside():
                    inner.close()
                raise
            except BaseException as thrown:
                advance = functools.partial(inner.throw, thrown)
    except StopIteration as end:
        step.result = end.value if result else None
        return end.value
    except BaseException as raised:
        error = raised
        raise
    finally:
        step.labels["step.items"] = items
        step.end(error)


def _asynchronous_generator(function: Callable[..., Any], begin: _Begin) -> Callable[..., Any]:
    @functools.wraps(function)
    async def driven(*positional: Any, **keyword: Any) -> AsyncGenerator[Any, Any]:
        inner, step = function(*positional, **keyword), begin(positional, keyword)
        await step.begin_async()
        items, error = 0, None
        advance: Callable[[], Any] = functools.partial(anext, inner)
        try:
            while True:
                with step.inside():
                    item = await advance()
                items += 1
                try:
                    sent = yield item
                    advance = functools.partial(inner.asend, sent)
                except GeneratorExit:
                    with step.inside():
                        await inner.aclose()
                    raise
                except BaseException as thrown:
                    advance = functools.partial(inner.athrow, thrown)
        except StopAsyncIteration:
            return
        except BaseException as raised:
            error = raised
            raise
        finally:
            step.labels["step.items"] = items
            step.end(error)

    return driven


def _parameters(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        # Some functions written in C do not say.
        return None


def _named(
    parameters: inspect.Signature | None, positional: tuple[object, ...], keyword: dict[str, object]
) -> dict[str, object]:
    try:
        bound = dict(parameters.bind(*positional, **keyword).arguments) if parameters is not None else None
    except TypeError:
        # The call itself is going to fail with this; what was passed is recorded as it is.
        bound = None
    if bound is None:
        return cast("dict[str, object]", {"positional": list(positional), "keyword": keyword})
    first = next(iter(bound), None)
    if first in ("self", "cls"):
        del bound[first]
    return bound
