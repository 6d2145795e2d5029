"""Tables as files: what was written is read as it was, what is wrong is named by its row, and bombs go off nowhere."""

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from muniment.core.errors import Malformed
from muniment.core.spreadsheet import FORMULA_SIGNS, guard, unguard
from muniment.tables import Column, Limits, Read, RowFault, Table, read_csv, read_xlsx, write_csv, write_xlsx
from muniment.tables.workbook import day_of

ASSETS = Table(
    "assets",
    (
        Column("code", "Id", required=True, longest=40),
        Column("name", "Name", required=True),
        Column("notes", "Notes", kind="prose", longest=4_000),
        Column("criticality", "Criticality", kind="choice", choices=("low", "medium", "high")),
        Column("owners", "Owners", kind="list", longest=3),
        Column("since", "In use since", kind="date"),
        Column("count", "Count", kind="integer"),
        Column("public", "Public", kind="yesno"),
        Column("entry", "Entry", kind="integer", given=False),
    ),
)
TEXT = some.text(
    some.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Cn", "Co", "Cf")), max_size=30
)
ROWS = some.lists(
    some.fixed_dictionaries(
        {
            "code": TEXT.map(lambda text: f"A{text}".strip()),
            "name": TEXT.map(lambda text: f"{text}x".strip()),
            "notes": TEXT.map(lambda text: f"1\n{text}".strip()) | some.none(),
            "criticality": some.sampled_from(["low", "medium", "high", None]),
            "owners": some.sampled_from([None, ("usr_1",), ("usr_1", "usr_2")]),
            "since": some.dates(date(1900, 3, 1), date(9999, 12, 31)) | some.none(),
            "count": some.integers(-(10**15) + 1, 10**15 - 1) | some.none(),
            "public": some.booleans() | some.none(),
        }
    ),
    min_size=1,
    max_size=4,
)
READERS = {"csv": read_csv, "xlsx": read_xlsx}


def csv_of(text: str) -> io.BytesIO:
    return io.BytesIO(text.encode())


