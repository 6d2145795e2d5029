"""A reason for change is found where events say it, and nowhere else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed
from muniment.core.reason import MOST, checked_reason, reason_of
from muniment.server.reasons.workflow import (
    checked_actions,
    is_required,
    may_need,
    own_changes,
    source_changes,
)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"reason": "ticket 4711"}', "ticket 4711"),
        (b'{"to": {"reason": "inner"}, "reason": "outer"}', "outer"),
        ('{"reason": "Größe geändert"}'.encode(), "Größe geändert"),
        (b'{"to": {"reason": "inner"}}', None),
        (b'{"reason": "one", "reason": "two"}', None),
        (b'{"reason": ["a"]}', None),
        (b'{"reason": ""}', None),
        (b'{"reason": " \\n\\t"}', None),
        (b'{"reason": "\\u0000"}', None),
        (b'{"reason": "\\ud800"}', None),
        (b'["reason", "a"]', None),
        (b'[["reason", "a"]]', None),
        (b"\xff\xfe", None),
        (b"", None),
        (b"[" * 100_000, None),
        (json.dumps({"reason": "a" * (MOST + 1)}).encode(), None),
    ],
)
def test_a_reason_in_a_body_is_one_text_member_of_its_object(body: bytes, said: str | None) -> None:
    assert reason_of([], body) == said


def test_a_label_says_it_where_the_body_does_not() -> None:
    assert reason_of(["env=prod", "reason=rollback of 4711"], b'{"to": 1}') == "rollback of 4711"
    assert reason_of(["reason=label"], b'{"reason": "body"}') == "body"
    assert reason_of(["reason= "], None) is None
    assert reason_of(["reasons=no"], None) is None


@given(st.binary(max_size=200))
def test_no_body_makes_reading_fail(body: bytes) -> None:
    said = reason_of([], body)
    assert said is None or said.strip()


@given(st.text(max_size=60))
def test_what_was_checked_is_read_back_from_a_body(text: str) -> None:
    try:
        checked = checked_reason(text)
    except Malformed:
        return
    assert reason_of([], json.dumps({"reason": checked}).encode()) == checked


def test_what_can_be_registered_are_changes() -> None:
    assert {"config.change", "nixos.switch"} <= set(source_changes())
    assert {"role.change", "tenant.settings", "mapping.change", "change.require"} <= set(own_changes())
    assert not {"tenant.change", "body.erase", "workspace.boot", "tool.call"} & {*own_changes(), *source_changes()}
    assert checked_actions(["x.*", " config.change ", ""]) == ("config.change", "x.*")
    assert may_need("x.anything")
    assert not may_need("tool.call")
    for bad in (
        "tool.call",
        "event.refused",
        "tenant.change",
        "no.such",
        "config.*",
        "x",
        "x.",
        "*",
        "x.*.a",
        "x.A",
        "y.*",
    ):
        with pytest.raises(Malformed) as said:
            checked_actions([bad])
        assert said.value.where == "actions", bad
    with pytest.raises(Malformed):
        checked_actions([f"x.a{number}" for number in range(201)])


def test_a_star_takes_what_is_under_it() -> None:
    registered = ("config.change", "x.deploy.*")
    for action, wanted in (
        ("config.change", True),
        ("x.deploy.start", True),
        ("x.deploy.a.b", True),
        ("x.deploy", False),
    ):
        assert is_required(action, registered) is wanted, action
    assert is_required("x.deploy", ("x.*",))
    assert not is_required("config.changed", registered)
