"""Samples are drawn as their record says, proven entry by entry, marked for good, and taken out as one bundle."""

import base64
import hashlib
import io
import re
from typing import Any

import pytest

from muniment.core.sampling import random_sample, systematic_sample
from muniment.verifier.bundle import verify_bundle
from tests.populations.conftest import Desk, Reviewer
from tests.support.servers import client_with

SEED = hashlib.sha256(b"dice").hexdigest()


@pytest.fixture
def population(desk: Desk) -> Any:
    """Forty calls of two agents, six of which failed, saved as a population."""
    desk.record(24, controls=["own:1"], actor={"id": "agent:a", "type": "agent"})
    desk.record(10, controls=["own:1"], actor={"id": "agent:b", "type": "agent"})
    desk.record(6, controls=["own:1"], actor={"id": "agent:b", "type": "agent"}, outcome="failure")
    desk.seal()
    return desk.save(control="own:1")


def places_of(desk: Desk, population: Any) -> list[int]:
    shown = desk.get(f"/api/populations/{population['id']}/entries", limit=1000)
    return [entry["seq"] for entry in shown["entries"]]


def test_anybody_can_draw_a_sample_again_from_what_is_recorded(desk: Desk, population: Any) -> None:
    sample = desk.draw(population["id"], method="random", count=8)
    assert (sample["seed"], sample["seed_from"]) == (population["seed"], "population")
    places = places_of(desk, population)
    assert sample["places"] == list(random_sample(places, 8, bytes.fromhex(population["seed"])))
    (entry,) = desk.entries(action="sample.draw")
    body = desk.reading.get(f"/api/entries/{entry['seq']}/body").json()
    assert body["places"] == sample["places"]
    assert entry["entry"]["event"]["causes"] == [
        f"{saved['entry']['event']['source']['id']}/{saved['entry']['event']['id']}"
        for saved in desk.entries(action="population.save")
    ]


def test_a_seed_that_was_given_or_made_afresh_is_told_from_the_recorded_one(desk: Desk, population: Any) -> None:
    given = desk.draw(population["id"], method="systematic", count=5, seed=SEED)
    fresh = desk.draw(population["id"], method="random", count=5, fresh=True)
    assert (given["seed"], given["seed_from"], given["number"]) == (SEED, "given", 1)
    assert (fresh["seed_from"], fresh["number"]) == ("server", 2)
    assert fresh["seed"] not in (SEED, population["seed"])
    assert given["places"] == list(systematic_sample(places_of(desk, population), 5, bytes.fromhex(SEED)))
    listed = desk.get(f"/api/populations/{population['id']}/samples")["samples"]
    assert [one["id"] for one in listed] == [given["id"], fresh["id"]]


def test_each_stratum_gives_its_share(desk: Desk, population: Any) -> None:
    sample = desk.draw(population["id"], method="stratified", count=10, stratum="actor")
    assert sample["parts"] == {"agent:a": 6, "agent:b": 4}
    by_day = desk.draw(population["id"], method="stratified", count=10, stratum="day")
    assert list(by_day["parts"].values()) == [10]


def test_all_failures_are_all_of_them(desk: Desk, population: Any) -> None:
    sample = desk.draw(population["id"], method="failures")
    assert sample["places"] == places_of(desk, population)[-6:]
    nothing = desk.post(f"/api/populations/{population['id']}/samples", 422, method="failures", outcomes=["unknown"])
    assert "no entry of the population ended in unknown" in nothing["detail"]


def test_rates_say_how_many_entries_a_test_of_attributes_takes(desk: Desk, population: Any) -> None:
    sized = desk.get("/api/sample-size", confidence=9000, tolerable=1000, population=40)
    sample = desk.draw(population["id"], method="attribute", confidence=9000, tolerable=1000)
    assert sample["count"] == sized["size"] < 40
    assert sample["plan"]["allowed"] == sized["allowed"] == 0
    assert sample["plan"]["basis"] == "hypergeometric"
    assert desk.get("/api/sample-size", confidence=9500, tolerable=500)["size"] == 59


