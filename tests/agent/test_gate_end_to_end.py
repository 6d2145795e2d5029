"""The gate and a source shared by two machines, against the real server and its database."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from muniment.agent.gate import NotAccepted, accepted, ask
from muniment.agent.shipping.client import LedgerClient
from muniment.agent.shipping.gatekeeper import Gatekeeper
from muniment.agent.shipping.shipper import Shipper
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from tests.support.installations import Installation, installation, printed_key


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Installation, str, str]]:
    with installation() as one:
        said = one.up()
        yield one, one.server().url, printed_key(said, "read")


def new_key(one: Installation) -> str:
    return one.run("keys", "create", "append").splitlines()[0]


def events(url: str, reading: str, workspace: str) -> list[dict[str, object]]:
    answer = httpx.get(
        f"{url}/api/entries",
        params={"workspace": workspace, "limit": "100"},
        headers={"authorization": f"Bearer {reading}"},
        timeout=60,
        trust_env=False,
    )
    return [entry["entry"]["event"] for entry in reversed(answer.json()["entries"])]


def test_what_passes_the_gate_is_recorded_once_in_order_and_a_revoked_key_opens_nothing(
    state: State, made: tuple[Installation, str, str]
) -> None:
    one, url, reading = made
    client = LedgerClient(url, new_key(one))
    keeper, shipper = Gatekeeper(state, client), Shipper(state, client, {})
    assert keeper.serve()
    with Spool("gated", state=state) as spool:
        shipping = threading.Thread(target=lambda: [shipper.run_pass() for _ in range(3)])
        shipping.start()
        for number in range(20):
            spool.record(action="tool.call", tool=f"t{number}", workspace="wks-gate")
            written = spool.write(action="config.change", tool=f"g{number}", workspace="wks-gate", durable=True)
            receipt = ask(spool, written, 60.0)
            assert ask(spool, written, 60.0) == receipt
        shipping.join()
        found = events(url, reading, "wks-gate")
        assert [event["tool"] for event in found] == [f"{kind}{number}" for number in range(20) for kind in "tg"]

        one.run("keys", "revoke", client.key_id)
        with pytest.raises(NotAccepted) as caught:
            accepted(spool, 60.0, action="config.change", workspace="wks-gate")
    assert caught.value.kind == "refused"
    assert len(events(url, reading, "wks-gate")) == 40
    keeper.close()
    shipper.close()
    client.close()


def test_of_two_machines_with_one_source_id_and_two_keys_the_second_ones_events_become_dead_letters(
    state: State, tmp_path: Path, made: tuple[Installation, str, str]
) -> None:
    one, url, reading = made
    state.source_id("twin")
    other = State(tmp_path / "other")
    shutil.copytree(state.root, other.root)
    shippers = []
    for place in (state, other):
        client = LedgerClient(url, new_key(one))
        shippers.append(Shipper(place, client, {}))
        with Spool("twin", state=place) as spool:
            for number in range(3):
                spool.record(action="tool.call", tool=f"{place.root.name}-{number}", workspace="wks-twin")
        shippers[-1].run_pass()
    first, second = shippers
    assert (first.proven, first.gaps.refused) == (3, 0)
    assert (second.proven, second.gaps.refused) == (0, 3)
    assert len(list(other.dead_letter.glob("src_*/*/*.json"))) == 3
    assert [event["tool"] for event in events(url, reading, "wks-twin")] == [f"{state.root.name}-{n}" for n in range(3)]
    for shipper in shippers:
        shipper.close()


def test_of_two_machines_with_one_source_id_and_one_key_each_ships_epochs_of_its_own(
    state: State, tmp_path: Path, made: tuple[Installation, str, str]
) -> None:
    one, url, reading = made
    state.source_id("pair")
    other = State(tmp_path / "other")
    shutil.copytree(state.root, other.root)
    client = LedgerClient(url, new_key(one))
    for place in (state, other):
        with Spool("pair", state=place) as spool:
            spool.record(action="tool.call", workspace="wks-pair")
        shipper = Shipper(place, client, {})
        shipper.run_pass()
        assert shipper.proven == 1
        shipper.close()
    client.close()
    found = [event["source"] for event in events(url, reading, "wks-pair")]
    assert len({source["id"] for source in found}) == 1  # type: ignore[index]
    assert len({source["epoch"] for source in found}) == 2  # type: ignore[index]
