"""How each kind of model API writes an answer, whole and as a stream of server-sent events.

Sources: OpenAI API reference (chat completions, responses and their streaming events), Anthropic API reference
(messages, streaming), Gemini API reference (generateContent, streamGenerateContent).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Spoken:
    """An answer: model, words, calls as (id, name, arguments as JSON text), tokens in and out."""

    model: str
    text: str
    calls: tuple[tuple[str, str, str], ...]
    tokens: tuple[int, int]


@dataclass(frozen=True)
class Spec:
    """One API's way to write: the whole answer, or its stream; and which of both was asked for."""

    whole: Callable[[Spoken], Json]
    stream: Callable[[Spoken], Iterator[bytes]]
    streamed: bool


def of(path: str, asked: Json) -> Spec | None:
    """The way that a path and a request ask for; None for an unknown path."""
    path = path.partition("?")[0]
    streamed = asked.get("stream") is True
    if path.endswith("/chat/completions"):
        return Spec(_chat, _chat_stream, streamed)
    if path.endswith("/responses"):
        return Spec(_response, _response_stream, streamed)
    if path.endswith("/messages"):
        return Spec(_message, _message_stream, streamed)
    if path.endswith((":generateContent", ":streamGenerateContent")):
        return Spec(_gemini, _gemini_stream, path.endswith(":streamGenerateContent"))
    return None


def _event(value: Json | str, name: str = "") -> bytes:
    data = value if isinstance(value, str) else json.dumps(value)
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()


def _halves(text: str) -> list[str]:
    middle = (len(text) + 1) // 2
    return [part for part in (text[:middle], text[middle:]) if part]


# OpenAI chat completions


def _chat(spoken: Spoken) -> Json:
    message: Json = {"role": "assistant", "content": spoken.text or None, "refusal": None}
    if spoken.calls:
        message["tool_calls"] = [
            {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}
            for identifier, name, arguments in spoken.calls
        ]
    finish = "tool_calls" if spoken.calls else "stop"
    return {
        "id": f"chatcmpl-{next(_numbers)}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": spoken.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
        "usage": _chat_usage(spoken),
    }


def _chat_usage(spoken: Spoken) -> Json:
    into, out = spoken.tokens
    return {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}


def _chat_stream(spoken: Spoken) -> Iterator[bytes]:
    identifier = f"chatcmpl-{next(_numbers)}"

    def chunk(choices: list[Json], **more: object) -> bytes:
        return _event(
            {
                "id": identifier,
                "object": "chat.completion.chunk",
                "created": 1_700_000_000,
                "model": spoken.model,
                "choices": choices,
                **more,
            }
        )

    def delta(finish: str | None = None, **value: object) -> list[Json]:
        return [{"index": 0, "delta": value, "finish_reason": finish, "logprobs": None}]

    yield chunk(delta(role="assistant", content=""))
    for part in _halves(spoken.text):
        yield chunk(delta(content=part))
    for index, (call, name, arguments) in enumerate(spoken.calls):
        start = {"index": index, "id": call, "type": "function", "function": {"name": name, "arguments": ""}}
        yield chunk(delta(tool_calls=[start]))
        for part in _halves(arguments):
            yield chunk(delta(tool_calls=[{"index": index, "function": {"arguments": part}}]))
    yield chunk(delta("tool_calls" if spoken.calls else "stop"))
    yield chunk([], usage=_chat_usage(spoken))
    yield _event("[DONE]")


# OpenAI responses


def _items(spoken: Spoken) -> list[Json]:
    items: list[Json] = []
    if spoken.text:
        content = {"type": "output_text", "text": spoken.text, "annotations": [], "logprobs": []}
        items.append(
            {
                "id": f"msg_{next(_numbers)}",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [content],
            }
        )
    for call, name, arguments in spoken.calls:
        items.append(
            {
                "id": f"fc_{next(_numbers)}",
                "type": "function_call",
                "call_id": call,
                "name": name,
                "arguments": arguments,
                "status": "completed",
            }
        )
    return items


def _response(spoken: Spoken, status: str = "completed", items: list[Json] | None = None) -> Json:
    into, out = spoken.tokens
    usage = {
        "input_tokens": into,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": out,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": into + out,
    }
    return {
        "id": f"resp_{next(_numbers)}",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": spoken.model,
        "output": _items(spoken) if items is None else items,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": usage if status == "completed" else None,
    }


