"""A tenant's log with traces across agents, and people and keys that ask for them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.explorer.conftest import Reader, reading
from tests.server.events import complete
from tests.support.browser import browser, visitor, visitors
from tests.support.servers import Installation

__all__ = [
    "asking",
    "browser",
    "reader",
    "visitor",
    "visitors",
]


@pytest.fixture(scope="module")
def reader(installation: Installation) -> Iterator[Reader]:
    """Somebody in a tenant that the tests of a module share: each records events of its own and asks for those."""
    with reading(installation, installation.tenant()) as someone:
        yield someone


@pytest.fixture(scope="module")
def asking(reader: Reader) -> Iterator[httpx.Client]:
    """A client with a read key."""
    with reader.tenant.client("read") as client:
        yield client


def agent(name: str) -> dict[str, str]:
    return {"id": f"agent:{name}", "type": "agent"}


def told(reader: Reader, **changes: object) -> tuple[int, str]:
    """Record an event of which anything may be said, its time and source too; its place and its reference."""
    submission = complete(reader.source)
    submission["event"] |= changes
    with reader.tenant.client() as client:
        answer = client.post("/api/events", json=submission)
    assert answer.status_code == 201, answer.text
    event = submission["event"]
    return answer.json()["seq"], f"{event['source']['id']}/{event['id']}"


def delegation(reader: Reader, trace: str) -> dict[str, tuple[int, str]]:
    """A delegates to B, which calls an API, which triggers C; one branch fails, one is refused. C has no trace."""
    one: dict[str, Any] = {"trace": {"id": trace}}
    asked = reader.record(action="agent.delegate", actor=agent("a"), **one)
    began = reader.record(action="agent.start", actor=agent("b"), causes=[asked[1]], **one)
    called = reader.record(tool="http_request", actor=agent("b"), causes=[began[1]], outcome="unknown", **one)
    failed = reader.record(
        tool="http_request", action="tool.result", actor=agent("b"), causes=[called[1]], outcome="failure", **one
    )
    refused = reader.record(tool="delete_all", actor=agent("b"), causes=[began[1]], outcome="denied", **one)
    triggered = reader.record(tool="deploy", actor=agent("c"), causes=[called[1]])
    return {
        "asked": asked, "began": began, "called": called, "failed": failed, "refused": refused, "triggered": triggered,
    }  # fmt: skip
