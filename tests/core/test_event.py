import copy
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from muniment.core import event as module
from muniment.core.envelope import Actor, Body, Event, Resource, Source, Trace
from muniment.core.errors import Malformed
from muniment.core.event import MalformedEvent, event_from_mapping, event_hash, parse_event
from tests.core.strategies import altered, damaged, events

ULID = "01KAY9M2Z7Q4WXYH3J8V5T6R0C"
FULL: dict[str, Any] = {
    "action": "tool.call",
    "actor": {"id": "agent:crewai-research-01", "type": "agent"},
    "body": {"commit": "ab" * 32, "len": 512, "scheme": 1, "type": "application/json"},
    "causes": [f"src_{ULID}/evt_{ULID}"],
    "controls": ["soc2-2017:CC6.1", "soc2-2017:CC7.2"],
    "id": f"evt_{ULID}",
    "labels": ["env=prod", 'say="hi"'],
    "occurred_at": "2026-03-01T14:23:07.847291000Z",
    "outcome": "success",
    "resource": {"id": 'git commit -m "fix" \\ é \u2028', "type": "tool"},
    "source": {"epoch": "cd" * 16, "id": f"src_{ULID}", "prev": "ef" * 32, "seq": 4711},
    "tool": "http_request",
    "trace": {"id": "01" * 16, "span": "23" * 8},
    "workspace": "wks-prod-01",
}


def text_of(value: object) -> bytes:
    return rfc8785.dumps(value)  # type: ignore[arg-type]


@given(events)
def test_text_is_canonical_and_reads_back(event: Event) -> None:
    text = event.text()
    assert parse_event(text) == event
    assert text_of(json.loads(text)) == text
    assert event_from_mapping(json.loads(text)) == event


def test_a_full_event_has_exactly_the_bytes_of_rfc8785() -> None:
    event = event_from_mapping(FULL)
    assert event.text() == text_of(FULL)
    assert event.source == Source(f"src_{ULID}", b"\xcd" * 16, b"\xef" * 32, 4711)
    assert event.occurred_at == 1772374987847291000


def test_the_event_hash_has_its_own_prefix() -> None:
    assert event_hash(b"{}").hex() == "0ed0b851145dd7d718d7f4376fe5a5d2f6a6443705aea8b5c6fac8d5b7f87330"


def without(path: str) -> dict[str, Any]:
    value = copy.deepcopy(FULL)
    *parents, key = path.split(".")
    node = value
    for parent in parents:
        node = node[parent]
    del node[key]
    return value


def changed(path: str, new: object) -> dict[str, Any]:
    value = copy.deepcopy(FULL)
    *parents, key = path.split(".")
    node = value
    for parent in parents:
        node = node[parent]
    node[key] = new
    return value


@pytest.mark.parametrize(
    "path",
    ["action", "actor", "id", "occurred_at", "outcome", "source", "actor.id", "actor.type", "body.commit", "body.len",
     "body.scheme", "body.type", "resource.id", "resource.type", "source.id", "source.epoch", "source.prev",
     "source.seq",     "trace.id"],
)  # fmt: skip
def test_a_missing_key_is_named(path: str) -> None:
    with pytest.raises(MalformedEvent, match="missing") as caught:
        event_from_mapping(without(path))
    assert caught.value.where == path


@pytest.mark.parametrize(
    "path", ["body", "causes", "controls", "labels", "resource", "tool", "trace", "trace.span", "workspace"]
)
def test_optional_keys_may_be_absent(path: str) -> None:
    event = event_from_mapping(without(path))
    assert event.text() == text_of(without(path))


