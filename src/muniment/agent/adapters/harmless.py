"""What a framework calls raises nothing into it, whatever another release of the framework hands over."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from muniment.agent.recording import unrecorded


class _Observer(Protocol):
    def must(self, name: str) -> bool: ...


_Kind = TypeVar("_Kind", bound=type[_Observer])


def harmless(framework: str, *, prefix: str = "", suffix: str = "") -> Callable[[_Kind], _Kind]:
    """Decorate an observer's class: its callbacks count what goes wrong in them (`unrecorded`), and return None.

    What `must(<callback's name>)` is true for raises as before: it fails closed.

    Args:
        framework: whose callbacks these are.
        prefix, suffix: of their names.
    """

    def decorated(kind: _Kind) -> _Kind:
        for name, callback in list(vars(kind).items()):
            if inspect.isfunction(callback) and name.startswith(prefix) and name.endswith(suffix):
                setattr(kind, name, _guarded(framework, name, callback))
        return kind

    return decorated


def _guarded(framework: str, name: str, callback: Callable[..., Any]) -> Callable[..., Any]:
    def told(observer: _Observer, error: Exception) -> None:
        if observer.must(name):
            raise error
        unrecorded(framework, error)

    if inspect.iscoroutinefunction(callback):

        @functools.wraps(callback)
        async def awaited(self: _Observer, *positional: Any, **keyword: Any) -> Any:
            try:
                return await callback(self, *positional, **keyword)
            except Exception as error:
                told(self, error)

        return awaited

    @functools.wraps(callback)
    def called(self: _Observer, *positional: Any, **keyword: Any) -> Any:
        try:
            return callback(self, *positional, **keyword)
        except Exception as error:
            told(self, error)

    return called
