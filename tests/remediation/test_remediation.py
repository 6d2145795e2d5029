"""Tasks, findings and incidents over the API: their steps, who may take them, what is recorded and refused."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.controls.conftest import Office, refused, service_token
from tests.populations.conftest import Desk
from tests.support.servers import client_with


def opened(office: Office, **given: Any) -> Any:
    return office.ask("POST", "/api/findings", 201, **{"title": "Keys older than a year", "severity": "high", **given})


def step(office: Office, path: str, name: str, **given: Any) -> Any:
    return office.ask("POST", f"/api/{path}/steps", 200, step=name, **given)


def test_a_finding_goes_on_step_by_step_and_each_is_an_entry(office: Office) -> None:
    made = opened(office, owner=office.owner, controls=["soc2:CC6.1"], source="audit", reference="Report 7")
    assert (made["state"], made["number"]) == ("open", 1)
    step(office, f"findings/{made['id']}", "start")
    done = step(office, f"findings/{made['id']}", "resolve", comment="Rotated all of them")
    assert done["state"] == "resolved"
    assert done["resolved_by"].startswith("key:")
    steps = office.ask("GET", f"/api/findings/{made['id']}/steps")["steps"]
    assert [(one["step"], one["before"], one["after"]) for one in steps] == [
        ("create", None, "open"),
        ("start", "open", "remediating"),
        ("resolve", "remediating", "resolved"),
    ]
    events = [one["entry"]["event"] for one in office.desk.entries(action="finding.change")]
    assert [one["resource"]["id"] for one in events] == [made["id"]] * 3
    assert {"step=resolve", "state=resolved", "severity=high"} <= set(events[2]["labels"])
    assert all(one["causes"] for one in events[1:])
    with client_with(office.desk.installation.url, office.token) as client:
        path = f"/api/findings/{made['id']}/steps"
        assert refused(client.post(path, json={"step": "verify", "comment": "ok"}))[0] == "by"
        assert refused(client.post(path, json={"step": "start"}))[0] == "state"
    again = step(office, f"findings/{made['id']}", "reopen", comment="One was left")
    assert (again["state"], again["resolved_by"]) == ("remediating", None)


def test_a_task_that_comes_again_is_set_for_its_next_turn_once(office: Office) -> None:
    made = office.ask(
        "POST", "/api/tasks", 201, title="Review access", owner=office.owner, due_on="2028-01-31", recurrence="monthly"
    )
    done = step(office, f"tasks/{made['id']}", "finish", comment="Reviewed")
    assert done["state"] == "done"
    following = office.ask("GET", f"/api/tasks/{done['following']}")
    assert (following["due_on"], following["turn"], following["series"]) == ("2028-02-29", 1, made["id"])
    skipped = step(office, f"tasks/{following['id']}", "skip", comment="Everybody was away")
    third = office.ask("GET", f"/api/tasks/{skipped['following']}")
    assert third["due_on"] == "2028-03-31"
    step(office, f"tasks/{third['id']}", "drop", comment="Not needed any more")
    with client_with(office.desk.installation.url, office.token) as client:
        again = client.post(f"/api/tasks/{made['id']}/steps", json={"step": "finish", "comment": "twice"})
    assert refused(again)[0] == "state"
    assert [one["state"] for one in office.ask("GET", "/api/tasks")["tasks"]] == ["done", "skipped", "dropped"]


def test_an_incident_names_entries_that_are_there_and_is_closed_with_what_was_learned(office: Office) -> None:
    places = office.desk.record(2)
    made = office.ask("POST", "/api/incidents", 201, title="Agent deleted a table", started_at="2026-03-01T10:00:00Z")
    path = f"incidents/{made['id']}"
    with client_with(office.desk.installation.url, office.token) as client:
        absent = client.post(f"/api/{path}/steps", json={"step": "evidence", "entries": [places[0], 9_999_999]})
        assert refused(absent)[0] == "entries"
        early = client.post(
            f"/api/{path}/steps", json={"step": "resolve", "comment": "x", "at": "2026-02-01T00:00:00Z"}
        )
        assert refused(early)[0] == "resolved_at"
        assert refused(client.post(f"/api/{path}/steps", json={"step": "close", "comment": "x"}))[0] == "state"
    assert step(office, path, "evidence", entries=places)["entries"] == places
    step(office, path, "contain", comment="Key revoked")
    step(office, path, "resolve", comment="Restored", at="2026-03-01T12:00:00Z")
    with client_with(office.desk.installation.url, office.token) as client:
        assert refused(client.post(f"/api/{path}/steps", json={"step": "close", "comment": "x"}))[0] == "lessons"
    closed = step(office, path, "close", comment="Agreed", lessons="Ask before deleting")
    assert (closed["state"], closed["lessons"]) == ("closed", "Ask before deleting")
    found = opened(office, incident=made["id"], source="incident")
    assert office.ask("GET", f"/api/findings?incident={made['id']}")["findings"][0]["id"] == found["id"]


def test_of_two_who_finish_a_turn_at_once_one_does_and_one_turn_follows(office: Office) -> None:
    made = office.ask(
        "POST", "/api/tasks", 201, title="Review access", owner=office.owner, due_on="2028-01-31", recurrence="yearly"
    )

    def finish(place: int) -> int:
        with client_with(office.desk.installation.url, office.token) as client:
            said = {"step": "finish", "comment": f"Reviewed by {place}"}
            return client.post(f"/api/tasks/{made['id']}/steps", json=said).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(finish, range(4)))
    assert answers == [200, 422, 422, 422]
    assert [one["due_on"] for one in office.ask("GET", "/api/tasks")["tasks"]] == ["2028-01-31", "2029-01-31"]


def test_nothing_of_another_tenant_is_named(office: Office) -> None:
    """An id of another tenant is as one that is nowhere."""
    other = office.desk.installation.tenant()
    token = service_token(Desk(office.desk.installation, other, "src_x", office.desk.reading), "analyst")
    with client_with(office.desk.installation.url, token) as client:
        theirs = client.post("/api/incidents", json={"title": "x", "started_at": "2026-03-01T10:00:00Z"}).json()["id"]
        asset = client.post("/api/assets", json={"name": "x"}).json()["id"]
    with client_with(office.desk.installation.url, office.token) as client:
        assert client.get(f"/api/incidents/{theirs}").status_code == 404
        assert client.post("/api/findings", json={"title": "x", "incident": theirs}).status_code == 404
        assert refused(client.post("/api/findings", json={"title": "x", "asset": asset}))[0] == "asset"
        assert office.ask("GET", "/api/incidents")["incidents"] == []