def test_more_than_the_population_is_refused_with_a_clear_word_and_recorded(desk: Desk, population: Any) -> None:
    refused = desk.post(f"/api/populations/{population['id']}/samples", 422, method="random", count=41)
    assert "the population has 40 items; a sample of 41 cannot be drawn from it" in refused["detail"]
    (entry,) = desk.entries(action="sample.draw")
    assert entry["entry"]["event"]["outcome"] == "denied"
    assert entry["entry"]["event"]["resource"] == {"id": population["id"], "type": "population"}
    assert desk.get(f"/api/populations/{population['id']}/samples")["samples"] == []


def test_a_plan_that_cannot_be_is_refused(desk: Desk, population: Any) -> None:
    for order in (
        {"method": "random"},
        {"method": "random", "count": 0},
        {"method": "stratified", "count": 5},
        {"method": "attribute", "count": 5, "confidence": 9500, "tolerable": 500},
        {"method": "attribute", "confidence": 9500},
        {"method": "attribute", "confidence": 9500, "tolerable": 500, "expected": 600},
        {"method": "haphazard", "count": 5},
        {"method": "random", "count": 5, "seed": "12"},
    ):
        desk.post(f"/api/populations/{population['id']}/samples", 422, **order)
    assert desk.get(f"/api/populations/{population['id']}/samples")["samples"] == []


def test_an_index_row_that_was_taken_away_since_is_noticed_before_anything_is_drawn(
    desk: Desk, population: Any
) -> None:
    with desk.tenant.in_database() as raw, raw.transaction():
        raw.execute("SET LOCAL session_replication_role = replica")
        raw.execute(
            "DELETE FROM ledger.entry_controls WHERE log_id = %s AND control = 'own:1' AND seq = %s",
            [desk.tenant.made.log_id, places_of(desk, population)[-1]],
        )
    refused = desk.post(f"/api/populations/{population['id']}/samples", 500, method="random", count=5)
    assert "39 entries now" in refused["detail"]
    (entry,) = desk.entries(action="sample.draw")
    assert entry["entry"]["event"]["outcome"] == "denied"


def test_the_walk_proves_each_entry_under_the_checkpoint_of_the_population(desk: Desk, population: Any) -> None:
    sample = desk.draw(population["id"], method="random", count=7)
    desk.record(30)
    desk.seal()
    first = desk.get(f"/api/samples/{sample['id']}/items", limit=4)
    rest = desk.get(f"/api/samples/{sample['id']}/items", limit=4, after=first["after"])
    assert first["checkpoint"] == {
        "size": population["searched"]["size"], "root": population["searched"]["root"], "holds": True, "fault": "",
    }  # fmt: skip
    items = first["items"] + rest["items"]
    assert [item["seq"] for item in items] == sample["places"]
    assert rest["after"] is None
    for item in items:
        assert item["holds"], item["fault"]
        assert item["proof"]
        assert item["mark"] is None


def test_an_entry_that_was_changed_since_is_named_in_the_walk(desk: Desk, population: Any) -> None:
    sample = desk.draw(population["id"], method="random", count=5)
    changed, cut = sample["places"][0], sample["places"][1]
    with desk.tenant.in_database() as raw, raw.transaction():
        raw.execute("SET LOCAL session_replication_role = replica")
        raw.execute(
            "UPDATE ledger.entries SET entry = replace(entry, 'agent:', 'other:') WHERE log_id = %s AND seq = %s",
            [desk.tenant.made.log_id, changed],
        )
        raw.execute("DELETE FROM ledger.entries WHERE log_id = %s AND seq = %s", [desk.tenant.made.log_id, cut])
    items = {one["seq"]: one for one in desk.get(f"/api/samples/{sample['id']}/items")["items"]}
    assert "not the hash of the stored text" in items[changed]["fault"]
    assert "does not have this entry any more" in items[cut]["fault"]
    assert sum(one["holds"] for one in items.values()) == 3


