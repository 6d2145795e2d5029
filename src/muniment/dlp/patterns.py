"""Patterns of a tenant: regular expressions whose time is proportional to the text, whatever both of them are.

They are run by RE2, which follows all ways to match at once and never goes back; what would need going back
(back-references, looking around) is refused when a pattern is written down.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import re2

from muniment.core.errors import Malformed
from muniment.dlp.findings import Finding

MAX_PATTERNS: Final = 20
MAX_EXPRESSION: Final = 512
MAX_PROGRAM: Final = 5_000
"""Instructions of a compiled expression, as RE2 counts them: bounds its memory."""
PREFIX: Final = "pattern:"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a tenant looks for.

    Attributes:
        name: a lower-case letter, then up to 31 more of these, digits and dashes.
        expression: in RE2's syntax, at most 512 characters; searched in the normalised text.
    """

    name: str
    expression: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise Malformed("begins with a lower-case letter and has up to 31 more, digits and dashes", "name")
        compiled(self.expression)

    @property
    def kind(self) -> str:
        """What its findings are called."""
        return PREFIX + self.name


def compiled(expression: str) -> Any:
    """A pattern, ready to search.

    Raises:
        Malformed: saying what of it cannot be.
    """
    if not 1 <= len(expression) <= MAX_EXPRESSION or not expression.isprintable():
        raise Malformed(f"has 1 to {MAX_EXPRESSION} printable characters", "expression")
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        found = re2.compile(expression, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise Malformed(f"is no regular expression that runs in bounded time: {said}", "expression") from None
    if found.programsize > MAX_PROGRAM:
        raise Malformed("is too large once compiled; lower the limits of its repetitions", "expression")
    if found.fullmatch("") is not None or found.search("") is not None:
        raise Malformed("matches where nothing is", "expression")
    return found


def find_pattern(text: bytes, kind: str, search: Any) -> Iterator[Finding]:
    """Places of a tenant's pattern in a normalised text.

    Args:
        text: normalised.
        kind: of the pattern.
        search: what `compiled` gave.
    """
    for match in search.finditer(text):
        if match.start() < match.end():
            yield Finding(kind, match.start(), match.end())
