"""A framework's objects as what JSON can say, for the body of an event."""

import dataclasses
from base64 import b64encode
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

MAX_DEPTH: Final = 64
MAX_PARTS: Final = 200_000
"""Mappings, lists, strings and numbers in one body. What is shared is written as often as it is met, and a small object
can be met very often."""


def plain(value: Any) -> Any:
    """Write a value as mappings, lists, strings and numbers; whatever it is, without raising.

    Models (with `model_dump`) and dataclasses become their fields, bytes inside of a structure `{"base64": …}`, an
    unknown object its `str()`. What contains itself, lies deeper than 64 levels or comes after 200,000 parts becomes
    `<its type>`.

    >>> plain({"a": (1, b"x")})
    {'a': [1, {'base64': 'eA=='}]}
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    try:
        return _Writer().write(value, 0)
    except Exception:
        return f"<{type(value).__name__}>"


class _Writer:
    def __init__(self) -> None:
        self._left = MAX_PARTS
        self._around: set[int] = set()

    def write(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if isinstance(value, Enum):
            value = value.value
        if value is None or isinstance(value, bool | int | float | str):
            return value if self._left >= 0 else f"<{type(value).__name__}>"
        if self._left < 0 or depth >= MAX_DEPTH or id(value) in self._around:
            return f"<{type(value).__name__}>"
        if isinstance(value, bytes | bytearray | memoryview):
            return {"base64": b64encode(bytes(value)).decode("ascii")}
        self._around.add(id(value))
        try:
            return self._structure(value, depth + 1)
        finally:
            self._around.discard(id(value))

    def _structure(self, value: Any, depth: int) -> Any:
        fields = value if isinstance(value, Mapping) else _fields(value)
        if fields is not None:
            return {
                key if isinstance(key, str) else _told(key): self.write(item, depth) for key, item in fields.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.write(item, depth) for item in value]
        return _told(value)


def _fields(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, type | list | tuple | set | frozenset):
        return None
    if dataclasses.is_dataclass(value):
        return {each.name: getattr(value, each.name, None) for each in dataclasses.fields(value)}
    dump = getattr(value, "model_dump", None)
    if not callable(dump):
        return None
    try:
        # Not every class that has the method knows the option; ours only keeps it from warning about odd values.
        dumped = dump(warnings=False)
    except Exception:
        return None
    return dumped if isinstance(dumped, Mapping) else None


def _told(value: Any) -> str:
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__}>"
