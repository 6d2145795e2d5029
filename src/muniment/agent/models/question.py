"""What a request to a model API asks for."""

from dataclasses import dataclass
from typing import Final

from muniment.agent.models.api import Api
from muniment.agent.models.jsonvalues import a_string, an_object, objects, parsed, twice

_MAX_SECOND_LOOK: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Question:
    """A request, as far as it can be read.

    Attributes:
        model: the name that is asked for.
        stream: whether the answer is to come as a stream of events.
        tools: how many tools the model is offered.
        continues: ids of earlier tool calls whose results it brings, and of an earlier answer that it goes on from.
        ambiguous: whether `model` occurs twice; servers differ in which one they take.
        is_json: whether the body is JSON at all.
    """

    model: str | None = None
    stream: bool = False
    tools: int = 0
    continues: tuple[str, ...] = ()
    ambiguous: bool = False
    is_json: bool = False


def read_question(api: Api, body: bytes) -> Question:
    """Read a request's body; what is not there or not readable is left at its default."""
    value = parsed(body)
    if not isinstance(value, dict):
        return Question(is_json=value is not None)
    if api is Api.OTHER:
        return Question(model=a_string(value.get("model")), stream=value.get("stream") is True, is_json=True)
    tools = value.get("tools")
    return Question(
        model=a_string(value.get("model")),
        stream=value.get("stream") is True,
        tools=len(tools) if isinstance(tools, list) else 0,
        continues=tuple(dict.fromkeys(_continues(api, value))),
        ambiguous=len(body) <= _MAX_SECOND_LOOK and twice(body, "model"),
        is_json=True,
    )


def _continues(api: Api, value: dict[str, object]) -> list[str]:
    found: list[object] = []
    if api is Api.CHAT:
        found = [item.get("tool_call_id") for item in objects(value.get("messages")) if item.get("role") == "tool"]
    elif api is Api.RESPONSES:
        found = [value.get("previous_response_id")]
        found += [
            item.get("call_id") for item in objects(value.get("input")) if str(item.get("type", "")).endswith("_output")
        ]
    elif api is Api.MESSAGES:
        for message in objects(value.get("messages")):
            found += [
                an_object(part).get("tool_use_id")
                for part in objects(message.get("content"))
                if str(part.get("type", "")).endswith("tool_result")
            ]
    return [identifier for identifier in found if isinstance(identifier, str) and identifier]
