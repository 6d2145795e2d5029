"""Annotations: what an action evidences beside what its entries hold."""

import pytest

from muniment.catalogs import actions
from muniment.catalogs.annotations import annotated_actions, annotations, unannotated_actions
from muniment.catalogs.known import check_known, is_shipped
from muniment.catalogs.mapping import base_controls, capabilities
from muniment.catalogs.shipped import catalog
from muniment.core.errors import Malformed


@pytest.mark.parametrize("code", sorted(set(actions.registry()) - {"x"}))
def test_every_annotation_names_a_requirement_or_a_part_of_one(code: str) -> None:
    for control in check_known(annotations(code), code):
        prefix, _, requirement = control.partition(":")
        assert catalog(prefix).find(requirement).kind in {"requirement", "part"}, control
    assert not set(annotations(code)) & set(base_controls(code))


def test_every_id_of_the_base_mapping_is_a_requirement_of_its_framework() -> None:
    for ids in capabilities().values():
        for control in ids:
            prefix, _, requirement = control.partition(":")
            assert catalog(prefix).find(requirement).kind == "requirement"


def test_every_action_with_annotations_of_its_own_is_registered() -> None:
    assert all(actions.is_registered(action) for action in annotated_actions())


def test_every_registered_action_has_annotations_of_its_own_or_a_reason_why_none() -> None:
    assert not set(annotated_actions()) & set(unannotated_actions())
    assert set(annotated_actions()) | set(unannotated_actions()) == set(actions.registry())
    assert all(unannotated_actions().values())


def test_the_decision_on_an_exception_is_evidence_of_how_deviations_are_managed() -> None:
    for step in ("approve", "reject", "return", "revoke", "expire", "attest"):
        assert {"iso27001-2022:A.5.36", "nist-csf-2:ID.RA-07", "soc2:CC5.3"} <= set(annotations(f"exception.{step}"))
    assert "pci-dss-4:12.3.1" in annotations("risk.open")


def test_annotations_never_change_what_is_baked_into_entries() -> None:
    assert base_controls("tool.call") == (
        "cfr11:11.10(d)",
        "cfr11:11.10(e)",
        "hipaa:164.312(a)(1)",
        "hipaa:164.312(b)",
        "soc2:CC6.1",
        "soc2:CC6.2",
        "soc2:CC7.2",
        "soc2:CC7.3",
    )
    assert "eu-ai-act:12.1" in annotations("tool.call")


def test_a_login_of_a_person_is_not_called_a_log_of_a_high_risk_ai_system() -> None:
    assert "eu-ai-act:12.1" not in annotations("user.login")


def test_a_tenants_own_action_has_the_annotations_of_its_capabilities() -> None:
    assert "iso27001-2022:A.8.15" in annotations("x.deploy.approve")


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        ("soc2:CC99", "not in SOC 2"),
        ("soc9:CC6.1", "belongs to no catalog"),
        ("CC6.1", "not a valid control id"),
        (7, "not a valid control id"),
        ("soc2:cc6.1", "not in SOC 2"),
        # Whoever mistakes an edition or a prefix of the standard is told what is near.
        ("iso27001:A.8.5", "no catalog that is known here; near it: iso27001-2022"),
        ("iso27001-2022:8.5", "near it: iso27001-2022:A.8.5"),
        ("nist-csf-2.0:PR.AA-03", "nist-csf-2.0:PR.AA-03 is not a valid control id; .*near it: nist-csf-2"),
    ],
)
def test_an_unknown_control_id_is_refused_with_the_fields_name_and_position(control: object, reason: str) -> None:
    with pytest.raises(Malformed, match=reason) as caught:
        check_known(["soc2:CC6.1", control])
    assert caught.value.where == "controls[1]"


def test_a_tenants_own_control_is_known_where_it_is_named() -> None:
    assert check_known(["own:AI-7", "soc2:CC6.1"], own={"own:AI-7"}) == ("own:AI-7", "soc2:CC6.1")
    assert not is_shipped("own:AI-7")
