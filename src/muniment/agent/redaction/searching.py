"""Searching one body for what rules withhold.

* A body that is JSON is searched value by value. Strings in it that hold JSON themselves are searched the same way;
  keys that occur twice are all looked at. If nothing is found, the bytes stay exactly as they were.
* Text that is no JSON is searched line by line for JSON, and otherwise for `key: value` and `key=value`, where the
  value is taken to reach to the closing quote, or to the end of the line or the next `&`, `,` or `;`.
* Patterns run over every string, every number and every key, and over text as a whole. Where a text reads differently
  once wide, invisible and look-alike characters are folded, and a pattern finds something only then, all of it is
  withheld.
* What cannot be read as text is withheld as a whole, unless the rules say to keep it. So is what is nested too deeply.
* A body longer than may be kept is not searched: of it, only length and commitment are recorded.

What is encoded in another way (base64, percent signs, compression, encryption) is not seen.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from muniment.agent.payload import TEXT
from muniment.agent.redaction.foldednames import Names, folded
from muniment.agent.redaction.jsontree import Members, Number, Tree, read_tree, write_tree
from muniment.agent.redaction.patterns import bounded
from muniment.core.body import MAX_INLINE_BYTES
from muniment.core.errors import Malformed

MARK: Final = "[redacted]"
MAX_INSIDE: Final = 8
"""JSON inside strings inside JSON …, so often."""
_BEGINS_JSON: Final = re.compile(r'\s*[\[{"]').match
_EVENT_LINE: Final = re.compile(r"(\s{0,16}(?:[a-z]{1,16}:\s{0,16})?)([\[{].*)", re.DOTALL).fullmatch
_ASSIGNED: Final = re.compile(
    r"""(?<![\w.\-])([\w.\-]{1,256}+)([\\"'\]\s]{0,8}+(?:=>|[:=])[^\S\n]{0,8}+)(\\*+["']|)""",
)
_UNQUOTED_END: Final = re.compile(r"[\n&,;]")
_INVISIBLE: Final = frozenset({"Cf", "Mn", "Cc"})

_Pointers: TypeAlias = tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class Findings:
    """What a search found.

    Attributes:
        count: values replaced.
        unsearched: why the body was not searched; empty where it was.
    """

    count: int = 0
    unsearched: str = ""


class Search:
    """What to look for.

    Args:
        keys: names of keys.
        paths: JSON pointers, a segment `*` stands for any.
        patterns: regular expressions.
        withhold_binary: whether a body that is no text is withheld.

    Raises:
        Malformed: naming what cannot be.
    """

    def __init__(
        self, keys: Iterable[str], paths: Iterable[str], patterns: Iterable[str], *, withhold_binary: bool
    ) -> None:
        self._names = Names(keys)
        self._pointers = tuple(_segments(path) for path in paths)
        self._patterns = tuple(bounded(pattern, f"patterns, {pattern!r}") for pattern in patterns)
        self._withhold_binary = withhold_binary

    def body(self, body: bytes, kind: str, findings: Findings) -> tuple[bytes, str]:
        """The body as it may be recorded, and its media type."""
        if len(body) > MAX_INLINE_BYTES:
            findings.unsearched = "oversize"
            return body, kind
        before = findings.count
        try:
            # Only UTF-8: under another encoding the same bytes read as something harmless.
            text = body.decode("utf-8-sig")
            if "\0" in text:
                raise ValueError("holds NUL")
        except ValueError:
            if not self._withhold_binary:
                findings.unsearched = "binary"
                return body, kind
            findings.count += 1
            return MARK.encode("ascii"), TEXT
        try:
            clean = self._string(text, self._pointers, findings, 0)
        except RecursionError:
            findings.count = before + 1
            return MARK.encode("ascii"), TEXT
        return (body, kind) if findings.count == before else (clean.encode("utf-8", "surrogatepass"), kind)

    def found_by_pattern(self, text: str, findings: Findings) -> str:
        """A text with what the patterns find replaced."""
        for pattern in self._patterns:
            text, count = pattern.subn(MARK, text)
            findings.count += count
        if not text.isascii() and self._patterns:
            plain = _plain(text)
            if plain != text and any(pattern.search(plain) for pattern in self._patterns):
                findings.count += 1
                return MARK
        return text

    def label(self, label: str, findings: Findings) -> str:
        """A label `key=value` with a value that may be recorded."""
        key, separator, value = label.partition("=")
        if separator and self._names.match(key):
            findings.count += 1
            return f"{key}={MARK}"
        return f"{key}{separator}{self.found_by_pattern(value, findings)}"

    def _string(self, text: str, pointers: _Pointers, findings: Findings, inside: int) -> str:
        """A string that may hold JSON."""
        if _BEGINS_JSON(text):
            try:
                tree = read_tree(text)
            except ValueError:
                pass
            else:
                if inside >= MAX_INSIDE:
                    findings.count += 1
                    return MARK
                before = findings.count
                clean = self._tree(tree, pointers, findings, inside)
                return self.found_by_pattern(text if findings.count == before else write_tree(clean), findings)
        if self._names or pointers:
            text = "".join([self._line(line, pointers, findings, inside) for line in text.splitlines(keepends=True)])
        return self.found_by_pattern(text, findings)

    def _line(self, line: str, pointers: _Pointers, findings: Findings, inside: int) -> str:
        match = _EVENT_LINE(line)
        if match is not None and inside < MAX_INSIDE:
            try:
                tree = read_tree(match[2])
            except ValueError:
                pass
            else:
                before = findings.count
                clean = self._tree(tree, pointers, findings, inside)
                return line if findings.count == before else match[1] + write_tree(clean) + line[len(line.rstrip()) :]
        return self._assignments(line, findings) if self._names else line

    def _tree(self, tree: Tree, pointers: _Pointers, findings: Findings, inside: int) -> Tree:
        if isinstance(tree, Members):
            return Members([self._member(key, value, pointers, findings, inside) for key, value in tree.pairs])
        if isinstance(tree, list):
            return [self._at(str(place), item, pointers, findings, inside) for place, item in enumerate(tree)]
        if isinstance(tree, Number):
            text = self.found_by_pattern(str(tree), findings)
            return tree if text == tree else text
        if isinstance(tree, str):
            return self._string(tree, pointers, findings, inside + 1)
        return tree

    def _member(self, key: str, value: Tree, pointers: _Pointers, findings: Findings, inside: int) -> tuple[str, Tree]:
        if self._names.match(key):
            findings.count += 1
            return self.found_by_pattern(key, findings), MARK
        clean = self._at(key, value, pointers, findings, inside)
        return self.found_by_pattern(key, findings), clean

    def _at(self, key: str, value: Tree, pointers: _Pointers, findings: Findings, inside: int) -> Tree:
        if pointers:
            name = folded(key)
            pointers = tuple(rest[1:] for rest in pointers if rest and (rest[0] == "*" or folded(rest[0]) == name))
            if () in pointers:
                findings.count += 1
                return MARK
        return self._tree(value, pointers, findings, inside)

    def _assignments(self, line: str, findings: Findings) -> str:
        parts: list[str] = []
        done = 0
        for match in _ASSIGNED.finditer(line):
            if match.start() < done or not self._names.match(match[1]):
                continue
            quote, start = match[3], match.end()
            if quote:
                end = line.find(quote, start)
                end = len(line) if end < 0 else end
            else:
                found = _UNQUOTED_END.search(line, start)
                end = len(line) if found is None else found.start()
            if end == start:
                continue
            findings.count += 1
            parts += [line[done:start], MARK]
            done = end
        return "".join([*parts, line[done:]])


def _segments(path: str) -> tuple[str, ...]:
    """Source: RFC 6901, section 4."""
    if not path.startswith("/") or path == "/":
        raise Malformed(f"{path!r} is not a JSON pointer; an example is /arguments/card/*", "paths")
    return tuple(segment.replace("~1", "/").replace("~0", "~") for segment in path[1:].split("/"))


def _plain(text: str) -> str:
    """The text as it looks: wide characters narrow, invisible ones gone."""
    shown = "".join([character for character in text if unicodedata.category(character) not in _INVISIBLE])
    return unicodedata.normalize("NFKC", shown)
