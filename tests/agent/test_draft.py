"""A caller's words become fields that the format accepts, or are refused by name."""

from __future__ import annotations

import enum
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.agent import draft as draft_module
from muniment.agent import labels as labels_module
from muniment.agent.draft import draft, traceparent
from muniment.agent.labels import MAX_OWN_LABELS, labels_of
from muniment.agent.payload import encode_payload
from muniment.agent.remembering import MAX_KNOWN
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from muniment.core.errors import Malformed
from muniment.core.event import Actor, Body, Event, Resource, Trace, parse_event
from tests.agent.reading_back import events, frames

BASE: dict[str, Any] = {"action": "tool.call", "actor": "a"}


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"action": "Tool.Call"}, "action"),
        ({"action": "tool.cal"}, "action"),
        ({"action": 7}, "action"),
        ({"outcome": "ok"}, "outcome"),
        ({"actor": ("robot", "x")}, "actor.type"),
        ({"actor": 7}, "actor"),
        ({"actor": ("agent", ["x"])}, "actor"),
        ({"resource": ("host",)}, "resource"),
        ({"tool": 7}, "tool"),
        ({"resource": "host:a"}, "resource"),
        ({"resource": ("Host", "a")}, "resource.type"),
        ({"causes": ["evt_1"]}, "causes"),
        ({"causes": "src_/evt_"}, "causes"),
        ({"controls": ["soc2 CC6.1"]}, "controls"),
        ({"labels": {"Env": "x"}}, "labels"),
        ({"labels": {"env\n": "x"}}, "labels"),
        ({"labels": ["env"]}, "labels"),
        ({"labels": {f"k{n}": "v" for n in range(MAX_OWN_LABELS + 1)}}, "labels"),
        ({"trace": "00-xyz"}, "trace"),
        ({"trace": ("0" * 31, None)}, "trace.id"),
        ({"trace": ("a" * 32, "B" * 16)}, "trace.span"),
        ({"workspace": "a b"}, "workspace"),
    ],
)
def test_what_cannot_stand_in_an_event_is_refused_by_name(change: dict[str, Any], where: str) -> None:
    with pytest.raises(Malformed) as caught:
        draft(**{**BASE, **change})
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("actor", "kind", "name"),
    [
        ("user:usr_7", "user", "user:usr_7"),
        ("research", "agent", "research"),
        ("http://x", "agent", "http://x"),
        (("service", "cron"), "service", "cron"),
    ],
)
def test_an_actors_type_is_its_prefix(actor: Any, kind: str, name: str) -> None:
    start = draft(action="tool.call", actor=actor).start
    assert json.loads(start + "}") == {"action": "tool.call", "actor": {"id": name, "type": kind}}


def test_what_was_escaped_is_named_in_a_label() -> None:
    drafted = draft(action="tool.call", actor="a\nb", tool="\x00", labels={"env": "ł"})
    assert labels_of(drafted.labels) == ("env=%C5%82", "text.escaped=actor.id,tool")


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "",
        "00-" + "0" * 32 + "-" + "b" * 16 + "-01",
        "ff-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "A" * 32,
    ],
)
def test_an_invalid_traceparent_is_none(value: object) -> None:
    assert traceparent(value) is None


texts = st.text(st.characters(exclude_categories=()), max_size=300)


@settings(deadline=None, max_examples=40)
@given(
    actor=texts,
    tool=texts,
    resource=texts,
    labels=st.dictionaries(st.sampled_from(["a", "b.c", "d"]), texts),
    body=texts,
)
def test_any_text_from_outside_makes_a_canonical_event(
    tmp_path_factory: pytest.TempPathFactory,
    actor: str,
    tool: str,
    resource: str,
    labels: dict[str, str],
    body: str,
) -> None:
    state = State(tmp_path_factory.mktemp("state"))
    with Spool("a", state=state) as spool:
        spool.record(
            action="tool.call",
            actor=("agent", actor),
            tool=tool,
            resource=("tool", resource),
            labels=labels,
            payload={"text": body},
        )
    assert len(events(state)) == 1


clean = st.text(
    st.characters(exclude_categories=("Cc", "Cs")) | st.sampled_from('"\\\u2028/%'), min_size=1, max_size=40
)
references = st.from_regex(r"src_[0-7][0-9A-HJKMNP-TV-Z]{25}/evt_[0-7][0-9A-HJKMNP-TV-Z]{25}", fullmatch=True)
hexes = st.binary(min_size=16, max_size=16)
arguments = st.fixed_dictionaries(
    {
        "action": st.sampled_from(["tool.call", "agent.step", "x.own"]),
        "actor": st.tuples(st.sampled_from(["agent", "user", "system"]), clean),
        "outcome": st.sampled_from(["success", "unknown"]),
        "causes": st.sets(references, max_size=3) | st.tuples(references),
        "controls": st.sets(st.sampled_from(["soc2:CC6.1", "hipaa:164.312(b)"])),
        "labels": st.dictionaries(
            st.sampled_from(["a", "b.c", "z-1"]),
            st.text(st.characters(min_codepoint=38, max_codepoint=126), min_size=1),
        ),
    },
    optional={
        "tool": clean,
        "resource": st.tuples(st.sampled_from(["tool", "mcp.server"]), clean),
        "trace": st.tuples(hexes.map(bytes.hex), st.none() | hexes.map(lambda value: value[:8].hex())),
        "workspace": st.sampled_from(["w", "wks-prod-01"]),
        "payload": st.binary(max_size=20),
    },
)


