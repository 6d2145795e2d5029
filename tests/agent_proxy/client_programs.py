"""Programs with the vendors' own client libraries; each prints what it got as JSON. Run in their environment."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

TOOL = {"type": "object", "properties": {"a": {"type": "integer"}}}
ASK = "what is it?"


def openai_chat(base: str) -> Any:
    import openai

    client = openai.OpenAI(base_url=f"{base}/v1", api_key="sk-topsecret")
    tools: Any = [{"type": "function", "function": {"name": "add", "parameters": TOOL}}]
    messages: list[Any] = [{"role": "user", "content": ASK}]
    first = client.chat.completions.create(model="gpt-x", messages=messages, tools=tools).choices[0].message
    call: Any = (first.tool_calls or [])[0]
    messages += [first, {"role": "tool", "tool_call_id": call.id, "content": "3"}]
    options: Any = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(client.chat.completions.create(model="gpt-x", messages=messages, **options))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    return [call.function.name, call.function.arguments, text]


def openai_responses(base: str) -> Any:
    import openai

    client = openai.OpenAI(base_url=f"{base}/v1", api_key="sk-topsecret")
    first = client.responses.create(model="gpt-x", input=ASK)
    call: Any = next(item for item in first.output if item.type == "function_call")
    again: Any = {"input": [{"type": "function_call_output", "call_id": call.call_id, "output": "3"}]}
    with client.responses.stream(model="gpt-x", previous_response_id=first.id, **again) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
    return [call.name, call.arguments, text]


def anthropic_messages(base: str) -> Any:
    import anthropic

    client = anthropic.Anthropic(base_url=base, api_key="sk-topsecret")
    messages: list[Any] = [{"role": "user", "content": ASK}]
    first = client.messages.create(model="claude-x", max_tokens=10, messages=messages)
    call: Any = next(block for block in first.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "3"}
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    with client.messages.stream(model="claude-x", max_tokens=10, messages=messages) as stream:
        text = "".join(stream.text_stream)
    return [call.name, json.dumps(call.input), text]


async def _async_chat(base: str) -> Any:
    import openai

    async with openai.AsyncOpenAI(base_url=f"{base}/v1", api_key="sk-topsecret") as client:
        options: Any = {"stream": True}
        stream = await client.chat.completions.create(
            model="gpt-x", messages=[{"role": "user", "content": ASK}], **options
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


def openai_async(base: str) -> Any:
    import asyncio

    return asyncio.run(_async_chat(base))


def openai_retry(base: str) -> Any:
    import openai

    client = openai.OpenAI(base_url=f"{base}/v1", api_key="sk-topsecret", max_retries=1)
    answer = client.chat.completions.create(model="gpt-x", messages=[{"role": "user", "content": ASK}])
    return answer.choices[0].message.content


PROGRAMS: dict[str, Callable[[str], Any]] = {
    "openai_chat": openai_chat,
    "openai_responses": openai_responses,
    "anthropic_messages": anthropic_messages,
    "openai_async": openai_async,
    "openai_retry": openai_retry,
}

if __name__ == "__main__":
    print(json.dumps(PROGRAMS[sys.argv[1]](sys.argv[2])))
