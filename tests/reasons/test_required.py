"""A registered change without a reason is refused by name, and nothing of it is lost."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from muniment.ledger.bodies import erase_body
from muniment.ledger.connection import tenant_transaction
from tests.server.events import complete, ulid
from tests.support.servers import Tenant
from tests.support.sitting import Sitting, entries, sitting


def changed(**more: object) -> dict[str, object]:
    """A change as a plain HTTP client posts it."""
    return {"action": "config.change", "actor": {"id": "host:7", "type": "service"}, "outcome": "success", **more}


@pytest.fixture
def administrator(tenant: Tenant) -> Iterator[Sitting]:
    with sitting(tenant) as one:
        yield one


def require(by: Sitting, *actions: str, status: int = 200, **how: Any) -> httpx.Response:
    answer = by.send("PUT", "/api/changes/required", actions=list(actions), **how)
    assert answer.status_code == status, answer.text
    return answer


def test_a_registered_change_without_a_reason_is_refused_and_others_of_its_batch_are_recorded(
    tenant: Tenant, administrator: Sitting
) -> None:
    require(administrator, "config.change", "x.*")
    (registered,) = entries(tenant, action="change.require")
    assert "actions=2" in registered["entry"]["event"]["labels"]
    with tenant.client() as append:
        lone = append.post("/api/events", json={"event": changed(), "payload": {"to": 1}})
        assert lone.status_code == 422
        assert lone.json()["type"] == "urn:muniment:problem:reason-needed"
        assert lone.json()["field"] == "reason"
        batch = append.post(
            "/api/events",
            json={
                "events": [
                    {"event": changed(), "payload": {"reason": "ticket 4711", "to": 2}},
                    {"event": changed(), "payload": {"reason": " "}},
                    {"event": changed(action="x.deploy", labels=["reason=nightly"])},
                    {"event": changed(action="x.deploy")},
                    {"event": changed(action="tool.call", tool="a")},
                    {"event": changed(body={"commit": "00" * 32, "len": 3, "scheme": 1, "type": "application/json"})},
                ]
            },
        )
        assert batch.status_code == 207
        results = batch.json()["results"]
        assert [one.get("state") for one in results] == ["recorded", None, "recorded", None, "recorded", None]
        assert {one["field"] for one in results if "field" in one} == {"reason"}
        assert "was not sent" in results[5]["detail"]
    assert [one["entry"]["event"]["action"] for one in entries(tenant, action="config.change")] == ["config.change"]


def test_a_retry_of_what_was_recorded_before_it_was_registered_gets_its_receipt(
    tenant: Tenant, administrator: Sitting
) -> None:
    event = complete(f"src_{ulid()}", b"{}", action="config.change")
    with tenant.client() as append:
        first = append.post("/api/events", json=event)
        assert first.status_code == 201, first.text
        require(administrator, "config.change")
        again = append.post("/api/events", json=event)
        assert (again.status_code, again.json()["seq"]) == (200, first.json()["seq"])
        assert (
            append.post("/api/events", json=complete(f"src_{ulid()}", b"{}", action="config.change")).status_code == 422
        )


def test_a_shipper_keeps_what_was_refused_and_names_it(
    tenant: Tenant, administrator: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from muniment.cli.main import muniment

    require(administrator, "config.change")
    for name, value in {
        "MUNIMENT_STATE": str(tmp_path), "MUNIMENT_URL": tenant.installation.url,
        "MUNIMENT_KEY": tenant.made.tokens["append"], "NO_PROXY": "*",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    for payload in ('{"to": 1}', '{"to": 2, "reason": "ticket 4711"}'):
        ran = CliRunner().invoke(muniment, ["record", "config.change", "--payload", payload])
        assert ran.exit_code == 0, ran.output
    shipped = CliRunner().invoke(muniment, ["ship", "--wait", "1"])
    tenant.installation.seal()
    # The gap's name is an event of the shipper's own, which goes out behind the others.
    CliRunner().invoke(muniment, ["ship", "--wait", "1"])
    assert [one["entry"]["event"]["action"] for one in entries(tenant, action="config.change")] == ["config.change"], (
        shipped.output
    )
    (refused,) = entries(tenant, action="event.refused")
    assert "refused.field=reason" in refused["entry"]["event"]["labels"]
    assert "refused.problem=reason-needed" in refused["entry"]["event"]["labels"]
    (kept,) = [path for path in (tmp_path / "dead-letter").rglob("*") if path.is_file()]
    assert "reason" in kept.read_text(errors="replace")


def test_reasons_are_asked_for_by_state_and_by_text(tenant: Tenant, administrator: Sitting) -> None:
    with tenant.client() as append:
        places = [
            append.post("/api/events", json={"event": changed(), "payload": payload}).json()["seq"]
            for payload in ({"reason": "Ticket 4711: <b>rotate</b>"}, {"to": 1}, {"reason": "ticket 12"})
        ]
    with tenant.in_database() as raw, tenant_transaction(raw, tenant.made.tenant_id):
        erase_body(raw, by="system:muniment", log_id=tenant.made.log_id, seq=places[2])
    with tenant.client("read") as reading:
        said = reading.get("/api/changes", params={"action": "config.change"}).json()
        assert [(one["seq"], one["state"]) for one in said["changes"]] == [
            (places[2], "erased"),
            (places[1], "none"),
            (places[0], "given"),
        ]
        found = reading.get("/api/changes", params={"text": "TICKET 4711", "state": "given"}).json()["changes"]
        assert [one["reason"] for one in found] == ["Ticket 4711: <b>rotate</b>"]
        first = reading.get("/api/changes", params={"action": "config.change", "limit": 1}).json()
        rest = reading.get("/api/changes", params={"action": "config.change", "below": first["below"]}).json()
        assert [one["seq"] for one in rest["changes"]] == [places[1], places[0]]
        for bad in (
            {"state": "maybe"},
            {"action": "tool.call"},
            {"from": "yesterday"},
            {"text": "a" * 201},
            {"more": "1"},
        ):
            assert reading.get("/api/changes", params=bad).status_code in (400, 422), bad
    shown = administrator.get("/changes")
    assert "&lt;b&gt;rotate" in shown.text
    assert "No reason</span>" in shown.text
    assert "its body was erased" in shown.text
    entry = administrator.get(f"/ledger/{places[0]}")
    assert "Reason for the change" in entry.text
    assert "&lt;b&gt;rotate" in entry.text


def test_a_change_in_the_product_asks_for_its_reason_and_is_rolled_back_until_it_has_one(
    tenant: Tenant, administrator: Sitting
) -> None:
    require(administrator, "workspace.change", "change.require")
    order = {"name": "lab", "region": "local"}
    page = "/settings"
    asked = administrator.submit("/settings/workspaces", page, **order)
    assert asked.status_code == 422, asked.text
    assert "Say why" in asked.text
    assert entries(tenant, action="workspace.change") == []
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', asked.text))
    assert {name: hidden[name] for name in order} == order
    assert "<code>lab</code>" not in administrator.get(page).text
    empty = administrator.submit("/settings/workspaces", page, **order, change_reason="  \x00 ")
    assert empty.status_code == 422
    made = administrator.submit("/settings/workspaces", page, **order, change_reason="a second laboratory")
    assert made.status_code == 200, made.text
    (change,) = entries(tenant, action="workspace.change")
    with tenant.client("read") as reading:
        (said,) = reading.get("/api/changes", params={"action": "workspace.change"}).json()["changes"]
    assert (said["seq"], said["reason"]) == (change["seq"], "a second laboratory")
    # Taking the duty away is a change under the duty.
    refused = require(administrator, status=422)
    assert refused.json()["type"] == "urn:muniment:problem:reason-needed"
    require(administrator, headers={"X-Change-Reason": "not needed any more %E2%80%93 QA"})
    assert require(administrator).json()["actions"] == []


def test_what_is_no_change_cannot_be_registered_and_who_may_not_manage_cannot_register(
    tenant: Tenant, administrator: Sitting
) -> None:
    refused = require(administrator, "tool.call", status=422)
    assert refused.json()["field"] == "actions"
    saved = administrator.submit("/changes/required", "/changes/required", more="x.deploy.*\nbody.erase")
    assert saved.status_code == 422
    assert "is no change that somebody could give a reason for" in saved.text
    done = administrator.submit("/changes/required", "/changes/required", sources="config.change", more="x.deploy.*")
    assert done.status_code == 200
    assert json.dumps(["config.change", "x.deploy.*"]) == json.dumps(
        administrator.get("/api/changes/required").json()["actions"]
    )
    with tenant.client("read") as reading:
        assert reading.put("/api/changes/required", json={"actions": []}).status_code == 403
