"""A tenant's changes to the mapping: what they give, and what they may not say."""

import json
from hashlib import sha256
from typing import Any

import pytest

from muniment.catalogs.annotations import annotations
from muniment.catalogs.mapping import base_controls, controls_for
from muniment.catalogs.overrides import DOMAIN, resolve, unchanged
from muniment.core.errors import Malformed
from muniment.core.identifiers import MAPPINGS

OWN = {"own:AI-7"}


def document(**tables: Any) -> dict[str, Any]:
    return {"format": "muniment-mapping/1", "name": "acme", "base": "base-1", "notes": "notes-1"} | tables


def test_without_overrides_the_mapping_is_the_base_mapping() -> None:
    plain = unchanged()
    assert plain.version == "base-1"
    assert plain.of("tool.call").entry == base_controls("tool.call")
    assert plain.controls_for("tool.call", ("own:AI-7",)) == controls_for("tool.call", ("own:AI-7",))


def test_what_a_tenant_bakes_into_entries_and_what_it_annotates_are_kept_apart() -> None:
    made = resolve(
        document(
            entry={"x.deploy.approve": {"add": ["soc2:CC8.1"], "remove": ["soc2:CC7.3"]}},
            annotate={"tool.call": {"add": ["own:AI-7"], "remove": ["owasp-llm-2025:LLM06"]}},
        ),
        own=OWN,
    )
    deploy = made.of("x.deploy.approve").entry
    assert "soc2:CC8.1" in deploy
    assert "soc2:CC7.3" not in deploy
    notes = made.of("tool.call").notes
    assert "own:AI-7" in notes
    assert "owasp-llm-2025:LLM06" not in notes
    assert made.of("tool.call").entry == base_controls("tool.call")
    assert made.of("tool.result") == unchanged().of("tool.result")


def test_an_annotation_that_is_baked_in_is_no_longer_an_annotation() -> None:
    assert "iso27001-2022:A.8.15" in annotations("agent.step")
    made = resolve(document(entry={"agent.step": {"add": ["iso27001-2022:A.8.15"]}}))
    assert "iso27001-2022:A.8.15" in made.of("agent.step").entry
    assert "iso27001-2022:A.8.15" not in made.of("agent.step").notes


def test_the_version_names_the_base_the_tenants_name_and_the_content() -> None:
    first = resolve(document(annotate={"tool.call": {"add": ["own:AI-7"]}}), own=OWN)
    same = resolve(json.loads(json.dumps(document(annotate={"tool.call": {"add": ["own:AI-7"]}}))), own=OWN)
    other = resolve(document(annotate={"tool.result": {"add": ["own:AI-7"]}}), own=OWN)
    assert first.version == f"base-1.acme.{first.digest[:12]}"
    assert MAPPINGS.check(first.version) == first.version
    assert first == same
    assert len({first.digest, other.digest, unchanged().digest}) == 3


def test_the_digest_is_that_of_the_text_that_says_what_was_in_force() -> None:
    made = resolve(document(annotate={"tool.call": {"add": ["own:AI-7"]}}), own=OWN)
    assert made.digest == sha256(DOMAIN + made.text()).hexdigest()
    held = json.loads(made.text())
    assert held["changed"] == {
        "tool.call": {"entry": list(base_controls("tool.call")), "notes": list(made.of("tool.call").notes)}
    }
    assert (held["base"], held["notes"]) == ("base-1", "notes-1")


def test_the_digest_of_no_changes_is_fixed_whatever_a_release_registers() -> None:
    assert unchanged().text() == b'{"base":"base-1","changed":{},"notes":"notes-1"}'


def test_an_events_own_controls_are_all_kept() -> None:
    made = resolve(document(entry={"tool.call": {"remove": ["soc2:CC7.3"]}}))
    explicit = ("soc2:CC7.3", "iso27001-2022:A.8.32")
    assert set(explicit) <= set(made.controls_for("tool.call", explicit))
    assert "soc2:CC7.3" not in made.controls_for("tool.call")