def test_a_checkpoint_that_was_exchanged_or_is_not_signed_by_the_log_is_named(desk: Desk, population: Any) -> None:
    sample = desk.draw(population["id"], method="random", count=2)
    log, size = desk.tenant.made.log_id, population["searched"]["size"]
    with desk.tenant.in_database() as raw:
        for column, table in (("signature", "signatures"), ("root", "checkpoints")):
            with raw.transaction():
                raw.execute("SET LOCAL session_replication_role = replica")
                raw.execute(
                    f"UPDATE ledger.{table} SET {column} = set_byte({column}, 0, get_byte({column}, 0) # 1) "
                    "WHERE log_id = %s AND size = %s".encode(),
                    [log, size],
                )
            seal = desk.get(f"/api/samples/{sample['id']}/items")["checkpoint"]
            assert not seal["holds"]
            assert ("signature" if column == "signature" else "another root") in seal["fault"]


def test_one_bundle_of_the_sample_verifies_anywhere(desk: Desk, population: Any) -> None:
    sample = desk.draw(population["id"], method="random", count=9)
    desk.record(20)
    desk.seal()
    answer = desk.reading.post(f"/api/samples/{sample['id']}/bundle", json={})
    assert answer.status_code == 200, answer.text
    assert verify_bundle(io.BytesIO(answer.content)).verdict == "verified"
    assert answer.text.count("\nE ") == 9
    header_size = population["searched"]["size"]
    assert re.search(rf"\n{header_size}\n", notes_in(answer.text)), "the bundle ends at the population's checkpoint"
    (exported,) = desk.entries(action="export.create")
    body = desk.reading.get(f"/api/entries/{exported['seq']}/body").json()
    assert body == {"marks": False, "sample": sample["id"]}


def test_with_marks_the_bundle_holds_the_review_too(desk: Desk, population: Any, reviewer: Reviewer) -> None:
    sample = desk.draw(population["id"], method="random", count=3)
    for place in sample["places"]:
        marked = reviewer.post(f"/api/samples/{sample['id']}/items/{place}/marks", ticks=["agreed"])
        assert marked.status_code == 201, marked.text
    desk.seal()
    answer = desk.reading.post(f"/api/samples/{sample['id']}/bundle", json={"marks": True})
    assert verify_bundle(io.BytesIO(answer.content)).verdict == "verified"
    # Three entries, three marks, the draw and the population.
    assert answer.text.count("\nE ") == 8


def test_a_mark_names_the_sampled_entry_as_its_cause_and_is_never_lost(
    desk: Desk, population: Any, reviewer: Reviewer
) -> None:
    sample = desk.draw(population["id"], method="random", count=3)
    place = sample["places"][1]
    path = f"/api/samples/{sample['id']}/items/{place}/marks"
    first = reviewer.post(path, ticks=["traced", "agreed"], conclusion="satisfied").json()
    second = reviewer.post(path, exception=True, comment="approved by nobody", conclusion="exception").json()
    assert [one["number"] for one in desk.get(path)["marks"]] == [1, 2]
    (item,) = [one for one in desk.get(f"/api/samples/{sample['id']}/items")["items"] if one["seq"] == place]
    assert (item["marks"], item["mark"]["id"]) == (2, second["id"])
    tally = desk.get(f"/api/samples/{sample['id']}")["tally"]
    assert (tally["items"], tally["marked"], tally["exceptions"]) == (3, 1, 1)
    (sampled,) = [one for one in desk.entries(control="own:1") if one["seq"] == place]
    event = sampled["entry"]["event"]
    marks = desk.entries(action="sample.mark")
    assert [one["seq"] for one in marks] == [first["entry"], second["entry"]]
    for one in marks:
        assert one["entry"]["event"]["causes"] == [f"{event['source']['id']}/{event['id']}"]
        assert one["entry"]["event"]["actor"]["type"] == "user"
    body = desk.reading.get(f"/api/entries/{second['entry']}/body").json()
    assert body == {"comment": "approved by nobody"}


