"""What a catalog file may be, and where the error points when it is not."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.catalogs.catalogfile import format_catalog, parse_catalog
from muniment.catalogs.framework import LicenceClass
from muniment.catalogs.jsonplaces import MalformedCatalog, line_of
from tests.catalogs.support import SMALL, changed, text_of


def test_a_catalog_reads_back_as_it_was_written() -> None:
    found = parse_catalog(text_of(SMALL))
    assert parse_catalog(format_catalog(found)) == found
    assert [row.id for row in found.counted] == ["1.1", "1.2", "2"]


def test_a_row_without_a_label_is_called_what_the_row_above_it_is_called() -> None:
    found = parse_catalog(text_of(SMALL))
    assert found.label_of(found.find("1.2.a")) == "Doors"
    assert [row.id for row in found.above(found.find("1.2.a"))] == ["1.2", "1"]


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("format",), "muniment-catalog/2", "must be muniment-catalog/1"),
        (("id",), "Acme 1", "prefix of control ids"),
        (("title",), "", "must not be empty"),
        (("title",), "two\nlines", "control character"),
        (("licence_class",), "D", "must be A"),
        (("licence_class",), "B", "class B names an attribution"),
        (("attribution",), "Acme", "the others none"),
        (("colour",), "red", "unknown key 'colour'"),
        (("count", "number"), 4, "the file says 4 rules and holds 3"),
        (("count", "number"), 2, "the file says 2 rules and holds 3"),
        (("count", "number"), True, "must be a number"),
        (("count", "unit"), "rules", "unknown key 'unit'"),
        (("sets", 0, "number"), 2, "says 2 requirements in strict and holds 1"),
        (("sets", 0, "id"), "Strict", "small letters"),
        (("requirements",), [], "at least one requirement"),
        (("requirements",), {}, "must be an array"),
        (("requirements", 2), "1.2", "must be an object"),
        (("requirements", 1, "id"), "1 1", "not a valid control id"),
        (("requirements", 1, "id"), 11, "must be a string"),
        (("requirements", 4, "id"), "1.1", "1.1 occurs twice"),
        (("requirements", 1, "parent"), "3", "3 does not stand above 1.1"),
        (("requirements", 0, "parent"), "2", "2 does not stand above 1"),
        (("requirements", 1, "kind"), "chapter", "must be one of"),
        (("requirements", 1, "kind"), ["part"], "must be one of"),
        (("requirements", 1, "sets"), ["lax"], "'lax' is not one of"),
        (("requirements", 1, "sets"), ["strict", "strict"], "names a set twice"),
        (("requirements", 4, "label"), "x" * 201, "longer than 200 bytes"),
        (("requirements", 4, "text"), 7, "must be a string"),
        (("requirements", 4, "wording"), "…", "unknown key 'wording'"),
    ],
)
def test_what_is_wrong_is_refused_with_file_line_and_place(
    path: tuple[str | int, ...], value: Any, reason: str
) -> None:
    data = changed(path, value)
    with pytest.raises(MalformedCatalog, match=reason) as caught:
        parse_catalog(data, "acme.json")
    where = caught.value.where or ""
    assert where.startswith("acme.json, line ")
    line = int(where.removeprefix("acme.json, line ").split(" ")[0])
    assert 1 <= line <= data.count(b"\n") + 1


def test_the_line_is_that_of_the_value_at_fault() -> None:
    data = changed(("requirements", 4, "id"), "1.1")
    with pytest.raises(MalformedCatalog) as caught:
        parse_catalog(data, "acme.json")
    at = [number for number, line in enumerate(data.decode().split("\n"), 1) if '"id": "1.1"' in line]
    assert caught.value.where == f"acme.json, line {at[1]} (/requirements/4/id)"


def test_a_missing_key_is_named() -> None:
    value = {key: one for key, one in SMALL.items() if key != "licence"}
    with pytest.raises(MalformedCatalog, match="the key 'licence' is missing"):
        parse_catalog(text_of(value))


def test_a_top_row_without_a_label_is_refused() -> None:
    data = changed(("requirements", 4), {"id": "2"})
    with pytest.raises(MalformedCatalog, match="2 has no label"):
        parse_catalog(data)


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b'{"format": 1,\n "id": }', "x.json, line 2"),
        (b'{"id": "a",\n\n "id": "b"}', "x.json, line 3"),
        (b'{"id": NaN}', "x.json, line 1"),
        (b"[]", "x.json, line 1"),
        (b'{"title":\n"\xff"}', "x.json, line 2"),
        (b"", "x.json, line 1"),
        (b"[" * 100_000, "x.json"),
    ],
)
def test_what_is_not_json_is_refused_with_its_line(data: bytes, where: str) -> None:
    with pytest.raises(MalformedCatalog) as caught:
        parse_catalog(data, "x.json")
    assert caught.value.where == where


def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedCatalog, match="at most 67,108,864"):
        parse_catalog(b" " * ((64 << 20) + 1))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_change_to_a_file_gives_a_catalog_or_a_malformed_one(data: st.DataObject) -> None:
    text = bytearray(text_of(SMALL))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    try:
        found = parse_catalog(bytes(text))
    except MalformedCatalog:
        return
    assert parse_catalog(format_catalog(found)) == found


@given(st.dictionaries(st.text(max_size=4), st.lists(st.text(max_size=4) | st.integers(), max_size=3), max_size=3))
@settings(max_examples=20, deadline=None)
def test_the_line_of_any_value_is_where_an_editor_shows_it(value: Any) -> None:
    text = json.dumps({"head": 1, "value": value, "tail": ["needle"]}, indent=1)
    line = text.split("\n")[line_of(text, ["tail", 0]) - 1]
    assert line.strip() == '"needle"'


def test_text_of_a_licensed_framework_is_never_exportable() -> None:
    value = json.loads(json.dumps(SMALL))
    value["requirements"][4]["text"] = "Lights are out when the last one leaves."
    for licence_class, expected in (("A", "Lights are out when the last one leaves."), ("C", "")):
        value["licence_class"] = licence_class
        found = parse_catalog(text_of(value))
        assert found.licence_class is LicenceClass(licence_class)
        assert found.exportable_text(found.find("2")) == expected