def xlsx_of(*rows: object, edit: Callable[[openpyxl.Workbook], object] = lambda _: None) -> io.BytesIO:
    """A workbook as another program writes it."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))  # type: ignore[union-attr, call-overload]
    edit(book)
    out = io.BytesIO()
    book.save(out)
    return io.BytesIO(out.getvalue())


def said(read: Read) -> list[dict[str, object]]:
    assert read.faults == (), read.faults
    return [dict(row.values) for row in read.rows]


@given(ROWS)
@settings(max_examples=40, deadline=None)
def test_what_was_written_is_read_as_it_was_by_us_and_by_others(rows: list[dict[str, object]]) -> None:
    text = b"".join(write_csv(ASSETS, rows))
    assert said(read_csv(io.BytesIO(text), ASSETS)) == rows
    out, again = io.BytesIO(), io.BytesIO()
    assert write_xlsx(ASSETS, rows, out) == write_xlsx(ASSETS, rows, again) == len(rows)
    assert out.getvalue() == again.getvalue()
    assert said(read_xlsx(io.BytesIO(out.getvalue()), ASSETS)) == rows
    sheet = openpyxl.load_workbook(io.BytesIO(out.getvalue())).worksheets[0]
    assert [cell.value for cell in sheet[1]] == [column.title for column in ASSETS.columns]
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


@given(some.text(max_size=12))
def test_a_guarded_cell_begins_like_no_formula_and_comes_back(text: str) -> None:
    assert unguard(guard(text)) == text
    assert not guard(text).startswith(FORMULA_SIGNS)


@pytest.mark.parametrize("sign", FORMULA_SIGNS)
def test_no_cell_that_is_written_is_run_by_a_spreadsheet(sign: str) -> None:
    attack = f"{sign}HYPERLINK(1)"
    line = b"".join(write_csv(ASSETS, [{"code": "A", "name": attack}])).decode().split("\r\n", 1)[1]
    assert line.startswith(f'"A","\'{sign}')
    out = io.BytesIO()
    write_xlsx(ASSETS, [{"code": "A", "name": attack.strip() or attack}], out)
    cell = openpyxl.load_workbook(out).worksheets[0]["B2"]
    assert cell.data_type == "s"
    assert cell.hyperlink is None


def test_a_table_of_another_program_is_read_with_its_days_numbers_and_titles() -> None:
    rows = [
        ["id", "NAME", "Criticality", "In use since", "Count", "Public", "Entry"],
        ["A-1", 42, "High", date(2024, 2, 29), 7.0, True, 11],
        [],
        ["A-2", "two", None, "2026-01-31", "8", "no"],
    ]
    found = read_xlsx(xlsx_of(*rows), ASSETS)
    assert [row.number for row in found.rows] == [2, 4]
    assert said(found)[0] == {
        "code": "A-1", "name": "42", "criticality": "high", "since": date(2024, 2, 29), "count": 7, "public": True,
    }  # fmt: skip
    assert said(found)[1]["since"] == date(2026, 1, 31)
    german = '\ufeffcode;name;count\r\nA-1;"one;\ntwo";\r\n'
    assert read_csv(csv_of(german.replace(";\n", "; ")), ASSETS).rows[0].values == {
        "code": "A-1", "name": "one; two", "count": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("number", "since_1904", "day"),
    [
        (1, False, "1900-01-01"), (59, False, "1900-02-28"), (61, False, "1900-03-01"), (45351, False, "2024-02-29"),
        (2958465, False, "9999-12-31"), (0, True, "1904-01-01"), (45351.5, False, "2024-02-29 12:00:00"),
    ],
)  # fmt: skip
def test_a_day_is_counted_as_spreadsheets_count_it(number: float, since_1904: bool, day: str) -> None:
    assert day_of(number, since_1904=since_1904) == day


@pytest.mark.parametrize("number", [60, 60.5, -1, 2958466, float("nan"), float("inf")])
def test_a_number_that_is_no_day_is_none(number: float) -> None:
    with pytest.raises(ValueError):
        day_of(number, since_1904=False)


def test_one_bad_row_in_five_thousand_is_named_and_the_others_are_read() -> None:
    lines = ["code,name,criticality", *(f"A-{count},name,low" for count in range(5_000))]
    lines[4_321] = "A-x,,huge"
    found = read_csv(csv_of("\n".join(lines)), ASSETS)
    assert len(found.rows) == 4_999
    assert [str(fault) for fault in found.faults] == [
        "row 4,322, name: is empty; every row needs it",
        "row 4,322, criticality: is one of low, medium, high",
    ]


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ("A,x,,,,2026-02-30,,", "since", "is no day"),
        ("A,x,,,,31.12.2026,,", "since", "is no day"),
        ("A,x,,,,,1.5,", "count", "whole number"),
        ("A,x,,,,,1_000,", "count", "whole number"),
        ("A,x,,,,,٣,", "count", "whole number"),
        ("A,x,,,,,,perhaps", "public", "yes or no"),
        ("A,x,,,a b c d,,,", "owners", "names 4"),
        (f"A,{'x' * 201},,,,,,", "name", "201 characters"),
        ('A,"x\ny",,,,,,', "name", "line break"),
        ("A,x\x00,,,,,,", "name", "U+0000"),
        ("A,x,,,,,,,z", "", "9 cells under 8 headings"),
    ],
)
def test_a_cell_that_is_wrong_is_named(row: str, column: str, message: str) -> None:
    heading = "code,name,notes,criticality,owners,since,count,public"
    (fault,) = read_csv(csv_of(f"{heading}\n{row}\n"), ASSETS).faults
    assert (fault.row, fault.column) == (2, column)
    assert message in fault.message


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (b"", "file"),
        (b"code,name\n", "file"),
        (b"name\nx\n", "row 1"),
        (b"code,name,code\nA,x,A\n", "row 1"),
        (b"code,name,colour\nA,x,red\n", "row 1"),
        (b'code,name\nA,"x"y\n', "row 2"),
        (b"code,name\nA,\xff\n", "file"),
        ("code,name\nA,x\n".encode("utf-16"), "file"),
        (b"code,name\n" + b"A,x\n" * 51, "file"),
        (b"code,name\nA," + b"x" * 70_000, "file"),
        (b'code,name\nA,"' + b"x" * 60_000, "row 2"),
    ],
)
def test_what_is_no_table_is_refused(text: bytes, where: str) -> None:
    with pytest.raises(Malformed) as malformed:
        read_csv(io.BytesIO(text), ASSETS, Limits(file_bytes=65_536, rows=50))
    assert malformed.value.where == where


def test_reading_stops_after_so_many_faults() -> None:
    found = read_csv(csv_of("code,name\n" + "A,\n" * 500), ASSETS, Limits(faults=7))
    assert (len(found.faults), found.whole) == (7, False)


def test_a_formula_and_an_error_in_a_workbook_are_faults_and_hidden_sheets_are_not_read() -> None:
    def formula(book: openpyxl.Workbook) -> None:
        book.active["B3"] = "#N/A"  # type: ignore[index]
        book.active["B3"].data_type = "e"  # type: ignore[index]
        hidden = book.create_sheet("hidden", 0)
        hidden.sheet_state = "hidden"
        hidden["A1"] = "not this one"

    found = read_xlsx(xlsx_of(["code", "name"], ["A", "=1+1"], ["B", ""], edit=formula), ASSETS)
    assert [(one.row, one.column) for one in found.faults] == [(2, "name"), (3, "name")]
    assert "formula" in found.faults[0].message
    assert "error" in found.faults[1].message


def repacked(changes: dict[str, bytes], base: io.BytesIO | None = None) -> io.BytesIO:
    """A workbook some of whose parts are others."""
    out = io.BytesIO()
    with zipfile.ZipFile(base or xlsx_of(["code", "name"], ["A", "x"])) as old, zipfile.ZipFile(out, "w", 8) as new:
        for part in old.namelist():
            new.writestr(part, changes.get(part, old.read(part)))
        for part in changes.keys() - set(old.namelist()):
            new.writestr(part, changes[part])
    return io.BytesIO(out.getvalue())


SHEET = "xl/worksheets/sheet1.xml"


def sheet_of(rows: bytes) -> dict[str, bytes]:
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return {SHEET: b'<worksheet xmlns="' + main + b'"><sheetData>' + rows + b"</sheetData></worksheet>"}


BOMBS: dict[str, Callable[[], io.BytesIO]] = {
    "unpacks to 70 MiB": lambda: repacked({"xl/media/image1.png": b"\0" * (70 << 20)}),
    "a row of millions of cells": lambda: repacked(sheet_of(b'<row r="1">' + b"<c/>" * 3_000_000 + b"</row>")),
    "a tag of two million attributes": lambda: repacked(
        sheet_of(b"<row " + b" ".join(b'a%d=""' % n for n in range(500_000)) + b"/>")
    ),
    "elements inside one another": lambda: repacked(sheet_of(b"<a>" * 200_000)),
    "laughing entities": lambda: repacked(
        {SHEET: b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'}
    ),
    "a cell in the last corner and no more": lambda: repacked(
        sheet_of(b'<row r="1048576"><c r="XFD1048576" t="b"><v>1</v></c></row>')
    ),
    "rows in no order": lambda: repacked(
        sheet_of(b'<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>')
    ),
    "a cell of another row": lambda: repacked(sheet_of(b'<row r="1"><c r="A9"><v>1</v></c></row>')),
    "a number that is none": lambda: repacked(sheet_of(b'<row r="-1"/>')),
    "no XML": lambda: repacked({SHEET: b"\x89PNG"}),
    "no workbook": lambda: io.BytesIO(b"PK\x05\x06" + b"\0" * 18),
    "no archive": lambda: io.BytesIO(b"code,name\nA,x\n"),
    "an old workbook": lambda: io.BytesIO(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
    "a part that lies about its size": lambda: lying(),
    "a sheet outside": lambda: repacked(
        {
            "xl/_rels/workbook.xml.rels": b'<Relationships><Relationship Id="rId1" '
            b'Target="../../../etc/passwd"/></Relationships>'
        }
    ),
}


def lying() -> io.BytesIO:
    """An archive whose sheet is said to be ten bytes long."""
    data = bytearray(repacked(sheet_of(b"<row/>" * 100_000)).getvalue())
    name = SHEET.encode()
    at = data.rindex(name) - 46
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    return io.BytesIO(bytes(data))


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_within_bounded_memory(bomb: str) -> None:
    stream = BOMBS[bomb]()
    tracemalloc.start()
    try:
        with pytest.raises(Malformed) as malformed:
            read_xlsx(stream, ASSETS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert malformed.value.where in ("file", "row 1"), malformed.value
    assert peak < 24 << 20


def test_an_archive_of_too_many_parts_or_two_of_one_name_is_refused() -> None:
    with pytest.raises(Malformed, match="parts"):
        read_xlsx(repacked({f"xl/{count}.xml": b"" for count in range(1_001)}), ASSETS)
    twice = xlsx_of(["code", "name"], ["A", "x"])
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(twice, "a") as archive:
        archive.writestr(SHEET, b"<worksheet/>")
    with pytest.raises(Malformed, match="two parts of one name"):
        read_xlsx(io.BytesIO(twice.getvalue()), ASSETS)


def test_a_text_that_no_cell_holds_is_refused_and_csv_takes_it() -> None:
    row = {"code": "A", "name": "x" * 32_768}
    with pytest.raises(Malformed, match="32,767"):
        write_xlsx(ASSETS, [row], io.BytesIO())
    assert b"x" * 32_768 in b"".join(write_csv(ASSETS, [row]))


def test_columns_are_chosen_and_an_unknown_one_is_named() -> None:
    assert (
        b"".join(write_csv(ASSETS, [{"code": "A", "name": "x"}], ["name", "code"])) == b'"name","code"\r\n"x","A"\r\n'
    )
    for keys in (["colour"], ["name", "name"]):
        with pytest.raises(Malformed) as malformed:
            list(write_csv(ASSETS, [], keys))
        assert malformed.value.where == "columns"


def test_a_fault_reads_as_a_sentence() -> None:
    assert str(RowFault(4_322, "", "is wrong")) == "row 4,322: is wrong"
