"""Invocations as events: what is recorded under which policy, what leads to what, and what happens if it cannot be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from muniment.agent.models.contents import Contents
from muniment.agent.models.recorder import ModelRecorder
from muniment.agent.spools.spool import Spool, SpoolFull
from tests.agent.reading_back import labels
from tests.agent_proxy.running import RunningProxy
from tests.agent_proxy.test_streaming import ASK, CHAT, DONE, WHOLE, piece
from tests.agent_proxy.upstreams import Upstream
from tests.support.scripted_model import Answer, Call, ScriptedModel

Models = Callable[..., RunningProxy]
Servers = Callable[..., Upstream]
QUESTION = {"model": "gpt-x", "messages": [{"role": "user", "content": "what is 1 + 2?"}], "tools": [{}, {}]}


def reference(event: object) -> str:
    return f"{event.source.id}/{event.id}"  # type: ignore[attr-defined]


def test_a_tool_call_is_named_and_its_arguments_stand_in_the_body_only(models: Models) -> None:
    with ScriptedModel(Answer("let me see", (Call("add", {"number": "four-hundred"}, "call_7"),))) as model:
        proxy = models(model.url, Contents.FULL)
        answer = httpx.post(proxy.url + CHAT, json=QUESTION)
    invoke, result = proxy.events()
    assert (invoke.action, invoke.outcome, result.action, result.outcome) == (
        "model.invoke",
        "unknown",
        "model.result",
        "success",
    )
    assert result.causes == (reference(invoke),)
    assert (invoke.resource.type, invoke.resource.id) == ("model", "gpt-x")  # type: ignore[union-attr]
    assert (result.resource.type, result.resource.id) == ("model", "scripted-1")  # type: ignore[union-attr]
    sent = answer.request.content
    assert labels(invoke) == {
        "model.api": "openai.chat",
        "model.name": "gpt-x",
        "tools.offered": "2",
        "request.bytes": str(len(sent)),
        "request.sha256": hashlib.sha256(sent).hexdigest(),
    }
    assert labels(result) == {
        "model.api": "openai.chat",
        "model.name": "gpt-x",
        "model.answered": "scripted-1",
        "tokens.in": "11",
        "tokens.out": "7",
        "finish.reason": "tool_calls",
        "tool.calls": "1",
        "tool.call.1": "add call_7",
        "http.status": "200",
        "answer.bytes": str(len(answer.content)),
        "answer.sha256": hashlib.sha256(answer.content).hexdigest(),
        "answer.text.sha256": hashlib.sha256(b"let me see").hexdigest(),
    }
    assert proxy.bodies() == [sent, answer.content]
    assert "four-hundred" not in "".join(invoke.labels + result.labels)


@pytest.mark.parametrize(
    ("contents", "hashes", "bodies"),
    [(Contents.NONE, False, False), (Contents.HASH, True, False), (Contents.FULL, True, True)],
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_policy_decides_about_hashes_and_contents(
    models: Models, contents: Contents, hashes: bool, bodies: bool, stream: bool
) -> None:
    with ScriptedModel(Answer("it is three")) as model:
        proxy = models(model.url, contents)
        httpx.post(proxy.url + CHAT, json={**QUESTION, "stream": stream})
    found = proxy.events()
    for event in found:
        assert any("sha256" in label for label in event.labels) is hashes
        assert (event.body is not None) is bodies
    assert any(b"what is 1 + 2?" in body for body in proxy.bodies()) is bodies
    assert any(b"it is three" in body for body in proxy.bodies()) is bodies


def test_what_led_to_an_invocation_follows_from_the_tool_results_it_brings(models: Models) -> None:
    answers = (
        Answer("", (Call("add", {}, "call_1"), Call("add", {}, "call_2"))),
        Answer("", (Call("add", {}, "call_3"),)),
        Answer("done"),
    )
    with ScriptedModel(*answers) as model:
        proxy = models(model.url)
        said: list[dict[str, object]] = []
        for results in ((), ("call_1", "call_2"), ("call_3",)):
            said += [{"role": "tool", "tool_call_id": name, "content": "3"} for name in results]
            httpx.post(proxy.url + CHAT, json={"model": "m", "messages": said})
        httpx.post(
            proxy.url + CHAT, json={"model": "m", "messages": [{"role": "tool", "tool_call_id": "call_unknown"}]}
        )
    invokes = [event for event in proxy.events() if event.action == "model.invoke"]
    results_ = [event for event in proxy.events() if event.action == "model.result"]
    assert invokes[0].causes == ()
    assert invokes[1].causes == (reference(results_[0]),)
    assert set(invokes[2].causes) == {reference(results_[0]), reference(results_[1])}
    assert invokes[3].causes == ()


def test_the_same_holds_for_the_other_two_apis(models: Models) -> None:
    with ScriptedModel(Answer("", (Call("add", {}, "call_1"),)), Answer("", (Call("add", {}, "call_2"),)),
                       Answer("one"), Answer("two"), Answer("three")) as model:  # fmt: skip
        proxy = models(model.url)
        first = httpx.post(proxy.url + "/v1/responses", json={"model": "m", "input": "x"}).json()
        httpx.post(proxy.url + "/v1/messages", json={"model": "m", "messages": []})
        item = {"type": "function_call_output", "call_id": "call_1", "output": "3"}
        httpx.post(proxy.url + "/v1/responses", json={"model": "m", "input": [item]})
        block = {"type": "tool_result", "tool_use_id": "call_2", "content": "3"}
        message = {"role": "user", "content": [block]}
        httpx.post(proxy.url + "/v1/messages", json={"model": "m", "messages": [message]})
        httpx.post(proxy.url + "/v1/responses", json={"model": "m", "input": "y", "previous_response_id": first["id"]})
    found = proxy.events()
    assert found[4].causes == (reference(found[1]),)
    assert found[6].causes == (reference(found[3]),)
    assert found[8].causes == (reference(found[1]),)


def test_a_client_names_causes_and_trace_and_the_api_does_not_see_the_causes(models: Models, upstream: Servers) -> None:
    server = upstream(lambda talk: talk.answer(WHOLE))
    proxy = models(server.url)
    known = "src_01KAY9M2Z7Q4WXYH3J8V5T6R0C/evt_01KAY9M2Z7Q4WXYH3J8V5T6R0C"
    headers = [
        ("muniment-cause", known),
        ("muniment-cause", "not a reference"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ]
    httpx.post(proxy.url + CHAT, content=ASK, headers=headers)
    invoke, result = proxy.events()
    assert invoke.causes == (known,)
    for event in (invoke, result):
        assert b'"trace":{"id":"0af7651916cd43dd8448eb211c80319c","span":"b7ad6b7169203331"}' in event.text()
    assert server.seen[0].header(b"muniment-cause") is None
    assert server.seen[0].header(b"traceparent") == headers[2][1].encode()


def test_an_error_of_the_api_passes_and_is_a_failure(models: Models) -> None:
    body = b'{"error":{"message":"slow down","type":"rate_limit","code":"x"}}'
    proxy = models(lambda talk: talk.answer(body, b"x-request-id: req_1", status=b"429 Too Many"))
    answer = httpx.post(proxy.url + CHAT, content=ASK)
    assert (answer.status_code, answer.content) == (429, body)
    result = proxy.events()[-1]
    assert result.outcome == "failure"
    found = labels(result)
    assert (found["http.status"], found["error.type"], found["answer.id"]) == ("429", "rate_limit", "req_1")
    assert "slow down" not in "".join(result.labels)


def test_an_api_that_cannot_be_reached_is_a_failure_and_a_502(models: Models, upstream: Servers) -> None:
    server = upstream(lambda talk: None)
    proxy = models(server.url)
    server.close()
    answer = httpx.post(proxy.url + CHAT, content=ASK)
    assert (answer.status_code, answer.json()["error"]["type"]) == (502, "muniment_unreachable")
    assert (proxy.events()[-1].outcome, labels(proxy.events()[-1])["answer.cut"]) == ("failure", "unreachable")


def test_an_api_that_hangs_up_without_an_answer_leaves_the_outcome_unknown(models: Models) -> None:
    proxy = models(lambda talk: None)
    assert httpx.post(proxy.url + CHAT, content=ASK).status_code == 502
    assert (proxy.events()[-1].outcome, labels(proxy.events()[-1])["answer.cut"]) == ("unknown", "upstream")


def test_bytes_after_the_end_of_an_answer_are_noted(models: Models) -> None:
    proxy = models(lambda talk: talk.stream(piece("yes", '"stop"') + DONE, b"data: and more\n\n"))
    httpx.post(proxy.url + CHAT, content=ASK)
    assert [event.outcome for event in proxy.events()] == ["unknown", "success", "unknown"]
    assert labels(proxy.events()[-1]) == {"answer.after-end": "16"}


def test_other_paths_are_recorded_plainly(models: Models) -> None:
    proxy = models(lambda talk: talk.answer(b'{"object":"list","data":[]}'))
    httpx.get(proxy.url + "/v1/models?limit=secret")
    httpx.post(proxy.url + "/v1/chat/completionz", content=ASK)
    invokes = [event for event in proxy.events() if event.action == "model.invoke"]
    assert labels(invokes[0]) == {
        "model.api": "other", "http.method": "GET", "http.path": "/v1/models", "request.bytes": "0",
        "request.sha256": hashlib.sha256(b"").hexdigest(),
    }  # fmt: skip
    assert labels(invokes[1])["http.path"] == "/v1/chat/completionz"
    assert {event.outcome for event in proxy.events()} == {"unknown", "success"}


@pytest.mark.parametrize("path", ["/v1/chat/completions/", "//v1//chat/completions", "/openai/v1/Chat/Completions"])
def test_spellings_of_a_path_that_a_server_may_take_are_recognised(models: Models, path: str) -> None:
    proxy = models(lambda talk: talk.answer(WHOLE))
    httpx.post(proxy.url + path, content=ASK)
    assert labels(proxy.events()[0])["model.api"] == "openai.chat"


def test_a_model_named_twice_is_marked(models: Models) -> None:
    proxy = models(lambda talk: talk.answer(WHOLE))
    httpx.post(proxy.url + CHAT, content=b'{"model":"harmless","mod\\u0065l":"other","messages":[]}')
    assert labels(proxy.events()[0])["model.ambiguous"] == "model"


def test_names_that_try_to_break_a_label_are_written_by_the_rule(models: Models) -> None:
    call = Call("rm -rf /\n%=Ł" + "x" * 500, {}, "id")
    with ScriptedModel(Answer("", (call,) * 12)) as model:
        proxy = models(model.url)
        httpx.post(proxy.url + CHAT, json={"model": "m\u0000\ud800".encode("utf-8", "ignore").decode(), "messages": []})
    found = labels(proxy.events()[-1])
    assert found["tool.calls"] == "12"
    assert found["tool.call.8"].startswith("rm -rf /%0A%25=%C5%81xxx")
    assert "tool.call.9" not in found


def test_a_spool_that_is_full_stops_nothing_and_is_counted(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = models(lambda talk: talk.answer(WHOLE))

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("muniment.agent.spools.chain.os.writev", full, raising=False)
    monkeypatch.setattr("muniment.agent.spools.chain.os.write", full, raising=False)
    for _ in range(3):
        assert httpx.post(proxy.url + CHAT, content=ASK).content == WHOLE
    assert proxy.events() == []
    monkeypatch.undo()
    proxy.spool.flush()
    # What fitted into memory is written when there is room again.
    assert [event.action for event in proxy.events()] == ["model.invoke", "model.result"] * 3


def test_a_recorder_that_breaks_stops_nothing_and_is_counted(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = models(lambda talk: talk.answer(WHOLE))

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr(ModelRecorder, "invoked", broken)
    assert httpx.post(proxy.url + CHAT, content=ASK).content == WHOLE
    monkeypatch.setattr(ModelRecorder, "begin", broken)
    assert httpx.post(proxy.url + CHAT, content=ASK).content == WHOLE
    assert proxy.recorder.unrecorded == 2


@pytest.mark.parametrize("where", ["invoked", "begin"])
def test_a_recorder_that_breaks_and_fails_closed_forwards_nothing(
    models: Models, upstream: Servers, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    server = upstream(lambda talk: talk.answer(WHOLE))
    proxy = models(server.url, durable=True)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr(ModelRecorder, where, broken)
    assert httpx.post(proxy.url + CHAT, content=ASK).status_code == 503
    assert server.seen == []


def test_durable_refuses_what_the_disk_does_not_take(
    models: Models, upstream: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = upstream(lambda talk: talk.answer(WHOLE))
    proxy = models(server.url, durable=True)
    assert httpx.post(proxy.url + CHAT, content=ASK).content == WHOLE

    def full(*_: object, **__: object) -> None:
        raise SpoolFull("not recorded: No space left on device")

    monkeypatch.setattr(Spool, "write", full)
    refused = httpx.post(proxy.url + CHAT, content=ASK)
    assert (refused.status_code, refused.json()["error"]["type"]) == (503, "muniment_unrecorded")
    assert "No space left" in refused.json()["error"]["message"]
    assert len(server.seen) == 1


def test_a_gate_without_a_ledger_forwards_nothing_and_records_the_refusal(models: Models, upstream: Servers) -> None:
    server = upstream(lambda talk: talk.answer(WHOLE))
    proxy = models(server.url, gate=True)
    refused = httpx.post(proxy.url + CHAT, content=ASK)
    assert (refused.status_code, refused.json()["error"]["type"]) == (503, "muniment_unaccepted")
    assert server.seen == []
    invoke, denied = proxy.events()
    assert (denied.action, denied.outcome, denied.causes) == ("model.result", "denied", (reference(invoke),))
    assert labels(denied) == {"gate": "no-shipper"}


def test_a_hundred_invocations_at_once_are_kept_apart(models: Models) -> None:
    def echo(talk: object) -> None:
        asked = json.loads(talk.body)  # type: ignore[attr-defined]
        talk.answer(WHOLE.replace(b"gpt-x-1", asked["model"].encode()))  # type: ignore[attr-defined]

    proxy = models(echo)
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(16) as pool:
        names = [f"m-{number}" for number in range(100)]
        answers = list(pool.map(lambda name: client.post(proxy.url + CHAT, json={"model": name}).json(), names))
    assert [answer["model"] for answer in answers] == names
    invoked = {reference(e): e.resource.id for e in proxy.events() if e.action == "model.invoke" and e.resource}
    results = [event for event in proxy.events() if event.action == "model.result"]
    assert len(results) == 100
    assert all(event.resource and invoked[event.causes[0]] == event.resource.id for event in results)
