"""Reading JSON without losing the text of its parts.

A payload is evidence as bytes: parsing and writing it again would round its numbers and forget its spelling. So a
request is walked member by member, and each value comes with the slice of text it was read from. Scanning is the
standard library's; what is added is what that leaves to its caller: duplicate keys, NaN, deep nesting and endless
integers are faults here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from muniment.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_DEPTH: Final = 64
MAX_INTEGER_DIGITS: Final = 20

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_OPEN: Final = re.compile(r"[ \t\n\r]*\{")
_AFTER: Final = re.compile(r"[ \t\n\r]*([,}])")
_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


class MalformedJson(Malformed):
    """The text is not JSON, and nothing behind the fault can be told apart."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value and the text it was read from.

    Args:
        parsed: the value as Python objects, for looking into; a fraction, and an integer of more than 20 digits, is a
            float. None where `fault` is set.
        text: the characters of the value as they were received, without white space around them.
        fault: why the value may not be used although its extent is known (a duplicate key, too deep), or None.
    """

    parsed: object
    text: str
    fault: str | None = None


class Scanner:
    """A cursor over one JSON text at a time.

    Args:
        text: the whole text, already decoded.
    """

    def __init__(self, text: str = "") -> None:
        self._text = text
        self._at = 0
        self._duplicates: list[str] = []
        decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_int=_integer, parse_constant=_refuse_constant)
        self._scan: Callable[[str, int], tuple[object, int]] = cast("Any", decoder).scan_once

    def begin(self, text: str) -> None:
        """Start over with another text."""
        self._text = text
        self._at = 0

    def known_members(self, member: re.Pattern[str]) -> dict[str, Value] | None:
        """Read the object at the cursor in few steps, if it is an ordinary one.

        Args:
            member: matches a key with its quotes and colon and the white space around them; group 1 is the key.

        Returns:
            The members; or None, with the cursor where it was, if anything at all is out of the ordinary: `members`
            finds out what.
        """
        text, before = self._text, self._at
        begin = _OPEN.match(text, before)
        at = begin.end() if begin else -1
        members: dict[str, Value] = {}
        self._duplicates.clear()
        while (key := member.match(text, at) if at >= 0 else None) is not None:
            try:
                parsed, end = self._scan(text, key.end())
            except (ValueError, StopIteration, RecursionError):
                break
            read = text[key.end() : end]
            following = _AFTER.match(text, end)
            if following is None or self._duplicates or key[1] in members:
                break
            if type(parsed) is not str and read.count("{") + read.count("[") > MAX_DEPTH:
                break
            members[key[1]] = Value(parsed, read)
            at = following.end()
            if following[1] == "}":
                self._at = at
                return members
        self._at = before
        return None

    def members(self) -> Iterator[str]:
        """Walk the object at the cursor: yields each key, with the cursor before its value.

        The caller must read that value before it takes the next key.

        Raises:
            MalformedJson: if the text around keys and values is not that of an object.
        """
        self._expect("{")
        if self._accept("}"):
            return
        while True:
            self._skip()
            if not self._text.startswith('"', self._at):
                raise self._fault("a key in double quotes")
            key = self.value().parsed
            self._expect(":")
            yield str(key)
            if self._accept("}"):
                return
            self._expect(",")

    def items(self) -> Iterator[int]:
        """Walk the array at the cursor: yields each index, with the cursor before its value.

        The caller must read that value before it takes the next index.

        Raises:
            MalformedJson: if the text around the values is not that of an array.
        """
        self._expect("[")
        if self._accept("]"):
            return
        index = 0
        while True:
            yield index
            if self._accept("]"):
                return
            self._expect(",")
            index += 1

    def begins_with_key(self, key: str) -> bool:
        """Say whether the text is an object whose first key is `key`, written without escapes."""
        return re.compile(rf'[ \t\n\r]*\{{[ \t\n\r]*"{re.escape(key)}"').match(self._text) is not None

    def at_object(self) -> bool:
        """Say whether the next value is an object."""
        self._skip()
        return self._text.startswith("{", self._at)

    def at_array(self) -> bool:
        """Say whether the next value is an array."""
        self._skip()
        return self._text.startswith("[", self._at)

    def value(self) -> Value:
        """Read the value at the cursor and move behind it.

        Raises:
            MalformedJson: if there is no value, or its end cannot be found.
        """
        self._skip()
        text, start = self._text, self._at
        self._duplicates.clear()
        try:
            parsed, self._at = self._scan(text, start)
        except StopIteration:
            raise self._fault("a value") from None
        except json.JSONDecodeError as error:
            raise MalformedJson(f"{error.msg} at character {error.pos}") from None
        except RecursionError:
            self._at = _end_of_brackets(text, start)
            return Value(None, "", f"is nested more than {MAX_DEPTH} deep")
        read = text[start : self._at]
        if self._duplicates:
            return Value(None, read, f"has the key {self._duplicates[0][:64]!a} twice in one object")
        if read.count("{") + read.count("[") > MAX_DEPTH and _depth(read) > MAX_DEPTH:
            return Value(None, read, f"is nested more than {MAX_DEPTH} deep")
        return Value(parsed, read)

    def finish(self) -> None:
        """Check that nothing but white space follows.

        Raises:
            MalformedJson: if something does.
        """
        self._skip()
        if self._at != len(self._text):
            raise self._fault("the end of the text")

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        if match:
            self._at = match.end()

    def _accept(self, mark: str) -> bool:
        self._skip()
        if self._text.startswith(mark, self._at):
            self._at += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            raise self._fault(repr(mark))

    def _fault(self, expected: str) -> MalformedJson:
        found = repr(self._text[self._at]) if self._at < len(self._text) else "the end of the text"
        return MalformedJson(f"expected {expected} at character {self._at}, found {found}")

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(pairs)
        if len(members) != len(pairs) and not self._duplicates:
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    self._duplicates.append(key)
                    break
                seen.add(key)
        return members


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_INTEGER_DIGITS else float("inf")


def _refuse_constant(name: str) -> object:
    raise MalformedJson(f"{name} is not JSON")


def _depth(text: str) -> int:
    """The deepest nesting of well-formed JSON text."""
    depth = deepest = 0
    for part in _TOKEN.findall(text):
        if part in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif part in "]}":
            depth -= 1
    return deepest


def _end_of_brackets(text: str, start: int) -> int:
    """Index after the bracket that closes the one at `start`, for values too deep to be scanned."""
    depth = 0
    for match in _TOKEN.finditer(text, start):
        if match[0] in "[{":
            depth += 1
        elif match[0] in "]}":
            depth -= 1
            if depth == 0:
                return match.end()
    raise MalformedJson(f"the value at character {start} has no end")
