"""The catalogs that are made from publishers' files come out the same again."""

import json
from importlib.resources import files
from typing import Any

import pytest

from muniment.catalogs.framework import Catalog
from muniment.catalogs.generate import MAKERS, generate
from muniment.catalogs.shipped import catalog
from muniment.core.errors import Malformed


def profile(found: Catalog, name: str) -> tuple[str, bytes]:
    ids = [row.id for row in found.counted if name in row.sets]
    return name, json.dumps({"profile": {"imports": [{"include-controls": [{"with-ids": ids}]}]}}).encode()


def oscal(found: Catalog) -> tuple[str, bytes]:
    """A catalog of ours as OSCAL would hold it."""
    children: dict[str, list[dict[str, Any]]] = {}
    for row in found.requirements:
        made = {
            "id": row.id,
            "title": row.label,
            "props": [{"name": "label", "value": row.published_as or row.id.upper()}],
        }
        children.setdefault(row.parent, []).append(made)
        made["controls"] = children.setdefault(row.id, [])
    metadata = {"title": found.title, "last-modified": "2026-01-01T00:00:00Z", "version": "5", "oscal-version": "1.1.2"}
    value = {"uuid": "0b8b1f5c-56a6-4c2e-8d1c-3f6c8c1d2e4f", "metadata": metadata, "groups": children[""]}
    return "catalog.json", json.dumps({"catalog": value}).encode()


def asvs(found: Catalog) -> tuple[str, bytes]:
    made: dict[str, dict[str, Any]] = {"": {"Items": []}}
    for row in found.requirements:
        made[row.id] = {"Shortcode": row.id, "Name": row.label, "Items": []}
        if row.kind == "requirement":
            made[row.id]["L"] = row.sets[0][1:]
        made[row.parent]["Items"].append(made[row.id])
    return "asvs.json", json.dumps({"Requirements": made[""]["Items"]}).encode()


@pytest.mark.parametrize("catalog_id", sorted(MAKERS))
def test_a_generated_catalog_comes_out_the_same_from_the_same_files(catalog_id: str) -> None:
    found = catalog(catalog_id)
    profiles = [profile(found, one.id) for one in found.sets]
    given = {
        "nist-800-53r5": lambda: [oscal(found), *profiles],
        "fedramp-r5": lambda: profiles,
        "owasp-asvs-5": lambda: [asvs(found)],
    }
    shipped = files("muniment.catalogs").joinpath(f"data/frameworks/{catalog_id}.json").read_bytes()
    assert generate(catalog_id, given[catalog_id]()) == shipped


def test_a_profile_that_names_what_the_catalog_lacks_is_refused() -> None:
    found = catalog("fedramp-r5")
    profiles = [profile(found, one.id) for one in found.sets]
    profiles[0] = ("p", b'{"profile": {"imports": [{"include-controls": [{"with-ids": ["zz-1"]}]}]}}')
    with pytest.raises(Malformed, match="has no zz-1"):
        generate("fedramp-r5", profiles)


@pytest.mark.parametrize(
    ("catalog_id", "given", "reason"),
    [
        ("soc2", [], "is not made from files"),
        ("owasp-asvs-5", [], "1 are needed"),
        ("owasp-asvs-5", [("a.json", b'{"Requirements": [{}]}')], "not the JSON that OWASP publishes"),
        ("fedramp-r5", [("a.json", b"{}")] * 4, "not an OSCAL profile"),
    ],
)
def test_files_that_do_not_fit_are_refused(catalog_id: str, given: list[tuple[str, bytes]], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        generate(catalog_id, given)
