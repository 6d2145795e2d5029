"""Answers that a client gets in the server's place."""

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from muniment.agent.mcp.jsonrpc import Message

NOT_RECORDED: Final = -32_010
"""JSON-RPC error code: the request could not be recorded, and was therefore not forwarded."""
REFUSED: Final = -32_011
"""JSON-RPC error code: a policy refused the request, or the ledger did not accept it."""


class Passage(NamedTuple):
    """What to do instead of forwarding a message as it came.

    Attributes:
        forward: what to forward instead; None: nothing.
        answer: what the client is answered, without a newline, empty for nothing to say; None where something is
            forwarded.
    """

    forward: bytes | None
    answer: bytes | None


def error(identifier: object, code: int, message: str, data: dict[str, object] | None = None) -> bytes:
    """One JSON-RPC error response.

    Args:
        identifier: the request's id as parsed.
        code: `NOT_RECORDED` or `REFUSED`.
        message: for people.
        data: for programs.

    Source: JSON-RPC 2.0, section 5.1.
    """
    said: dict[str, object] = {"code": code, "message": f"muniment: {message}"}
    if data:
        said["data"] = data
    return json.dumps({"jsonrpc": "2.0", "id": identifier, "error": said}).encode("ascii")


def expects_answer(message: Message) -> bool:
    """Whether it is a request: something with a method and an id."""
    return "id" in message.value and message.methods != (None,)


def together(errors: Sequence[bytes], batch: bool) -> bytes:
    """One error for one message, an array of them for a batch; empty where nobody expects an answer."""
    if not errors:
        return b""
    return b"[" + b",".join(errors) + b"]" if batch else errors[0]
