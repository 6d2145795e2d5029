"""A population is exactly what was asked for up to a checkpoint, says so, and stays what it was."""

import hashlib
import json

from tests.populations.conftest import Desk
from tests.support.servers import client_with


def digest(places: list[int]) -> str:
    packed = b"".join(place.to_bytes(8, "big") for place in places)
    return hashlib.sha256(b"muniment/population/1\0" + packed).hexdigest()


def test_a_count_says_what_was_searched_and_leaves_out_what_no_checkpoint_covers(desk: Desk) -> None:
    desk.record(7, action="tool.call")
    desk.seal()
    desk.record(2, action="tool.call")
    counted = desk.get("/api/populations/count", action="tool.call")
    assert counted["count"] == 7
    searched = counted["searched"]
    assert searched["log"] == desk.tenant.origin
    assert searched["first"] == 0
    assert searched["left_out"] >= 2
    assert searched["recorded"] - searched["size"] == searched["left_out"]
    assert searched["mapping"] == "base-1"
    assert len(searched["root"]) == 64


def test_every_filter_narrows_and_all_of_them_hold_at_once(desk: Desk) -> None:
    agent, person = {"id": "agent:a", "type": "agent"}, {"id": "user:p", "type": "user"}
    first = desk.record(3, action="tool.call", actor=agent, workspace="w1", controls=["own:1"])
    failed = desk.record(2, action="tool.result", actor=agent, workspace="w2", outcome="failure", controls=["own:1"])
    other = desk.record(4, action="x.deploy.start", actor=person, workspace="w1")
    desk.record(1, action="x.deploy.stop", actor={"id": "agent:a", "type": "service"}, workspace="w1")
    desk.seal()
    expected = {
        "control": ("own:1", first + failed),
        "agent": ("agent:a", first + failed),
        "actor": ("user:p", other),
        "outcome": ("failure", failed),
        "workspace": ("w2", failed),
        "action": ("tool.*", first + failed),
    }
    for name, (value, places) in expected.items():
        shown = desk.get("/api/populations/entries", **{name: value})
        assert [entry["seq"] for entry in shown["entries"]] == places, name
        assert desk.get("/api/populations/count", **{name: value})["count"] == len(places), name
    assert desk.get("/api/populations/count", actor="agent:a")["count"] == 6
    assert desk.get("/api/populations/count", control="own:1", outcome="failure", action="tool.*")["count"] == 2
    assert desk.get("/api/populations/count", control="own:1", workspace="w1", outcome="failure")["count"] == 0


def test_a_period_ends_before_its_end(desk: Desk) -> None:
    places = desk.record(3, action="tool.call", controls=["own:9"])
    desk.seal()
    times = [entry["recorded_at"] for entry in desk.entries(action="tool.call")]
    assert desk.get("/api/populations/count", action="tool.call", **{"from": times[0]})["count"] == len(places)
    assert desk.get("/api/populations/count", action="tool.call", to=times[0])["count"] == 0
    assert desk.get("/api/populations/count", control="own:9", to=times[0])["count"] == 0
    assert desk.get("/api/populations/count", control="own:9", to="2100-01-01")["count"] == len(places)


def test_a_saved_population_stays_what_it_was_while_the_log_grows(desk: Desk) -> None:
    places = desk.record(5, controls=["own:2"])
    desk.seal()
    saved = desk.save(control="own:2")
    assert (saved["count"], saved["digest"]) == (5, digest(places))
    desk.record(3, controls=["own:2"])
    desk.seal()
    assert desk.get(f"/api/populations/{saved['id']}") == saved
    shown = desk.get(f"/api/populations/{saved['id']}/entries", limit=3)
    rest = desk.get(f"/api/populations/{saved['id']}/entries", limit=3, cursor=shown["cursor"])
    assert [entry["seq"] for entry in shown["entries"] + rest["entries"]] == places
    assert rest["cursor"] is None
    assert desk.get("/api/populations/count", control="own:2")["count"] == 8
    assert desk.get("/api/populations/count", control="own:2", size=saved["searched"]["size"])["count"] == 5


