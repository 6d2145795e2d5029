"""The commands count, save, draw, walk, mark and take out what the API gives, and say no where it says no."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from muniment.cli.main import muniment
from tests.populations.conftest import Desk


@pytest.fixture
def run(desk: Desk) -> Callable[..., Result]:
    def ran(*arguments: str, token: str | None = None) -> Result:
        environment = {
            "MUNIMENT_URL": desk.installation.url,
            "MUNIMENT_READ_KEY": token or desk.tenant.made.tokens["read"],
            "NO_PROXY": "*",
        }
        return CliRunner().invoke(muniment, list(arguments), env=environment)

    return ran


def test_from_a_count_to_a_verified_bundle(desk: Desk, run: Callable[..., Result], tmp_path: Path) -> None:
    places = desk.record(9, controls=["own:1"], actor={"id": "agent:\u202ered", "type": "agent"})
    desk.seal()
    counted = run("population", "count", "--control", "own:1")
    assert counted.exit_code == 0, counted.output
    assert counted.output.startswith("9 entries\n")
    assert "checkpoint   size" in counted.output
    saved = json.loads(run("population", "save", "First", "--control", "own:1", "--json").output)
    assert saved["count"] == 9
    shown = run("population", "show", saved["id"], "--limit", "4")
    assert "The first 4 of 9 are shown." in shown.output
    assert "\u202e" not in shown.output
    assert saved["id"] in run("population", "show").output
    drawn = json.loads(run("sample", "draw", saved["id"], "--count", "3", "--json").output)
    assert set(drawn["places"]) <= set(places)
    walked = run("sample", "walk", drawn["id"])
    assert walked.exit_code == 0, walked.output
    assert "3 of 3 entries lead to the checkpoint's root." in walked.output
    bundle = tmp_path / "sample.bundle"
    taken = run("sample", "export", drawn["id"], "-o", str(bundle), "--no-known-logs")
    assert taken.exit_code == 0, taken.output
    assert bundle.read_bytes().count(b"\nE ") == 3
    too_many = run("sample", "draw", saved["id"], "--count", "10")
    assert too_many.exit_code != 0
    assert "the population has 9 items" in str(too_many.exception)


def test_a_walk_over_a_changed_entry_fails(desk: Desk, run: Callable[..., Result]) -> None:
    (place,) = desk.record(1, controls=["own:1"])
    desk.seal()
    sample = desk.draw(desk.save(control="own:1")["id"], method="random", count=1)["id"]
    with desk.tenant.in_database() as raw, raw.transaction():
        raw.execute("SET LOCAL session_replication_role = replica")
        raw.execute(
            "UPDATE ledger.entries SET entry = replace(entry, 'agent:a', 'agent:b') WHERE log_id = %s AND seq = %s",
            [desk.tenant.made.log_id, place],
        )
    walked = run("sample", "walk", sample)
    assert walked.exit_code == 1
    assert "FAILS" in walked.output
    assert "0 of 1 entries" in walked.output


def test_a_plain_read_key_marks_nothing_and_a_service_account_may(desk: Desk, run: Callable[..., Result]) -> None:
    desk.record(2, controls=["own:1"])
    desk.seal()
    sample = desk.draw(desk.save(control="own:1")["id"], method="random", count=1)
    mark = ("sample", "mark", sample["id"], str(sample["places"][0]), "--tick", "agreed")
    refused = run(*mark)
    assert refused.exit_code != 0
    assert "sample.mark" in str(refused.exception)
    key, token = desk.tenant.new_key("read")
    with desk.tenant.in_database() as raw:
        role = raw.execute(
            "SELECT id FROM django.members_role WHERE tenant_id = %s AND code = 'analyst'", [desk.tenant.made.tenant_id]
        ).fetchone()
        assert role is not None
        raw.execute(
            "INSERT INTO django.members_service (id, tenant_id, name, roles, created_at) "
            "VALUES ('svc_01', %s, 'review', %s, now())",
            [desk.tenant.made.tenant_id, [role[0]]],
        )
        raw.execute(
            "INSERT INTO django.members_servicekey (key_id, tenant_id, service_id, created_at) "
            "VALUES (%s, %s, 'svc_01', now())",
            [key, desk.tenant.made.tenant_id],
        )
    marked = run(*mark, token=token)
    assert marked.exit_code == 0, marked.output
    assert "Mark 1 of entry" in marked.output
    (entry,) = desk.entries(action="sample.mark")
    assert entry["entry"]["event"]["actor"]["id"] == f"key:{key}"
