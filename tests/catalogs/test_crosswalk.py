"""Crosswalks lead from one framework to another as their sources say, and only to what is there."""

import json
from typing import Any

import pytest

from muniment.catalogs.crosswalk import (
    Relation,
    crosswalks,
    format_crosswalk,
    links_from,
    parse_crosswalk,
    successors,
    with_successors,
)
from muniment.catalogs.jsonplaces import MalformedCatalog
from muniment.catalogs.shipped import catalog

WALK: dict[str, Any] = {
    "format": "muniment-crosswalk/1",
    "id": "a-to-b",
    "from": "nis2",
    "to": "soc2",
    "relation": "related",
    "source": "nobody",
    "checked_against": "nothing",
    "pairs": [["21.2.a", "CC3.1"], ["21.2.b", "CC7.3"]],
}


def test_every_control_of_iso_27001_of_2013_leads_to_one_of_2022() -> None:
    # ISO/IEC 27002:2022, annex B: 114 controls became 82, A.18.2.3 became two, 11 are new.
    walk = next(one for one in crosswalks() if one.id == "iso27001-2013-to-2022")
    assert {first for first, _ in walk.pairs} == {row.id for row in catalog("iso27001-2013").counted}
    assert len(walk.pairs) == 115
    new = {row.id for row in catalog("iso27001-2022").counted} - {second for _, second in walk.pairs}
    assert new == {
        "A.5.7",
        "A.5.23",
        "A.5.30",
        "A.7.4",
        "A.8.9",
        "A.8.10",
        "A.8.11",
        "A.8.12",
        "A.8.16",
        "A.8.23",
        "A.8.28",
    }
    assert successors("iso27001-2013:A.18.2.3") == ("iso27001-2022:A.5.36", "iso27001-2022:A.8.8")


def test_an_export_shows_a_superseded_id_and_what_it_became() -> None:
    assert with_successors(["soc2:CC6.1", "iso27001-2013:A.9.4.1"]) == (
        "iso27001-2013:A.9.4.1",
        "iso27001-2022:A.8.3",
        "soc2:CC6.1",
    )


def test_a_current_id_has_no_successor_whatever_it_is_related_to() -> None:
    assert links_from("hipaa:164.312(b)")
    assert successors("hipaa:164.312(b)") == ()


def test_every_cmmc_practice_and_every_fedramp_control_is_the_same_as_its_nist_requirement() -> None:
    by_id = {one.id: one for one in crosswalks()}
    for name, number in (("cmmc-2-and-nist-800-171r2", 110), ("fedramp-r5-and-nist-800-53r5", 410)):
        assert by_id[name].relation is Relation.SAME
        assert len(by_id[name].pairs) == number


def test_every_shipped_crosswalk_names_its_source_and_stands_as_the_program_would_write_it() -> None:
    assert len(crosswalks()) >= 9
    for walk in crosswalks():
        assert walk.source
        assert walk.checked_against
        assert parse_crosswalk(format_crosswalk(walk), walk.id) == walk


@pytest.mark.parametrize(
    ("key", "value", "where", "reason"),
    [
        ("format", "muniment-crosswalk/2", "line 2 (/format)", "must be muniment-crosswalk/1"),
        ("from", "nis3", "line 4 (/from)", "no catalog 'nis3'"),
        ("relation", "equal", "line 6 (/relation)", "must be one of"),
        ("source", "", "line 7 (/source)", "must not be empty"),
        ("pairs", {}, "line 9 (/pairs)", "must be an array"),
        ("pairs", [["21.2.a"]], "line 10 (/pairs/0)", "must be two"),
        ("pairs", [["21.2.a", "CC3.1"], ["21.2.a", "CC99"]], "line 16 (/pairs/1/1)", "soc2 has no 'CC99'"),
        ("pairs", [["21.2.a", "CC3.1"], ["21.2.a", "CC3.1"]], "line 14 (/pairs/1)", "occurs twice"),
        ("pairs", [["21.2.a", ["CC3.1"]]], "line 10 (/pairs/0)", "must be two"),
        ("colour", "red", "line 19 (/colour)", "unknown key"),
    ],
)
def test_a_crosswalk_that_is_wrong_is_refused_with_its_line(key: str, value: Any, where: str, reason: str) -> None:
    with pytest.raises(MalformedCatalog, match=reason) as caught:
        parse_crosswalk(json.dumps(WALK | {key: value}, indent=1).encode(), "w.json")
    assert caught.value.where == f"w.json, {where}"
