"""The policy: what it refuses, how that is answered and recorded, and the ways around it that do not work."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from muniment.agent.gate import NotAccepted
from muniment.agent.mcp import recorder as mcp_recorder
from muniment.agent.mcp.observer import McpRecorder, McpSession, Passage
from muniment.agent.mcp.policy import AMBIGUOUS, DEFAULT, TOO_LONG, UNREADABLE, Policy
from muniment.agent.mcp.refusals import NOT_RECORDED, REFUSED
from muniment.agent.spools.spool import Spool, Written
from muniment.agent.state import State
from muniment.core.errors import Malformed
from tests.agent.reading_back import events, frames, labels

RULES = """
[[rule]]
name = "no-deletes"
effect = "deny"
tools = ["delete_*", "drop"]
reason = "nothing is deleted here"

[[rule]]
name = "no-secrets"
effect = "deny"
resources = ["file:///etc/*"]

[[rule]]
name = "no-wiping"
effect = "deny"
tools = ["shell"]
arguments = { "/command" = 'rm {1,3}-rf' }

[[rule]]
name = "payments"
effect = "ask"
tools = ["pay"]
"""

Make = Callable[..., McpSession]


@pytest.fixture
def make(state: State) -> Iterator[Make]:
    with Spool("agent", state=state) as spool:

        def go(rules: str = RULES, **options: Any) -> McpSession:
            return McpSession(McpRecorder(spool, "server", policy=Policy(rules.encode()), **options))

        yield go


@pytest.fixture
def session(make: Make) -> McpSession:
    return make()


def line(**message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


def call(name: Any = "delete_file", identifier: Any = 1, **arguments: Any) -> bytes:
    return line(id=identifier, method="tools/call", params={"name": name, "arguments": arguments})


def error(passage: Passage | None) -> dict[str, Any]:
    assert passage is not None
    assert passage.forward is None
    found = json.loads(passage.answer or b"")["error"]
    assert isinstance(found, dict)
    return found


def rule(passage: Passage | None) -> str:
    found = error(passage)
    assert found["code"] == REFUSED
    return str(found["data"]["rule"])


def test_a_denied_call_is_answered_recorded_and_not_forwarded(session: McpSession, state: State) -> None:
    passage = session.from_client(call(identifier="x"))
    assert passage is not None
    assert json.loads(passage.answer or b"")["id"] == "x"
    assert error(passage)["message"] == "muniment: refused by the policy's rule no-deletes: nothing is deleted here"
    asked, refused = events(state)
    assert (asked.action, asked.outcome, asked.tool) == ("tool.call", "denied", "delete_file")
    assert labels(asked)["policy.rule"] == "no-deletes"
    assert (refused.action, refused.outcome) == ("tool.refuse", "denied")
    assert refused.causes == (f"{asked.source.id}/{asked.id}",)
    assert error(passage)["data"] == {"rule": "no-deletes", "event": refused.causes[0]}
    assert [frame.body for frame in frames(state)] == [call(identifier="x"), passage.answer]


def test_what_no_rule_names_passes(session: McpSession, state: State) -> None:
    for body in (
        call("read_file"),
        line(id=2, method="tools/list"),
        line(id=3, method="resources/read", params={"uri": "file:///srv/a"}),
        line(method="notifications/initialized"),
        line(id=9, result={}),
        call("shell", 4, command="ls"),
    ):
        assert session.from_client(body) is None
    assert {event.outcome for event in events(state)} == {"unknown"}


def test_a_refused_call_waits_for_no_answer(session: McpSession, state: State) -> None:
    session.from_client(call(identifier=1))
    session.from_client(call("read_file", 1))
    session.from_server(line(id=1, result={"content": []}))
    session.finish()
    assert [(event.action, event.tool) for event in events(state)[2:]] == [
        ("tool.call", "read_file"),
        ("tool.result", "read_file"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "DELETE_FILE",
        "Delete-File",
        "delete.file",
        "delete\u200b_file",
        "ｄｅｌｅｔｅ_file",
        "dеlеtе_file",
        "delete_" + "x" * 5_000,
        "ＤＲＯＰ",
        "drop ",
        "d\u0301rop",
        "drop\u0000",
    ],
)
def test_another_spelling_of_a_denied_name_is_denied(session: McpSession, name: str) -> None:
    assert rule(session.from_client(call(name))) == "no-deletes"


@pytest.mark.parametrize("name", ["undelete_file", "droplet", "deleted", "delet_e"])
def test_a_name_that_only_begins_alike_is_not_denied(session: McpSession, name: str) -> None:
    assert session.from_client(call(name)) is None


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "FILE:///ETC/passwd",
        "file:///%65tc/passwd",
        "file:///%2565tc/passwd",
        "file:///srv/../etc/passwd",
        "file:///srv/%2e%2e/etc/passwd",
        "file:////etc//passwd",
        "file://localhost/etc/passwd",
        "file:///./etc/./passwd",
        "file:\\\\\\etc\\passwd",
        "file:///" + "a/" * 3_000,
    ],
)
@pytest.mark.parametrize("method", ["resources/read", "resources/subscribe"])
def test_another_address_of_a_denied_resource_is_denied(session: McpSession, method: str, uri: str) -> None:
    assert rule(session.from_client(line(id=1, method=method, params={"uri": uri}))) == "no-secrets"


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":1,"method":"tools/call","params":{"name":"ok","name":"delete_file"}}',
        b'{"id":1,"method":"tools/call","params":{"name":"delete_file","name":"ok"}}',
        b'{"id":1,"method":"ping","method":"tools/call","params":{"name":"delete_file"}}',
        rb'{"id":1,"method":"tools/call","params":{"n\u0061me":"delete_file","name":"ok"}}',
        b'{"id":1,"method":"tools/call","params":{"name":"ok"},"params":{"name":"delete_file"}}',
        b'{"id":1,"method":"tools/call","params":{"Name":"delete_file","name":"ok"}}',
        b'{"id":1,"method":"tools/call","Params":{"name":"delete_file"},"params":{"name":"ok"}}',
        b'{"id":1,"Method":"tools/call","params":{"name":"delete_file"}}',
        b'{"id":1,"method":"Tools/Call","params":{"name":"delete_file"}}',
        b'{"id":1,"method":" tools/call","params":{"name":"delete_file"}}',
        b'{"id":1,"result":{},"METHOD":"tools/call","params":{"name":"delete_file"}}',
        b'{"id":1,"method":"tools/call","params":{"name":"shell","arguments":{"command":"rm -rf","command":"ls"}}}',
        b'{"id":1,"method":"tools/call","params":{"name":"ok","x":"' + b"y" * 1_500_000 + b'","name":"delete_file"}}',
    ],
)
def test_what_two_servers_would_read_differently_is_refused(session: McpSession, body: bytes) -> None:
    assert rule(session.from_client(body)) == AMBIGUOUS


@pytest.mark.parametrize(
    "body",
    [
        rb'{"id":1,"method":"tools\/call","params":{"name":"delete_file"}}',
        rb'{"id":1,"method":"\u0074ools/call","params":{"name":"delete\u005ffile"}}',
        b' \t{"id":1,"method":"tools/call","params":{"name":"delete_file","x":NaN}}\r',
        '{"id":1,"method":"tools/call","params":{"name":"delete_file"}}'.encode("utf-16"),
    ],
)
def test_a_call_written_with_escapes_is_read_as_its_server_reads_it(session: McpSession, body: bytes) -> None:
    assert rule(session.from_client(body)) == "no-deletes"


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe nothing",
        b'{"id":1,"method":"tools/call","params":{"name":"delete_file"}',
        b'{"a":' * 5_000,
        b"'tools/call'",
        line(id=1, method="tools/call", params={"name": ["delete_file"]}),
        line(id=1, method="tools/call", params=["delete_file"]),
        line(id=1, method=["tools/call"], params={"name": "delete_file"}),
        line(id=1, method="resources/read", params={}),
    ],
)
def test_what_cannot_be_read_is_refused(session: McpSession, state: State, body: bytes) -> None:
    assert rule(session.from_client(body)) == UNREADABLE
    assert [(event.action, event.outcome) for event in events(state)][-1] == ("tool.refuse", "denied")


def test_a_message_behind_a_carriage_return_is_looked_at(session: McpSession) -> None:
    passage = session.from_client(b'{"method":"ping","a":\r' + call() + b'\r,"id":3}')
    assert passage is not None
    assert passage.forward is None
    assert b"no-deletes" in (passage.answer or b"")


def test_a_batch_with_one_denied_call_is_refused_whole(session: McpSession, state: State) -> None:
    batch = b"[" + b",".join([call("read_file", 1), call("drop", 2), line(method="notifications/x")]) + b"]"
    passage = session.from_client(batch)
    assert passage is not None
    assert passage.forward is None
    answers = json.loads(passage.answer or b"")
    assert [(answer["id"], answer["error"]["data"]["rule"]) for answer in answers] == [
        (1, "no-deletes"),
        (2, "no-deletes"),
    ]
    asked = [event for event in events(state) if event.action != "tool.refuse"]
    assert [(event.tool, event.outcome, labels(event).get("policy.batch")) for event in asked] == [
        ("read_file", "denied", "yes"),
        ("drop", "denied", None),
        (None, "denied", "yes"),
    ]


def test_a_call_without_an_id_is_refused_in_silence(session: McpSession, state: State) -> None:
    passage = session.from_client(line(method="tools/call", params={"name": "delete_file"}))
    assert passage == Passage(None, b"")
    assert [event.action for event in events(state)] == ["tool.call", "tool.refuse"]


def test_an_id_that_is_in_use_does_not_carry_a_denied_call_through(session: McpSession) -> None:
    assert session.from_client(call("read_file", 1)) is None
    assert rule(session.from_client(call("delete_file", 1))) == "no-deletes"


def test_a_message_that_is_too_long_to_be_looked_at_is_refused(make: Make, state: State) -> None:
    session = make("max_bytes = 10_000\n" + RULES)
    assert rule(session.from_client(call("read_file", x="y" * 10_000))) == TOO_LONG
    passage = session.oversize("client", b'{"id":1')
    assert rule(passage) == TOO_LONG
    assert session.oversize("server", b'{"id":1') is None
    session.oversize_end("client", 10, "0" * 64)
    assert [labels(event).get("mcp.oversize") for event in events(state)][2:] == [
        "client",
        "client",
        "server",
        "client-end",
    ]


@pytest.mark.parametrize(
    ("command", "denied"),
    [
        ("cd /; rm  -rf *", True),
        ("ｒｍ -rf /", True),
        ("rm -r -f", False),
        ("x" * 70_000, True),
    ],
)
def test_arguments_are_searched_and_what_is_too_long_counts_as_found(
    session: McpSession, command: str, denied: bool
) -> None:
    passage = session.from_client(call("shell", command=command))
    assert (passage is not None) == denied
    if denied:
        assert rule(passage) == "no-wiping"


def test_a_pattern_for_anywhere_finds_texts_and_keys(make: Make) -> None:
    rules = '[[rule]]\nname="r"\neffect="deny"\ntools=["*"]\narguments={"*"="secret"}\n'
    assert rule(make(rules).from_client(call("t", a=[{"b": "a secret"}]))) == "r"
    assert rule(make(rules).from_client(call("t", a=[{"secret": 1}]))) == "r"
    assert make(rules).from_client(call("t", a=[1, None, True, {"b": "c"}])) is None


def test_deny_comes_before_ask_and_ask_before_allow_whatever_the_order(make: Make) -> None:
    rules = (
        'default="deny"\n[[rule]]\nname="a"\neffect="allow"\ntools=["*"]\n'
        '[[rule]]\nname="d"\neffect="deny"\ntools=["x*"]\n'
    )
    assert make(rules).from_client(call("y")) is None
    assert rule(make(rules).from_client(call("x1"))) == "d"


def test_with_the_default_deny_only_what_is_written_exactly_so_passes(make: Make) -> None:
    session = make('default="deny"\n[[rule]]\nname="a"\neffect="allow"\ntools=["read_file"]\n')
    assert session.from_client(call("read_file")) is None
    for body in (
        call("Read_File"),
        call("read-file"),
        line(id=1, method="resources/read", params={"uri": "u:1"}),
        line(id=1, method="prompts/get", params={"name": "p"}),
        line(id=1, method="vendor/go"),
    ):
        assert rule(session.from_client(body)) == DEFAULT
    for body in (
        line(id=0, method="initialize", params={}),
        line(id=1, method="tools/list"),
        line(id=1, method="ping"),
        line(method="notifications/initialized"),
    ):
        assert session.from_client(body) is None


def test_a_rule_may_name_a_method(make: Make) -> None:
    session = make('[[rule]]\nname="m"\neffect="deny"\nmethods=["completion/*"]\n')
    assert rule(session.from_client(line(id=1, method="completion/complete", params={}))) == "m"
    assert session.from_client(line(id=1, method="tools/list")) is None


class Ledger:
    """Stands where the ledger's answer comes in; the gate itself has its own tests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refusal: NotAccepted | None = None) -> None:
        self.asked: list[Written] = []
        self.refusal = refusal
        monkeypatch.setattr(mcp_recorder, "ask", self.answer)

    def answer(self, _: Spool, written: Written, timeout: float | None) -> None:
        self.asked.append(written)
        if self.refusal is not None:
            raise self.refusal


