"""Answers of OpenAI's responses API.

Source: OpenAI API reference, "Responses": the response object, streaming events.
"""

from muniment.agent.models.answer import Answer, StreamReader, ToolCall
from muniment.agent.models.jsonvalues import Object, a_string, an_object, objects, parsed

_LAST = frozenset({"response.completed", "response.failed", "response.incomplete", "response.cancelled"})


class ResponsesReader(StreamReader):
    """Reads one answer. The event that ends a stream carries the whole of it; until then it is put together."""

    def __init__(self) -> None:
        super().__init__()
        self._response: Object = {}
        self._items: dict[int, Object] = {}
        self._texts: dict[int, list[str]] = {}

    def document(self, value: Object) -> Answer:
        """An answer that came as one JSON document."""
        answer = Answer(id=a_string(value.get("id")), model=a_string(value.get("model")))
        usage = an_object(value.get("usage"))
        answer.count("in", usage.get("input_tokens"))
        answer.count("out", usage.get("output_tokens"))
        answer.count("cached", an_object(usage.get("input_tokens_details")).get("cached_tokens"))
        answer.count("reasoning", an_object(usage.get("output_tokens_details")).get("reasoning_tokens"))
        said = []
        for item in objects(value.get("output")):
            kind = str(item.get("type", ""))
            said += [
                str(part.get("text", "")) for part in objects(item.get("content")) if part.get("type") == "output_text"
            ]
            if kind.endswith("_call"):
                identifier = item.get("call_id") or item.get("id") or ""
                answer.tool_calls.append(ToolCall(str(item.get("name") or kind), str(identifier)))
        answer.text = "".join(said)
        if status := a_string(value.get("status")):
            reason = a_string(an_object(value.get("incomplete_details")).get("reason"))
            answer.finish.append(f"{status}:{reason}" if reason else status)
            answer.going_on = status in ("queued", "in_progress")
            answer.finished = not answer.going_on
        if value.get("error") is not None:
            answer.failed(value["error"])
        return answer

    def event(self, name: str, data: bytes) -> None:
        """One event of a streamed answer."""
        if data.strip() == b"[DONE]":
            self._done = True
            return
        event = an_object(parsed(data))
        kind = a_string(event.get("type")) or name
        index = event.get("output_index")
        place = index if type(index) is int else 0
        if isinstance(event.get("response"), dict):
            self._response = an_object(event["response"])
            self._done = self._done or kind in _LAST
        elif kind == "error":
            self._error = event.get("error") or event
        elif kind in ("response.output_item.added", "response.output_item.done"):
            if self._budget.take(data.decode("utf-8", "replace")):
                self._items[place] = an_object(event.get("item"))
            if kind.endswith("done"):
                self._texts.pop(place, None)
        elif kind == "response.output_text.delta":
            text = str(event.get("delta", ""))
            if self._budget.take(text):
                self._texts.setdefault(place, []).append(text)

    def assembled(self) -> Object:
        """The streamed answer as one response object."""
        if self._done and objects(self._response.get("output")):
            return self._response
        items = []
        for place in sorted(self._items.keys() | self._texts.keys()):
            item = dict(self._items.get(place) or {"type": "message"})
            if place in self._texts:
                item["content"] = [{"type": "output_text", "text": "".join(self._texts[place])}]
            items.append(item)
        return {**self._response, "output": items}
