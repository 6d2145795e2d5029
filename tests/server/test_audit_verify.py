"""`/api/audit/verify`: what the operator says in public, and that it cannot be used to wear the server out."""

import time
from collections.abc import Callable

import httpx
import pytest

from muniment.ledger.audit_walks import Walk, walk_log
from tests.server.events import event
from tests.support.servers import Installation, Tenant, client_with


def walk(tenant: Tenant) -> Walk:
    with tenant.installation.database.connect("app", autocommit=True) as connection:
        return walk_log(connection, tenant.made.tenant_id, tenant.made.log_id)


def ask(tenant: Tenant, client: httpx.Client) -> httpx.Response:
    return client.get(f"/api/audit/verify/{tenant.made.slug}")


def until(what: Callable[[], httpx.Response], true: Callable[[httpx.Response], bool]) -> httpx.Response:
    """Ask until an answer that was kept for a moment has been forgotten."""
    deadline = time.monotonic() + 20
    while True:
        answer = what()
        if true(answer):
            return answer
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.6)


@pytest.fixture
def nobody(installation: Installation) -> "httpx.Client":
    return client_with(installation.url, None)


def test_before_the_first_walk_nothing_is_said(tenant: Tenant, nobody: httpx.Client) -> None:
    answer = ask(tenant, nobody)
    assert answer.status_code == 200
    said = answer.json()
    assert said["ok"] is None
    assert said["run"] is None
    assert "own statement" in said["note"]


def test_a_whole_log_is_said_to_be_whole_with_run_rows_and_head(tenant: Tenant, nobody: httpx.Client) -> None:
    with tenant.client() as client:
        client.post("/api/events", json={"event": event(), "payload": "secret words"})
    tenant.installation.seal()
    found = walk(tenant)
    answer = ask(tenant, nobody)
    said = answer.json()
    assert (answer.status_code, said["ok"], said["run"]) == (200, True, 1)
    assert said["total_rows"] == found.total_rows
    assert said["head"] == found.head.hex()
    assert said["last_anchor_at"] is None
    assert said["broken_at"] is None
    assert {check["name"] for check in said["checks"]} >= {"chain", "tree", "columns", "bodies", "head"}
    assert said["full_run"]["run"] == 1
    assert "agent:a" not in answer.text


def test_runs_are_numbered(tenant: Tenant) -> None:
    assert [walk(tenant).number, walk(tenant).number] == [1, 2]


def test_an_edited_entry_is_422_and_names_the_place(tenant: Tenant, nobody: httpx.Client) -> None:
    with tenant.client() as client:
        seq = client.post("/api/events", json={"event": event(tool="honest")}).json()["seq"]
        client.post("/api/events", json={"event": event()})
    with tenant.in_database() as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute(
            "UPDATE ledger.entries SET entry = replace(entry, 'honest', 'forged') WHERE log_id = %s AND seq = %s",
            [tenant.made.log_id, seq],
        )
    walk(tenant)
    answer = ask(tenant, nobody)
    assert (answer.status_code, answer.json()["ok"], answer.json()["broken_at"]) == (422, False, seq)


def test_a_tail_that_was_cut_since_the_last_walk_shows_at_once(tenant: Tenant, nobody: httpx.Client) -> None:
    with tenant.client() as client:
        seq = client.post("/api/events", json={"event": event()}).json()["seq"]
    assert walk(tenant).ok
    with tenant.in_database() as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("DELETE FROM ledger.entries WHERE log_id = %s AND seq = %s", [tenant.made.log_id, seq])
    answer = ask(tenant, nobody)
    assert (answer.status_code, answer.json()["ok"]) == (422, False)


def test_the_tenant_is_named_by_path_header_or_host(
    installation: Installation, tenant: Tenant, nobody: httpx.Client
) -> None:
    by_path = ask(tenant, nobody)
    by_header = nobody.get("/api/audit/verify", headers={"X-Tenant": tenant.made.slug})
    port = installation.url.rpartition(":")[2]
    by_host = nobody.get("/api/audit/verify", headers={"Host": f"{tenant.made.slug}.localhost:{port}"})
    assert by_path.status_code == 200
    assert by_path.content == by_header.content == by_host.content


def test_unknown_and_switched_off_tenants_answer_the_same(installation: Installation, nobody: httpx.Client) -> None:
    closed = installation.tenant(public_verify=False)
    walk(closed)
    answers = [
        ask(closed, nobody),
        nobody.get("/api/audit/verify/nobody-at-all"),
        nobody.get("/api/audit/verify/NOT%00A SLUG"),
        nobody.get("/api/audit/verify", headers={"X-Tenant": closed.made.slug}),
        nobody.get("/api/audit/verify", headers={"Host": f"{closed.made.slug}.localhost"}),
        nobody.get("/api/audit/verify", headers={"Host": "elsewhere.example"}),
        nobody.get("/api/audit/verify"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(set(answer.headers) - {"x-request-id"})) for answer in answers}) == 1


def test_whoever_asks_too_often_is_told_to_wait(tenant: Tenant, nobody: httpx.Client) -> None:
    answers = [ask(tenant, nobody) for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert answers[0].status_code == 200
    assert refused
    assert int(refused[0].headers["Retry-After"]) >= 1
    assert refused[0].json()["type"] == "urn:muniment:problem:rate-limited"


def test_a_reader_sees_the_whole_report_and_may_order_a_walk(tenant: Tenant) -> None:
    walk(tenant)
    with tenant.installation.database.connect("app", autocommit=True) as listener, tenant.client("read") as client:
        listener.execute("LISTEN muniment_walk")
        said = client.get("/api/audit/walks").json()
        ordered = client.post("/api/audit/walks")
        notice = next(listener.notifies(timeout=10))
    assert said["newest"]["run"] == 1
    assert said["newest"]["report"]["checks"]
    assert ordered.status_code == 202
    assert notice.payload == str(tenant.made.log_id)


def test_walks_can_be_ordered_only_so_often(tenant: Tenant) -> None:
    with tenant.client("read") as client:
        answers = [client.post("/api/audit/walks").status_code for _ in range(4)]
    assert answers[0] == 202
    assert answers[-1] == 429


def test_the_answer_follows_the_newest_walk(tenant: Tenant, nobody: httpx.Client) -> None:
    walk(tenant)
    assert ask(tenant, nobody).json()["run"] == 1
    walk(tenant)
    answer = until(lambda: ask(tenant, nobody), lambda given: given.status_code == 200 and given.json()["run"] == 2)
    assert answer.json()["ok"] is True
