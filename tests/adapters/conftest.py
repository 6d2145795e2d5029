"""One scene of those that a module's `scenes` has played."""

import pytest

from tests.adapters.running import Scene


@pytest.fixture
def scene(scenes: dict[str, Scene], request: pytest.FixtureRequest) -> Scene:
    return scenes[request.param]
