"""Reading answers of model APIs: a stream comes to the same as the document, and nothing that is said can do harm."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.agent.models.answer import Answer, Budget, ToolCall
from muniment.agent.models.api import Api
from muniment.agent.models.chat import ChatReader
from muniment.agent.models.messages import MessagesReader
from muniment.agent.models.plain import PlainReader
from muniment.agent.models.question import read_question
from muniment.agent.models.responses import ResponsesReader
from muniment.agent.models.resulting import labels_of, outcome_of
from muniment.agent.models.sightings import Sighting
from muniment.agent.proxy.coding import Undoing
from muniment.agent.proxy.eventstream import EventStream, Oversize
from muniment.agent.proxy.exchange import Ending
from tests.support import scripted_answers as wire

SPOKEN = wire.Spoken(
    "m-1", "Straße 1, so it is", (("call_1", "add", '{"a": 1}'), ("call_2", "say", '{"t": "x"}')), (11, 7)
)
PATHS = {
    Api.CHAT: "/v1/chat/completions",
    Api.RESPONSES: "/v1/responses",
    Api.MESSAGES: "/v1/messages",
}
READERS = {Api.CHAT: ChatReader, Api.RESPONSES: ResponsesReader, Api.MESSAGES: MessagesReader}
EVENTS = [(b"content-type", b"text/event-stream")]
JSON = [(b"content-type", b"application/json")]


def sighted(api: Api, body: bytes, headers: list[tuple[bytes, bytes]], step: int = 0) -> Sighting:
    sighting = Sighting(api, headers)
    for start in range(0, len(body), step or len(body) or 1):
        sighting.feed(body[start : start + (step or len(body))])
    return sighting


@pytest.mark.parametrize("api", PATHS)
@pytest.mark.parametrize("step", [0, 1, 7])
def test_a_stream_comes_to_the_same_as_the_document(api: Api, step: int) -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    spec = wire.of(PATHS[api], asked)
    assert spec is not None
    document = sighted(api, json.dumps(spec.whole(SPOKEN)).encode(), JSON).answer()
    sighting = sighted(api, b"".join(spec.stream(SPOKEN)), EVENTS, step)
    stream = sighting.answer()
    assert document is not None
    assert stream is not None
    assert document.text == "Straße 1, so it is"
    assert document.tool_calls == [ToolCall("add", "call_1"), ToolCall("say", "call_2")]
    assert document.tokens["in"] == 11
    assert document.tokens["out"] == 7
    assert document.finished
    assert sighting.done
    document.id = stream.id = None
    assert stream == document
    # And what is put together is a document again, which says the same.
    body = sighting.body()
    assert body is not None
    again = sighted(api, body[0], JSON).answer()
    assert again is not None
    assert (again.text, again.tool_calls, again.finish) == (document.text, document.tool_calls, document.finish)


@pytest.mark.parametrize("api", PATHS)
def test_a_stream_that_is_cut_anywhere_is_never_taken_for_whole(api: Api) -> None:
    spec = wire.of(PATHS[api], {"stream": True})
    assert spec is not None
    whole = b"".join(spec.stream(SPOKEN))
    last = whole.rstrip(b"\n").rfind(b"\n\n") + 2
    for cut in range(last):
        sighting = sighted(api, whole[:cut], EVENTS)
        answer = sighting.answer()
        assert answer is not None
        # Chat may have said why it ended; then only the marker is missing.
        ended = api is Api.CHAT and answer.finish != []
        assert outcome_of(Ending.COMPLETE, 200, sighting, answer) == ("success" if ended else "unknown")
        assert outcome_of(Ending.UPSTREAM_CUT, 200, sighting, answer) == "unknown"


def test_tokens_from_a_cache_count_among_those_that_went_in() -> None:
    usage = {"input_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 3}
    answer = MessagesReader().document({"type": "message", "usage": usage, "stop_reason": "end_turn"})
    assert answer.tokens == {"in": 125, "cached": 100, "out": 3}
    details = {"cached_tokens": 100}
    answer = ChatReader().document({"usage": {"prompt_tokens": 125, "prompt_tokens_details": details}})
    assert answer.tokens == {"in": 125, "cached": 100}


def test_thinking_and_citations_do_not_count_as_text_and_stand_in_the_body() -> None:
    reader = MessagesReader()
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "model": "c", "content": [], "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "abc"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "yes"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]
    for event in events:
        reader.event(event["type"], json.dumps(event).encode())
    assert reader.so_far().text == "yes"
    assert reader.assembled()["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "abc"},
        {"type": "text", "text": "yes"},
    ]


def test_an_error_inside_a_stream_is_a_failure() -> None:
    for api, data in (
        (Api.MESSAGES, b'{"type":"error","error":{"type":"overloaded_error","message":"m"}}'),
        (Api.CHAT, b'{"error":{"type":"overloaded_error","message":"m"}}'),
        (Api.RESPONSES, b'{"type":"error","code":"overloaded_error","message":"m"}'),
    ):
        sighting = sighted(api, b"event: error\ndata: " + data + b"\n\n", EVENTS)
        answer = sighting.answer()
        assert answer is not None
        assert outcome_of(Ending.COMPLETE, 200, sighting, answer) == "failure"
        assert answer.error in ("overloaded_error", "error")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("queued", "unknown"),
        ("in_progress", "unknown"),
        ("failed", "failure"),
        ("incomplete", "success"),
        ("completed", "success"),
    ],
)
def test_a_response_that_goes_on_in_the_background_is_not_taken_for_done(status: str, outcome: str) -> None:
    error = {"code": "server_error"} if status == "failed" else None
    value = {"id": "r", "status": status, "error": error, "incomplete_details": {"reason": "max_output_tokens"}}
    sighting = sighted(Api.RESPONSES, json.dumps(value).encode(), JSON)
    assert outcome_of(Ending.COMPLETE, 200, sighting, sighting.answer()) == outcome


def test_embeddings_and_other_answers() -> None:
    value = {"object": "list", "model": "e-1", "data": [{}, {}], "usage": {"prompt_tokens": 4}}
    answer = PlainReader().document(value)
    assert (answer.embeddings, answer.model, answer.tokens) == (2, "e-1", {"in": 4})
    binary = sighted(Api.OTHER, b"\x00\xff", [(b"content-type", b"audio/mpeg")])
    assert outcome_of(Ending.COMPLETE, 200, binary, binary.answer()) == "success"
    page = sighted(Api.CHAT, b"<html>", [(b"content-type", b"text/html")])
    assert outcome_of(Ending.COMPLETE, 200, page, page.answer()) == "unknown"


KEYS = """
    id model usage choices index delta message content tool_calls function name arguments error type code output status
    item response output_index text content_block stop_reason partial_json data object prompt_tokens_details
    cached_tokens input_tokens finish_reason messages role tool_call_id input tools incomplete_details
