"""The short names by which a tenant calls its policies and assets: given once, or counted on."""

from __future__ import annotations

from collections.abc import Collection
from re import compile as pattern
from typing import Final

from muniment.core.errors import Malformed, Refused

MAX_CODE: Final = 60
_CODE: Final = pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}").fullmatch


def read_code(text: str, where: str = "code") -> str:
    """A code as it is kept.

    Raises:
        Malformed: naming the field.
    """
    code = text.strip()
    if _CODE(code) is None:
        raise Malformed("has 1 to 60 letters, digits, dots, hyphens and underscores, such as CRM-PROD", where)
    return code


def free_code(prefix: str, taken: Collection[str]) -> str:
    """The next code that nobody has.

    Args:
        prefix: of the register.
        taken: codes that there are, in small letters.

    >>> free_code("POL", {"pol-1", "access", "pol-3"})
    'POL-4'
    """
    number = len(taken) + 1
    while f"{prefix}-{number}".lower() in taken:
        number += 1
    return f"{prefix}-{number}"


def new_code(given: str, prefix: str, taken: Collection[str]) -> str:
    """The code of what is new: the one given, or the next.

    Args:
        given: "" for the next.
        prefix: of the register.
        taken: codes that there are, in small letters.

    Raises:
        Malformed: naming the field.
        Refused: if it is taken, also in other capitals or by what was retired.
    """
    if not given.strip():
        return free_code(prefix, taken)
    code = read_code(given)
    if code.lower() in taken:
        raise Refused(f"{code} is taken; codes are frozen, also those of what was retired", "code")
    return code
