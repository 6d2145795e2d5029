"""Cells that no spreadsheet takes for formulas: the one place that knows what those begin with."""

from __future__ import annotations

from typing import Final

FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell begins with that a spreadsheet runs; some read the signs in full width too.

Source: OWASP, "CSV Injection".
"""
_MARK: Final = "'"


def guard(text: str) -> str:
    """A text as a cell: with an apostrophe before what begins like a formula, or with an apostrophe.

    It is for tables as text. A format that says of each cell what it is, such as XLSX, needs none of it.

    >>> guard("=1+1"), guard("'tis"), guard("plain")
    ("'=1+1", "''tis", 'plain')
    """
    return _MARK + text if text.startswith((*FORMULA_SIGNS, _MARK)) else text


def unguard(text: str) -> str:
    """What `guard` was given. A cell that somebody else wrote keeps an apostrophe that guards nothing.

    >>> unguard("'=1+1"), unguard("''tis"), unguard("'tis"), unguard("plain")
    ('=1+1', "'tis", "'tis", 'plain')
    """
    return text[1:] if text.startswith(_MARK) and text[1:].startswith((*FORMULA_SIGNS, _MARK)) else text
