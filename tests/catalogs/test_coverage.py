"""Coverage says where evidence comes from, and never more."""

from muniment.catalogs.coverage import Evidence, coverage
from muniment.catalogs.overrides import resolve, unchanged
from muniment.catalogs.shipped import catalog, catalog_ids


def test_the_three_numbers_add_up_to_the_frameworks_own_count() -> None:
    for catalog_id in catalog_ids():
        found = coverage(catalog(catalog_id), unchanged())
        assert found.automatic + found.attachment + found.nothing == catalog(catalog_id).count.number


def test_a_requirement_is_automatic_by_an_entrys_own_ids_or_by_annotation_and_says_which() -> None:
    rows = {row.control: row for row in coverage(catalog("soc2"), unchanged()).rows}
    assert rows["soc2:CC6.1"].evidence is Evidence.AUTOMATIC
    assert "tool.call" in rows["soc2:CC6.1"].baked
    assert rows["soc2:CC6.1"].annotated == ()
    assert rows["soc2:C1.2"].baked == ()
    assert rows["soc2:C1.2"].annotated == ("body.erase",)
    assert rows["soc2:CC1.1"].evidence is Evidence.NOTHING


def test_a_mapped_part_evidences_the_requirement_that_holds_it() -> None:
    rows = {row.control: row for row in coverage(catalog("eu-ai-act"), unchanged()).rows}
    assert rows["eu-ai-act:12"].evidence is Evidence.AUTOMATIC
    assert rows["eu-ai-act:9"].evidence is Evidence.NOTHING


def test_an_attachment_counts_only_where_no_action_maps() -> None:
    found = coverage(catalog("soc2"), unchanged(), attachments={"soc2:CC1.1": 2, "soc2:CC6.1": 1, "soc2:CC1": 9})
    rows = {row.control: row for row in found.rows}
    assert rows["soc2:CC1.1"].evidence is Evidence.ATTACHMENT
    assert rows["soc2:CC6.1"].evidence is Evidence.AUTOMATIC
    assert rows["soc2:CC6.1"].attachments == 1
    assert found.attachment == 1


def test_something_attached_to_a_group_evidences_none_of_the_requirements_below_it() -> None:
    found = coverage(catalog("soc2"), unchanged(), attachments={"soc2:CC1": 9})
    assert found.attachment == 0


def test_a_mapped_requirement_without_an_entry_is_told_from_one_with_entries() -> None:
    found = coverage(catalog("soc2"), unchanged(), entries={"soc2:CC6.1": 12})
    rows = {row.control: row for row in found.rows}
    assert rows["soc2:CC6.1"].entries == 12
    assert rows["soc2:CC8.1"].entries == 0
    assert "1 of them with entries in the period" in found.statement
    assert all(row.entries is None for row in coverage(catalog("soc2"), unchanged()).rows)


def test_a_tenants_overrides_change_its_coverage() -> None:
    document = {"format": "muniment-mapping/1", "name": "acme", "base": "base-1", "notes": "notes-1"}
    made = resolve(document | {"annotate": {"x.policy.sign": {"add": ["soc2:CC1.1"]}}})
    found = coverage(catalog("soc2"), made)
    rows = {row.control: row for row in found.rows}
    assert rows["soc2:CC1.1"].annotated == ("x.policy.sign",)
    assert found.mapping == made.version


def test_the_statement_says_what_it_does_not_mean() -> None:
    statement = coverage(catalog("soc2"), unchanged()).statement
    assert "of 61 criteria" in statement
    assert "not that a requirement is met" in statement