"""
KINDS = """
    message message_start content_block_start content_block_delta message_delta message_stop error response.created
    response.completed response.output_item.added response.output_item.done response.output_text.delta
"""
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS.split()),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("api", Api)
@settings(max_examples=60, deadline=None)
@given(whole=JSONS, events=st.lists(st.tuples(st.sampled_from(KINDS.split()), JSONS), max_size=6))
def test_whatever_is_said_can_be_recorded(api: Api, whole: object, events: list[tuple[str, object]]) -> None:
    text = json.dumps(whole).encode()
    read_question(api, text)
    stream = b"".join(
        b"event: %s\ndata: %s\n\n" % (kind.encode(), json.dumps(event).encode()) for kind, event in events
    )
    for sighting in (sighted(api, text, JSON), sighted(api, stream, EVENTS)):
        answer = sighting.answer()
        assert isinstance(answer, Answer | None)
        labels = labels_of(Ending.COMPLETE, 200, "m", sighting, answer, hashes=True)
        assert len(labels) <= 24
        assert outcome_of(Ending.COMPLETE, 200, sighting, answer) in ("success", "failure", "unknown")
        body = sighting.body()
        assert body is None or isinstance(body[0], bytes)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("[NaN,99999999999999999999999]", True),
        (r'"\ud800"', True),
        ("[" * 400 + "]" * 400, True),
        ("[" * 1020 + "]" * 1020, False),
    ],
    ids=["a huge integer", "half a character", "deep", "too deep"],
)
def test_what_a_stream_says_in_odd_json_is_kept_or_left_out(value: str, kept: bool) -> None:
    sighting = sighted(Api.CHAT, b'data: {"choices":[{"delta":{"content":"hi"}}],"id":%s}\n\n' % value.encode(), EVENTS)
    body = sighting.body()
    assert (body is not None and value.encode() in body[0]) is kept
    assert labels_of(Ending.COMPLETE, 200, "m", sighting, sighting.answer(), hashes=True)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_an_event_stream_reads_the_same_however_it_is_cut(data: st.DataObject) -> None:
    stream = data.draw(st.text(alphabet="ab:\r\n de", max_size=60).map(lambda text: "data: x" + text)).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    whole, cut = EventStream(), EventStream()
    at_once = list(whole.feed(stream))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [event for piece in pieces for event in cut.feed(piece)] == at_once


def test_an_event_stream_as_the_standard_has_it() -> None:
    stream = b"\xef\xbb\xbfevent: a\ndata: 1\ndata:2\n\n: comment\n\nid: 7\nretry: 1\ndata\n\nevent: b\n\ndata: lost"
    assert [tuple(event) for event in EventStream().feed(stream)] == [("a", b"1\n2"), ("message", b"")]


def test_an_event_that_does_not_end_is_not_held_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muniment.agent.proxy.eventstream.MAX_EVENT", 1000)
    stream = EventStream()
    lines = [b"data: " + b"x" * 50 + b"\n"] * 100
    with pytest.raises(Oversize):
        [list(stream.feed(line)) for line in lines]
    monkeypatch.undo()
    endless = Sighting(Api.CHAT, EVENTS)
    for _ in range(40):
        endless.feed(b"x" * (1 << 20))
    assert endless.unread == "an event is too large"
    assert endless.size == 40 << 20


def test_an_answer_larger_than_what_is_put_together_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Budget, "__init__", lambda self, limit=1000: setattr(self, "_left", limit))
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % (b"x" * 100)
    sighting = sighted(Api.CHAT, chunk * 20 + b"data: [DONE]\n\n", EVENTS)
    answer = sighting.answer()
    assert answer is not None
    assert (answer.clipped, len(answer.text)) == (True, 1000)
    labels = labels_of(Ending.COMPLETE, 200, None, sighting, answer, hashes=True)
    assert labels["answer.clipped"] == "yes"
    assert "answer.text.sha256" not in labels


def test_several_gzip_members_are_one_body() -> None:
    undoing = Undoing(b"gzip")
    assert b"".join(undoing.feed(gzip.compress(b"one ") + gzip.compress(b"two"))) == b"one two"
