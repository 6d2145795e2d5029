"""Payment card numbers (PAN): a network's range, its lengths, and the check digit.

Source: ISO/IEC 7812-1, annex B (check digit by Luhn's formula); the ranges that the networks publish for issuers.
"""

from __future__ import annotations

from typing import Final

# Network -> ranges of first digits (both ends count, of one length), and how many digits a number has.
NETWORKS: Final[dict[str, tuple[tuple[tuple[str, str], ...], tuple[int, ...]]]] = {
    "visa": ((("4", "4"),), (13, 16, 19)),
    "mastercard": ((("51", "55"), ("2221", "2720")), (16,)),
    "american express": ((("34", "34"), ("37", "37")), (15,)),
    "discover": ((("6011", "6011"), ("644", "649"), ("65", "65")), (16, 17, 18, 19)),
    "diners club": ((("300", "305"), ("3095", "3095"), ("36", "36"), ("38", "39")), (14, 16, 17, 18, 19)),
    "jcb": ((("3528", "3589"),), (16, 17, 18, 19)),
    "unionpay": ((("62", "62"), ("81", "81")), (16, 17, 18, 19)),
    "maestro": (
        (("5018", "5018"), ("5020", "5020"), ("5038", "5038"), ("5893", "5893"), ("6304", "6304"), ("6759", "6763")),
        (13, 14, 15, 16, 17, 18, 19),
    ),
    "mir": ((("2200", "2204"),), (16, 17, 18, 19)),
    "rupay": ((("508", "508"), ("6521", "6522"), ("82", "82")), (16,)),
    "troy": ((("9792", "9792"),), (16,)),
    "verve": ((("506099", "506198"),), (16, 18, 19)),
}
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def beginnings() -> str:
    """The first two digits that a card number may have, as a regular expression."""
    pairs: dict[int, set[int]] = {}
    for ranges, _ in NETWORKS.values():
        for first, last in ranges:
            for pair in range(int(first.ljust(2, "0")[:2]), int(last.ljust(2, "9")[:2]) + 1):
                pairs.setdefault(pair // 10, set()).add(pair % 10)
    return "(?:" + "|".join(f"{one}[{''.join(map(str, sorted(two)))}]" for one, two in sorted(pairs.items())) + ")"


def is_card_number(digits: bytes) -> str:
    """The network whose number this is; "" if it is none.

    Args:
        digits: ASCII digits and nothing else.

    >>> is_card_number(b"4111111111111111"), is_card_number(b"4111111111111112")
    ('visa', '')
    """
    network = _network(digits)
    return network if network and luhn(digits) else ""


def luhn(digits: bytes) -> bool:
    """Whether the last digit is the check digit of those before it.

    Source: ISO/IEC 7812-1, annex B.
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        total += _DOUBLED[digit - 48] if place & 1 else digit - 48
    return total % 10 == 0


def _network(digits: bytes) -> str:
    return next((network for network in _BY_FIRST.get(digits[:1], ()) if _in_range(network, digits)), "")


def _in_range(network: str, digits: bytes) -> bool:
    ranges, lengths = NETWORKS[network]
    if len(digits) not in lengths:
        return False
    text = digits.decode("ascii")
    return any(first <= text[: len(first)] <= last for first, last in ranges)


def _by_first() -> dict[bytes, tuple[str, ...]]:
    """Networks by the first digit of their numbers."""
    found: dict[bytes, list[str]] = {}
    for network, (ranges, _) in NETWORKS.items():
        for first, last in ranges:
            for digit in range(int(first[0]), int(last[0]) + 1):
                known = found.setdefault(str(digit).encode(), [])
                if network not in known:
                    known.append(network)
    return {digit: tuple(networks) for digit, networks in found.items()}


_BY_FIRST: Final = _by_first()
