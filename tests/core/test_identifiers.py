import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core import identifiers as names
from muniment.core.errors import Malformed
from tests.core.strategies import actions, controls, labels, media, origins, ulids


@given(st.uuids())
def test_a_ulid_of_a_uuid_is_read_back_to_the_same_bytes(value: uuid.UUID) -> None:
    assert names.ulid_bytes(names.ulid_of(value.bytes)) == value.bytes


@given(ulids)
def test_bytes_of_a_ulid_are_written_back_to_the_same_text(text: str) -> None:
    assert names.ulid_of(names.ulid_bytes(text)) == text


@given(st.integers(0, 2**48 - 2), st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_ulids_sort_by_time(ms: int, one: bytes, other: bytes) -> None:
    assert names.new_ulid(ms, one) < names.new_ulid(ms + 1, other)


@pytest.mark.parametrize(("ms", "randomness"), [(-1, bytes(10)), (2**48, bytes(10)), (0, bytes(9)), (0, bytes(11))])
def test_ulids_out_of_range_are_refused(ms: int, randomness: bytes) -> None:
    with pytest.raises(Malformed):
        names.new_ulid(ms, randomness)


@pytest.mark.parametrize(
    "text", ["", "8" + "0" * 25, "0" * 25, "0" * 27, "0" * 25 + "I", "0" * 25 + "a", "0" * 26 + "\n"]
)
def test_what_is_no_ulid_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        names.ulid_bytes(text)


@given(actions, controls, labels, media, origins)
def test_names_of_each_grammar_are_accepted(action: str, control: str, label: str, type_: str, origin: str) -> None:
    assert names.ACTIONS.check(action) == action
    assert names.check_control(control) == control
    assert names.check_label(label) == label
    assert names.MEDIA_TYPES.check(type_) == type_
    assert names.check_origin(origin) == origin


WRONG = {
    "action of one word": (names.ACTIONS, "tool"),
    "action that begins with a digit": (names.ACTIONS, "1tool.call"),
    "action in capitals": (names.ACTIONS, "Tool.call"),
    "action with an empty word": (names.ACTIONS, "tool..call"),
    "action that ends in a dot": (names.ACTIONS, "tool.call."),
    "action with a newline": (names.ACTIONS, "tool.call\n"),
    "action of 65": (names.ACTIONS, "a." + "b" * 63),
    "control without a colon": (names.CONTROLS, "soc2"),
    "control with an empty id": (names.CONTROLS, "soc2:"),
    "control with a double dash": (names.CONTROLS, "soc2--2017:CC6.1"),
    "control in capitals": (names.CONTROLS, "SOC2:CC6.1"),
    "control with a space": (names.CONTROLS, "soc2:CC 6.1"),
    "control of 65": (names.CONTROLS, "s:" + "a" * 63),
    "label without a value": (names.LABELS, "env="),
    "label without a key": (names.LABELS, "=prod"),
    "label without a sign": (names.LABELS, "env"),
    "label beyond ASCII": (names.LABELS, "env=é"),
    "label with a tab": (names.LABELS, "env=\t"),
    "label with a key of 64": (names.LABELS, "a" * 64 + "=b"),
    "label with a value of 257": (names.LABELS, "a=" + "b" * 257),
    "media type with parameters": (names.MEDIA_TYPES, "text/plain; charset=utf-8"),
    "media type in capitals": (names.MEDIA_TYPES, "Text/plain"),
    "media type with two slashes": (names.MEDIA_TYPES, "a/b/c"),
    "media type of 128": (names.MEDIA_TYPES, "a/" + "b" * 126),
    "origin with a scheme": (names.ORIGINS, "https://log.example"),
    "origin that ends in a slash": (names.ORIGINS, "log.example/"),
    "origin with a double slash": (names.ORIGINS, "log.example//a"),
    "origin with a plus": (names.ORIGINS, "log.example/a+b"),
    "origin with a space": (names.ORIGINS, "log.example/a b"),
    "origin of 256": (names.ORIGINS, "a" * 256),
    "empty origin": (names.ORIGINS, ""),
    "submitter without a kind": (names.SUBMITTERS, "ak_1"),
    "submitter of 129": (names.SUBMITTERS, "key:" + "a" * 125),
    "mapping of 65": (names.MAPPINGS, "a" * 65),
    "workspace that begins with a dash": (names.WORKSPACES, "-a"),
    "workspace of 65": (names.WORKSPACES, "a" * 65),
    "resource type of 65": (names.RESOURCE_TYPES, "a" * 65),
    "event id with a lower-case ulid": (names.EVENT_IDS, "evt_" + "a" * 26),
    "source id with an overflowing ulid": (names.SOURCE_IDS, "src_" + "8" + "0" * 25),
    "reference without a source": (names.EVENT_REFERENCES, "evt_" + "0" * 26),
}


@pytest.mark.parametrize(("grammar", "text"), WRONG.values(), ids=WRONG.keys())
def test_names_outside_their_grammar_are_refused_with_an_example(grammar: names.Grammar, text: str) -> None:
    with pytest.raises(Malformed) as caught:
        grammar.check(text, "field")
    assert caught.value.where == "field"
    assert grammar.example in caught.value.reason


GRAMMARS = [value for value in vars(names).values() if isinstance(value, names.Grammar)]


@pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda grammar: grammar.name)
def test_every_example_has_its_grammar_and_no_other_type_does(grammar: names.Grammar) -> None:
    assert grammar.check(grammar.example) == grammar.example
    for value in (None, 1, b"tool.call", ["tool.call"]):
        with pytest.raises(Malformed):
            grammar.check(value)


@pytest.mark.parametrize(
    "text", ["", "a\x00", "a\n", "\x1f", "\x7f", "\x80", "\x9f", "\ud800", "é" * 129, "a" * 257, None, 1]
)
def test_text_has_no_control_characters_and_a_maximum_in_bytes(text: object) -> None:
    with pytest.raises(Malformed):
        names.check_text(text, 256)


@pytest.mark.parametrize("text", ["é" * 128, "a" * 256, "\u2028", "\xa0", "\ufeff", "e\u0301", "\U0001f600", '"\\'])
def test_text_is_any_other_character_never_normalised(text: str) -> None:
    assert names.check_text(text, 256) == text
