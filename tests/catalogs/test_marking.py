"""What is shown beside an entry says whether it stands in the entry."""

from muniment.catalogs.mapping import base_controls
from muniment.catalogs.marking import Mark, mark_controls
from muniment.catalogs.overrides import resolve, unchanged

ENTRY = tuple(sorted({*base_controls("tool.call"), "iso27001-2013:A.9.4.1"}))
DOCUMENT = {"format": "muniment-mapping/1", "name": "acme", "base": "base-1", "notes": "notes-1"}


def test_ids_of_the_event_of_the_mapping_and_annotations_are_told_apart() -> None:
    found = {
        one.control: one for one in mark_controls(ENTRY, ["iso27001-2013:A.9.4.1"], "base-1", "tool.call", unchanged())
    }
    assert found["iso27001-2013:A.9.4.1"].mark is Mark.EVENT
    assert (found["soc2:CC6.1"].mark, found["soc2:CC6.1"].by) == (Mark.MAPPING, "base-1")
    assert (found["eu-ai-act:12.1"].mark, found["eu-ai-act:12.1"].by) == (Mark.ANNOTATION, "notes-1")
    assert {control for control, one in found.items() if one.recorded} == set(ENTRY)


def test_an_id_of_a_superseded_edition_is_shown_with_what_it_became() -> None:
    found = {one.control: one for one in mark_controls(ENTRY, ENTRY, "base-1", "tool.result", unchanged())}
    assert found["iso27001-2022:A.8.3"].mark is Mark.SUCCESSOR
    assert found["iso27001-2022:A.8.3"].by == "iso27001-2013-to-2022"
    assert not found["iso27001-2022:A.8.3"].recorded


def test_what_a_tenant_bakes_in_today_is_only_an_annotation_of_an_older_entry() -> None:
    made = resolve(DOCUMENT | {"entry": {"tool.call": {"add": ["soc2:CC8.1"]}}})
    found = {one.control: one for one in mark_controls(ENTRY, (), "base-1", "tool.call", made)}
    assert (found["soc2:CC8.1"].mark, found["soc2:CC8.1"].by) == (Mark.ANNOTATION, made.version)
    later = mark_controls((*ENTRY, "soc2:CC8.1"), (), made.version, "tool.call", made)
    assert next(one for one in later if one.control == "soc2:CC8.1").mark is Mark.MAPPING


def test_recorded_ids_stand_first_and_none_twice() -> None:
    found = mark_controls(ENTRY, (), "base-1", "tool.call", unchanged())
    assert [one.recorded for one in found] == sorted((one.recorded for one in found), reverse=True)
    assert len({one.control for one in found}) == len(found)