def test_question_count_and_seed_are_recorded_before_any_entry_is_shown(desk: Desk) -> None:
    desk.record(4, controls=["own:3"])
    desk.seal()
    saved = desk.save(control="own:3")
    (entry,) = desk.entries(action="population.save")
    labels = dict(label.split("=", 1) for label in entry["entry"]["event"]["labels"])
    assert entry["seq"] == saved["entry"]
    assert labels["seed"] == saved["seed"]
    assert labels["digest"] == saved["digest"]
    assert labels["count"] == "4"
    assert labels["root"] == saved["searched"]["root"]
    body = desk.reading.get(f"/api/entries/{entry['seq']}/body").json()
    assert json.loads(body["question"]) == {"control": "own:3"}


def test_a_filter_is_kept_as_canonical_json_with_its_times_in_one_spelling(desk: Desk) -> None:
    desk.record(1)
    desk.seal()
    saved = desk.save(**{"from": "2020-01-01T01:00:00+01:00", "to": "2100-01-01", "outcome": "success"})
    assert saved["question"] == {
        "from": "2020-01-01T00:00:00.000000Z",
        "outcome": "success",
        "to": "2100-01-01T00:00:00.000000Z",
    }


def test_a_filter_that_cannot_be_read_is_named(desk: Desk) -> None:
    desk.seal()
    for field, question in (
        ("outcome", {"outcome": "bad"}),
        ("to", {"from": "2026-02-01", "to": "2026-01-01"}),
        ("from", {"from": "yesterday"}),
        ("from", {"from": "9999-12-31T23:59:59-01:00"}),
        ("action", {"action": "to*ol"}),
        ("agent", {"actor": "a", "agent": "b"}),
        ("actor", {"actor": "a\x00b"}),
        ("nothing", {"nothing": "x"}),
    ):
        counted = desk.reading.get("/api/populations/count", params=question)
        assert counted.status_code in (400, 422), counted.text
        assert field in counted.json()["field"]
        saved = desk.reading.post("/api/populations", json={"name": "x", "question": question})
        assert saved.status_code == 422, saved.text
        assert field in saved.json()["field"]


def test_a_name_is_taken_once(desk: Desk) -> None:
    desk.seal()
    desk.save("Twice")
    answer = desk.reading.post("/api/populations", json={"name": "Twice", "question": {}})
    assert answer.status_code == 422
    assert "already" in answer.json()["detail"]


def test_before_the_first_checkpoint_and_at_a_size_that_is_none_there_is_nothing_to_search(desk: Desk) -> None:
    for parameters in ({}, {"size": 1_000_000}):
        answer = desk.reading.get("/api/populations/count", params=parameters)
        assert answer.status_code == 409, answer.text
        assert answer.json()["type"].endswith("not-sealed")


def test_another_tenant_has_no_such_population(desk: Desk) -> None:
    desk.seal()
    saved = desk.save()
    other = desk.installation.tenant()
    with client_with(desk.installation.url, other.made.tokens["read"]) as stranger:
        for path in ("", "/entries", "/samples"):
            assert stranger.get(f"/api/populations/{saved['id']}{path}").status_code == 404


def test_the_database_lets_nobody_change_or_remove_what_was_saved(desk: Desk) -> None:
    with desk.tenant.in_database() as raw:
        rows = raw.execute(
            "SELECT table_name, privilege_type FROM information_schema.role_table_grants "
            "WHERE table_schema = 'django' AND table_name LIKE 'populations\\_%' AND grantee = 'muniment_app'"
        ).fetchall()
    assert {table for table, _ in rows} == {"populations_population", "populations_sample", "populations_mark"}
    assert {privilege for _, privilege in rows} == {"SELECT", "INSERT"}
