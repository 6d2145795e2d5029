"""Answers of APIs that do not speak: embeddings, and what is not known here at all."""

from muniment.agent.models.answer import Answer
from muniment.agent.models.jsonvalues import Object, a_string, an_object


class PlainReader:
    """Reads the few facts that such answers have in common; their streams are not read.

    Source: OpenAI API reference, "Embeddings".
    """

    def document(self, value: Object) -> Answer:
        """An answer that came as one JSON document."""
        answer = Answer(id=a_string(value.get("id")), model=a_string(value.get("model")), finished=True)
        answer.count("in", an_object(value.get("usage")).get("prompt_tokens"))
        data = value.get("data")
        if value.get("object") == "list" and isinstance(data, list) and a_string(value.get("model")):
            answer.embeddings = len(data)
        if value.get("error") is not None:
            answer.failed(value["error"])
        return answer

    def event(self, name: str, data: bytes) -> None:
        """Nothing is known about these events."""

    def so_far(self) -> Answer:
        """Nothing: the end of such a stream is the end of its bytes."""
        return Answer(finished=True)

    @property
    def done(self) -> bool:
        """Such a stream has no last event."""
        return False

    def assembled(self) -> Object:
        """Nothing."""
        return {}