def test_a_call_that_the_ledger_accepts_passes(
    session: McpSession, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(monkeypatch)
    assert session.from_client(call("pay")) is None
    assert session.from_client(call("read_file", 2)) is None
    session.from_server(line(id=1, result={"content": []}))
    asked, _, result = events(state)
    assert [written.reference for written in ledger.asked] == [f"{asked.source.id}/{asked.id}"]
    assert (asked.outcome, labels(asked)["policy.rule"], result.action) == ("unknown", "payments", "tool.result")


def test_a_call_that_the_ledger_does_not_accept_is_refused(
    session: McpSession, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger(monkeypatch, NotAccepted("the ledger has not accepted it within 5 s", "timeout"))
    passage = session.from_client(call("pay"))
    assert rule(passage) == "payments"
    assert "within 5 s" in error(passage)["message"]
    asked, refused = events(state)
    assert (asked.outcome, refused.action, refused.outcome) == ("unknown", "tool.refuse", "denied")
    assert (labels(refused)["gate"], refused.causes) == ("timeout", (f"{asked.source.id}/{asked.id}",))


def test_without_a_shipper_what_must_be_asked_for_is_refused(session: McpSession, state: State) -> None:
    passage = session.from_client(call("pay"))
    assert rule(passage) == "payments"
    assert "muniment ship --follow" in error(passage)["message"]
    assert labels(events(state)[1])["gate"] == "no-shipper"


def test_with_a_policy_what_could_not_be_recorded_is_not_forwarded(
    session: McpSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Written:
        raise OSError("no")

    monkeypatch.setattr(Spool, "write", broken)
    assert error(session.from_client(call("read_file")))["code"] == NOT_RECORDED
    assert error(session.from_client(call("delete_file")))["code"] == NOT_RECORDED


@pytest.mark.parametrize(
    "rules",
    [
        "\xff",
        "default = 'maybe'",
        "defualt = 'deny'",
        "max_bytes = 0",
        "rule = 7",
        "[[rule]]\neffect='deny'\ntools=['x']",
        "[[rule]]\nname='Bad Name'\neffect='deny'\ntools=['x']",
        "[[rule]]\nname='a'\neffect='block'\ntools=['x']",
        "[[rule]]\nname='a'\neffect='deny'",
        "[[rule]]\nname='a'\neffect='deny'\ntools='x'",
        "[[rule]]\nname='a'\neffect='deny'\ntools=['']",
        "[[rule]]\nname='a'\neffect='deny'\ntool=['x']",
        "[[rule]]\nname='a'\neffect='deny'\ntools=['x']\n[[rule]]\nname='a'\neffect='deny'\ntools=['x']",
        "[[rule]]\nname='a'\neffect='allow'\ntools=['x']\narguments={'*'='x'}",
        "[[rule]]\nname='a'\neffect='deny'\ntools=['x']\narguments={'*'='(a+)+'}",
        "[[rule]]\nname='a'\neffect='deny'\ntools=['x']\narguments={'command'='x'}",
        "[[rule]]\nname='a'\neffect='deny'\ntools=['x']\narguments={}",
    ],
)
def test_a_broken_file_is_refused_with_the_place(rules: str) -> None:
    with pytest.raises(Malformed, match="policy"):
        Policy(rules.encode("latin-1"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="No such file"):
        Policy.read(tmp_path / "none.toml")


def test_the_files_hash_is_what_the_start_says(make: Make, state: State) -> None:
    import hashlib

    with Spool("b", state=state) as spool:
        said = McpRecorder(spool, "s", policy=Policy(RULES.encode())).start_labels
    assert said == {"policy.sha256": hashlib.sha256(RULES.encode()).hexdigest(), "policy.rules": 4}