@settings(deadline=None, max_examples=30)
@given(st.lists(arguments, min_size=1, max_size=12))
def test_the_text_written_is_the_canonical_text_of_the_same_event_built_by_core(
    tmp_path_factory: pytest.TempPathFactory, told: list[dict[str, Any]]
) -> None:
    state = State(tmp_path_factory.mktemp("state"))
    with Spool("a", state=state) as spool:
        for call in told:
            spool.record(**call)
    for call, frame in zip(told, frames(state), strict=True):
        read = parse_event(frame.event)
        trace, resource, payload = call.get("trace"), call.get("resource"), call.get("payload")
        assert (read.body is None) == (payload is None)
        built = Event(
            id=read.id,
            source=read.source,
            occurred_at=read.occurred_at,
            action=call["action"],
            actor=Actor(id=call["actor"][1], type=call["actor"][0]),
            outcome=call["outcome"],
            body=read.body and Body(read.body.commit, len(payload or b""), "application/octet-stream"),
            causes=tuple(sorted(call["causes"])),
            controls=tuple(sorted(call["controls"])),
            labels=tuple(sorted(f"{key}={value}" for key, value in call["labels"].items())),
            resource=resource and Resource(id=resource[1], type=resource[0]),
            tool=call.get("tool"),
            trace=trace and Trace(bytes.fromhex(trace[0]), trace[1] and bytes.fromhex(trace[1])),
            workspace=call.get("workspace"),
        )
        assert built.text() == frame.event


class Word(str, enum.Enum):  # noqa: UP042
    """Strings that a format string would show by the member's name."""

    OUTCOME = "success"
    KIND = "service"
    TEXT = "a name"
    KEY = "env"
    TRACE = "a" * 32
    SPAN = "b" * 16


def test_members_of_enumerations_are_written_as_their_strings(state: State) -> None:
    with Spool("a", state=state) as spool:
        spool.record(
            action="x.other",
            actor=(Word.KIND, Word.TEXT),
            outcome=Word.OUTCOME,
            tool=Word.TEXT,
            resource=("tool", Word.TEXT),
            labels={Word.KEY: Word.TEXT},
            trace=(Word.TRACE, Word.SPAN),
        )
    (event,) = events(state)
    assert (event.actor.type, event.actor.id, event.outcome, event.tool) == ("service", "a name", "success", "a name")
    assert event.resource is not None
    assert event.resource.id == "a name"
    assert event.labels == ("env=a name",)
    assert event.trace is not None
    assert event.trace.id.hex() == "a" * 32


def test_values_that_are_equal_but_written_differently_are_not_taken_for_each_other(state: State) -> None:
    values = [1, True, 1.0, "1", "True", 1, True]
    with Spool("a", state=state) as spool:
        for value in values:
            spool.record(action="tool.call", labels={"n": value})
    assert [event.labels for event in events(state)] == [(f"n={value}",) for value in values]


def test_what_comes_from_outside_is_not_remembered_at_any_length() -> None:
    known = len(draft_module._FRAMES), len(labels_module._TEXTS)
    for letter in "abc":
        draft("tool.call", ("agent", letter * 100_000), labels={"k": letter * 100_000})
        draft("tool.call", "a", tool=letter * 100_000)
        draft("tool.call", "a", resource=("tool", letter * 100_000))
    after = len(draft_module._FRAMES), len(labels_module._TEXTS)
    # Only the short `text.escaped` labels of what was cut are new.
    assert after[0] == known[0]
    assert after[1] <= known[1] + 3


def test_what_is_remembered_is_bounded() -> None:
    for number in range(5_000):
        draft("tool.call", "a", tool=f"tool-{number}", labels={"n": str(number)})
    assert len(draft_module._FRAMES) <= MAX_KNOWN
    assert len(labels_module._TEXTS) <= MAX_KNOWN


class Odd:
    def __str__(self) -> str:
        return "odd"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"a": [1, None, True]}, {"a": [1, None, True]}),
        ({"a": math.nan, "b": -math.inf}, {"a": "NaN", "b": "-Infinity"}),
        ({"n": 2**70}, {"n": 2**70}),
        ({7: "x"}, {"7": "x"}),
        ({"s": "\ud800"}, {"s": "\ud800"}),
        ({"o": Odd()}, {"o": "odd"}),
        ("text", "text"),
    ],
)
def test_payloads_that_json_can_say_somehow(payload: object, expected: object) -> None:
    body, kind = encode_payload(payload)
    assert kind == "application/json"
    assert json.loads(body) == expected


def test_a_payload_that_contains_itself_is_kept_as_text() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert encode_payload(loop) == (b"[[...]]", "text/plain")


def test_bytes_are_kept_as_they_are() -> None:
    assert encode_payload(b"\xff\x00") == (b"\xff\x00", "application/octet-stream")
