"""Lines of JSON-RPC as MCP's stdio transport carries them, read as leniently as the most lenient peer might.

The reader of a recorder must not be stricter than the server behind it: what a server might understand as a call and
the recorder does not would go unrecorded.
"""

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import orjson

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_NUMBERS: Final = (int, float)
_MAX_SECOND_LOOK: Final = 1_048_576


class Message(NamedTuple):
    """One JSON-RPC message.

    Attributes:
        value: the object as parsed; of keys that occur twice the last one.
        raw: exactly the bytes of this message on the wire.
        ambiguous: a key that occurs twice on the message itself or in its `params`; peers differ in which one they
            take.
        methods: every value of `method`.
    """

    value: dict[str, object]
    raw: bytes
    ambiguous: str | None
    methods: tuple[object, ...]


def read_line(line: bytes) -> list[Message] | None:
    """Read one line: a message, or a batch of them. None if it is nothing that any JSON parser would read.

    >>> [m.raw for m in read_line(b'[{"id":1}, {"id":2}]')]
    [b'{"id":1}', b'{"id":2}']
    """
    text = line.strip()
    value = _parse(text)
    if b"\r" in text and value is not None:
        # A peer that ends lines at a carriage return, too, sees several; what is a message only to it comes on top.
        inner = [message for piece in text.split(b"\r") for message in _alone(piece)]
    else:
        inner = []
    if isinstance(value, dict):
        return [_message(value, text), *inner]
    if isinstance(value, list):
        elements = list(_elements(text))
        if len(elements) != len(value):
            return None
        return [_message(item, raw) for item, raw in zip(value, elements, strict=True) if isinstance(item, dict)]
    return None


def id_key(identifier: object) -> object:
    """A key for an id under which `1`, `"1"` and `true` are three and `1` and `1.0` are one."""
    if isinstance(identifier, bool) or not isinstance(identifier, _NUMBERS):
        return (type(identifier).__name__, str(identifier))
    return ("number", identifier)


def _alone(piece: bytes) -> list[Message]:
    value = _parse(piece)
    return [_message(value, piece.strip())] if isinstance(value, dict) else []


def _parse(text: bytes) -> object:
    try:
        return orjson.loads(text)
    except ValueError:
        pass
    try:
        # Python's own parser takes NaN, lone surrogates and huge integers, as several servers do.
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _message(value: dict[str, object], raw: bytes) -> Message:
    methods: tuple[object, ...] = (value.get("method"),)
    ambiguous = None
    # An escape can hide a key from the count, and only in text that has a backslash.
    if len(raw) <= _MAX_SECOND_LOOK and (
        b"\\u" in raw
        or raw.count(b'"method"') > 1
        or raw.count(b'"id"') > 1
        or raw.count(b'"params"') > 1
        or raw.count(b'"name"') > 1
    ):
        try:
            pairs = json.loads(raw, object_pairs_hook=list)
        except (ValueError, RecursionError):
            pairs = []
        methods = tuple(item for key, item in pairs if key == "method") or methods
        ambiguous = _twice(pairs) or next(
            (_twice(item) for key, item in pairs if key == "params" and _twice(item)), None
        )
    return Message(value, raw, ambiguous, methods)


def _twice(pairs: object) -> str | None:
    if not isinstance(pairs, list):
        return None
    seen: set[str] = set()
    for pair in pairs:
        if not isinstance(pair, tuple):
            return None
        if pair[0] in seen:
            return str(pair[0])
        seen.add(pair[0])
    return None


def _elements(text: bytes) -> Iterator[bytes]:
    """Cut a JSON array into the bytes of its elements."""
    depth, start = 0, 1
    for token in _TOKENS.finditer(text):
        mark = token[0]
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
            if depth == 0:
                element = text[start : token.start()].strip()
                if element:
                    yield element
                return
        elif mark == b"," and depth == 1:
            yield text[start : token.start()].strip()
            start = token.end()
