"""The folder of imported catalogs, and what an import may not do to a catalog of ours."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from muniment.catalogs.asjson import exported_row_json, row_json
from muniment.catalogs.catalogfile import parse_catalog
from muniment.catalogs.framework import LicenceClass
from muniment.catalogs.imported import Shelf, beside_shipped, check_replacement
from muniment.catalogs.shipped import catalog, catalog_ids
from muniment.catalogs.tables import overlay
from muniment.core.errors import Malformed
from tests.catalogs.support import SMALL, text_of


def test_an_imported_catalog_stands_beside_ours_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "catalogs")
    assert shelf.ids() == catalog_ids()
    path = shelf.put(parse_catalog(text_of(SMALL)))
    assert shelf.imported() == ("acme-1",)
    assert shelf.find("acme-1").title == "House rules"
    assert shelf.find("soc2") == catalog("soc2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_tenants_text_replaces_ours_on_the_shelf(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    shelf.put(overlay(catalog("soc2"), b"id,text\nCC6.1,Words\n", "t.csv"))
    assert shelf.find("soc2").find("CC6.1").text == "Words"
    assert catalog("soc2").find("CC6.1").text == ""


def test_an_import_cannot_make_a_licensed_framework_exportable(tmp_path: Path) -> None:
    stolen = replace(overlay(catalog("soc2"), b"id,text\nCC6.1,Words\n", "t.csv"), licence_class=LicenceClass.FREE)
    with pytest.raises(Malformed, match="cannot make it A"):
        Shelf(tmp_path).put(stolen)
    Shelf(tmp_path).put(overlay(catalog("soc2"), b"id,text\nCC6.1,Words\n", "t.csv"))
    path = tmp_path / "soc2.json"
    path.write_text(path.read_text().replace('"licence_class": "C"', '"licence_class": "A"'))
    with pytest.raises(Malformed) as caught:
        Shelf(tmp_path).find("soc2")
    assert caught.value.where == "licence_class"


def test_an_import_that_lacks_identifiers_of_ours_is_refused() -> None:
    ours = catalog("nis2")
    with pytest.raises(Malformed, match="lacks 1 identifiers of nis2"):
        check_replacement(replace(ours, requirements=ours.requirements[:-1]))


def test_a_file_that_says_it_is_another_catalog_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_bytes(text_of(SMALL))
    with pytest.raises(Malformed, match="says it is acme-1"):
        Shelf(tmp_path).find("other")


def test_a_tenants_catalogs_are_found_before_ours() -> None:
    own = parse_catalog(text_of(SMALL))
    find = beside_shipped({"acme-1": own})
    assert find("acme-1") is own
    assert find("soc2") is catalog("soc2")
    with pytest.raises(Malformed):
        find("acme-2")


def test_a_licensed_label_and_text_that_a_tenant_imported_do_not_leave_in_an_export() -> None:
    found = overlay(catalog("soc2"), b"id,label,text\nCC6.1,Their title,Their words\n", "t.csv")
    row = found.find("CC6.1")
    assert row_json(found, row)["text"] == "Their words"
    written = json.dumps(exported_row_json(found, row))
    assert "Their" not in written
    assert catalog("soc2").find("CC6.1").label in written


def test_text_of_class_b_leaves_with_its_attribution() -> None:
    found = overlay(catalog("owasp-top10-2025"), b"id,text\nA01,Words\n", "t.csv")
    written = exported_row_json(found, found.find("A01"))
    assert written["text"] == "Words"
    assert "OWASP" in written["attribution"]
