"""Finding the values of named keys in text that is no JSON: assignments, command lines, XML.

A value that stands in quotes or brackets reaches to what closes them, wherever that is, and to the end of the text
where nothing does. Any other reaches to the end of its line, or to the next `&`, `,` or `;` that another assignment
follows; lines below that are indented further belong to it, as in YAML and in folded headers. All of it takes a time
that is proportional to the text: what lies within a value that was found is not looked at again.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote

_EQUALS: Final = ":=\uff1a\uff1d\ufe55\ufe66\u2236\ua789"
_ASSIGNED: Final = re.compile(
    rf"""(?<![\w.%\-])(?P<name>[\w.%\-]++)[\\"'\]\s]{{0,8}}+(?:=>|[{_EQUALS}])[^\S\n]{{0,8}}+(?P<open>\\*+["']|)"""
)
_FLAG: Final = re.compile(
    r"""(?<![\w.\-])--?(?P<name>[A-Za-z][\w.\-]*+)[^\S\n]{1,8}+(?!-)(?P<open>\\*+["']|)""",
)
_ELEMENT: Final = re.compile(r"<(?P<name>[A-Za-z_][\w.:\-]{0,255}+)(?:\s[^<>]{0,1024}+)?(?<!/)>")
_UNQUOTED_END: Final = re.compile(rf"""\n|[&,;](?=[\s"'\\]{{0,8}}+[\w.%\-]{{1,256}}+[\s"'\\\]]{{0,8}}+[{_EQUALS}])""")
_WORD_END: Final = re.compile(r"\s|\Z")
_BLOCK: Final = re.compile(r"[|>][+\-\d]{0,2}[^\S\n]{0,8}(?=\n)")
_MARKS: Final = re.compile(r"""\\*+["']|[\[\](){}]""")
_SIGNS: Final = re.compile(rf"[{_EQUALS}<{{\[]|-\S").search
_CLOSES: Final = {"[": "]", "{": "}", "(": ")"}


def may_hold_values(text: str) -> bool:
    """Whether there is anything in a text by which a value could be given a name."""
    return _SIGNS(text) is not None


def named_values(text: str, named: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    """Where the values of named keys stand in a text: start and end of each, in order, none within another.

    Args:
        text: any text.
        named: whether a key is one of those that are looked for.

    >>> [text := "user=a&password=b&x=1", *(text[start:end] for start, end in named_values(text, "password".__eq__))]
    ['user=a&password=b&x=1', 'b']
    """
    found = [*_assigned(text, named), *_elements(text, named)]
    done = 0
    for start, end in sorted(found):
        if end > max(done, start):
            yield max(done, start), end
            done = end


def _assigned(text: str, named: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    for pattern, of_line in ((_ASSIGNED, True), (_FLAG, False)):
        done, line = 0, _Line(text)
        for match in pattern.finditer(text):
            name, start = match["name"], match.end()
            if match.start() < done or not (named(name) or ("%" in name and named(unquote(name)))):
                continue
            if match["open"]:
                done = _after_quote(text, start, match["open"])
            elif text[start : start + 1] in _CLOSES:
                done = _after_bracket(text, start)
            elif of_line:
                done = _after_line(text, start, line.indentation(match.start()))
            else:
                done = _WORD_END.search(text, start).start()  # type: ignore[union-attr]
            if done > start:
                yield start, done


def _elements(text: str, named: Callable[[str], bool]) -> Iterator[tuple[int, int]]:
    done = 0
    for match in _ELEMENT.finditer(text):
        if match.start() < done or not named(match["name"].rpartition(":")[2]):
            continue
        end = text.find(f"</{match['name']}", match.end())
        done = len(text) if end < 0 else end
        yield match.end(), done


class _Line:
    """The line that a place is in, for places that only go forward."""

    __slots__ = ("_end", "_start", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._start = 0
        self._end = -1

    def indentation(self, place: int) -> int:
        while self._end < place:
            self._start = self._end + 1 if self._end >= 0 else self._start
            found = self._text.find("\n", self._start)
            self._end = len(self._text) if found < 0 else found
            if found < 0:
                break
        return _indentation(self._text, self._start)


def _indentation(text: str, start: int) -> int:
    place = start
    while text[place : place + 1] in (" ", "\t"):
        place += 1
    return place - start


def _after_quote(text: str, start: int, quote: str) -> int:
    end = text.find(quote, start)
    # One more backslash before it, and it is a quote within the value.
    while end > start and text[end - 1] == "\\":
        end = text.find(quote, end + 1)
    return len(text) if end < 0 else end


def _after_bracket(text: str, start: int) -> int:
    open_, quote = [], ""
    for match in _MARKS.finditer(text, start):
        mark = match[0]
        if quote:
            quote = "" if mark == quote else quote
        elif mark in _CLOSES:
            open_.append(_CLOSES[mark])
        elif mark[-1] in "\"'":
            quote = mark
        elif mark == open_[-1]:
            open_.pop()
            if not open_:
                return match.end()
    return len(text)


def _after_line(text: str, start: int, indentation: int) -> int:
    block = _BLOCK.match(text, start)
    found = _UNQUOTED_END.search(text, start if block is None else block.end())
    end = len(text) if found is None else found.start()
    while text[end : end + 1] == "\n":
        after = text.find("\n", end + 1)
        after = len(text) if after < 0 else after
        deep = _indentation(text, end + 1)
        item = deep == indentation and text[end + 1 + deep : end + 3 + deep] == "- "
        if not (deep > indentation or item or (deep == after - end - 1 and block is not None)):
            break
        end = after
    return end
