"""A payload as the bytes of an event's body, with their media type."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import orjson

JSON = "application/json"
TEXT = "text/plain"
BYTES = "application/octet-stream"
_BINARY = (bytes, bytearray, memoryview)


def encode_payload(payload: object) -> tuple[bytes, str]:
    """Write a payload as body bytes.

    Bytes stay as they are (`application/octet-stream`); everything else becomes JSON. What JSON cannot say is written
    as a string: not-a-number and the infinities by name, an unknown object by its `str()` (by its type where that
    fails); a structure that contains itself becomes its `repr()` as `text/plain`. Nothing that a caller passes loses
    the event.

    >>> encode_payload({"path": "/etc/hosts"})
    (b'{"path":"/etc/hosts"}', 'application/json')
    """
    if isinstance(payload, _BINARY):
        return bytes(payload), BYTES
    # The fast writer refuses lone surrogates, integers beyond 64 bits, keys that are no strings and unknown objects. It
    # writes NaN as null, so that only where a null stands a second look is needed. The slower one knows them all.
    # Objects bring code of their own into both, another thread may be changing what is read, and so anything is caught.
    try:
        body = orjson.dumps(payload)
        if b"null" not in body or not _has_nonfinite(payload):
            return body, JSON
    except Exception:  # noqa: S110
        pass
    try:
        return json.dumps(_plain(payload), ensure_ascii=True, separators=(",", ":")).encode("ascii"), JSON
    except Exception:
        return _shown(payload, repr).encode("utf-8", "backslashreplace"), TEXT


def _has_nonfinite(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, Mapping):
        return any(_has_nonfinite(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_has_nonfinite(item) for item in value)
    return False


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if isinstance(value, Mapping):
        return {_shown(key, str): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return _shown(value, str)


def _shown(value: object, how: Callable[[object], str]) -> str:
    try:
        return how(value)
    except Exception:
        return object.__repr__(value)
