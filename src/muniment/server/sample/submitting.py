"""Hands the sample's events to the running server, as any client would."""

from collections.abc import Sequence
from typing import Any

import httpx

from muniment.core.errors import Refused
from muniment.server.sample.numbering import Line


def submit(client: httpx.Client, token: str, lines: Sequence[Line]) -> int:
    """Post lines of one source with its API key.

    Args:
        client: of the running server.
        token: an append key.
        lines: in the order of the source.

    Returns:
        How many were recorded.

    Raises:
        Refused: if the server answers otherwise than it should.
    """
    answer = client.post(
        "/api/events",
        content=b"\n".join(line.text for line in lines) + b"\n",
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"},
    )
    if answer.status_code not in (201, 207, 422):
        raise Refused(f"the server answers {answer.status_code}: {answer.text[:500]}", "sample")
    return sum(_judge(line, result) for line, result in zip(lines, answer.json()["results"], strict=True))


def _judge(line: Line, result: dict[str, Any]) -> int:
    accepted = result.get("state") == "recorded"
    if accepted != line.accepted:
        raise Refused(f"the server should have {'taken' if line.accepted else 'refused'} this: {result}", "sample")
    return int(accepted)
