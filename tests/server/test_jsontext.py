"""Reading JSON without losing the text of its parts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.server.ingest.jsontext import MAX_DEPTH, MalformedJson, Scanner

SPACE = st.text(" \t\r\n", max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(st.text(), JSON, max_size=5), SPACE, SPACE, SPACE)
def test_every_member_comes_with_the_very_text_it_was_read_from(
    value: dict[str, object], before: str, between: str, after: str
) -> None:
    texts = {key: json.dumps(member, ensure_ascii=False) for key, member in value.items()}
    members = f"{between},{before}".join(f"{json.dumps(key)}{after}:{between}{text}" for key, text in texts.items())
    scanner = Scanner(f"{before}{{{after}{members}{between}}}{after}")
    read = {key: scanner.value() for key in scanner.members()}
    scanner.finish()
    assert {key: found.text for key, found in read.items()} == texts
    assert all(found.fault is None for found in read.values())


@given(st.lists(JSON, max_size=6))
def test_items_come_one_by_one_with_their_index(value: list[object]) -> None:
    scanner = Scanner(json.dumps(value))
    read = [(index, scanner.value().text) for index in scanner.items()]
    scanner.finish()
    assert read == [(index, json.dumps(item)) for index, item in enumerate(value)]


@given(st.text(max_size=60) | st.text('{}[]",:\\ue0123456789-+.truefalsn ', max_size=40))
def test_it_accepts_what_the_standard_library_accepts_and_nothing_else(text: str) -> None:
    refused = False
    twice: list[str] = []

    def pairs(members: list[tuple[str, object]]) -> dict[str, object]:
        twice.extend(key for key, _ in members if [name for name, _ in members].count(key) > 1)
        return dict(members)

    def constant(name: str) -> object:
        raise ValueError(name)

    try:
        json.loads(text, object_pairs_hook=pairs, parse_constant=constant)
    except ValueError:
        refused = True
    scanner = Scanner(text)
    try:
        value = scanner.value()
        scanner.finish()
    except MalformedJson:
        assert refused
    else:
        assert not refused
        assert (value.fault is not None) == bool(twice)


@pytest.mark.parametrize("depth", [1, MAX_DEPTH, MAX_DEPTH + 1, 400, 5_000])
def test_values_are_read_up_to_a_depth_and_beyond_it_their_end_is_still_found(depth: int) -> None:
    scanner = Scanner("[" * depth + '"]]["' + "]" * depth + ' "behind"')
    assert (scanner.value().fault is None) == (depth <= MAX_DEPTH)
    assert scanner.value().parsed == "behind"


def test_a_deep_value_without_an_end_is_no_json() -> None:
    with pytest.raises(MalformedJson, match="has no end"):
        Scanner("[" * 5_000 + "]" * 4_999).value()


@pytest.mark.parametrize("text", ['{"a" 1}', '{"a":1 "b":2}', "{1:2}", '{"a":1,}', "{,}", "{'a':1}", '{"a"', "", "[]"])
def test_what_is_no_object_is_refused_with_its_place(text: str) -> None:
    scanner = Scanner(text)
    with pytest.raises(MalformedJson, match="at character"):
        [(key, scanner.value()) for key in scanner.members()]


def test_a_key_written_twice_in_different_ways_is_found() -> None:
    value = Scanner('{"a":{"b":1,"\\u0062":2}}').value()
    assert value.fault == "has the key 'b' twice in one object"


def test_of_very_many_keys_the_one_that_occurs_twice_is_found() -> None:
    keys = ",".join(f'"{at}":0' for at in range(200_000))
    assert Scanner(f'{{{keys},"199999":1}}').value().fault is not None


def test_an_endless_integer_is_no_integer() -> None:
    assert Scanner("9" * 100_000).value().parsed == float("inf")
    assert Scanner("12345678901234567890").value().parsed == 12345678901234567890
