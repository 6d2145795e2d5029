"""Tables: a tenant's own text over ours, and catalogs of their own."""

import pytest

from muniment.catalogs.framework import LicenceClass
from muniment.catalogs.jsonplaces import MalformedCatalog
from muniment.catalogs.shipped import catalog
from muniment.catalogs.tables import Numbering, Origin, catalog_from_table, overlay

ORIGIN = Origin("acme-1", "House rules", "1", "Acme", "the wall", "ours", LicenceClass.FREE)
NAME = "rules.csv"


def test_a_tenants_text_stands_over_ours_and_nothing_else_changes() -> None:
    ours = catalog("soc2")
    data = b'id,text\nCC6.1,"First line,\nsecond line"\nsoc2:CC6.2,Other\n'
    found = overlay(ours, data, NAME)
    assert found.find("CC6.1").text == "First line,\nsecond line"
    assert found.find("CC6.2").text == "Other"
    assert found.find("CC6.1").label == ours.find("CC6.1").label
    assert [row.id for row in found.requirements] == [row.id for row in ours.requirements]
    assert found.licence_class is ours.licence_class
    assert found.exportable_text(found.find("CC6.1")) == ""


def test_a_text_for_an_id_that_the_catalog_lacks_is_refused_with_the_line_where_it_begins() -> None:
    data = b'id,text\nCC6.1,"two\nlines"\nCC6.99,Other\n'
    with pytest.raises(MalformedCatalog, match=r"soc2 has no 'CC6\.99'") as caught:
        overlay(catalog("soc2"), data, NAME)
    assert caught.value.where == "rules.csv, line 4"


def test_one_id_twice_is_refused() -> None:
    with pytest.raises(MalformedCatalog, match=r"CC6\.1 occurs twice") as caught:
        overlay(catalog("soc2"), b"id,text\nCC6.1,a\nsoc2:CC6.1,b\n", NAME)
    assert caught.value.where == "rules.csv, line 3"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separators_that_spreadsheets_write_are_read(separator: str) -> None:
    data = f"id{separator}text\r\nCC6.1{separator}Words\r\n".encode("utf-8-sig")
    assert overlay(catalog("soc2"), data, NAME).find("CC6.1").text == "Words"


def test_a_catalog_is_made_of_a_table_with_parents_kinds_and_sets() -> None:
    data = b"id,label,parent,kind,sets\n1,Doors,,group,\n1.1,Shut,1,,strict lax\n1.1.a,,1.1,part,\n2,Lights,,,lax\n"
    found = catalog_from_table(data, NAME, ORIGIN)
    assert [row.id for row in found.counted] == ["1.1", "2"]
    assert {one.id: one.number for one in found.sets} == {"strict": 1, "lax": 2}
    assert found.label_of(found.find("1.1.a")) == "Shut"


@pytest.mark.parametrize(
    ("numbering", "given", "expected"),
    [
        ("eu-law", ["Article 32", "Article 32(1)", "Art. 32(1)(b)"], [("32", ""), ("32.1", "32"), ("32.1.b", "32.1")]),
        ("eu-law", ["8", "8(1)(a)"], [("8", ""), ("8.1.a", "8")]),
        (
            "us-law",
            ["§ 164.312", "§ 164.312(a)(1)", "Section 164.312(a)(2)(iv)"],
            [("164.312", ""), ("164.312(a)(1)", "164.312"), ("164.312(a)(2)(iv)", "164.312")],
        ),
        ("as-given", ["a", "a.1"], [("a", ""), ("a.1", "")]),
    ],
)
def test_a_table_of_law_is_read_by_its_numbering(
    numbering: Numbering, given: list[str], expected: list[tuple[str, str]]
) -> None:
    data = ("id,text\n" + "".join(f"{one},words\n" for one in given)).encode()
    found = catalog_from_table(data, NAME, ORIGIN, numbering)
    assert [(row.id, row.parent) for row in found.requirements] == expected


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"", 1, "the first line names the columns"),
        (b"id,colour\n", 1, "the first line names the columns"),
        (b"id,text,colour\n", 1, "'colour' is not a column"),
        (b"id,text,text\n", 1, "'text' is not a column once"),
        (b"id,text\n1\n", 2, "1 values, the first line names 2"),
        (b"id,text\n,words\n", 2, "the id is empty"),
        (b"id,text\n1,a\n1,b\n", 3, "1 occurs twice"),
        (b"id,text\n1 1,a\n", 2, "not a valid control id"),
        (b'id,text\n1,"a\n', 2, "not CSV"),
        (b"id,text\n1,\xff\n", 2, "not UTF-8"),
        (b"id,text,parent\n1,a,2\n2,b,\n", 2, "2 does not stand above 1"),
        (b"id,text,kind\n1,a,chapter\n", 2, "'chapter' is not one of"),
        (b"id,label\n1," + b"x" * 201 + b"\n", 2, "longer than 200 bytes"),
        (b"id,text\n1," + b"x" * 65_537 + b"\n", 2, "more than 65,536 bytes"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_line(data: bytes, line: int, reason: str) -> None:
    with pytest.raises(MalformedCatalog, match=reason) as caught:
        catalog_from_table(data, NAME, ORIGIN)
    assert caught.value.where == f"rules.csv, line {line}"


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(MalformedCatalog, match="holds no rows"):
        catalog_from_table(b"id,text\n\n", NAME, ORIGIN)
