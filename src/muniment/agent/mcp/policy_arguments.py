"""Patterns that a policy looks for in the arguments of a call, in bounded time.

Source: RFC 6901 for the pointers.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from muniment.agent.redaction.patterns import bounded
from muniment.core.errors import Malformed

MAX_TEXT: Final = 65_536
"""Characters of arguments that are searched for one pattern; more than that counts as if it had been found."""
_ANYWHERE: Final = "*"


class _TooMuchError(Exception):
    """There is more than can be searched."""


class Arguments:
    """Patterns by place.

    Args:
        table: pointers into the arguments (`/command`, `/files/*/path`), or `*` for every text and every key in them,
            each with an expression as `muniment.agent.redaction.patterns` takes it.
        where: what to name in an error.

    Raises:
        Malformed: naming the pointer or pattern.

    >>> Arguments({"/command": "rm -rf"}).found_in({"command": "cd / && rm -rf ."})
    True
    """

    def __init__(self, table: object, where: str = "arguments") -> None:
        if not isinstance(table, dict) or not table:
            raise Malformed("must be a table of pointers and patterns", where)
        self._patterns: list[tuple[tuple[str, ...] | None, re.Pattern[str]]] = []
        for pointer, pattern in table.items():
            if not isinstance(pattern, str) or (pointer != _ANYWHERE and not pointer.startswith("/")):
                raise Malformed('must be of the form "/pointer" = "pattern", or "*" = "pattern"', f"{where}: {pointer}")
            steps = None if pointer == _ANYWHERE else tuple(_step(step) for step in pointer[1:].split("/"))
            self._patterns.append((steps, bounded(pattern, f"{where}: {pointer}")))

    def found_in(self, arguments: object) -> bool:
        """Whether one of the patterns is found. Also true where there is more than can be searched."""
        try:
            return any(_found(pattern, _texts(arguments, steps)) for steps, pattern in self._patterns)
        except (_TooMuchError, RecursionError):
            return True


def _step(text: str) -> str:
    return text.replace("~1", "/").replace("~0", "~").casefold()


def _found(pattern: re.Pattern[str], texts: Iterator[str]) -> bool:
    left = MAX_TEXT
    for text in texts:
        left -= len(text)
        if left < 0:
            raise _TooMuchError
        plain = unicodedata.normalize("NFKC", text)
        if pattern.search(text) is not None or (plain != text and pattern.search(plain[:MAX_TEXT]) is not None):
            return True
        if len(plain) > MAX_TEXT:
            raise _TooMuchError
    return False


def _texts(value: object, steps: tuple[str, ...] | None) -> Iterator[str]:
    if steps is None:
        yield from _everything(value)
    elif not steps:
        yield value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if not isinstance(value, str):
            yield from _everything(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if steps[0] in (_ANYWHERE, key.casefold()):
                yield from _texts(item, steps[1:])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if steps[0] in (_ANYWHERE, str(index)):
                yield from _texts(item, steps[1:])


def _everything(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _everything(item)
    elif isinstance(value, list):
        for item in value:
            yield from _everything(item)
    else:
        yield json.dumps(value)
