"""Searching one body for what rules withhold.

* A body that is JSON is searched value by value. Strings in it that hold JSON themselves are searched the same way, and
  so are those that are base64 or hex of text; these are withheld as a whole if anything is found in them. Keys that
  occur twice are all looked at. If nothing is found, the bytes stay exactly as they were.
* Where an object says `{"name": "password", "value": …}`, or a list has a name as an item of its own, as a command's
  arguments do, the value, or the item that follows, is withheld.
* Text that is no JSON is searched line by line for JSON, and otherwise for assignments (see `plaintext`).
* Patterns run over every string, every number and every key, and over text as a whole. Where a text reads differently
  once wide, invisible and look-alike characters are folded, and a pattern finds something only then, all of it is
  withheld.
* What cannot be read as text is withheld as a whole, unless the rules say to keep it. So is what is nested too deeply.
* A body longer than may be kept is not searched: of it, only length and commitment are recorded.

What is encoded in another way (percent signs in values, compression, encryption, base64 within a longer text) is not
seen, and neither is what is spread over several values.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from muniment.agent.payload import TEXT
from muniment.agent.redaction.encodings import decoded, unescaped
from muniment.agent.redaction.foldednames import MAX_NAME, Names, folded, shown
from muniment.agent.redaction.jsontree import Members, Number, Tree, read_tree, write_tree
from muniment.agent.redaction.patterns import bounded
from muniment.agent.redaction.plaintext import may_hold_values, named_values
from muniment.core.body import MAX_INLINE_BYTES
from muniment.core.errors import Malformed

MARK: Final = "[redacted]"
MAX_INSIDE: Final = 8
"""JSON inside strings inside JSON …, so often."""
_BEGINS_JSON: Final = re.compile(r'\s*[\[{"]').match
_EVENT_LINE: Final = re.compile(r"(\s{0,16}(?:[a-z]{1,16}:\s{0,16})?)([\[{].*)", re.DOTALL).fullmatch
_NAMING: Final = frozenset({"name", "key", "header", "field", "param", "parameter", "variable", "attribute", "n", "k"})
_NAMED: Final = frozenset({"value", "values", "val", "v", "content", "data", "default", "text"})

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
        if self._patterns and (not text.isascii() or "\\u" in text):
            plain = shown(unescaped(text))
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
        before = findings.count
        for plain in decoded(text):
            if inside >= MAX_INSIDE:
                findings.count += 1
                return MARK
            self._string(plain, pointers, findings, inside + 1)
            if findings.count > before:
                findings.count = before + 1
                return MARK
        if (self._names or pointers) and may_hold_values(text):
            text = self._text(text, pointers, findings, inside)
        return self.found_by_pattern(text, findings)

    def _text(self, text: str, pointers: _Pointers, findings: Findings, inside: int) -> str:
        """Text that is no JSON, and may hold some."""
        plain = unescaped(text)
        before = findings.count
        lines: list[tuple[int, int, str]] = []
        rest: list[str] = []
        place = 0
        for line in plain.splitlines(keepends=True):
            clean = self._line(line, pointers, findings, inside)
            if clean is not None:
                lines.append((place, place + len(line), clean))
            rest.append(line if clean is None else _hidden(line))
            place += len(line)
        # A value that begins elsewhere may reach over lines that are JSON by themselves.
        masked = "".join(rest)
        values = named_values(masked, self._names.match) if self._names else ()
        own = [(start, end, MARK) for start, end in values if masked[start:end] != MARK]
        findings.count += len(own)
        if findings.count == before:
            return text
        parts, done = [], 0
        for start, end, clean in sorted([*own, *lines]):
            if end > done:
                parts += [plain[done:start], clean if start >= done else ""]
                done = end
        return "".join([*parts, plain[done:]])

    def _line(self, line: str, pointers: _Pointers, findings: Findings, inside: int) -> str | None:
        """A line that is JSON, with what is withheld replaced; None for any other."""
        match = _EVENT_LINE(line)
        if match is None or inside >= MAX_INSIDE:
            return None
        try:
            tree = read_tree(match[2])
        except ValueError:
            return None
        before = findings.count
        clean = self._tree(tree, pointers, findings, inside)
        return line if findings.count == before else match[1] + write_tree(clean) + line[len(line.rstrip()) :]

    def _tree(self, tree: Tree, pointers: _Pointers, findings: Findings, inside: int) -> Tree:
        if isinstance(tree, Members):
            named = bool(self._names) and self._says_name(tree)
            return Members([self._member(key, value, pointers, findings, inside, named) for key, value in tree.pairs])
        if isinstance(tree, list):
            items = [self._at(str(place), item, pointers, findings, inside) for place, item in enumerate(tree)]
            for place, item in enumerate(tree[:-1]) if self._names else ():
                if self._is_name(item) and items[place + 1] != MARK:
                    findings.count += 1
                    items[place + 1] = MARK
            return items
        if isinstance(tree, Number):
            text = self.found_by_pattern(str(tree), findings)
            return tree if text == tree else text
        if isinstance(tree, str):
            return self._string(tree, pointers, findings, inside + 1)
        return tree

    def _says_name(self, tree: Members) -> bool:
        """Whether it is of the form `{"name": "password", …}`."""
        return any(folded(key[:MAX_NAME]) in _NAMING and self._is_name(value) for key, value in tree.pairs)

    def _is_name(self, value: Tree) -> bool:
        return type(value) is str and 0 < len(value) <= MAX_NAME and self._names.match(value)

    def _member(
        self, key: str, value: Tree, pointers: _Pointers, findings: Findings, inside: int, named: bool
    ) -> tuple[str, Tree]:
        if self._names.match(key) or (named and folded(key[:MAX_NAME]) in _NAMED):
            findings.count += 1
            return self.found_by_pattern(key, findings), MARK
        clean = self._at(key, value, pointers, findings, inside)
        return (
            key if key.isidentifier() and not self._patterns else self._string(key, (), findings, inside + 1)
        ), clean

    def _at(self, key: str, value: Tree, pointers: _Pointers, findings: Findings, inside: int) -> Tree:
        if pointers:
            name = folded(key)
            pointers = tuple(rest[1:] for rest in pointers if rest and (rest[0] == "*" or folded(rest[0]) == name))
            if () in pointers:
                findings.count += 1
                return MARK
        return self._tree(value, pointers, findings, inside)


def _hidden(line: str) -> str:
    """A line of which only length and indentation are left."""
    word, end = line.lstrip(), len(line.rstrip())
    return line[: len(line) - len(word)] + "~" * (end - len(line) + len(word)) + line[end:]


def _segments(path: str) -> tuple[str, ...]:
    """Source: RFC 6901, section 4."""
    if not path.startswith("/") or path == "/":
        raise Malformed(f"{path!r} is not a JSON pointer; an example is /arguments/card/*", "paths")
    return tuple(segment.replace("~1", "/").replace("~0", "~") for segment in path[1:].split("/"))