def _response_stream(spoken: Spoken) -> Iterator[bytes]:
    numbers = itertools.count()

    def event(kind: str, **more: object) -> bytes:
        return _event({"type": kind, "sequence_number": next(numbers), **more}, kind)

    items = _items(spoken)
    begun = _response(spoken, "in_progress", [])
    yield event("response.created", response=begun)
    for index, item in enumerate(items):
        place = {"item_id": item["id"], "output_index": index}
        if item["type"] == "message":
            content = item["content"][0]
            empty = {**content, "text": ""}
            yield event(
                "response.output_item.added", output_index=index, item={**item, "status": "in_progress", "content": []}
            )
            yield event("response.content_part.added", **place, content_index=0, part=empty)
            for part in _halves(content["text"]):
                yield event("response.output_text.delta", **place, content_index=0, delta=part, logprobs=[])
            yield event("response.output_text.done", **place, content_index=0, text=content["text"], logprobs=[])
            yield event("response.content_part.done", **place, content_index=0, part=content)
        else:
            yield event(
                "response.output_item.added",
                output_index=index,
                item={**item, "status": "in_progress", "arguments": ""},
            )
            for part in _halves(item["arguments"]):
                yield event("response.function_call_arguments.delta", **place, delta=part)
            yield event(
                "response.function_call_arguments.done", **place, name=item["name"], arguments=item["arguments"]
            )
        yield event("response.output_item.done", output_index=index, item=item)
    yield event("response.completed", response={**_response(spoken, "completed", items), "id": begun["id"]})


# Anthropic messages


def _blocks(spoken: Spoken) -> list[Json]:
    blocks: list[Json] = [{"type": "text", "text": spoken.text}] if spoken.text else []
    for call, name, arguments in spoken.calls:
        blocks.append({"type": "tool_use", "id": call, "name": name, "input": json.loads(arguments)})
    return blocks


def _message(spoken: Spoken) -> Json:
    return {
        "id": f"msg_{next(_numbers)}",
        "type": "message",
        "role": "assistant",
        "model": spoken.model,
        "content": _blocks(spoken),
        "stop_reason": "tool_use" if spoken.calls else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": spoken.tokens[0], "output_tokens": spoken.tokens[1]},
    }


def _message_stream(spoken: Spoken) -> Iterator[bytes]:
    def event(kind: str, **more: object) -> bytes:
        return _event({"type": kind, **more}, kind)

    whole = _message(spoken)
    start = {**whole, "content": [], "stop_reason": None, "usage": {**whole["usage"], "output_tokens": 1}}
    yield event("message_start", message=start)
    for index, block in enumerate(whole["content"]):
        if block["type"] == "text":
            yield event("content_block_start", index=index, content_block={"type": "text", "text": ""})
            for part in _halves(block["text"]):
                yield event("content_block_delta", index=index, delta={"type": "text_delta", "text": part})
        else:
            yield event("content_block_start", index=index, content_block={**block, "input": {}})
            for part in _halves(json.dumps(block["input"])):
                yield event(
                    "content_block_delta", index=index, delta={"type": "input_json_delta", "partial_json": part}
                )
        yield event("content_block_stop", index=index)
    yield event(
        "message_delta",
        delta={"stop_reason": whole["stop_reason"], "stop_sequence": None},
        usage={"output_tokens": spoken.tokens[1]},
    )
    yield event("message_stop")


# Gemini


def _gemini(spoken: Spoken) -> Json:
    parts: list[Json] = [{"text": spoken.text}] if spoken.text else []
    for call, name, arguments in spoken.calls:
        parts.append({"functionCall": {"id": call, "name": name, "args": json.loads(arguments)}})
    into, out = spoken.tokens
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": into, "candidatesTokenCount": out, "totalTokenCount": into + out},
        "modelVersion": spoken.model,
        "responseId": f"gemini-{next(_numbers)}",
    }


def _gemini_stream(spoken: Spoken) -> Iterator[bytes]:
    whole = _gemini(spoken)
    for part in _halves(spoken.text):
        piece = {"content": {"role": "model", "parts": [{"text": part}]}, "index": 0}
        yield _event({**whole, "candidates": [piece], "usageMetadata": None})
    calls = [part for part in whole["candidates"][0]["content"]["parts"] if "functionCall" in part]
    last = {"content": {"role": "model", "parts": calls or [{"text": ""}]}, "finishReason": "STOP", "index": 0}
    yield _event({**whole, "candidates": [last]})
