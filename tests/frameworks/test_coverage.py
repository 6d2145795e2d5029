"""Coverage says where evidence comes from and counts every entry once; populations find what is annotated too."""

import csv
import io

from tests.frameworks.conftest import Office, overrides
from tests.populations.conftest import Desk, Reviewer

LOGGING = "iso27001-2022:A.8.15"
"""Nothing bakes it in; most actions are annotated with it."""


def test_gaps_are_stated_plainly_and_entries_are_counted_once(desk: Desk, office: Office) -> None:
    plain, explicit = 3, 2
    desk.record(plain)
    desk.record(explicit, controls=[LOGGING])
    found = desk.get("/api/catalogs/iso27001-2022/coverage")
    assert found["automatic"] + found["attachment"] + found["nothing"] == len(found["rows"]) == 93
    rows = {row["control"]: row for row in found["rows"]}
    calls = rows[LOGGING]
    assert (calls["evidence"], "tool.call" in calls["annotated"]) == ("automatic", True)
    everything = desk.get("/api/catalogs/iso27001-2022/coverage")["entries"]
    assert plain + explicit <= calls["entries"] <= everything
    gaps = desk.get("/api/catalogs/iso27001-2022/coverage", only="nothing")["rows"]
    assert gaps
    assert all((row["evidence"], row["baked"], row["annotated"]) == ("nothing", [], []) for row in gaps)
    later = desk.get("/api/catalogs/iso27001-2022/coverage", **{"from": "2100-01-01"})
    assert {row["entries"] for row in later["rows"]} == {0}


def test_coverage_comes_as_a_table_too(desk: Desk) -> None:
    answer = desk.reading.get("/api/catalogs/soc2/coverage", params={"format": "csv", "only": "nothing"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["control"] for row in rows] == [
        row["control"] for row in desk.get("/api/catalogs/soc2/coverage", only="nothing")["rows"]
    ]
    assert desk.reading.get("/api/catalogs/soc2/coverage", params={"from": "yesterday"}).json()["field"] == "from"
    assert desk.reading.get("/api/catalogs/nothing/coverage").status_code == 404


def test_a_population_of_a_control_finds_annotated_entries_and_says_which_way_each_came(
    desk: Desk, office: Office
) -> None:
    held = desk.record(2, controls=[LOGGING], actor={"id": "agent:counted", "type": "agent"})
    annotated = desk.record(3, actor={"id": "agent:counted", "type": "agent"})
    desk.seal()
    asked = {"control": LOGGING, "actor": "agent:counted"}
    counted = desk.get("/api/populations/count", **asked)
    assert (counted["count"], counted["ways"]) == (5, {"recorded": 2, "annotated": 3})
    assert (counted["evidence"]["mapping"], counted["evidence"]["notes"]) == ("base-1", "notes-1")
    saved = desk.save(**asked)
    shown = desk.get(f"/api/populations/{saved['id']}/entries")["entries"]
    marks = {one["seq"]: [(mark["control"], mark["mark"]) for mark in one["marks"]] for one in shown}
    assert marks == {
        **{seq: [(LOGGING, "event")] for seq in held}, **{seq: [(LOGGING, "annotation")] for seq in annotated}
    }  # fmt: skip
    assert desk.draw(saved["id"], method="random", count=5)["count"] == 5
    office.map(overrides(annotate={"tool.call": {"remove": [LOGGING]}}))
    assert desk.get("/api/populations/count", **asked)["ways"] == {"recorded": 2, "annotated": 0}
    again = desk.get(f"/api/populations/{saved['id']}/entries")["entries"]
    assert [one["seq"] for one in again] == [*held, *annotated]
    assert desk.draw(saved["id"], method="random", count=4)["count"] == 4
    desk.record(1, actor={"id": "agent:counted", "type": "agent"})


def test_evidence_pages_without_gap_or_repetition_and_agrees_with_its_count(desk: Desk) -> None:
    desk.record(7, controls=[LOGGING])
    desk.record(6)
    desk.record(2, action="x.deploy.approve")
    desk.seal()
    counted = desk.get("/api/populations/count", control=LOGGING)
    seen: list[int] = []
    cursor: str | None = None
    while True:
        page = desk.get("/api/populations/entries", control=LOGGING, limit=4, **({"cursor": cursor} if cursor else {}))
        seen += [one["seq"] for one in page["entries"]]
        if (cursor := page["cursor"]) is None:
            break
    assert seen == sorted(set(seen))
    assert len(seen) == counted["count"] == counted["ways"]["recorded"] + counted["ways"]["annotated"]
    assert counted["ways"]["recorded"] == 7


def test_entries_from_before_an_override_are_found_by_what_it_bakes_in_today(desk: Desk, office: Office) -> None:
    before = desk.record(2, action="x.deploy.approve")
    office.map(overrides(entry={"x.deploy.approve": {"add": ["soc2:CC8.1"]}}))
    after = desk.record(3, action="x.deploy.approve")
    desk.seal()
    asked = {"control": "soc2:CC8.1", "action": "x.deploy.approve"}
    assert desk.get("/api/populations/count", **asked)["ways"] == {"recorded": 3, "annotated": 2}
    shown = desk.get("/api/populations/entries", **asked)["entries"]
    assert [one["seq"] for one in shown] == [*before, *after]
    assert {one["marks"][0]["mark"] for one in shown[:2]} == {"annotation"}


def test_a_control_that_nothing_here_has_is_refused_by_its_field(desk: Desk, reviewer: Reviewer) -> None:
    for path in ("/api/populations/count", "/api/populations/entries"):
        assert desk.reading.get(path, params={"control": "soc2:CC99"}).json()["field"] == "control"
    refused = desk.post("/api/populations", 422, name="None", question={"control": "theirs:1"})
    assert refused["field"] == "control"
    page = reviewer.get("/populations/new?control=theirs%3A1")
    assert (page.status_code, "theirs:1 belongs to no catalog" in page.text) == (400, True)