def test_a_mark_that_says_nothing_or_contradicts_itself_is_refused(
    desk: Desk, population: Any, reviewer: Reviewer
) -> None:
    sample = desk.draw(population["id"], method="random", count=1)
    wrong: tuple[tuple[str, dict[str, Any]], ...] = (
        ("ticks", {}),
        ("comment", {"exception": True}),
        ("conclusion", {"exception": True, "comment": "x", "conclusion": "satisfied"}),
        ("comment", {"comment": "a\x07b"}),
        ("ticks", {"ticks": ["nonsense"]}),
    )
    for field, said in wrong:
        answer = reviewer.post(f"/api/samples/{sample['id']}/items/{sample['places'][0]}/marks", **said)
        assert answer.status_code == 422, answer.text
        assert field in answer.json()["field"]
    assert desk.entries(action="sample.mark") == []


def test_only_sampled_entries_can_be_marked_and_only_by_who_may(
    desk: Desk, population: Any, reviewer: Reviewer
) -> None:
    sample = desk.draw(population["id"], method="random", count=1)
    place = sample["places"][0]
    assert reviewer.post(f"/api/samples/{sample['id']}/items/0/marks", ticks=["agreed"]).status_code == 404
    plain = desk.reading.post(f"/api/samples/{sample['id']}/items/{place}/marks", json={"ticks": ["agreed"]})
    assert plain.status_code == 403
    assert "sample.mark" in plain.json()["detail"]
    with desk.reviewer("viewer").signed_in() as client:
        viewer = Reviewer(desk, client)
        assert viewer.get(f"/api/samples/{sample['id']}").status_code == 200
        assert viewer.post(f"/api/samples/{sample['id']}/items/{place}/marks", ticks=["agreed"]).status_code == 403
        assert viewer.post(f"/api/populations/{population['id']}/samples", method="random", count=1).status_code == 403
    assert desk.entries(action="sample.mark") == []


def test_a_conclusion_waits_for_every_mark_and_counts_the_exceptions(
    desk: Desk, population: Any, reviewer: Reviewer
) -> None:
    sample = desk.draw(population["id"], method="random", count=2)
    path = f"/api/samples/{sample['id']}"
    early = reviewer.post(f"{path}/conclusion", result="effective", comment="looks fine")
    assert early.status_code == 422
    assert "2 of 2 entries are not marked yet" in early.json()["detail"]
    for place in sample["places"]:
        reviewer.post(f"{path}/items/{place}/marks", ticks=["agreed"], conclusion="satisfied")
    done = reviewer.post(f"{path}/conclusion", result="effective", comment="all agreed")
    assert done.status_code == 201, done.text
    assert desk.get(path)["tally"]["result"]["comment"] == "all agreed"
    (entry,) = desk.entries(action="sample.conclude")
    assert {"items=2", "marked=2", "exceptions=0", "result=effective"} <= set(entry["entry"]["event"]["labels"])


def test_another_tenant_has_no_such_sample(desk: Desk, population: Any) -> None:
    sample = desk.draw(population["id"], method="random", count=1)
    other = desk.installation.tenant()
    with client_with(desk.installation.url, other.made.tokens["read"]) as stranger:
        for path in ("", "/items", f"/items/{sample['places'][0]}/marks"):
            assert stranger.get(f"/api/samples/{sample['id']}{path}").status_code == 404
        assert stranger.post(f"/api/samples/{sample['id']}/bundle", json={}).status_code == 404


def notes_in(bundle: str) -> str:
    """The checkpoint notes of a bundle."""
    lines = [line[2:] for line in bundle.splitlines() if line.startswith("C ")]
    return "\n".join("\n" + base64.b64decode(line).decode() for line in lines)
