"""Numbers are what their check digits say, patterns run in bounded time, and the strictest rule decides."""

from datetime import date

import pytest
import stdnum.iban
import stdnum.luhn
import stdnum.pl.pesel
from hypothesis import given
from hypothesis import strategies as st
from stdnum.exceptions import ValidationError

from muniment.core.errors import Malformed
from muniment.dlp.cards import is_card_number, luhn
from muniment.dlp.detection import Detection
from muniment.dlp.ibans import LENGTHS, is_iban
from muniment.dlp.judging import ALLOW, BLOCK, CLEAN, NO_ANSWER, NOT_ASKED, QUARANTINE, Policy, Rule, judge
from muniment.dlp.normalising import normalised
from muniment.dlp.passports import check_digit
from muniment.dlp.patterns import Pattern
from muniment.dlp.pesel import is_pesel
from muniment.dlp.scanning import Scan

TODAY = date(2026, 11, 22)
DIGITS = st.text("0123456789", min_size=2, max_size=19)


@given(DIGITS)
def test_luhn_agrees_with_another_writing_of_it(digits: str) -> None:
    assert luhn(digits.encode()) == stdnum.luhn.is_valid(digits)


@given(st.text("0123456789", min_size=10, max_size=10))
def test_a_pesel_agrees_with_another_writing_of_it(digits: str) -> None:
    whole = digits + stdnum.pl.pesel.calc_check_digit(digits)
    try:
        born = stdnum.pl.pesel.get_birth_date(whole)
    except ValidationError:
        born = None
    expected = born is not None and date(1880, 1, 1) <= born <= TODAY
    assert is_pesel(whole.encode(), today=TODAY) == expected


@given(st.sampled_from(sorted(LENGTHS)), st.integers(0, 10**30))
def test_an_iban_agrees_with_another_writing_of_it(country: bytes, number: int) -> None:
    bban = str(number).rjust(LENGTHS[country] - 4, "1")[: LENGTHS[country] - 4]
    for check in (stdnum.iban.calc_check_digits(f"{country.decode()}00{bban}"), "12"):
        written = f"{country.decode()}{check}{bban}"
        assert is_iban(written.encode()) == stdnum.iban.is_valid(written, check_country=False)


@pytest.mark.parametrize(
    ("number", "network"),
    [
        ("4111111111111111", "visa"), ("4222222222222", "visa"), ("5555555555554444", "mastercard"),
        ("2223003122003222", "mastercard"), ("378282246310005", "american express"), ("6011111111111117", "discover"),
        ("30569309025904", "diners club"), ("3530111333300000", "jcb"), ("6200000000000005", "unionpay"),
        ("2200000000000004", "mir"), ("411111111111111", ""), ("1111111111111117", ""), ("9999999999999995", ""),
    ],
)  # fmt: skip
def test_a_card_number_is_of_a_network(number: str, network: str) -> None:
    assert is_card_number(number.encode()) == network


@pytest.mark.parametrize(("field", "digit"), [("L898902C3", 6), ("740812", 2), ("120415", 9), ("ZE184226B<<<<<", 1)])
def test_check_digits_of_zones_are_those_of_the_specimen(field: str, digit: int) -> None:
    assert check_digit(field) == digit


@pytest.mark.parametrize(
    "expression", ["", "a*", "^", "(a", r"(a)\1", "(?=a)b", "a" * 513, "a{1000}{1000}", "(a{1000}){9}", "a\n"]
)
def test_a_pattern_that_could_take_long_or_finds_nothing_is_refused(expression: str) -> None:
    with pytest.raises(Malformed) as refused:
        Pattern("name", expression)
    assert refused.value.where == "expression"


def test_a_pattern_over_which_others_stumble_runs_in_time_that_grows_with_the_text() -> None:
    found = Detection([Pattern("evil", "(a|aa)+(b|c)?(x+x+)+y")], today=TODAY).count(b"a" * 200_000 + b"x" * 200_000)
    assert found["pattern:evil"] == 0


def test_a_number_at_the_border_of_two_pieces_is_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muniment.dlp.detection.WINDOW", 2_048)
    detection = Detection(today=TODAY)
    for offset in range(-40, 40):
        text = bytearray(b"." * 5_000)
        text[2_048 + offset : 2_048 + offset + 21] = b" 4111 1111 1111 1111 "
        assert detection.count(bytes(text)) == {"pan": 1}, offset


@given(st.text(max_size=200))
def test_normalising_is_done_once(text: str) -> None:
    once = normalised(text.encode("utf-8", "replace"))
    assert normalised(once) == once


@pytest.mark.parametrize(
    ("policy", "scan", "antivirus", "action", "said"),
    [
        (Policy(), Scan("scanned", "", (), (), 0), CLEAN, ALLOW, "nothing was found"),
        (Policy(), Scan("scanned", "", (), (), 0), NOT_ASKED, ALLOW, "nothing was found"),
        (Policy(), Scan("scanned", "", (), (), 0), NO_ANSWER, QUARANTINE, "antivirus did not answer"),
        (Policy(), Scan("scanned", "", (), (), 0), "Eicar", BLOCK, "antivirus found Eicar"),
        (Policy(), Scan("scanned", "", (("iban", 2),), (), 0), CLEAN, QUARANTINE, "iban: 2 found"),
        (Policy(), Scan("scanned", "", (("iban", 2), ("pan", 1)), (), 0), CLEAN, BLOCK, "pan: 1 found"),
        (Policy(), Scan("unscannable", "is empty", (), (), 0), CLEAN, QUARANTINE, "unscannable: is empty"),
        (Policy(), Scan("hostile", "is a bomb", (), (), 0), CLEAN, QUARANTINE, "hostile: is a bomb"),
        (Policy(), Scan("scanned", "", (), (), 2), CLEAN, QUARANTINE, "pictures: 2"),
        (
            Policy({**Policy().rules, "pictures": Rule(ALLOW, "logos")}),
            Scan("scanned", "", (), (), 2), CLEAN, ALLOW, "allow by policy: logos",
        ),
    ],
)  # fmt: skip
def test_the_strictest_of_what_applies_decides(
    policy: Policy, scan: Scan, antivirus: str, action: str, said: str
) -> None:
    judged = judge(policy, scan, antivirus)
    assert judged.action == action
    assert said in judged.reasons[0]
