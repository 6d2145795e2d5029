"""Answers of OpenAI's chat completions, and of the many servers that speak like it.

Source: OpenAI API reference, "Chat completions": the chat completion object, the chat completion chunk object.
"""

from muniment.agent.models.answer import Answer, StreamReader, ToolCall
from muniment.agent.models.jsonvalues import Object, a_string, an_object, objects, parsed


class ChatReader(StreamReader):
    """Reads one answer. Parts of a delta that are not known here are put together like its text."""

    def __init__(self) -> None:
        super().__init__()
        self._head: Object = {}
        self._usage: Object = {}
        self._choices: dict[int, Object] = {}
        self._pieces: dict[tuple[int, str], list[str]] = {}
        self._calls: dict[int, dict[int, Object]] = {}
        self._arguments: dict[tuple[int, int], list[str]] = {}

    def document(self, value: Object) -> Answer:
        """An answer that came as one JSON document."""
        answer = Answer(id=a_string(value.get("id")), model=a_string(value.get("model")))
        usage = an_object(value.get("usage"))
        answer.count("in", usage.get("prompt_tokens"))
        answer.count("out", usage.get("completion_tokens"))
        answer.count("cached", an_object(usage.get("prompt_tokens_details")).get("cached_tokens"))
        answer.count("reasoning", an_object(usage.get("completion_tokens_details")).get("reasoning_tokens"))
        said = []
        for choice in objects(value.get("choices")):
            message = an_object(choice.get("message"))
            said.append(a_string(message.get("content")) or "")
            if finish := a_string(choice.get("finish_reason")):
                answer.finish.append(finish)
            for call in objects(message.get("tool_calls")):
                tool = an_object(call.get("function")) or an_object(call.get("custom"))
                answer.tool_calls.append(ToolCall(str(tool.get("name", "")), str(call.get("id", ""))))
        answer.text = "".join(said)
        answer.finished = bool(answer.finish)
        if "error" in value and value["error"] is not None:
            answer.failed(value["error"])
        return answer

    def event(self, name: str, data: bytes) -> None:
        """One chunk of a streamed answer, or the `[DONE]` that ends it."""
        if data.strip() == b"[DONE]":
            self._done = True
            return
        chunk = an_object(parsed(data))
        if chunk.get("error") is not None or name == "error":
            self._error = chunk.get("error") or chunk
            return
        for key in ("id", "created", "model", "system_fingerprint", "service_tier"):
            if chunk.get(key):
                self._head[key] = chunk[key]
        self._usage = an_object(chunk.get("usage")) or self._usage
        for part in objects(chunk.get("choices")):
            index = part.get("index")
            place = index if type(index) is int else 0
            choice = self._choices.setdefault(place, {"index": place, "finish_reason": None})
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
            self._delta(place, an_object(part.get("delta")))

    def _delta(self, place: int, delta: Object) -> None:
        for key, value in delta.items():
            if key == "tool_calls":
                for piece in objects(value):
                    self._tool_call(place, piece)
            elif isinstance(value, str) and key != "role" and self._budget.take(value):
                self._pieces.setdefault((place, key), []).append(value)

    def _tool_call(self, place: int, piece: Object) -> None:
        index = piece.get("index")
        calls = self._calls.setdefault(place, {})
        number = index if type(index) is int else len(calls)
        call = calls.setdefault(number, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
        for key in ("id", "type"):
            call[key] = a_string(piece.get(key)) or call[key]
        given, kept = an_object(piece.get("function")), an_object(call["function"])
        if name := a_string(given.get("name")):
            kept["name"] = name
        arguments = a_string(given.get("arguments"))
        if arguments and self._budget.take(arguments):
            self._arguments.setdefault((place, number), []).append(arguments)

    def _ended(self) -> bool:
        # The marker counts, or every choice having said why it ended: not all servers send the marker.
        ended = bool(self._choices) and all(choice["finish_reason"] for choice in self._choices.values())
        return self._done or (ended and self._error is None)

    def assembled(self) -> Object:
        """The streamed answer as one chat completion."""
        choices = []
        for place, choice in sorted(self._choices.items()):
            message: Object = {"role": "assistant", "content": None}
            message |= {key: "".join(parts) for (at, key), parts in self._pieces.items() if at == place}
            calls = sorted(self._calls.get(place, {}).items())
            if calls:
                message["tool_calls"] = [self._whole(place, number, call) for number, call in calls]
            choices.append({**choice, "message": message})
        whole: Object = {"object": "chat.completion", **self._head, "choices": choices}
        if self._usage:
            whole["usage"] = self._usage
        return whole

    def _whole(self, place: int, number: int, call: Object) -> Object:
        arguments = "".join(self._arguments.get((place, number), []))
        return {**call, "function": {**an_object(call["function"]), "arguments": arguments}}
