"""The outer shell of a protobuf request, cut into its records without reading them.

Requests are cut first and parsed record by record: so one broken record does not cost the others of its request, and
how many there are is known before memory is spent on them.

Source: protobuf encoding, "Message structure"; opentelemetry-proto v1.7, `collector/trace/v1`, `collector/logs/v1`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FIELDS: Final = 100_000
"""Fields of the outer shell of one request: a bound on work, far beyond what a request of 20,000 records has."""
MAX_PARTS: Final = 50_000
"""Messages within one record, resource or scope."""
SMALL: Final = 65_536
"""Bytes of a message that cannot have so many parts that it takes much memory to read."""

# Which fields of which message hold messages: of the others nothing is looked at. Numbers as in opentelemetry-proto.
Schema: TypeAlias = "dict[int, Schema]"
_ANY_VALUE: Final[Schema] = {}
_KEY_VALUE: Final[Schema] = {2: _ANY_VALUE}
_ANY_VALUE.update({5: {1: _ANY_VALUE}, 6: {1: _KEY_VALUE}})
SPAN: Final[Schema] = {9: _KEY_VALUE, 11: {3: _KEY_VALUE}, 13: {4: _KEY_VALUE}}
LOG_RECORD: Final[Schema] = {5: _ANY_VALUE, 6: _KEY_VALUE}
RESOURCE: Final[Schema] = {1: _KEY_VALUE}
SCOPE: Final[Schema] = {3: _KEY_VALUE}

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class MalformedWire(ValueError):  # noqa: N818 - the house's word for what cannot be read
    """The bytes are not a protobuf message, or have more fields than a request may."""


class Shell:
    """Reads the shells of one request; what all of them have together is bounded."""

    def __init__(self, most: int = MAX_FIELDS) -> None:
        self._most = self._left = most

    def parts(self, message: bytes) -> Iterator[tuple[int, bytes]]:
        """Give every length-delimited field as its number and bytes, and pass over all others.

        Raises:
            MalformedWire: if the message ends within a field, or a field has no known wire type.
        """
        at, end = 0, len(message)
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise MalformedWire(f"it has more than {self._most} parts")
            tag, at = _varint(message, at)
            number, kind = tag >> 3, tag & 7
            if not number:
                raise MalformedWire("a field has the number 0")
            if kind == _BYTES:
                length, at = _varint(message, at)
                if at + length > end:
                    raise MalformedWire("the message ends within a field")
                yield number, message[at : at + length]
                at += length
            elif kind == _VARINT:
                _, at = _varint(message, at)
            elif kind in (_FIXED64, _FIXED32):
                at += 8 if kind == _FIXED64 else 4
                if at > end:
                    raise MalformedWire("the message ends within a field")
            else:
                raise MalformedWire(f"a field has the wire type {kind}")


def check_parts(message: bytes, schema: Schema) -> None:
    """Make sure that a message is not made of so many small ones that reading it would take many times its size.

    Raises:
        MalformedWire: if it is, or cannot be walked.
    """
    if len(message) <= SMALL:
        return
    shell = Shell(MAX_PARTS)
    waiting = [(message, schema)]
    while waiting:
        inside, known = waiting.pop()
        waiting += [(part, known[number]) for number, part in shell.parts(inside) if number in known]


def varint(number: int) -> bytes:
    """Write a number from 0 to 2^64-1 as protobuf does."""
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def field(number: int, value: bytes | int) -> bytes:
    """Write one field: a number as varint, bytes with their length before them."""
    if isinstance(value, int):
        return varint(number << 3 | _VARINT) + varint(value)
    return varint(number << 3 | _BYTES) + varint(len(value)) + value


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise MalformedWire("a number does not end")
