"""Pure parts: the steps of a proof, the lanes of a graph, and the judgement of entries that just came in."""

import hashlib
import secrets
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.merkle import inclusion_root, leaf_hash, root_of
from muniment.core.tiles import inclusion_nodes
from muniment.ledger.query import EntryFilter
from muniment.server.explorer.bodies import visible
from muniment.server.explorer.causality import Causality, Happening
from muniment.server.explorer.lanes import BOX_HEIGHT, BOX_WIDTH, draw
from muniment.server.explorer.matching import matches
from muniment.server.explorer.prooftree import picture_of, steps_of
from muniment.server.explorer.question import read_question

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def path_of(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1, written as it stands there."""
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*path_of(index, leaves[:split]), root_of(leaves[split:])]
    return [*path_of(index - split, leaves[split:]), root_of(leaves[:split])]


@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
@settings(max_examples=80, deadline=None)
def test_the_steps_of_a_proof_lead_to_the_root_of_the_tree(place: tuple[int, int]) -> None:
    size, index = place
    leaves = [leaf_hash(str(number).encode()) for number in range(size)]
    proof = path_of(index, leaves)
    steps = steps_of(index, size, leaves[index], proof)
    top = steps[-1].parent if steps else leaves[index]
    assert top == root_of(leaves) == inclusion_root(index, size, leaves[index], proof)
    picture = picture_of(leaves[index], steps)
    assert len(picture.nodes) == 1 + 2 * len(steps)
    assert sum(node.kind == "root" for node in picture.nodes) == 1


def test_a_proof_of_the_wrong_length_has_no_steps() -> None:
    with pytest.raises(VerificationFailed):
        steps_of(3, 8, hashlib.sha256(b"x").digest(), [secrets.token_bytes(32)] * 2)
    assert inclusion_nodes(3, 8)


def happening(number: int, actor: str, *causes: str) -> Happening:
    relation = "self" if number == 1 else "cause"
    return Happening(
        f"s/{number}", number, relation, 0, number * 10**9, "tool.call", actor, "t" * 90, "success", causes
    )


def test_boxes_stand_in_the_order_of_time_in_their_agents_lane_and_never_on_each_other() -> None:
    found = Causality(
        (happening(1, "a"), happening(2, "b", "s/1"), happening(3, "a", "s/1", "s/2")),
        (("s/1", "s/2"), ("s/1", "s/3"), ("s/2", "s/3")), (), False, 0, False,
    )  # fmt: skip
    drawing = draw(found, {"b": "Bea"})
    first, second, third = drawing.boxes
    assert first.x + BOX_WIDTH < second.x
    assert second.x + BOX_WIDTH < third.x
    assert first.y == third.y != second.y
    assert [lane.name for lane in drawing.lanes] == ["a", "Bea"]
    assert len(drawing.curves) == 3
    assert all(box.y + BOX_HEIGHT <= drawing.height and box.x + BOX_WIDTH <= drawing.width for box in drawing.boxes)
    assert len(first.detail) < 90


DOCUMENT = {
    "controls": ["soc2:CC6.1"],
    "event": {
        "action": "tool.call", "actor": {"id": "agent:a"}, "tool": "t", "workspace": "w", "outcome": "success",
        "resource": {"id": "r", "type": "url"}, "labels": ["a=b"], "trace": {"id": "ab" * 16},
        "source": {"id": "src_x"},
    },
}  # fmt: skip
HOLDS = {
    "since": NOW, "until": datetime(2027, 1, 1, tzinfo=UTC), "action": "tool.call", "actor": "agent:a", "tool": "t",
    "workspace": "w", "resource": "r", "resource_type": "url", "outcome": "success", "control": "soc2:CC6.1",
    "label": "a=b", "trace": bytes.fromhex("ab" * 16), "source": "src_x",
}  # fmt: skip
FAILS = {
    "since": datetime(2027, 1, 1, tzinfo=UTC), "until": NOW, "action": "tool.cal", "actor": "agent", "tool": "T",
    "workspace": "", "resource": "x", "resource_type": "x", "outcome": "failure", "control": "soc2:CC6", "label": "a=",
    "trace": bytes(16), "source": "src_",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(HOLDS))
def test_an_entry_matches_a_filter_or_not_by_its_own_field(name: str) -> None:
    assert matches(EntryFilter(**{name: HOLDS[name]}), NOW, DOCUMENT)
    assert not matches(EntryFilter(**{name: FAILS[name]}), NOW, DOCUMENT)


def test_an_action_with_a_star_matches_what_is_under_it() -> None:
    assert matches(EntryFilter(action="tool.*"), NOW, DOCUMENT)
    assert not matches(EntryFilter(action="too.*"), NOW, DOCUMENT)
    assert matches(EntryFilter(), NOW, DOCUMENT)


def test_a_question_is_read_and_written_alike() -> None:
    read = read_question({"action": "tool.*", "within": "1h", "order": "newest", "cursor": "x", "tool": " "}, NOW)
    assert read.given == (("within", "1h"), ("action", "tool.*"))
    assert read.without("action") == "within=1h"
    assert read.fixed == "action=tool.%2A&from=2026-02-28T23%3A00%3A00Z"
    assert read_question({"from": "2026-02-28T23:00:00Z", "action": "tool.*"}, NOW).asked == read.asked
    with pytest.raises(Malformed):
        read_question({"within": "1h", "to": "2026-01-01T00:00Z"}, NOW)


def test_unseen_characters_are_shown_by_their_numbers_and_scripts_are_left_alone() -> None:
    assert visible("a\u202eb\u200b\x00\ufeff") == r"a\u202eb\u200b\u0000\ufeff"
    assert visible("שלום\n\tعربى 漢字 é") == "שלום\n\tعربى 漢字 é"
