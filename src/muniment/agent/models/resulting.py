"""How an invocation ended, and what its answer says, as an event's outcome and labels."""

from typing import Final

from muniment.agent.models.answer import Answer
from muniment.agent.models.contents import text_hash
from muniment.agent.models.sightings import Sighting
from muniment.agent.proxy.exchange import Ending

_MAX_CALLS: Final = 8
"""Tool calls that are named by labels; the body, where there is one, has them all."""


def outcome_of(ending: Ending, status: int | None, sighting: Sighting | None, answer: Answer | None) -> str:
    """The outcome of an invocation.

    `failure`: the server was never reached, answered with an error status, or reported an error. `unknown`: the answer
    did not come to its end, or does not say that it is at its end, or says that the work goes on. `success`: otherwise;
    what the model says is not judged.
    """
    if ending is Ending.UNREACHABLE or (status is not None and status >= 400):
        return "failure"
    if answer is not None and answer.error is not None:
        return "failure"
    if ending is not Ending.COMPLETE or sighting is None:
        return "unknown"
    if sighting.unread is not None or answer is None:
        return "success" if sighting.unread is None and not sighting.understood else "unknown"
    return "success" if answer.finished else "unknown"


def labels_of(
    ending: Ending,
    status: int | None,
    asked: str | None,
    sighting: Sighting | None,
    answer: Answer | None,
    hashes: bool,
) -> dict[str, object]:
    """What is known of an answer, as labels; at most 24.

    Args:
        ending: how the exchange ended.
        status: of the answer, if there was one.
        asked: the model that was asked for.
        sighting: the answer's body, if there was one.
        answer: what it says, if it can be read.
        hashes: whether hashes of contents may be recorded.
    """
    labels: dict[str, object] = {}
    if asked is not None:
        labels["model.name"] = asked
    if status is not None:
        labels["http.status"] = status
    if ending is not Ending.COMPLETE:
        labels["answer.cut"] = ending.value
    if sighting is None:
        return labels
    labels["answer.bytes"] = sighting.size
    if hashes:
        labels["answer.sha256"] = sighting.sha256
    if sighting.streamed:
        labels["model.stream"] = "yes"
    if sighting.coding:
        labels["answer.coding"] = sighting.coding
    if sighting.unread is not None:
        labels["answer.unread"] = sighting.unread
    if answer is not None:
        labels |= _said(answer, hashes)
        if ending is Ending.COMPLETE and not answer.finished and answer.error is None and not answer.going_on:
            labels["answer.end"] = "missing"
    return labels


def _said(answer: Answer, hashes: bool) -> dict[str, object]:
    labels: dict[str, object] = {f"tokens.{what}": number for what, number in answer.tokens.items()}
    if answer.model is not None:
        labels["model.answered"] = answer.model
    if answer.finish:
        labels["finish.reason"] = ",".join(dict.fromkeys(answer.finish))
    if answer.tool_calls:
        labels["tool.calls"] = len(answer.tool_calls)
        for number, call in enumerate(answer.tool_calls[:_MAX_CALLS], 1):
            labels[f"tool.call.{number}"] = f"{call.name} {call.id}"
    if answer.text and hashes and not answer.clipped:
        labels["answer.text.sha256"] = text_hash(answer.text)
    if answer.clipped:
        labels["answer.clipped"] = "yes"
    if answer.embeddings is not None:
        labels["embeddings"] = answer.embeddings
    if answer.error is not None:
        labels["error.type"] = answer.error
    return labels