def test_more_than_an_entry_holds_is_refused_not_dropped() -> None:
    explicit = tuple(f"nist-800-53r5:ac-{n}" for n in range(1, 16))
    with pytest.raises(Malformed) as caught:
        unchanged().controls_for("config.change", explicit)
    assert caught.value.where == "controls"


@pytest.mark.parametrize(
    ("tables", "where", "reason"),
    [
        ({"colour": "red"}, "colour", "unknown key"),
        ({"format": "muniment-mapping/2"}, "format", "must be muniment-mapping/1"),
        ({"base": "base-2"}, "base", "must be base-1"),
        ({"notes": None}, "notes", "must be notes-1"),
        ({"name": "Acme Inc."}, "name", "small letters"),
        ({"name": "a" * 33}, "name", "1 to 32"),
        ({"entry": []}, "entry", "must be an object"),
        ({"entry": {"tool.cal": {"add": []}}}, "entry.tool.cal", "not a registered action"),
        ({"entry": {"x.": {"add": []}}}, "entry.x.", "not a registered action"),
        ({"entry": {"x": {"add": []}}}, "entry.x", "not a registered action"),
        ({"entry": {"tool.call": []}}, "entry.tool.call", "add, remove or both"),
        ({"entry": {"tool.call": {}}}, "entry.tool.call", "add, remove or both"),
        ({"entry": {"tool.call": {"set": []}}}, "entry.tool.call", "add, remove or both"),
        ({"entry": {"tool.call": {"add": "soc2:CC8.1"}}}, "entry.tool.call.add", "must be an array"),
        ({"entry": {"tool.call": {"add": ["soc2:CC99"]}}}, "entry.tool.call.add[0]", "not in SOC 2"),
        ({"annotate": {"tool.call": {"add": ["soc9:1"]}}}, "annotate.tool.call.add[0]", "no catalog"),
        ({"annotate": {"tool.call": {"add": [7]}}}, "annotate.tool.call.add[0]", "not a valid control id"),
        ({"entry": {"tool.call": {"add": ["soc2:CC6.1"]}}}, "entry.tool.call.add[0]", "there already"),
        ({"entry": {"tool.call": {"remove": ["soc2:CC8.1"]}}}, "entry.tool.call.remove[0]", "not there to remove"),
        ({"annotate": {"tool.call": {"add": ["soc2:CC6.1"]}}}, "annotate.tool.call.add", "baked into entries"),
        (
            {"entry": {"tool.call": {"add": ["soc2:CC8.1", "soc2:CC8.1"]}}},
            "entry.tool.call.add",
            "names a control twice",
        ),
        (
            {"entry": {"tool.call": {"add": [f"nist-800-53r5:ac-{n}" for n in range(1, 11)]}}},
            "entry.tool.call",
            "18 control ids; an entry holds 16",
        ),
    ],
)
def test_an_override_that_is_wrong_is_refused_with_the_fields_name(
    tables: dict[str, Any], where: str, reason: str
) -> None:
    with pytest.raises(Malformed, match=reason) as caught:
        resolve(document(**tables))
    assert caught.value.where == where


def test_an_unknown_explicit_control_is_refused_where_the_caller_knows_its_catalogs() -> None:
    with pytest.raises(Malformed) as caught:
        controls_for("tool.call", ("soc2:CC8.1", "soc2:CC99"), known=lambda control: control == "soc2:CC8.1")
    assert caught.value.where == "controls[1]"


def test_the_actions_that_are_annotated_with_a_control_are_found_for_a_query() -> None:
    assert unchanged().annotated_with("gdpr:17.1") == ("body.erase",)
    assert unchanged().annotated_with("soc2:CC6.1") == ()
    made = resolve(
        document(annotate={"x.policy.sign": {"add": ["gdpr:17.1"]}, "body.erase": {"remove": ["gdpr:17.1"]}})
    )
    assert made.annotated_with("gdpr:17.1") == ("x.policy.sign",)
    assert "x" in unchanged().annotated_with("iso27001-2022:A.8.15")
