"""DER, as much of it as timestamp requests, responses and tokens need: a strict reader and a small writer.

Strict means: one-byte tags, definite lengths in their shortest form, nothing after the last element. What an authority
sends is refused otherwise, because two readers could understand it differently.

Source: ITU-T X.690 sections 8 and 10.
"""

from __future__ import annotations

from calendar import timegm
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from muniment.core.errors import Malformed

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
UTF8_STRING: Final = 0x0C
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31

_MAX_OID_ARC: Final = 1 << 128


class MalformedDer(Malformed):
    """The bytes are not DER, or not of the type that belongs there."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its tag octet, its content, and all of its bytes."""

    tag: int
    content: bytes
    raw: bytes


def read_element(data: bytes, where: str, tag: int | None = None) -> Element:
    """Read bytes that are exactly one element.

    Args:
        data: the bytes.
        where: what the error calls them.
        tag: the tag octet that it must have; None for any.

    Raises:
        MalformedDer: if they are anything else.
    """
    element, end = _element(data, 0, where)
    if end != len(data):
        raise MalformedDer("something stands after its end", where)
    if tag is not None and element.tag != tag:
        raise MalformedDer(f"has the tag {element.tag:#04x} where {tag:#04x} belongs", where)
    return element


class Fields:
    """The elements inside a constructed one, taken from left to right.

    Args:
        element: a constructed element.
        where: what errors call it.

    Raises:
        MalformedDer: by any method, and when an element inside is not DER.
    """

    def __init__(self, element: Element, where: str) -> None:
        if not element.tag & 0x20:
            raise MalformedDer("is not constructed", where)
        self._where = where
        self._elements: list[Element] = []
        at = 0
        while at < len(element.content):
            inner, at = _element(element.content, at, where)
            self._elements.append(inner)
        self._elements.reverse()

    def take(self, what: str, tag: int | None = None) -> Element:
        """The next element, which must be there, with this tag."""
        if not self._elements:
            raise MalformedDer(f"lacks {what}", self._where)
        element = self._elements.pop()
        if tag is not None and element.tag != tag:
            raise MalformedDer(f"has the tag {element.tag:#04x} where {what} belongs", self._where)
        return element

    def optional(self, tag: int) -> Element | None:
        """The next element if it has this tag."""
        if self._elements and self._elements[-1].tag == tag:
            return self._elements.pop()
        return None

    def rest(self) -> list[Element]:
        """All elements that are left."""
        left = self._elements[::-1]
        self._elements.clear()
        return left

    def end(self) -> None:
        """There is nothing more."""
        if self._elements:
            raise MalformedDer("has something after its last field", self._where)


def read_integer(element: Element, where: str) -> int:
    """An integer, in its shortest form.

    Raises:
        MalformedDer: if it is none.
    """
    content = element.content
    if element.tag != INTEGER or not content:
        raise MalformedDer("is no integer", where)
    if len(content) > 1 and (content[0], content[1] & 0x80) in ((0, 0), (0xFF, 0x80)):
        raise MalformedDer("is an integer with needless octets", where)
    return int.from_bytes(content, "big", signed=True)


def read_oid(element: Element, where: str) -> str:
    """An object identifier in dotted form.

    Raises:
        MalformedDer: if it is none.

    >>> read_oid(Element(OID, bytes.fromhex("2a864886f70d010702"), b""), "type")
    '1.2.840.113549.1.7.2'
    """
    content = element.content
    if element.tag != OID or not content or content[-1] & 0x80:
        raise MalformedDer("is no object identifier", where)
    arcs: list[int] = []
    value = 0
    fresh = True
    for octet in content:
        if (fresh and octet == 0x80) or value > _MAX_OID_ARC:
            raise MalformedDer("is no object identifier", where)
        value = value << 7 | octet & 0x7F
        fresh = not octet & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def read_time(element: Element, where: str) -> int:
    """A GeneralizedTime in UTC, in microseconds since the Unix epoch; what is finer is cut off.

    Raises:
        MalformedDer: if it is none, or not in the form that RFC 3161 section 2.4.2 prescribes.
    """
    text = element.content.decode("ascii", "replace")
    whole, point, fraction = text[:-1].partition(".")
    digits = whole + fraction
    if (
        element.tag != GENERALIZED_TIME
        or text[-1:] != "Z"
        or len(whole) != 14
        or not (digits.isascii() and digits.isdigit())
        or (point and (not fraction or fraction.endswith("0")))
    ):
        raise MalformedDer("is no time of the form YYYYMMDDhhmmss[.s]Z", where)
    try:
        moment = datetime.strptime(whole, "%Y%m%d%H%M%S")  # noqa: DTZ007 - UTC, as Z says
    except ValueError as error:
        raise MalformedDer("is no real time", where) from error
    return timegm(moment.timetuple()) * 1_000_000 + int((fraction + "000000")[:6])


def element(tag: int, *parts: bytes) -> bytes:
    """Write an element.

    >>> element(SEQUENCE, integer(1), element(NULL)).hex()
    '30050201010500'
    """
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(value: int) -> bytes:
    """Write an integer from 0."""
    return element(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """Write an object identifier.

    Raises:
        MalformedDer: if it is none in dotted form.
    """
    parts = dotted.split(".")
    if len(parts) < 2 or not all(
        part.isascii() and part.isdigit() and (part == "0" or part[0] != "0") and len(part) < 39 for part in parts
    ):
        raise MalformedDer(f"{dotted[:80]!r} is no object identifier", "oid")
    first, second, *others = map(int, parts)
    if first > 2 or (first < 2 and second > 39):
        raise MalformedDer(f"{dotted[:80]!r} is no object identifier", "oid")
    return element(OID, b"".join(_base128(arc) for arc in (40 * first + second, *others)))


def _base128(value: int) -> bytes:
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.append(value & 0x7F | 0x80)
    return bytes(reversed(octets))


def _element(data: bytes, at: int, where: str) -> tuple[Element, int]:
    if at + 2 > len(data):
        raise MalformedDer("ends within an element", where)
    tag, length, begin = data[at], data[at + 1], at + 2
    if tag & 0x1F == 0x1F:
        raise MalformedDer("has a tag of more than one octet", where)
    if length & 0x80:
        count = length & 0x7F
        octets = data[begin : begin + count]
        if not 1 <= count <= 4 or len(octets) != count or not octets[0] or (count == 1 and octets[0] < 0x80):
            raise MalformedDer("has a length that is not in its shortest definite form", where)
        length = int.from_bytes(octets, "big")
        begin += count
    end = begin + length
    if end > len(data):
        raise MalformedDer("ends within an element", where)
    return Element(tag, data[begin:end], data[at:end]), end
