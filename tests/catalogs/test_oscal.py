"""OSCAL catalogs come in as their model says, and what is not one is refused where it goes wrong."""

import json
from typing import Any

import pytest

from muniment.catalogs.catalogfile import format_catalog, parse_catalog
from muniment.catalogs.framework import LicenceClass
from muniment.catalogs.jsonplaces import MalformedCatalog
from muniment.catalogs.oscal import read_oscal
from muniment.core.errors import Malformed

OSCAL: dict[str, Any] = {
    "catalog": {
        "uuid": "0b8b1f5c-56a6-4c2e-8d1c-3f6c8c1d2e4f",
        "metadata": {
            "title": "Rules of the *house*",
            "last-modified": "2026-11-01T12:00:00.000-00:00",
            "version": "1.0",
            "oscal-version": "1.1.2",
            "parties": [{"uuid": "7a0a4d4e-0f2e-4f8e-9a53-4f1b8a2f6f10", "type": "organization", "name": "Acme"}],
        },
        "params": [{"id": "hour", "label": "hour"}],
        "groups": [
            {
                "id": "dr",
                "class": "family",
                "title": "Doors",
                "controls": [
                    {
                        "id": "dr-1",
                        "title": "Shut doors",
                        "params": [
                            {"id": "dr-1_prm_1", "select": {"choice": ["front", "back {{ insert: param, hour }}"]}}
                        ],
                        "props": [
                            {"name": "label", "value": "DR-01", "class": "padded"},
                            {"name": "label", "value": "DR-1"},
                        ],
                        "parts": [
                            {
                                "name": "statement",
                                "parts": [
                                    {
                                        "name": "item",
                                        "props": [{"name": "label", "value": "a."}],
                                        "prose": "Shut the {{ insert: param, dr-1_prm_1 }} door; see [DR-2](#dr-2).",
                                    }
                                ],
                            },
                            {"name": "guidance", "prose": "A door that is ajar is open."},
                        ],
                        "controls": [
                            {"id": "dr-1.1", "title": "Lock doors", "props": [{"name": "label", "value": "DR-1(1)"}]}
                        ],
                    },
                    {"id": "dr-2", "title": "Gone", "props": [{"name": "status", "value": "withdrawn"}]},
                ],
            },
            {"title": "Without an id", "groups": [{"title": "Empty"}]},
            {"title": "Lights", "groups": [{"title": "Lamps", "controls": [{"id": "lt-1", "title": "Lamps are out"}]}]},
        ],
        "controls": [{"id": "top", "title": "At the top"}],
    }
}


def read(value: dict[str, Any] = OSCAL, **options: Any) -> Any:
    return read_oscal(json.dumps(value, indent=1).encode(), "house-1", "house.json", **options)


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(OSCAL))
    holder: Any = made
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return made


def test_controls_enhancements_and_groups_come_in_and_withdrawn_controls_stay_out() -> None:
    found = read()
    assert [row.id for row in found.counted] == ["dr-1", "dr-1.1", "lt-1", "top"]
    assert found.find("dr-1.1").parent == "dr-1"
    assert found.find("dr-1.1").published_as == "DR-1(1)"
    assert found.find("dr-1").published_as == ""
    assert found.note == "1 withdrawn controls were left out."
    assert found.publisher == "Acme"
    assert found.count.number == 4


def test_groups_without_an_id_get_one_and_empty_ones_are_dropped() -> None:
    found = read()
    assert found.find("lt-1").parent == "group-3.1"
    assert found.find("group-3.1").parent == "group-3"
    assert "group-2" not in found.rows


def test_a_statement_comes_in_with_its_parameters_named_and_guidance_does_not() -> None:
    text = read().find("dr-1").text
    assert text == "  a. Shut the [front; back [hour]] door; see DR-2."


def test_what_is_imported_stays_inside_the_tenant_unless_the_importer_says_otherwise() -> None:
    found = read()
    assert found.licence_class is LicenceClass.LICENSED
    assert found.exportable_text(found.find("dr-1")) == ""
    free = read(licence_class=LicenceClass.FREE)
    assert free.exportable_text(free.find("dr-1")).startswith("  a. Shut")


def test_an_imported_catalog_is_a_catalog_like_any_other() -> None:
    found = read(licence_class=LicenceClass.ATTRIBUTED, attribution="Acme, CC BY 4.0")
    assert parse_catalog(format_catalog(found)) == found


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("catalog", "uuid"), "not one", "has a uuid"),
        (("catalog", "uuid"), 7, "has a uuid"),
        (("catalog", "metadata"), [], "must be an object"),
        (("catalog", "metadata", "title"), " ", "'title' must be a string"),
        (("catalog", "metadata", "oscal-version"), "2.0.0", "only OSCAL 1.x"),
        (("catalog", "groups"), {}, "must be an array"),
        (("catalog", "groups", 0), "dr", "must be an object"),
        (("catalog", "groups", 0, "title"), None, "'title' must be a string"),
        (("catalog", "groups", 0, "controls", 0, "id"), "_dr", "not a valid control id"),
        (("catalog", "groups", 0, "controls", 0, "id"), None, "a control has an id"),
        (("catalog", "groups", 0, "controls", 0, "params"), {}, "must be an array"),
        (("catalog", "groups", 0, "controls", 0, "params"), [{"label": "x"}], "a parameter has an id"),
        (("catalog", "controls", 0, "id"), "dr-1", "dr-1 occurs twice"),
    ],
)
def test_what_is_not_an_oscal_catalog_is_refused_with_line_and_place(
    path: tuple[str | int, ...], value: Any, reason: str
) -> None:
    with pytest.raises(MalformedCatalog, match=reason) as caught:
        read(changed(path, value))
    assert (caught.value.where or "").startswith("house.json, line ")


def test_an_oscal_profile_is_named_as_what_it_is() -> None:
    with pytest.raises(MalformedCatalog, match="holds an OSCAL profile, not an OSCAL catalog"):
        read({"profile": {"imports": []}})


def test_a_catalog_without_controls_is_refused() -> None:
    with pytest.raises(MalformedCatalog, match="holds no controls"):
        read({"catalog": OSCAL["catalog"] | {"groups": [], "controls": []}})


def test_groups_nested_without_end_are_refused() -> None:
    group: dict[str, Any] = {"title": "inner", "controls": [{"id": "c", "title": "c"}]}
    for _ in range(40):
        group = {"title": "outer", "groups": [group]}
    with pytest.raises(MalformedCatalog, match="nested deeper than 12"):
        read({"catalog": OSCAL["catalog"] | {"groups": [group]}})


def test_a_prefix_that_control_ids_cannot_have_is_refused_by_its_field() -> None:
    with pytest.raises(Malformed) as caught:
        read_oscal(json.dumps(OSCAL).encode(), "House 1")
    assert caught.value.where == "id"


def test_a_long_title_is_cut_and_stays_one_line() -> None:
    found = read(changed(("catalog", "controls", 0, "title"), "x\n" + "ö" * 300))
    label = found.find("top").label
    assert len(label.encode()) <= 200
    assert label.endswith("…")
    assert "\n" not in label
