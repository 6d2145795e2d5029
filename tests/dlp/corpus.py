"""A labelled corpus: files of which it is known how often a detector should find something in them.

Made anew at each run from one seed. Check digits are those of python-stdnum, not of the code that is judged; those of
machine-readable zones are computed here.
"""

import base64
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from stdnum import luhn
from stdnum.iban import calc_check_digits
from stdnum.pl import pesel

from tests.dlp.files import archive, letter, open_text, picture, workbook
from tests.support.pdfs import pdf

SEED = 20261122
TODAY = date(2026, 11, 22)
VALID, FAILING, OBFUSCATED, NESTED, FRIENDS, BEYOND = (
    "valid", "checksum-failing", "obfuscated", "nested", "false friends", "beyond reach",
)  # fmt: skip
GROUPS = (VALID, FAILING, OBFUSCATED, NESTED, FRIENDS, BEYOND)


@dataclass(frozen=True)
class Case:
    detector: str
    group: str
    what: str
    data: bytes
    expected: int


# Beginnings of numbers and their lengths.
_CARDS = (
    ("4", 16), ("4", 16), ("4", 13), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15),
    ("37", 15), ("6011", 16), ("644", 16), ("65", 16), ("36", 14), ("300", 14), ("3528", 16), ("3589", 16),
    ("62", 16), ("62", 19),
    ("2200", 16), ("9792", 16), ("6759", 16),
)  # fmt: skip
# Lengths and forms by country, after the two check digits: d a digit, L a letter.
_ACCOUNTS = {
    "DE": "d" * 18, "PL": "d" * 24, "GB": "LLLL" + "d" * 14, "FR": "d" * 23, "NL": "LLLL" + "d" * 10, "ES": "d" * 20,
    "IT": "L" + "d" * 22, "CH": "d" * 17, "NO": "d" * 11, "MT": "LLLL" + "d" * 23, "SE": "d" * 20, "CZ": "d" * 20,
    "BE": "d" * 12, "AT": "d" * 16, "IE": "LLLL" + "d" * 14, "UA": "d" * 25,
}  # fmt: skip
_PASSPORTS = {
    "PL": "LLddddddd", "DE": "CddddLddd", "GB": "ddddddddd", "FR": "ddLLddddd", "ES": "LLLdddddd", "US": "Ldddddddd",
    "NL": "LLddddddd", "CA": "LLdddddd", "IT": "LLddddddd",
}  # fmt: skip
_CONTEXT = ("Passport no", "passport number:", "Numer paszportu", "Reisepass Nr.", "Passeport n°", "Pasaporte:")
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


