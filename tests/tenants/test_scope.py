"""The tenant is set for one transaction and for nothing else, whatever happens in it: see `tests/tenants/inside.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.authorization.world import World
from tests.support.people import make_person
from tests.support.servers import Installation, Tenant
from tests.tenants.conftest import environment
from tests.tenants.inside import ATTACKS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def told(installation: Installation) -> dict[str, str]:
    """What every attack says of itself, with rows of both tenants in every table."""
    world = World(installation, installation.tenant(), installation.tenant())
    world.plant()
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.tenants.inside",
            str(world.ours.made.tenant_id),
            str(world.theirs.made.tenant_id),
        ],
        cwd=ROOT,
        env=environment(installation.places, installation.database.url("app")),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


@pytest.mark.parametrize("attack", sorted(ATTACKS))
def test_inside_the_server(told: dict[str, str], attack: str) -> None:
    assert told[attack] == ""


def test_requests_that_share_connections_answer_from_their_own_tenant(
    installation: Installation, tenant: Tenant, other: Tenant
) -> None:
    """One person in two tenants, many requests at once, some of which fail in the middle."""
    person = make_person(installation, tenant, "viewer")
    person.join(other.made.tenant_id, other.made.slug, "viewer")
    with person.signed_in() as client:

        def ask(number: int) -> tuple[int, str]:
            asked = (tenant, other)[number % 2].made
            if number % 3 == 0:
                wrong = ("entries/999999", "entries?cursor=broken", "entries?actor=%00", "roles")[number % 4]
                assert client.get(f"/t/{asked.slug}/api/{wrong}").status_code >= 400
            return number, client.get(f"/t/{asked.slug}/api/log").json()["origin"]

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(ask, range(80)))
    assert [origin for _, origin in answers] == [(tenant, other)[number % 2].origin for number, _ in answers]