@pytest.mark.parametrize(
    ("path", "new", "where"),
    [
        ("extra", "x", "extra"),
        ("actor.name", "x", "actor.name"),
        ("actor", "agent", "actor"),
        ("actor", None, "actor"),
        ("actor.id", "", "actor.id"),
        ("actor.id", 7, "actor.id"),
        ("actor.id", "a\nb", "actor.id"),
        ("actor.id", "\ud800", "actor.id"),
        ("actor.id", "é" * 129, "actor.id"),
        ("actor.type", "robot", "actor.type"),
        ("actor.type", ["agent"], "actor.type"),
        ("action", None, "action"),
        ("body.commit", "AB" * 32, "body.commit"),
        ("body.commit", "ab" * 31, "body.commit"),
        ("body.len", -1, "body.len"),
        ("body.len", 2**53, "body.len"),
        ("body.len", True, "body.len"),
        ("body.len", 1.0, "body.len"),
        ("body.len", "1", "body.len"),
        ("body.scheme", 2, "body.scheme"),
        ("body.scheme", True, "body.scheme"),
        ("body.type", "text/plain; charset=utf-8", "body.type"),
        ("causes", [], "causes"),
        ("causes", "x", "causes"),
        ("causes", [f"src_{ULID}/evt_{ULID}"] * 2, "causes[1]"),
        ("controls", None, "controls"),
        ("controls", ["b:1", "a:1"], "controls[1]"),
        ("controls", [f"s:{n:02d}" for n in range(17)], "controls"),
        ("id", f"evt_{ULID.lower()}", "id"),
        ("labels", ["env=prod", "env=prod"], "labels[1]"),
        ("labels", ["a=1", "b=1", "c=1", "d"], "labels[3]"),
        ("labels", ["a=1", None], "labels[1]"),
        ("labels", [f"a={n:02d}" for n in range(33)], "labels"),
        ("occurred_at", 1772374987847291000, "occurred_at"),
        ("occurred_at", "2026-02-30T14:23:07.847291000Z", "occurred_at"),
        ("occurred_at", "9999-01-01T00:00:00.000000000Z", "occurred_at"),
        ("occurred_at", "2026-03-01T14:23:07.847291Z", "occurred_at"),
        ("outcome", "ok", "outcome"),
        ("resource.id", "a" * 1025, "resource.id"),
        ("resource.type", "", "resource.type"),
        ("source.id", f"evt_{ULID}", "source.id"),
        ("source.epoch", "cd" * 15, "source.epoch"),
        ("source.prev", None, "source.prev"),
        ("source.seq", -1, "source.seq"),
        ("source.seq", None, "source.seq"),
        ("tool", "", "tool"),
        ("tool", None, "tool"),
        ("tool", "a" * 257, "tool"),
        ("trace.id", "01" * 15, "trace.id"),
        ("trace.span", "", "trace.span"),
        ("trace.id", 1, "trace.id"),
        ("workspace", "a b", "workspace"),
        ("workspace", 1, "workspace"),
    ],
)
def test_a_wrong_value_is_named_by_its_field(path: str, new: object, where: str) -> None:
    with pytest.raises(MalformedEvent) as caught:
        event_from_mapping(changed(path, new))
    assert caught.value.where == where


@pytest.mark.parametrize("value", [None, [], "x", 1, True, {}, {1: 2}, {"\ud800": 1}, {"a\nb": 1}])
def test_what_is_no_event_at_all_is_malformed(value: object) -> None:
    with pytest.raises(MalformedEvent):
        event_from_mapping(value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Actor("", "agent"),
        lambda: Body(b"x", 1, "a/b"),
        lambda: Body(bytes(32), 1, "a/b", 2),
        lambda: Resource("x", "X"),
        lambda: Source(f"src_{ULID}", epoch=bytes(16)),
        lambda: Source(f"src_{ULID}", bytes(16), bytes(32), -1),
        lambda: Trace(bytes(15)),
        lambda: Trace(bytes(16), bytes(7)),
    ],
)
def test_a_value_outside_the_grammar_cannot_be_built(make: Any) -> None:
    with pytest.raises(Malformed):
        make()


@pytest.mark.parametrize(
    "text",
    [
        text_of(FULL).replace(b'"action"', b' "action"'),
        text_of(FULL).replace(b"tool.call", b"tool\\u002ecall"),
        text_of(FULL).replace(b"\xc3\xa9", b"\\u00e9"),
        text_of(FULL).replace(b"http_request", b"http\\/request"),
        json.dumps(FULL, separators=(",", ":"), ensure_ascii=False)[:-1].encode() + b',"workspace":"wks-prod-01"}',
        b'{"workspace":"w",' + text_of(without("workspace"))[1:],
        text_of(FULL) + b"\n",
    ],
)
def test_text_in_another_form_is_malformed(text: bytes) -> None:
    with pytest.raises(MalformedEvent):
        parse_event(text)


def test_text_over_the_limit_is_malformed() -> None:
    with pytest.raises(MalformedEvent):
        parse_event(b" " * 65_536)


def long_way(data: bytes) -> Event | None:
    keep = module._quick_event
    module._quick_event = lambda _data: None
    try:
        return parse_event(data)
    except MalformedEvent:
        return None
    finally:
        module._quick_event = keep


@given(events.flatmap(lambda event: damaged(event.text()) | altered(event.text())) | st.binary(max_size=80))
def test_the_short_way_reads_exactly_what_the_long_way_reads(data: bytes) -> None:
    expected = long_way(data)
    try:
        got = parse_event(data)
    except MalformedEvent:
        got = None
    assert got == expected
    if got is not None:
        assert got.text() == data


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.sampled_from(list(FULL.values())),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(list(FULL)) | st.text(max_size=3), inner, max_size=6),
    max_leaves=20,
))  # fmt: skip
def test_any_value_is_an_event_or_malformed(value: object) -> None:
    try:
        event = event_from_mapping(value)
    except MalformedEvent:
        return
    assert json.loads(event.text()) == value