class Maker:
    """Values and texts out of one source of randomness."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def digits(self, count: int) -> str:
        return "".join(self.random.choices("0123456789", k=count))

    def formed(self, form: str) -> str:
        made = {"d": lambda: self.digits(1), "L": lambda: self.random.choice(_LETTERS), "C": lambda: "C"}
        return "".join(made[one]() for one in form)

    def card(self, place: int) -> str:
        beginning, length = _CARDS[place % len(_CARDS)]
        body = beginning + self.digits(length - 1 - len(beginning))
        return body + luhn.calc_check_digit(body)

    def pesel(self) -> str:
        born = date(1930, 1, 1) + timedelta(days=self.random.randrange(34_000))
        month = born.month + (20 if born.year >= 2000 else 0)
        body = f"{born.year % 100:02}{month:02}{born.day:02}{self.digits(4)}"
        return body + str(pesel.calc_check_digit(body))

    def iban(self, place: int) -> str:
        country = sorted(_ACCOUNTS)[place % len(_ACCOUNTS)]
        bban = self.formed(_ACCOUNTS[country])
        return country + str(calc_check_digits(country + "00" + bban)) + bban

    def passport(self, place: int) -> str:
        return self.formed(_PASSPORTS[sorted(_PASSPORTS)[place % len(_PASSPORTS)]])

    def td3(self) -> str:
        surname = "".join(self.random.choices(_LETTERS, k=7))
        number, born, until = self.formed("LLddddddd"), self._day(40, 99), self._day(26, 35)
        personal = "<" * 14
        second = f"{number}{_digit(number)}POL{born}{_digit(born)}F{until}{_digit(until)}{personal}<"
        whole = _digit(second[0:10] + second[13:20] + second[21:43])
        return f"{f'P<POL{surname}<<ANNA':<<44}\n{second}{whole}"

    def td1(self) -> str:
        number, born, until = self.formed("LLLdddddd"), self._day(40, 99), self._day(26, 35)
        first = f"I<POL{number}{_digit(number)}{'<' * 15}"
        second = f"{born}{_digit(born)}M{until}{_digit(until)}POL{'<' * 11}"
        whole = _digit(first[5:30] + second[0:7] + second[8:15] + second[18:29])
        return f"{first}\n{second}{whole}\n{'NOWAK<<JAN':<<30}"

    def _day(self, first: int, last: int) -> str:
        return f"{self.random.randint(first, last):02}{self.random.randint(1, 12):02}{self.random.randint(1, 28):02}"


def cases() -> Iterator[Case]:
    """Every file of the corpus, in the same order each time."""
    make = Maker(SEED)
    yield from _values(make, "pan", make.card, _wrong_digit, "Paid with card {} in March.", 44)
    yield from _values(make, "pesel", lambda _: make.pesel(), _wrong_digit, "Worker {}, of full age.", 40)
    yield from _values(make, "iban", make.iban, _wrong_account, "Please pay to {} within a week.", 48)
    yield from _passports(make)
    yield from _friends(make)
    yield from _beyond(make)


def _values(
    make: Maker, detector: str, value: Callable[[int], str], wrong: Callable[[str], str], sentence: str, count: int
) -> Iterator[Case]:
    for place in range(count):
        text = sentence.format(value(place))
        yield Case(detector, VALID, "sentence", text.encode(), 1)
        yield Case(detector, FAILING, "sentence", sentence.format(wrong(value(place))).encode(), 0)
    table = "\n".join(f"{place};{value(place)};{make.digits(4)},{make.digits(2)}" for place in range(20))
    yield Case(detector, VALID, "CSV", f"no;number;amount\n{table}\n".encode(), 20)
    yield Case(detector, VALID, "JSON", json.dumps([{"n": value(place)} for place in range(5)]).encode(), 5)
    for place in range(12):
        for what, written in _obfuscations(value(place)):
            yield Case(detector, OBFUSCATED, what, sentence.format(written).encode(), 1)
    yield from _nested(detector, [value(place) for place in range(8)], sentence)


def _obfuscations(value: str) -> Iterator[tuple[str, str]]:
    fours = [value[start : start + 4] for start in range(0, len(value), 4)]
    if len(value) == 15:
        fours = [value[:4], value[4:10], value[10:]]
    if len(value) == 11:
        fours = [value[:6], value[6:]]
    yield "blanks", " ".join(fours)
    yield "dashes", "-".join(fours)
    yield "dots", ".".join(fours)
    yield "no-break spaces", "\u00a0".join(fours)
    yield "en dashes", "\u2013".join(fours)
    yield "zero-width", "\u200b".join(value)
    yield "full width", "".join(chr(ord(one) + 0xFEE0) for one in value)
    yield "two lines", value[: len(value) // 2] + "\n" + value[len(value) // 2 :]
    yield "groups over two lines", " ".join(fours[: len(fours) // 2]) + "\n" + " ".join(fours[len(fours) // 2 :])
    yield "hyphenated over two lines", value[:5] + "-\n" + value[5:]
    yield "one by one", " ".join(value)
    yield "mathematical digits", "".join(chr(0x1D7CE + int(one)) if one.isdigit() else one for one in value)
    yield "Arabic-Indic digits", "".join(chr(0x660 + int(one)) if one.isdigit() else one for one in value)
    yield "tags between", f"<p>{value[:6]}<b>{value[6:]}</b></p>"
    yield "character references", "".join(f"&#{ord(one)};" for one in value)


def _nested(detector: str, values: list[str], sentence: str) -> Iterator[Case]:
    said = [sentence.format(value) for value in values]
    yield Case(detector, NESTED, "PDF", pdf(*said), len(said))
    yield Case(detector, NESTED, "PDF, lines", pdf("\n".join(said)), len(said))
    yield Case(
        detector, NESTED, "XLSX", workbook([["no", "number"], *([n, v] for n, v in enumerate(values))]), len(values)
    )
    if all(value.isdigit() and len(value) < 16 for value in values):
        yield Case(detector, NESTED, "XLSX, as numbers", workbook([[int(value)] for value in values]), len(values))
    yield Case(detector, NESTED, "DOCX", letter(*([one] for one in said)), len(said))
    broken = [[one[: len(one) // 2], one[len(one) // 2 :]] for one in said]
    yield Case(detector, NESTED, "DOCX, broken into runs", letter(*broken), len(said))
    yield Case(detector, NESTED, "ODT", open_text(*said), len(said))
    text = "\n".join(said).encode()
    yield Case(detector, NESTED, "ZIP", archive({"a/b.txt": text}), len(said))
    yield Case(detector, NESTED, "ZIP in ZIP", archive({"a.zip": archive({"b.txt": text})}), len(said))
    yield Case(detector, NESTED, "PDF in ZIP", archive({"a.pdf": pdf(*said)}), len(said))
    yield Case(detector, NESTED, "XLSX in ZIP", archive({"a.xlsx": workbook([[one] for one in said])}), len(said))
    yield Case(detector, NESTED, "UTF-16 in ZIP", archive({"a.txt": text.decode().encode("utf-16")}), len(said))
    yield Case(detector, NESTED, "comment of a picture", picture(16, 16, comment=said[0]), 1)
    yield Case(detector, NESTED, "escapes of JSON", _escaped(values[0]), 1)


def _passports(make: Maker) -> Iterator[Case]:
    for place in range(36):
        context, number = _CONTEXT[place % len(_CONTEXT)], make.passport(place)
        yield Case("passport", VALID, "national", f"{context} {number}, issued 2021.".encode(), 1)
        yield Case("passport", OBFUSCATED, "next line", f"{context}\n{number}\nissued".encode(), 1)
        yield Case("passport", OBFUSCATED, "lower case", f"{context} {number.lower()}".encode(), 1)
        wide = "".join(chr(ord(one) + 0xFEE0) for one in number)
        yield Case("passport", OBFUSCATED, "full width", f"{context} {wide}".encode(), 1)
        yield Case("passport", OBFUSCATED, "a blank", f"{context} {number[:2]} {number[2:]}".encode(), 1)
    for place in range(20):
        for zone in (make.td3(), make.td1()):
            yield Case("passport", VALID, "zone", f"Copy:\n{zone}\n".encode(), 1)
            yield Case("passport", OBFUSCATED, "zone, blanks", " ".join(zone).encode(), 1)
            at = zone.index("\n") + (20 if len(zone) > 92 else 3)
            at = next(spot for spot in range(at, len(zone)) if zone[spot].isdigit())
            wrong = zone[:at] + str((int(zone[at]) + 1) % 10) + zone[at + 1 :]
            yield Case("passport", FAILING, "zone", f"Copy:\n{wrong}\n".encode(), 0)
        if place < 6:
            yield Case("passport", NESTED, "PDF", pdf(make.td3()), 1)
            yield Case("passport", NESTED, "DOCX", letter(*([line] for line in make.td3().split("\n"))), 1)
            number = f"Passport no {make.passport(place)}"
            yield Case("passport", NESTED, "ZIP", archive({"a.txt": number.encode()}), 1)
            yield Case("passport", NESTED, "PDF in ZIP", archive({"a.pdf": pdf(number)}), 1)
    rows = [["name", "passport", "country"], *(["Anna", make.passport(place), "PL"] for place in range(6))]
    yield Case("passport", NESTED, "column of a table", "\n".join(",".join(row) for row in rows).encode(), 6)
    yield Case("passport", NESTED, "XLSX", workbook([["Passport no " + make.passport(1)]]), 1)


def _friends(make: Maker) -> Iterator[Case]:
    chance = make.random
    for place in range(30):
        body = "35" + make.digits(12)
        imei = body + luhn.calc_check_digit(body)
        yield Case("pan", FRIENDS, "IMEI", f"Device {imei} was returned.".encode(), 0)
        group = f"{make.digits(8)}-{make.digits(4)}-{make.digits(4)}-{make.digits(4)}-{make.digits(12)}"
        yield Case("pan", FRIENDS, "UUID of digits", f"id={group}".encode(), 0)
        yield Case(
            "pan", FRIENDS, "nanoseconds", f"at={1_700_000_000_000_000_000 + chance.getrandbits(58)}".encode(), 0
        )
        yield Case("pan", FRIENDS, "fraction", f"p=0.{make.card(place)}".encode(), 0)
        yield Case("pan", FRIENDS, "digest", f"sha256:{chance.getrandbits(256):064x}".encode(), 0)
        yield Case("pan", FRIENDS, "ISBN", f"ISBN 978-{make.digits(1)}-{make.digits(4)}-{make.digits(4)}-1".encode(), 0)
        years = " ".join(str(year) for year in range(1990 + place, 2000 + place))
        yield Case("pan", FRIENDS, "years", f"Report of {years}".encode(), 0)
        column = "\n".join(make.digits(8) for _ in range(20))
        yield Case("pan", FRIENDS, "column of numbers", f"id\n{column}\n".encode(), 0)
        # Nothing tells such a number from a card's: it is here so that the figures say so.
        if place < 3:
            yield Case("pan", FRIENDS, "order number like a card's", f"Order {make.card(place)}.".encode(), 0)
        phone = f"+48 {make.digits(3)} {make.digits(3)} {make.digits(3)}"
        yield Case("pesel", FRIENDS, "telephone", f"Call {phone}, or +48{make.digits(9)}.".encode(), 0)
        yield Case("pesel", FRIENDS, "order number", f"Order {make.digits(11)} was sent.".encode(), 0)
        yield Case("pesel", FRIENDS, "EAN", f"EAN {make.digits(13)}, NIP {make.digits(10)}".encode(), 0)
        column = "\n".join(make.digits(6) for _ in range(20))
        yield Case("pesel", FRIENDS, "column of numbers", f"id\n{column}\n".encode(), 0)
        yield Case("pesel", FRIENDS, "milliseconds", f"took {make.digits(5)}.{make.digits(11)}".encode(), 0)
        yield Case("iban", FRIENDS, "VAT number", f"VAT DE{make.digits(9)}, PL{make.digits(10)}".encode(), 0)
        yield Case("iban", FRIENDS, "digest", f"{chance.getrandbits(256):064X}".encode(), 0)
        yield Case(
            "iban", FRIENDS, "no such country", f"XX{make.digits(20)} QQ{make.digits(2)}{make.digits(18)}".encode(), 0
        )
        yield Case("iban", FRIENDS, "base64", base64.b64encode(chance.randbytes(90)), 0)
        yield Case("iban", FRIENDS, "too short", f"Account {make.iban(place)[:-1]}.".encode(), 0)
        yield Case("passport", FRIENDS, "no word", f"Flight {make.passport(place)} left.".encode(), 0)
        day = f"{2000 + place}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
        yield Case("passport", FRIENDS, "a day", f"Passport renewed on {day} in person.".encode(), 0)
        yield Case("passport", FRIENDS, "a price", f"A passport costs {make.digits(3)} euros.".encode(), 0)
        yield Case("passport", FRIENDS, "shifts", f"x = 1 << {make.digits(2)}; y <<= {make.digits(6)};".encode(), 0)
        yield Case("passport", FRIENDS, "telephone", f"Passport office: {make.digits(4)}-{make.digits(6)}".encode(), 0)

    # What detectors cannot tell apart: numbers drawn without any rule, of which some agree with every rule.
    for detector, count in (("pan", 16), ("pesel", 11)):
        numbers = "\n".join(f"row {make.digits(count)} end" for _ in range(300))
        yield Case(detector, FRIENDS, "random digits", numbers.encode(), 0)
    for _ in range(5):
        yield Case("passport", FRIENDS, "telephone without dashes", f"Passport office: {make.digits(9)}".encode(), 0)


def _beyond(make: Maker) -> Iterator[Case]:
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    for place in range(4):
        for detector, value in (
            ("pan", make.card(place)), ("pesel", make.pesel()), ("iban", make.iban(place)), ("passport", make.td3()),
        ):  # fmt: skip
            yield Case(detector, BEYOND, "base64", base64.b64encode(f"It is {value}, he said.".encode()), 1)
            yield Case(detector, BEYOND, "backwards", value[::-1].encode(), 1)
            spelled = " ".join(words[int(one)] if one.isdigit() else one for one in value)
            yield Case(detector, BEYOND, "in words", spelled.encode(), 1)
            yield Case(detector, BEYOND, "letters for digits", value.replace("0", "O").replace("1", "l").encode(), 1)
            yield Case(detector, BEYOND, "over columns", ";".join(value).encode(), 1)


def _wrong_digit(value: str) -> str:
    return value[:-1] + str((int(value[-1]) + 1) % 10)


def _wrong_account(value: str) -> str:
    return value[:2] + f"{(int(value[2:4]) + 1) % 97:02}" + value[4:]


def _escaped(value: str) -> bytes:
    return ('{"n": "' + "".join(f"\\u{ord(one):04x}" for one in value) + '"}').encode()


def _digit(field: str) -> str:
    """Of a machine-readable zone. Source: ICAO Doc 9303, part 3 §4.9."""
    values = {one: int(one, 36) for one in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"} | {"<": 0}
    return str(sum(values[one] * (7, 3, 1)[place % 3] for place, one in enumerate(field)) % 10)
