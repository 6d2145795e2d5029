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
_KEYS: Final = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_LOOKED_INTO: Final = ("params", "arguments", "_meta")
_MATTERS: Final = frozenset({"id", "method", "params", "name", "uri", "arguments"})


class Message(NamedTuple):
    """One JSON-RPC message.

    Attributes:
        value: the object as parsed; of keys that occur twice the last one.
        raw: exactly the bytes of this message on the wire.
        ambiguous: a key that occurs twice on the message itself or in its `params`, or one that is spelled so that
            some peers take it for another (`Method`); peers differ in what they take.
        methods: every value of `method`, however it is spelled.
    """

    value: dict[str, object]
    raw: bytes
    ambiguous: str | None
    methods: tuple[object, ...]


def read_line(line: bytes, *, framing: str = "line", thorough: bool = False) -> list[Message] | None:
    """Read a message, or a batch of them. None if it is nothing that any JSON parser would read.

    Args:
        line: without its newline.
        framing: `line` where messages end at line ends, `body` where something else says where they end.
        thorough: look for keys that occur twice in every message, however large and however unlikely.

    >>> [m.raw for m in read_line(b'[{"id":1}, {"id":2}]')]
    [b'{"id":1}', b'{"id":2}']
    """
    text = line.strip()
    value = _parse(text)
    if framing == "line" and b"\r" in text and value is not None:
        # A peer that ends lines at a carriage return, too, sees several; what is a message only to it comes on top.
        inner = [message for piece in text.split(b"\r") for message in _alone(piece, thorough)]
    else:
        inner = []
    if isinstance(value, dict):
        return [_message(value, text, thorough), *inner]
    if isinstance(value, list):
        elements = list(_elements(text))
        if len(elements) != len(value):
            return None
        cut = zip(value, elements, strict=True)
        return [*(_message(item, raw, thorough) for item, raw in cut if isinstance(item, dict)), *inner]
    return None


def id_key(identifier: object) -> object:
    """A key for an id under which `1`, `"1"` and `true` are three and `1` and `1.0` are one."""
    if isinstance(identifier, bool) or not isinstance(identifier, _NUMBERS):
        return (type(identifier).__name__, str(identifier))
    return ("number", identifier)


def _alone(piece: bytes, thorough: bool) -> list[Message]:
    value = _parse(piece)
    return [_message(value, piece.strip(), thorough)] if isinstance(value, dict) else []


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


def _message(value: dict[str, object], raw: bytes, thorough: bool) -> Message:
    methods: tuple[object, ...] = (value.get("method"),)
    ambiguous = None
    odd = not value.keys() <= _KEYS
    # An escape can hide a key from the count, and only in text that has a backslash.
    if thorough or (
        len(raw) <= _MAX_SECOND_LOOK
        and (
            odd
            or b"\\u" in raw
            or raw.count(b'"method"') > 1
            or raw.count(b'"id"') > 1
            or raw.count(b'"params"') > 1
            or raw.count(b'"name"') > 1
        )
    ):
        pairs = _pairs(raw)
        methods = tuple(item for key, item in pairs if key.casefold() == "method") or methods
        ambiguous = _twofold(pairs)
    elif odd:
        methods = tuple(item for key, item in value.items() if key.casefold() == "method") or methods
    return Message(value, raw, ambiguous, methods)


def _pairs(raw: bytes) -> list[tuple[str, object]]:
    try:
        found = json.loads(raw, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, _Pairs) else []


class _Pairs(list[tuple[str, object]]):
    """The members of an object; a list is an array."""


def _twofold(pairs: list[tuple[str, object]]) -> str | None:
    """A key that not all peers understand alike, here or in what is looked into."""
    seen: set[str] = set()
    for key, item in pairs:
        plain = key.casefold()
        if key in seen or (plain != key and plain in _MATTERS):
            return key
        seen.add(key)
        if key in _LOOKED_INTO and isinstance(item, _Pairs):
            inner = _twofold(item) if key == "params" else _twice(item)
            if inner is not None:
                return inner
    return None


def _twice(pairs: list[tuple[str, object]]) -> str | None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
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
