"""The catalogs that are shipped, held to what their sources say."""

from importlib.resources import files
from pathlib import Path

import pytest

from muniment.catalogs.catalogfile import format_catalog
from muniment.catalogs.framework import LicenceClass
from muniment.catalogs.shipped import NOT_SHIPPED, catalog, catalog_ids
from muniment.core.errors import Malformed
from muniment.core.identifiers import check_control

# How many each publication says it has, or has in the public list that the file names.
COUNTS = {
    "bsi-c5-2020": 121,  # BSI C5:2020, basic criteria in 17 areas
    "ccpa": 11,  # Civil Code 1798.100 to .135 and .150
    "cfr11": 28,  # 21 CFR 11.10 to 11.300, paragraphs
    "cis-8-1": 18,  # CIS Controls v8.1
    "cisa-cpg-2": 34,
    "cmmc-2": 110,  # the CMMC model, level 2
    "cra": 22,  # annex I: I.1, I.2(a) to (m), II.1 to II.8
    "csa-ccm-4": 17,  # domains
    "cyber-essentials": 5,
    "dora": 64,  # articles of Regulation (EU) 2022/2554
    "essential-eight": 8,
    "eu-ai-act": 113,  # articles of Regulation (EU) 2024/1689
    "eu-gmp-11": 17,  # sections of the annex of 2011
    "fedramp-r5": 410,
    "gdpr": 99,  # articles of Regulation (EU) 2016/679
    "hipaa": 65,  # 22 standards (NIST SP 800-66 Rev. 2) and 43 implementation specifications
    "iec62443-3-3": 51,
    "iso22301-2019": 46,
    "iso27001-2013": 114,
    "iso27001-2022": 93,
    "iso27701-2019": 49,  # 31 for controllers, 18 for processors
    "iso42001-2023": 38,
    "ncsc-caf-4": 41,  # contributing outcomes
    "nis2": 10,  # article 21(2), points (a) to (j)
    "nis2-2024-2690": 53,
    "nist-800-171r2": 110,
    "nist-800-171r3": 97,
    "nist-800-53r5": 1007,  # 1,189 in Rev. 5.1.1, of which 182 are withdrawn
    "nist-ai-rmf-1": 72,
    "nist-csf-1-1": 108,
    "nist-csf-2": 106,
    "nist-privacy-1": 100,
    "nist-ssdf-1-1": 42,
    "nydfs-500": 24,
    "owasp-asvs-5": 345,
    "owasp-llm-2025": 10,
    "owasp-masvs-2": 24,
    "owasp-top10-2025": 10,
    "pci-dss-4": 230,
    "soc2": 61,  # 33 + 3 + 2 + 5 + 18
    "swift-cscf-2025": 32,
}
SETS = {
    "cmmc-2": {"l1": 17, "l2": 110},
    "fedramp-r5": {"li-saas": 156, "low": 156, "moderate": 323, "high": 410},
    "nist-800-53r5": {"low": 149, "moderate": 287, "high": 370, "privacy": 96},  # SP 800-53B
    "owasp-asvs-5": {"l1": 70, "l2": 253, "l3": 345},
}
# Labels are names, not paragraphs. Titles of articles of the EU run long, and may be shown.
LONGEST_LABEL = {LicenceClass.FREE: 180, LicenceClass.ATTRIBUTED: 70, LicenceClass.LICENSED: 70}


def test_at_least_36_frameworks_are_shipped_and_each_has_its_count_held_here() -> None:
    assert len(catalog_ids()) >= 36
    assert set(COUNTS) == set(catalog_ids())
    page = (Path(__file__).parents[2] / "docs/catalogs.md").read_text(encoding="utf-8")
    assert f"\n{len(catalog_ids())} frameworks." in page


@pytest.mark.parametrize("catalog_id", sorted(COUNTS))
def test_a_framework_has_as_many_requirements_as_its_source_says(catalog_id: str) -> None:
    found = catalog(catalog_id)
    assert found.count.number == len(found.counted) == COUNTS[catalog_id]
    assert {one.id: one.number for one in found.sets} == SETS.get(catalog_id, {})


@pytest.mark.parametrize("catalog_id", sorted(COUNTS))
def test_a_shipped_file_names_its_source_and_holds_identifiers_and_labels_but_no_text(catalog_id: str) -> None:
    found = catalog(catalog_id)
    assert all((found.title, found.version, found.publisher, found.source, found.checked_against, found.licence))
    assert not any(row.text for row in found.requirements)
    assert max(len(row.label) for row in found.requirements) <= LONGEST_LABEL[found.licence_class]
    assert all(found.label_of(row) for row in found.requirements)


@pytest.mark.parametrize("catalog_id", sorted(COUNTS))
def test_every_control_id_can_stand_in_an_entry(catalog_id: str) -> None:
    found = catalog(catalog_id)
    assert all(check_control(found.control_id(row)) for row in found.requirements)


@pytest.mark.parametrize("catalog_id", sorted(COUNTS))
def test_a_shipped_file_stands_as_the_program_would_write_it(catalog_id: str) -> None:
    written = files("muniment.catalogs").joinpath(f"data/frameworks/{catalog_id}.json").read_bytes()
    assert format_catalog(catalog(catalog_id)) == written


@pytest.mark.parametrize(
    "control",
    [
        "soc2:CC6.1",
        "iso27001-2022:A.5.32",
        "hipaa:164.312(b)",
        "cfr11:11.10(e)",
        "nist-csf-2:PR.AA-01",
        "nist-800-53r5:ac-2",
        "nist-800-171r2:3.1.1",
        "gdpr:32.1.b",
        "eu-ai-act:12.1",
        "iso27001-2013:A.9.4.1",
    ],
)
def test_the_identifier_forms_that_are_frozen_resolve(control: str) -> None:
    prefix, _, requirement = control.partition(":")
    assert catalog(prefix).find(requirement).id == requirement


def test_a_superseded_edition_names_the_one_that_took_its_place() -> None:
    successors = {one: catalog(one).superseded_by for one in catalog_ids() if catalog(one).superseded_by}
    assert successors == {
        "iso27001-2013": "iso27001-2022",
        "nist-800-171r2": "nist-800-171r3",
        "nist-csf-1-1": "nist-csf-2",
    }


def test_identifiers_of_csf_2_that_were_superseded_are_not_kept() -> None:
    found = catalog("nist-csf-2")
    assert "ID.AM-06" not in found.rows
    assert "PR.AA-05" in found.rows


@pytest.mark.parametrize(
    ("catalog_id", "licence_class"),
    [("nist-csf-2", "A"), ("gdpr", "A"), ("owasp-asvs-5", "B"), ("soc2", "C"), ("iso27001-2022", "C"), ("ccpa", "C")],
)
def test_a_framework_has_the_licence_class_that_its_terms_allow(catalog_id: str, licence_class: str) -> None:
    assert catalog(catalog_id).licence_class is LicenceClass(licence_class)


def test_a_part_can_be_named_and_is_not_counted() -> None:
    found = catalog("cfr11")
    assert found.find("11.50(a)(3)").kind == "part"
    assert found.find("11.50(a)").kind == "requirement"


def test_what_is_not_shipped_is_said_with_the_reason() -> None:
    assert any("KSC" in name and reason for name, reason in NOT_SHIPPED)


def test_an_unknown_catalog_and_an_unknown_requirement_are_refused_by_name() -> None:
    with pytest.raises(Malformed, match="no catalog 'soc9'"):
        catalog("soc9")
    with pytest.raises(Malformed, match="has no 'CC99'"):
        catalog("soc2").find("CC99")
