"""A traceparent is put into requests that have none, only if asked to, and nothing else changes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.agent.cause import caused_by
from muniment.agent.mcp.jsonrpc import read_line
from muniment.agent.mcp.observer import McpRecorder, McpSession
from muniment.agent.mcp.tracing import with_traceparent
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from tests.agent.reading_back import events, frames, labels

TRACE = ("a" * 32, "b" * 16)
PARENT = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture
def spool(state: State) -> Iterator[Spool]:
    with Spool("agent", state=state) as spool:
        yield spool


def call(params: str) -> bytes:
    return b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + params.encode() + b"}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"name":"t"}', '{"_meta":{"traceparent":"%s"},"name":"t"}'),
        ("{}", '{"_meta":{"traceparent":"%s"}}'),
        ('{"_meta":{}}', '{"_meta":{"traceparent":"%s"}}'),
        ('{"name":"t","_meta":{"progressToken":1}}', '{"name":"t","_meta":{"traceparent":"%s","progressToken":1}}'),
        ('{ "a":{"_meta":{}},"_meta" : { "x":1e400 }}', None),
        ('{ "a":{"_meta":{}},"_meta" : { "x":[{}] }}', '{ "a":{"_meta":{}},"_meta" : {"traceparent":"%s", "x":[{}] }}'),
        (r'{"a":"{\"_meta\":{","_meta":{"x":"}"}}', r'{"a":"{\"_meta\":{","_meta":{"traceparent":"%s","x":"}"}}'),
    ],
)
def test_it_is_put_where_it_belongs_and_no_other_byte_changes(before: str, after: str | None) -> None:
    (message,) = read_line(call(before)) or []
    changed = with_traceparent(message, TRACE)
    assert changed == (None if after is None else call(after % PARENT))


@pytest.mark.parametrize(
    "body",
    [
        call('{"_meta":{"traceparent":"x"}}'),
        call('{"_meta":7}'),
        call("[]"),
        call('{"name":"a","name":"b"}'),
        call('{"_meta":{},"_meta":{}}'),
        call('{"x":"' + "y" * 1_100_000 + '"}'),
        b'{"id":1,"method":"tools/call","params":{"x":NaN}}',
    ],
)
def test_where_there_is_any_doubt_nothing_changes(body: bytes) -> None:
    (message,) = read_line(body) or []
    assert with_traceparent(message, TRACE) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["_meta", "params", "a", "{"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["_meta", "params", "name"]), values, max_size=3), st.sampled_from([None, 1]))
def test_what_is_sent_says_the_same_and_the_trace(params: dict[str, object], indent: int | None) -> None:
    value = {"jsonrpc": "2.0", "params": params, "id": 1, "method": "tools/call"}
    (message,) = read_line(json.dumps(value, indent=indent).encode()) or []
    changed = with_traceparent(message, TRACE)
    if changed is None:
        assert not isinstance(params.get("_meta", {}), dict)
    else:
        read = json.loads(changed)
        assert read["params"]["_meta"].pop("traceparent") == PARENT
        assert read["params"] == {"_meta": {}, **params}


def test_the_event_has_the_span_that_the_server_sees_and_the_bytes_that_it_gets(spool: Spool, state: State) -> None:
    with caused_by(None, TRACE):
        session = McpSession(McpRecorder(spool, "server", trace=True))
    passage = session.from_client(b" " + call('{"name":"t"}') + b"\r")
    assert passage is not None
    assert passage.forward is not None
    assert (passage.forward[:1], passage.forward[-1:]) == (b" ", b"\r")
    (event,) = events(state)
    assert event.trace is not None
    assert event.trace.span is not None
    assert event.trace.id.hex() == TRACE[0]
    told = json.loads(passage.forward)["params"]["_meta"]["traceparent"]
    assert told == f"00-{TRACE[0]}-{event.trace.span.hex()}-01"
    assert (labels(event)["mcp.trace"], labels(event)["otel.parent"]) == ("added", TRACE[1])
    assert frames(state)[0].body == passage.forward.strip()


def test_what_has_one_and_what_needs_none_pass_as_they_are(spool: Spool, state: State) -> None:
    session = McpSession(McpRecorder(spool, "server", trace=True))
    for body in (
        call('{"_meta":{"traceparent":"' + PARENT + '"}}'),
        b'{"id":1,"method":"tools/list"}',
        b'{"method":"tools/call","params":{"name":"t"}}',
        b"[" + call('{"name":"t"}') + b"," + call('{"name":"t"}') + b"]",
    ):
        assert session.from_client(body) is None


def test_two_calls_without_any_trace_are_in_two(spool: Spool, state: State) -> None:
    session = McpSession(McpRecorder(spool, "server", trace=True))
    session.from_client(call('{"name":"t"}'))
    session.from_client(call('{"name":"t"}'))
    one, two = events(state)
    assert one.trace is not None
    assert two.trace is not None
    assert one.trace.id != two.trace.id


@pytest.mark.parametrize("options", [[], ["--trace"]])
def test_the_server_gets_what_it_needs_to_go_on_from_here(state: State, options: list[str]) -> None:
    code = "import os,sys; sys.stdout.write(os.environ['MUNIMENT_CAUSE'] + '\\n' + sys.stdin.readline())"
    out = subprocess.run(
        [sys.executable, "-m", "muniment", "mcp", *options, "--no-ship", "--", sys.executable, "-c", code],
        env={**os.environ, "MUNIMENT_STATE": str(state.root)},
        input=call('{"name":"t"}') + b"\n",
        stdout=subprocess.PIPE,
        timeout=120,
        check=True,
    ).stdout.decode()
    start = events(state)[0]
    cause, line = out.splitlines()
    assert (start.action, cause) == ("process.start", f"{start.source.id}/{start.id}")
    assert bool(re.search('"traceparent":"00-', line)) == bool(options)
