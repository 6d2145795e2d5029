"""Answers of Anthropic's messages API.

Source: Anthropic API reference, "Messages", "Streaming messages".
"""

from muniment.agent.models.answer import Answer, StreamReader, ToolCall
from muniment.agent.models.jsonvalues import Object, a_count, a_string, an_object, objects, parsed

_DELTAS = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
    "input_json_delta": ("partial_json", "input"),
    "compaction_delta": ("content", "content"),
}
"""Kind of delta -> the key it carries, the key of the block that it continues."""


class MessagesReader(StreamReader):
    """Reads one answer."""

    def __init__(self) -> None:
        super().__init__()
        self._message: Object = {}
        self._usage: Object = {}
        self._blocks: dict[int, Object] = {}
        self._pieces: dict[tuple[int, str], list[str]] = {}

    def document(self, value: Object) -> Answer:
        """An answer that came as one JSON document."""
        answer = Answer(id=a_string(value.get("id")), model=a_string(value.get("model")))
        usage = an_object(value.get("usage"))
        # This API counts what came from its cache, or went into it, apart from `input_tokens`.
        parts = [usage.get(key) for key in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")]
        counted = [number for number in map(a_count, parts) if number is not None]
        if counted:
            answer.tokens["in"] = sum(counted)
        answer.count("out", usage.get("output_tokens"))
        answer.count("cached", usage.get("cache_read_input_tokens"))
        answer.count("reasoning", an_object(usage.get("output_tokens_details")).get("thinking_tokens"))
        said = []
        for block in objects(value.get("content")):
            kind = str(block.get("type", ""))
            if kind == "text":
                said.append(a_string(block.get("text")) or "")
            elif kind.endswith("tool_use"):
                answer.tool_calls.append(ToolCall(str(block.get("name") or kind), str(block.get("id", ""))))
        answer.text = "".join(said)
        if reason := a_string(value.get("stop_reason")):
            answer.finish.append(reason)
        answer.finished = bool(answer.finish)
        if value.get("type") == "error" or value.get("error") is not None:
            answer.failed(value.get("error"))
        return answer

    def event(self, name: str, data: bytes) -> None:
        """One event of a streamed answer."""
        event = an_object(parsed(data))
        kind = a_string(event.get("type")) or name
        index = event.get("index")
        place = index if type(index) is int else 0
        if kind == "message_start":
            self._message = an_object(event.get("message"))
            self._usage |= an_object(self._message.get("usage"))
        elif kind == "content_block_start":
            if self._budget.take(data.decode("utf-8", "replace")):
                self._blocks[place] = an_object(event.get("content_block"))
        elif kind == "content_block_delta":
            delta = an_object(event.get("delta"))
            given, key = _DELTAS.get(str(delta.get("type")), ("", ""))
            piece = a_string(delta.get(given))
            if piece and self._budget.take(piece):
                self._pieces.setdefault((place, key), []).append(piece)
        elif kind == "message_delta":
            self._message = {**self._message, **an_object(event.get("delta"))}
            self._usage |= {key: value for key, value in an_object(event.get("usage")).items() if value is not None}
        elif kind == "message_stop":
            self._done = True
        elif kind == "error":
            self._error = event.get("error")

    def assembled(self) -> Object:
        """The streamed answer as one message."""
        blocks = []
        for place, block in sorted(self._blocks.items()):
            whole = dict(block)
            for (at, key), pieces in self._pieces.items():
                if at != place:
                    continue
                text = "".join(pieces)
                value = parsed(text.encode("utf-8", "replace")) if key == "input" else None
                before = whole.get(key)
                whole[key] = value if value is not None else (before if isinstance(before, str) else "") + text
            blocks.append(whole)
        return {**self._message, "content": blocks, "usage": self._usage}
