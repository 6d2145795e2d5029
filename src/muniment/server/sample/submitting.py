"""Hands the sample's events to the running server, as any client would."""

from collections.abc import Sequence
from typing import Any

import httpx

from muniment.core.errors import Refused
from muniment.server.sample.numbering import Line

_BATCH = 250


def submit(url: str, token: str, lines: Sequence[Line]) -> int:
    """Post the lines of one source with its API key.

    Args:
        url: of the server.
        token: an append key.
        lines: in the order of the source.

    Returns:
        How many were recorded.

    Raises:
        Refused: if the server answers otherwise than it should.
    """
    recorded = 0
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
        for start in range(0, len(lines), _BATCH):
            batch = lines[start : start + _BATCH]
            answer = client.post("/api/events", content=b"\n".join(line.text for line in batch) + b"\n")
            if answer.status_code not in (201, 207):
                raise Refused(f"the server answers {answer.status_code}: {answer.text[:500]}", "sample")
            for line, result in zip(batch, answer.json()["results"], strict=True):
                recorded += _judge(line, result)
    return recorded


def _judge(line: Line, result: dict[str, Any]) -> int:
    accepted = result.get("state") == "recorded"
    if accepted != line.accepted:
        raise Refused(f"the server should have {'taken' if line.accepted else 'refused'} this: {result}", "sample")
    return int(accepted)
