"""Upstream servers and proxies that end with the test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muniment.agent.state import State
from tests.agent_proxy.running import RunningProxy, mcp_proxy, model_proxy
from tests.agent_proxy.upstreams import Conversation, Upstream


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


@pytest.fixture
def upstream() -> Iterator[Callable[..., Upstream]]:
    """Makes upstream servers; what went wrong inside one fails the test."""
    made: list[Upstream] = []

    def make(play: Callable[[Conversation], None], **options: bool) -> Upstream:
        made.append(Upstream(play, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
    assert [error for one in made for error in one.errors] == []


@pytest.fixture
def models(state: State, upstream: Callable[..., Upstream]) -> Iterator[Callable[..., RunningProxy]]:
    """Makes proxies before a model API; given how that API answers, or where it is."""
    with contextlib.ExitStack() as open_:

        def make(play: Callable[[Conversation], None] | str, *arguments: object, **options: object) -> RunningProxy:
            url = play if isinstance(play, str) else upstream(play).url
            running = model_proxy(url, state, *arguments, **options)  # type: ignore[arg-type]
            open_.callback(running.close)
            return running

        yield make


@pytest.fixture
def mcp_server(state: State, upstream: Callable[..., Upstream]) -> Iterator[Callable[..., RunningProxy]]:
    """Makes proxies before an MCP server; given how that server answers, or where it is."""
    with contextlib.ExitStack() as open_:

        def make(play: Callable[[Conversation], None] | str, **options: object) -> RunningProxy:
            url = play if isinstance(play, str) else upstream(play).url + "/mcp"
            running = mcp_proxy(url, state, **options)  # type: ignore[arg-type]
            open_.callback(running.close)
            return running

        yield make
