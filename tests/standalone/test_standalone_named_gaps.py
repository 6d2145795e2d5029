"""A number that an `event.refused` entry names is a gap with a name."""

from typing import Any

import pytest

from tests.standalone.conftest import Check
from tests.standalone.forge import EPOCH, SOURCE, Forge, event, seal, sha256

STRANGER = "key:ak_01ARZ3NDEKTSV4RRFFQ69G5FAZ"


def forged(name: str | None = None, early: bool = False, **entry: Any) -> Forge:
    """Number 1 of a source is missing; `name` is the hash under which it is named, by default its own."""
    forge = Forge()
    forge.add_genesis()
    forge.add_numbered()
    withheld = Forge(raw=list(forge.raw), numbered=dict(forge.numbered))
    withheld.add_numbered()
    forge.numbered = withheld.numbered
    named = event(
        9,
        action="event.refused",
        labels=[f"refused.epoch={EPOCH}", f"refused.hash={name or forge.numbered[SOURCE][1]}", "refused.seq=1",
                f"refused.source={SOURCE}"],
    )  # fmt: skip
    if early:
        forge.add(named, **entry)
    forge.add_numbered()
    if not early:
        forge.add(named, **entry)
    return forge


@pytest.mark.parametrize("early", [True, False])
def test_a_named_gap_is_listed_and_does_not_fail(check: Check, early: bool) -> None:
    answer = check(seal(forged(early=early).lines()))
    assert (answer["verdict"], answer.states["sources"]) == ("verified", "passed")
    assert answer["named_gaps"] == [f"{SOURCE}: 1 to 1"]
    assert answer["gaps"] == []


def test_a_name_with_another_hash_fails(check: Check) -> None:
    assert check(seal(forged(sha256(b"another").hex()).lines())).failed == {"sources"}


def test_a_name_given_with_another_key_does_not_count(check: Check) -> None:
    answer = check(seal(forged(by=STRANGER).lines()))
    assert answer.failed == {"sources"}
    assert answer["gaps"] == [f"{SOURCE}: 1 to 1 are missing"]


def test_a_gap_whose_name_may_be_hidden_is_not_made(check: Check) -> None:
    forge = forged()
    lines = forge.lines()
    lines[-2] = forge.subtree(0, len(forge.raw) - 1)
    answer = check(seal(lines))
    assert (answer["verdict"], answer.states["sources"]) == ("verified", "not_made")
