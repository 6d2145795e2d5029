"""International bank account numbers (IBAN): a country's form, and two check digits modulo 97.

Source: ISO 13616-1; the forms are those of SWIFT's IBAN Registry, release 101.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import re2

from muniment.dlp.findings import IBAN, Finding

# Country, then what follows the two check digits: n digits, a capital letters, c either.
_FORMS: Final = """
AD8n12c AE19n AL8n16c AT16n AZ4a20c BA16n BE12n BG4a6n8c BH4a14c BI23n BR23n1a1c BY4c4n16c CH5n12c CR18n CY8n16c
CZ20n DE18n DJ23n DK14n DO4c20n EE16n EG25n ES20n FI14n FK2a12n FO14n FR10n11c2n GB4a14n GE2a16n GI4a15c GL14n
GR7n16c GT24c HN4a20n HR17n HU24n IE4a14n IL19n IQ4a15n IS22n IT1a10n12c JO4a4n18c KW4a22c KZ3n13c LB4n20c
LC4a24c LI5n12c LT16n LU3n13c LV4a13c LY21n MC10n11c2n MD20c ME18n MK3n10c2n MN16n MR23n MT4a5n18c MU4a19n3a
NI4a20n NL4a10n NO11n OM3n16c PK4a16c PL24n PS4a21c PT21n QA4a21c RO4a16c RS18n RU14n15c SA2n18c SC4a20n3a SD14n
SE20n SI15n SK20n SM1a10n12c SO19n ST21n SV4a20n TL19n TN20n TR6n16c UA6n19c VA18n VG4a16n XK16n YE4a4n18c
"""
_CLASSES: Final = {"n": "[0-9]", "a": "[A-Z]", "c": "[0-9A-Z]"}


def _read_forms() -> tuple[dict[bytes, int], dict[bytes, re.Pattern[bytes]]]:
    lengths, forms = {}, {}
    for one in _FORMS.split():
        parts = re.findall(r"([0-9]+)([nac])", one[2:])
        country = one[:2].encode()
        lengths[country] = 4 + sum(int(count) for count, _ in parts)
        written = "".join(f"{_CLASSES[kind]}{{{count}}}" for count, kind in parts)
        forms[country] = re.compile(written.encode())
    return lengths, forms


LENGTHS, _BBAN = _read_forms()
"""How many characters an IBAN of a country has."""
_S: Final = r"[ \t\r\n.-]{0,3}"
_BEGINNING: Final = re2.compile(
    "(?i)(?:" + "|".join(f"{one[:2][0]}{_S}{one[1]}" for one in _FORMS.split()) + f"){_S}[0-9]{_S}[0-9]{_S}[0-9A-Z]"
)
_BETWEEN: Final = re.compile(rb"[ \t\r\n.-]{0,3}")
_GLUED: Final = re.compile(rb"(?i)(?:iban|konto|account|rachunek|kontonummer)\Z")
_WIDEST: Final = 34 * 4


def is_iban(written: bytes) -> bool:
    """Whether this is an IBAN: capital letters and digits and nothing else.

    >>> is_iban(b"DE89370400440532013000")
    True
    """
    country = written[:2]
    if LENGTHS.get(country) != len(written) or not written[2:4].isdigit():
        return False
    if _BBAN[country].fullmatch(written[4:]) is None:
        return False
    moved = written[4:] + written[:4]
    return int("".join(str(int(chr(one), 36)) for one in moved)) % 97 == 1 and 2 <= int(written[2:4]) <= 98


def find_ibans(text: bytes) -> Iterator[Finding]:
    """Places of IBANs in a normalised text, in order."""
    place = 0
    while (match := _BEGINNING.search(text, place)) is not None:
        start = match.start()
        end = _end_of(text, start) if _may_begin(text, start) else None
        if end is None:
            place = start + 1
        else:
            yield Finding(IBAN, start, end)
            place = end


def _may_begin(text: bytes, start: int) -> bool:
    before = text[max(0, start - 14) : start]
    return not before[-1:].isalnum() or _GLUED.search(before) is not None


def _end_of(text: bytes, start: int) -> int | None:
    """Where the IBAN that begins here ends; None if none does."""
    window = text[start : start + _WIDEST].upper()
    wanted, taken, place = 0, bytearray(), 0
    while place < len(window):
        letter = window[place : place + 1]
        if not letter.isalnum():
            return None
        taken += letter
        place += 1
        if len(taken) == 2:
            wanted = LENGTHS.get(bytes(taken), 0)
            if not wanted:
                return None
        if wanted and len(taken) == wanted:
            break
        between = _BETWEEN.match(window, place)
        place = place if between is None else between.end()
    if len(taken) != wanted or window[place : place + 1].isalnum() or not is_iban(bytes(taken)):
        return None
    return start + place
