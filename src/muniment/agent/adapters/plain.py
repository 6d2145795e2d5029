"""A framework's objects as what JSON can say, for the body of an event."""

import dataclasses
from base64 import b64encode
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

_MAX_DEPTH: Final = 32


def plain(value: Any, depth: int = 0) -> Any:
    """Write a value as mappings, lists, strings and numbers.

    Models (with `model_dump`) and dataclasses become their fields, bytes inside of a structure `{"base64": …}`, an
    unknown object its `str()`, and what is nested deeper than 32 levels its `str()`, too. Nothing is left out.

    >>> plain({"a": (1, b"x")})
    {'a': [1, {'base64': 'eA=='}]}
    """
    if isinstance(value, Enum):
        return plain(value.value, depth + 1)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value) if depth == 0 else {"base64": b64encode(bytes(value)).decode("ascii")}
    if depth >= _MAX_DEPTH:
        return _told(value)
    if isinstance(value, Mapping):
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, type):
        return _told(value)
    fields = _fields(value)
    return _told(value) if fields is None else plain(fields, depth + 1)


def _fields(value: Any) -> Mapping[str, Any] | None:
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


def _key(key: Any) -> str:
    return key if isinstance(key, str) else _told(key)


def _told(value: Any) -> str:
    try:
        return str(value)
    except Exception:
        return f"<{type(value).__name__}>"
