"""Checks on single fields of parsed JSON and of lines; every one of them names the field in the error it raises."""

import base64
import binascii
from collections.abc import Mapping

from muniment.core.canonical import MAX_INTEGER
from muniment.core.errors import Malformed
from muniment.core.identifiers import Grammar, is_decimal

_HEX = frozenset("0123456789abcdef")


def read_object(value: object, where: str, required: frozenset[str], optional: frozenset[str]) -> dict[str, object]:
    """Hold parsed JSON to a closed set of keys.

    Raises:
        Malformed: naming the key that is missing or unknown.
    """
    if not isinstance(value, dict):
        raise Malformed("must be an object", where or None)
    prefix = f"{where}." if where else ""
    for key in value:
        if key not in required and key not in optional:
            shown = key if type(key) is str and key.isascii() and key.isidentifier() else ascii(key)
            raise Malformed("is no key of this object", prefix + shown[:80])
    for key in sorted(required):
        if key not in value:
            raise Malformed("is missing", prefix + key)
    return value


def read_array(fields: Mapping[str, object], key: str) -> tuple[str, ...]:
    """Take an optional array out of parsed JSON; what its items are is for `check_array` to say.

    Raises:
        Malformed: if it is no array, or an empty one.
    """
    if key not in fields:
        return ()
    value = fields[key]
    if not isinstance(value, list | tuple):
        raise Malformed("must be an array", key)
    if not value:
        raise Malformed("must not be empty; leave the key out", key)
    return tuple(value)


def read_text(fields: Mapping[str, object], key: str) -> str | None:
    """Take an optional string out of parsed JSON.

    Raises:
        Malformed: if it is there and is no string.
    """
    if key not in fields:
        return None
    value = fields[key]
    if type(value) is not str:
        raise Malformed("must be a string; leave the key out where there is nothing to say", key)
    return value


def read_hex(value: object, length: int, where: str) -> bytes:
    """Read lower-case hex of exactly `length` bytes.

    Raises:
        Malformed: naming `where`.
    """
    if type(value) is not str or len(value) != 2 * length or not _HEX.issuperset(value):
        raise Malformed(f"must be {2 * length} characters of lower-case hex", where)
    return bytes.fromhex(value)


def check_array(items: object, grammar: Grammar, maximum: int, where: str) -> None:
    """Hold an array to its grammar: a tuple of at most `maximum` items, sorted strictly ascending.

    Raises:
        Malformed: naming the item, such as `labels[3]`.
    """
    if type(items) is not tuple:
        raise Malformed("must be a tuple of strings", where)
    if len(items) > maximum:
        raise Malformed(f"{len(items)} items, at most {maximum} are allowed", where)
    before = ""
    for place, item in enumerate(items):
        grammar.check(item, f"{where}[{place}]")
        if item <= before:
            raise Malformed("must be sorted by its bytes, each item once", f"{where}[{place}]")
        before = item


def check_choice(value: object, choices: frozenset[str], where: str) -> str:
    """Give `value` back if it is one of the choices; raise `Malformed` otherwise."""
    if type(value) is not str or value not in choices:
        raise Malformed(f"must be one of {', '.join(sorted(choices))}", where)
    return value


def check_integer(value: object, where: str, maximum: int = MAX_INTEGER) -> int:
    """Give `value` back if it is an integer from 0 to `maximum`; raise `Malformed` otherwise."""
    if type(value) is not int:
        raise Malformed("must be an integer", where)
    if not 0 <= value <= maximum:
        raise Malformed(f"must lie between 0 and {maximum}", where)
    return value


def check_bytes(value: object, length: int, where: str) -> bytes:
    """Give `value` back if it is exactly `length` bytes; raise `Malformed` otherwise."""
    if type(value) is not bytes or len(value) != length:
        raise Malformed(f"must be {length} bytes", where)
    return value


def read_decimal(text: str, where: str, maximum: int = MAX_INTEGER) -> int:
    """Read a decimal number of a line: no sign, no leading zero, at most `maximum`.

    Raises:
        Malformed: naming `where`.

    >>> read_decimal("20852163", "size")
    20852163
    """
    if is_decimal(text) is None or (number := int(text)) > maximum:
        raise Malformed(f"must be a decimal number from 0 to {maximum}, without leading zeros", where)
    return number


def read_base64(text: str | bytes, where: str) -> bytes:
    """Read base64 strictly: RFC 4648 section 4, padded, and encoding it again gives the same characters back.

    Raises:
        Malformed: naming `where`.

    >>> read_base64("AAE=", "hash")
    b'\\x00\\x01'
    """
    try:
        encoded = text.encode("ascii") if isinstance(text, str) else text
        value = binascii.a2b_base64(encoded, strict_mode=True)
    except (binascii.Error, UnicodeEncodeError):
        raise Malformed("is not base64", where) from None
    if base64.b64encode(value) != encoded:
        raise Malformed("is not base64 in its one canonical form", where)
    return value
