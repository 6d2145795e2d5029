"""A catalog leaves as OSCAL with no more than its licence class lets out."""

import json

import pytest

from muniment.catalogs.catalogfile import parse_catalog
from muniment.catalogs.oscal import read_oscal
from muniment.catalogs.oscalwriter import write_oscal
from muniment.catalogs.shipped import catalog, catalog_ids
from muniment.catalogs.tables import overlay
from muniment.core.errors import Refused
from tests.catalogs.support import changed

AT = "2026-11-21T20:00:00Z"


@pytest.mark.parametrize("catalog_id", catalog_ids())
def test_a_shipped_catalog_comes_back_from_oscal_with_every_requirement(catalog_id: str) -> None:
    ours = catalog(catalog_id)
    data = write_oscal(ours, AT)
    back = read_oscal(data, catalog_id)
    ids = [prop["value"] for prop in _properties(json.loads(data)["catalog"]) if prop["name"] == "control-id"]
    assert sorted(ids) == sorted(ours.control_id(row) for row in ours.requirements)
    assert back.title == ours.title
    assert back.count.number >= ours.count.number


def test_the_same_catalog_and_time_give_the_same_bytes_and_another_text_another_uuid() -> None:
    ours = catalog("nis2")
    own = overlay(ours, b"id,text\n21.2.a,Words\n", "t.csv")
    assert write_oscal(ours, AT) == write_oscal(ours, AT)
    first, second = (json.loads(write_oscal(one, AT))["catalog"]["uuid"] for one in (ours, own))
    assert first != second
    assert b"Words" in write_oscal(own, AT)


def test_no_licensed_text_or_label_leaves() -> None:
    own = overlay(catalog("soc2"), b"id,label,text\nCC6.1,Their title,Their words\n", "t.csv")
    assert b"Their" not in write_oscal(own, AT)


def test_attribution_leaves_with_class_b() -> None:
    assert b"OWASP Foundation, CC BY-SA 4.0" in write_oscal(catalog("owasp-top10-2025"), AT)


def test_ids_that_are_no_tokens_are_written_as_tokens() -> None:
    written = json.loads(write_oscal(catalog("hipaa"), AT))["catalog"]
    technical = next(group for group in written["groups"] if group["id"] == "hipaa_164.312")
    audit = next(control for control in technical["controls"] if control["id"] == "hipaa_164.312.b")
    assert {"name": "label", "value": "164.312(b)"} in audit["props"]


def test_two_ids_that_would_become_one_are_refused() -> None:
    found = parse_catalog(changed(("requirements", 4, "id"), "1(1)"))
    with pytest.raises(Refused, match="become the same"):
        write_oscal(found, AT)


def _properties(holder: dict[str, object]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for key, value in holder.items():
        if key == "props":
            found += value  # type: ignore[arg-type]
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    found += _properties(one)
    return found
