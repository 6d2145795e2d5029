"""A caller's words become fields that the format accepts, or are refused by name."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.agent.draft import MAX_OWN_LABELS, draft, labels_of, traceparent
from muniment.agent.payload import encode_payload
from muniment.agent.spool import Spool
from muniment.agent.state import State
from muniment.core.errors import Malformed
from tests.agent.reading_back import events

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
