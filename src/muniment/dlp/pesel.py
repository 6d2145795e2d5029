"""PESEL, the number of a person in Poland: a date of birth, a serial number and a check digit.

Source: Act of 24 September 2010 on population records, art. 15–16; the weights 1 3 7 9 1 3 7 9 1 3 of its check digit.
"""

from __future__ import annotations

from datetime import date
from operator import mul
from typing import Final

EARLIEST: Final = date(1880, 1, 1)
"""Births of before are taken for another number: PESEL began in 1979."""
_WEIGHTS: Final = (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)
_CENTURIES: Final = {0: 1900, 20: 2000, 40: 2100, 60: 2200, 80: 1800}
MONTH: Final = "(?:[028][1-9]|[139][0-2])"
"""The third and fourth digit as a regular expression, of births in this century and the two before."""
DAY: Final = "(?:0[1-9]|[12][0-9]|3[01])"


def is_pesel(digits: bytes, *, today: date) -> bool:
    """Whether eleven digits are a PESEL of somebody born up to a day.

    Args:
        digits: ASCII digits and nothing else.
        today: whoever is born later has none yet.

    >>> is_pesel(b"44051401359", today=date(2026, 1, 1))
    True
    """
    if len(digits) != 11:
        return False
    # Codes of digits are 48 more than their values: 48 times the weights' sum, 45, ends in 0.
    if sum(map(mul, _WEIGHTS, digits)) % 10:
        return False
    written = int(digits[2:4])
    century = _CENTURIES.get(written // 20 * 20)
    month = written % 20
    if century is None or not 1 <= month <= 12:
        return False
    try:
        born = date(century + int(digits[:2]), month, int(digits[4:6]))
    except ValueError:
        return False
    return EARLIEST <= born <= today
