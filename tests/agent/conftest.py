"""State directories, a fake ledger, and reading back what a spool holds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muniment.agent.shipping.client import LedgerClient
from muniment.agent.shipping.shipper import Shipper
from muniment.agent.state import State
from tests.agent.fake_ledger import KEY, FakeLedger, RunningLedger


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


@pytest.fixture
def ledger() -> Iterator[FakeLedger]:
    running = RunningLedger()
    yield running.ledger
    running.close()


@pytest.fixture
def shipper(state: State, ledger: FakeLedger) -> Iterator[Callable[..., Shipper]]:
    """Makes shippers; by default impatient ones."""
    with contextlib.ExitStack() as open_:

        def make(**options: float) -> Shipper:
            client = LedgerClient(ledger.url, KEY, timeout=10)
            open_.callback(client.close)
            made = Shipper(state, client, {}, **{"patience": 0.0, **options})  # type: ignore[arg-type]
            open_.callback(made.close)
            return made

        yield make
