"""What was learned, in parts that are plain JSON: each has a name, and only those that changed are kept again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol, Self, TypeVar

FORMAT: Final = 1
"""Grows when parts are written in another way; what was learned is then learned again from the log."""


class Part(Protocol):
    """Something learned."""

    @classmethod
    def read(cls, row: dict[str, Any]) -> Self:
        """From its JSON; of an empty object, one that knows nothing."""

    def row(self) -> dict[str, Any]:
        """As JSON."""


P = TypeVar("P", bound=Part)


class Memory:
    """The parts of one tenant. A server's subclass says where a part that is not here yet comes from."""

    def __init__(self) -> None:
        self._parts: dict[str, Part] = {}
        self._changed: set[str] = set()

    def part(self, name: str, kind: type[P]) -> P:
        """A part, to be changed.

        Args:
            name: such as `hours user:usr_…`.
            kind: how it is read; always the same for a name.
        """
        found = self.look(name, kind)
        self._changed.add(name)
        return found

    def look(self, name: str, kind: type[P]) -> P:
        """A part, only to be looked at."""
        found = self._parts.get(name)
        if not isinstance(found, kind):
            found = self._parts[name] = kind.read(self.kept(name))
        return found

    def kept(self, name: str) -> dict[str, Any]:
        """What is kept of a part that is not here; an empty object if nothing is."""
        del name
        return {}

    def taken(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The parts that changed since the last time, each with its JSON."""
        changed, self._changed = self._changed, set()
        for name in sorted(changed):
            yield name, self._parts[name].row()

    def forget(self) -> None:
        """Let go of everything that is not in use."""
        self._parts.clear()
        self._changed.clear()
