"""Regular expressions whose time on any input is bounded by how they are written.

Python's `re` searches by backtracking, which some expressions make take for ever on some inputs. A rule runs on text
that comes from outside, inside an agent, so only expressions are taken for which the number of ways to match at one
place has a small bound:

* every repetition has an upper limit (`{1,64}`, not `+`), and nothing that varies is repeated;
* neither back-references nor conditions; what looks ahead or behind repeats nothing;
* at one place in a text, at most 512 characters are looked at, those counted that are looked at again. After a
  repetition, what follows is tried for each of its counts, but only where it could begin with what is repeated:
  `[a-z]{1,64}@` looks at 65 characters, `[a-z]{1,64}[a-z]{1,64}@` at 4,224.
"""

import re
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

from muniment.core.errors import Malformed

MAX_PATTERN: Final = 1_024
MAX_STEPS: Final = 512
_OTHERS: Final = 256
"""Stands for every character beyond Latin-1."""
_ALL: Final = frozenset(range(_OTHERS + 1))
_SAMPLES: Final = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
_CASED_BEYOND: Final = "iIkKsS\xb5\xc5\xdf\xe5\xff"
"""Letters for which one beyond Latin-1 is taken without regard to case: the Kelvin sign for k."""
_ZERO_WIDTH: Final = ("AT", "ASSERT", "ASSERT_NOT")


def bounded(pattern: str, where: str = "pattern") -> re.Pattern[str]:
    """Compile a pattern of which the time to search is bounded.

    Args:
        pattern: at most 1,024 characters, in the syntax of Python's `re`.
        where: what to name in an error.

    Raises:
        Malformed: saying what about it is not bounded.

    >>> bounded(r"sk-[A-Za-z0-9]{20,64}").sub("…", "key sk-" + "a" * 30)
    'key …'
    """
    if len(pattern) > MAX_PATTERN:
        raise Malformed(f"longer than {MAX_PATTERN} characters", where)
    try:
        compiled = re.compile(pattern)
        tree = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise Malformed(f"is no regular expression: {error}", where) from error
    width = tree.getwidth()[1]
    if width > MAX_STEPS:
        raise Malformed(f"could match more than {MAX_STEPS} characters; give every repetition an upper limit", where)
    # Whatever comes after the whole expression, no other count of its last repetition is tried for it.
    steps, _, _ = _Reading(compiled.flags, where).sequence(list(tree), frozenset(), 0)
    if steps > MAX_STEPS:
        raise Malformed(
            f"could look at {steps} characters at one place, at most {MAX_STEPS} are taken; "
            "make what follows a repetition differ from what it repeats, or lower its limit",
            where,
        )
    if compiled.fullmatch("") is not None or compiled.search("") is not None:
        raise Malformed("matches where nothing is", where)
    return compiled


class _Reading:
    """Counts steps. Nodes are those of the standard library's parser: (operation, arguments)."""

    def __init__(self, flags: int, where: str) -> None:
        self._ignore_case = bool(flags & re.IGNORECASE)
        self._where = where

    def sequence(self, nodes: list[Any], after: frozenset[int], rest: int) -> tuple[int, frozenset[int], bool]:
        """Steps to the end of the expression, characters this can begin with, and whether it can be empty.

        Args:
            after: characters with which what follows can begin.
            rest: steps of what follows.
        """
        first, empty = after, True
        for operation, arguments in reversed(nodes):
            rest, begins, nothing = self._node(str(operation), arguments, first, rest)
            first = begins | first if nothing else begins
            empty = empty and nothing
        return rest, first, empty

    def _node(
        self, operation: str, arguments: Any, after: frozenset[int], rest: int
    ) -> tuple[int, frozenset[int], bool]:
        if operation in _ZERO_WIDTH:
            if operation != "AT":
                self._fixed(arguments[1], "looking ahead or behind")
                rest += len(arguments[1])
            # It can fail after anything, so that a repetition before it tries every count.
            return rest + 1, _ALL, True
        if operation == "SUBPATTERN":
            return self.sequence(list(arguments[3]), after, rest)
        if operation == "ATOMIC_GROUP":
            return self.sequence(list(arguments), after, rest)
        if operation == "BRANCH":
            found = [self.sequence(list(branch), after, rest) for branch in arguments[1]]
            return (
                sum(steps for steps, _, _ in found),
                frozenset().union(*(first for _, first, _ in found)),
                any(empty for _, _, empty in found),
            )
        if operation in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, body = arguments
            self._fixed(body, "a repetition")
            once, first, _ = self.sequence(list(body), after, 0)
            certain = operation == "POSSESSIVE_REPEAT" or not first & after
            choices = 1 if certain else int(most) - int(least) + 1
            return int(most) * once + choices * max(rest, 1), first, int(least) == 0
        if operation in ("LITERAL", "NOT_LITERAL", "IN", "ANY"):
            return rest + 1, self._characters(operation, arguments), False
        raise Malformed(f"{operation.lower()} is not taken in a rule", self._where)

    def _fixed(self, body: Any, what: str) -> None:
        for operation, arguments in body:
            if str(operation) == "SUBPATTERN":
                self._fixed(arguments[3], what)
            elif str(operation) not in ("LITERAL", "NOT_LITERAL", "IN", "ANY"):
                raise Malformed(f"{what} may hold only single characters and classes of them", self._where)

    def _characters(self, operation: str, arguments: Any) -> frozenset[int]:
        if operation == "ANY":
            return _ALL
        if operation == "LITERAL":
            return self._cased({arguments})
        if operation == "NOT_LITERAL":
            return _ALL - {arguments} if arguments < _OTHERS and not self._ignore_case else _ALL
        found: set[int] = set()
        negated = False
        for kind, value in arguments:
            name = str(kind)
            if name == "NEGATE":
                negated = True
            elif name == "LITERAL":
                found |= self._cased({value})
            elif name == "RANGE":
                found |= self._cased(set(range(value[0], min(value[1], _OTHERS) + 1)) | {value[1]})
            elif name == "CATEGORY":
                found |= {code for code in range(_OTHERS) if re.match(_SAMPLES[str(value)], chr(code))} | {_OTHERS}
        # Beyond Latin-1 nothing is told apart, so a negated class may always begin there.
        return (_ALL - found) | {_OTHERS} if negated else frozenset(found)

    def _cased(self, codes: set[int]) -> frozenset[int]:
        cased = set(codes)
        if self._ignore_case:
            for code in codes:
                cased |= {ord(c) for form in (chr(code).lower(), chr(code).upper()) for c in form}
                cased |= {_OTHERS} if chr(code) in _CASED_BEYOND else set()
        return frozenset(min(code, _OTHERS) for code in cased)
