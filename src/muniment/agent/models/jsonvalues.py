"""JSON from outside: any value may stand anywhere, and nothing of it is trusted to have a type."""

import json
from typing import TypeAlias

import orjson

Object: TypeAlias = dict[str, object]


def parsed(text: bytes) -> object:
    """The value, or None if that is no JSON (or `null`)."""
    try:
        return orjson.loads(text)
    except ValueError:
        pass
    try:
        # Python's own parser takes NaN, lone surrogates and huge integers, as several servers do.
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def written(value: object) -> bytes | None:
    """A value as JSON, or None if it is nested too deep to be written."""
    try:
        return orjson.dumps(value, default=str)
    except TypeError:
        pass
    try:
        # Huge integers, lone surrogates and deep nesting, which `parsed` took.
        return json.dumps(value, default=str, separators=(",", ":")).encode()
    except RecursionError:
        return None


def an_object(value: object) -> Object:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Object]:
    """The objects of an array, or none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def a_string(value: object) -> str | None:
    """The string, or None if it is none or empty."""
    return value if isinstance(value, str) and value else None


def a_count(value: object) -> int | None:
    """The count, or None if it is no integer from 0."""
    return value if type(value) is int and value >= 0 else None


def twice(text: bytes, key: str) -> bool:
    """Whether an object's own key occurs twice, so that two readers may take different values.

    >>> twice(b'{"model":"a","mod\\\\u0065l":"b"}', "model"), twice(b'{"model":"a","x":{"model":"b"}}', "model")
    (True, False)
    """
    if b"\\u" not in text and text.count(b'"%s"' % key.encode("ascii")) < 2:
        return False
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return False
    return isinstance(pairs, list) and [pair[0] for pair in pairs if isinstance(pair, tuple)].count(key) > 1
