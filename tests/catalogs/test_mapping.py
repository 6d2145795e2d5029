import re

import pytest

from muniment.catalogs import actions, mapping
from muniment.core.errors import Malformed

ACTION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
CONTROL = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*:[A-Za-z0-9][A-Za-z0-9._()/-]*")

# The table that the product must carry at least, as the frameworks name their criteria.
REQUIRED = {
    "audit_trail": {"soc2:CC7.2", "soc2:CC7.3", "hipaa:164.312(b)", "cfr11:11.10(e)"},
    "access_control": {"soc2:CC6.1", "soc2:CC6.2", "hipaa:164.312(a)(1)", "cfr11:11.10(d)"},
    "change_management": {"soc2:CC8.1", "hipaa:164.312(c)(1)", "cfr11:11.10(e)"},
    "incident_detection": {"soc2:CC7.3", "soc2:CC7.4", "hipaa:164.308(a)(6)", "cfr11:11.10(e)"},
    "integrity": {"soc2:CC6.6", "hipaa:164.312(c)(2)", "cfr11:11.10(a)"},
}


@pytest.mark.parametrize("capability", sorted(REQUIRED))
def test_the_base_mapping_carries_the_required_criteria(capability: str) -> None:
    assert set(mapping.capabilities()[capability]) == REQUIRED[capability]


@pytest.mark.parametrize("code", sorted(set(actions.registry()) - {"x"}))
def test_every_registered_action_has_the_grammar_of_the_format_and_maps_to_controls(code: str) -> None:
    assert ACTION.fullmatch(code)
    assert len(code) <= 64
    controls = mapping.base_controls(code)
    assert 1 <= len(controls) <= 16
    assert all(CONTROL.fullmatch(control) for control in controls)
    assert list(controls) == sorted(set(controls))


def test_every_capability_that_an_action_names_exists_and_is_used() -> None:
    named = {name for action in actions.registry().values() for name in action.evidences}
    assert named == set(mapping.capabilities())


def test_a_tenants_own_action_evidences_the_audit_trail() -> None:
    assert mapping.controls_for("x.deploy.approve") == tuple(sorted(REQUIRED["audit_trail"]))


def test_an_events_own_controls_are_kept_beside_those_of_the_mapping() -> None:
    controls = mapping.controls_for("config.change", ("iso27001-2022:A.8.32", "soc2:CC8.1"))
    assert "iso27001-2022:A.8.32" in controls
    assert REQUIRED["change_management"] <= set(controls)
    assert list(controls) == sorted(set(controls))


def test_an_unregistered_action_is_refused_and_the_field_is_named() -> None:
    with pytest.raises(Malformed) as caught:
        mapping.controls_for("tool.cal")
    assert caught.value.where == "action"


def test_more_controls_than_an_entry_holds_are_refused_not_dropped() -> None:
    explicit = tuple(f"nist-800-53r5:ac-{n}" for n in range(1, 16))
    with pytest.raises(Malformed) as caught:
        mapping.controls_for("config.change", explicit)
    assert caught.value.where == "controls"
