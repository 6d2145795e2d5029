"""A mapping is read back from its text, and says which entries it annotates that earlier mappings did not."""

import json
from collections.abc import Callable

import pytest

from muniment.catalogs.known import refuse_unknown
from muniment.catalogs.marking import actions_noted
from muniment.catalogs.overrides import fixed_actions, read_resolved, resolve, unchanged
from muniment.core.errors import Malformed

SHIPS = {
    "format": "muniment-mapping/1", "name": "ours", "base": "base-1", "notes": "notes-1",
    "entry": {"x.deploy.approve": {"add": ["soc2:CC8.1"]}},
}  # fmt: skip


def test_a_mapping_is_what_its_text_says() -> None:
    made = resolve(SHIPS)
    assert read_resolved(made.text().decode(), made.version) == made


@pytest.mark.parametrize(
    "alter",
    [
        lambda text, version: (text.replace("CC8.1", "CC8.2"), version),
        lambda text, version: (text, version.replace("ours", "theirs").replace(version[-1], "x")),
        lambda text, version: (json.dumps(json.loads(text)), version),
        lambda text, version: ("[]", version),
    ],
)
def test_a_text_that_is_not_of_its_version_is_refused(alter: Callable[[str, str], tuple[str, str]]) -> None:
    made = resolve(SHIPS)
    with pytest.raises(Malformed):
        read_resolved(*alter(made.text().decode(), made.version))


def test_what_the_ledger_writes_of_itself_follows_the_base_mapping() -> None:
    assert {"log.create", "key.create", "anchor.record", "body.erase", "mapping.change"} <= fixed_actions()
    assert not {"tool.call", "user.login", "population.save"} & fixed_actions()
    with pytest.raises(Malformed, match=r"entry\.log\.create"):
        resolve({**SHIPS, "entry": {"log.create": {"add": ["soc2:CC8.1"]}}})
    annotated = resolve({**SHIPS, "entry": {}, "annotate": {"log.create": {"add": ["soc2:CC8.1"]}}})
    assert "soc2:CC8.1" in annotated.of("log.create").notes


def test_an_action_that_did_not_always_bake_a_control_in_is_noted_for_it() -> None:
    made = resolve(SHIPS)
    assert "x.deploy.approve" not in actions_noted(made, [made]).get("soc2:CC8.1", frozenset())
    assert "x.deploy.approve" in actions_noted(made, [unchanged(), made])["soc2:CC8.1"]
    removed = resolve({**SHIPS, "entry": {"config.change": {"remove": ["soc2:CC8.1"]}}})
    assert "config.change" in actions_noted(unchanged(), [unchanged(), removed])["soc2:CC8.1"]
    assert "config.change" not in actions_noted(unchanged(), [unchanged()]).get("soc2:CC8.1", frozenset())


def test_an_unknown_control_is_refused_by_its_place_and_by_what_lacks_it() -> None:
    refuse_unknown(("own:1", "soc2:CC6.1"), lambda one: True)
    with pytest.raises(Malformed, match=r"controls\[1\]: theirs:1 is not in any catalog"):
        refuse_unknown(("soc2:CC6.1", "theirs:1"), lambda one: one.startswith("soc2"))
