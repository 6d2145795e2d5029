"""Canonical JSON: RFC 8785 for the values that Muniment allows (objects, arrays, strings, integers).

`parse_json` reads such a text strictly, white space allowed inside; `dump_json` writes its one canonical form.
"""

import json
import re
from typing import NoReturn, TypeAlias

from muniment.core.errors import Malformed

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int"

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON parser reads exactly."""

MAX_BYTES = 65_535
"""The largest text of an entry, in bytes."""

MAX_DEPTH = 6
"""How deep objects and arrays may be nested."""

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?+|[\[\]{}]', re.DOTALL)
# What can only be judged value by value: escapes for surrogates and U+0000, and the three literals.
_SUSPECT = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)|true|false|null")
_UNFIT = re.compile("[\x00\ud800-\udfff]")


class MalformedJson(Malformed):
    """The bytes are not JSON of the strict kind that events and entries use."""


def parse_json(data: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Json:
    """Read one JSON value strictly (rules 2 and 3 of docs/format.md).

    Refused: more than `max_bytes`, invalid UTF-8, a byte-order mark, anything before or after the value, a key that
    occurs twice after unescaping, `null`, `true`, `false`, fractions and exponents, integers beyond 2^53-1,
    lone surrogates, U+0000, and nesting deeper than `max_depth`.

    Raises:
        MalformedJson: naming what was found.

    Source: docs/format.md section 2; RFC 8259; RFC 7493.

    >>> parse_json(b'{"a":[1,"x"]}')
    {'a': [1, 'x']}
    >>> parse_json(b'{"a":1,"\\\\u0061":2}')
    Traceback (most recent call last):
        ...
    muniment.core.canonical.MalformedJson: the key "a" occurs twice
    """
    if len(data) > max_bytes:
        raise MalformedJson(f"{len(data)} bytes, at most {max_bytes} are allowed")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedJson(f"not UTF-8 at byte {error.start}") from None
    if text.startswith("\ufeff"):
        raise MalformedJson("begins with a byte-order mark")
    if text.strip(" \t\r\n") != text:
        raise MalformedJson("white space before or after the value")
    if text.count("[") + text.count("{") > max_depth:
        _check_depth(text, max_depth)
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedJson(f"not JSON at character {error.pos}: {error.msg}") from None
    if _SUSPECT.search(text):
        _check_values(value, "")
    return value


def dump_json(value: object) -> bytes:
    r"""Write a value of objects, arrays, strings and integers as RFC 8785 prescribes.

    Args:
        value: dicts with string keys, lists or tuples, strings, integers up to 2^53-1 in size. Nothing else.

    Raises:
        MalformedJson: for any other type, a larger integer, a lone surrogate, or nesting deeper than 100.

    Source: RFC 8785 section 3.2.

    >>> dump_json({"b": [1, "\"x\""], "a": "é"}).decode()
    '{"a":"é","b":[1,"\\"x\\""]}'
    """
    parts: list[str] = []
    _write(value, parts, 0)
    try:
        return "".join(parts).encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedJson("a string holds a lone surrogate") from None


def _write(value: object, parts: list[str], depth: int) -> None:
    if depth > 100:
        raise MalformedJson("nested deeper than 100")
    if type(value) is str:
        parts.append(_quote(value))
    elif type(value) is int:
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise MalformedJson("an integer is larger than 2^53-1")
        parts.append(str(value))
    elif isinstance(value, dict):
        parts.append("{")
        comma = ""
        for key in sorted(value, key=_utf16):
            parts.append(f"{comma}{_quote(key)}:")
            _write(value[key], parts, depth + 1)
            comma = ","
        parts.append("}")
    elif isinstance(value, list | tuple):
        parts.append("[")
        for place, item in enumerate(value):
            if place:
                parts.append(",")
            _write(item, parts, depth + 1)
        parts.append("]")
    else:
        raise MalformedJson(f"{type(value).__name__} has no place here: objects, arrays, strings and integers only")


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _utf16(key: object) -> bytes:
    if type(key) is not str:
        raise MalformedJson("a key is not a string")
    return key.encode("utf-16-be", "surrogatepass")


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        mark = found.group()
        if mark in "[{":
            depth += 1
            if depth > max_depth:
                raise MalformedJson(f"nested deeper than {max_depth}")
        elif mark in "]}":
            depth -= 1


def _check_values(value: object, where: str) -> None:
    if isinstance(value, str):
        if found := _UNFIT.search(value):
            what = "U+0000" if found.group() == "\x00" else "a lone surrogate"
            raise MalformedJson(f"a string holds {what}", where or None)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_values(key, f"{where}.{key!a}" if where else ascii(key))
            _check_values(item, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _check_values(item, f"{where}[{place}]")
    elif value is None or isinstance(value, bool):
        raise MalformedJson(f"{json.dumps(value)} has no place here: leave the key out", where or None)


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise MalformedJson(f"the key {json.dumps(key)} occurs twice")
            seen.add(key)
    return value


def _integer(text: str) -> int:
    if len(text) > 17 or abs(number := int(text)) > MAX_INTEGER:
        raise MalformedJson("an integer is larger than 2^53-1")
    return number


def _no_fraction(_text: str) -> NoReturn:
    raise MalformedJson("a number has a fraction or an exponent: integers only")


def _no_constant(text: str) -> NoReturn:
    raise MalformedJson(f"{text} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_no_fraction, parse_constant=_no_constant
)
