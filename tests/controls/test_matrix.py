"""The matrix counts what the log holds, says up to where, and keeps "nobody looked" apart from "nothing found"."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.controls.conftest import Office, refused
from tests.support.servers import client_with


def rows_of(found: Any) -> dict[str, Any]:
    return {row["control"]: row for row in found["rows"]}


def test_a_row_says_what_the_population_of_its_control_has(office: Office) -> None:
    desk = office.desk
    office.define("AI-1", criteria=["soc2:CC6.1"])
    office.define("AI-2", criteria=["owasp-llm-2025:LLM06"])
    office.define("AI-3")
    desk.record(5, action="tool.call", controls=["own:AI-3"])
    last = desk.record(3, action="x.deploy.approve", controls=["own:AI-1"])[-1]
    desk.seal()
    found = desk.get("/api/matrix")
    rows = rows_of(found)
    for control, row in rows.items():
        size = found["searched"]["size"]
        assert row["count"] == desk.get("/api/populations/count", control=control, size=size)["count"], control
    assert rows["own:AI-3"]["count"] == 5
    assert rows["own:AI-3"]["annotated"] == 0
    assert rows["own:AI-1"]["last"]["entry"] >= last
    assert rows["own:AI-2"]["annotated"] == rows["own:AI-2"]["count"] >= 5
    assert found["searched"]["counted"] == found["searched"]["size"]
    assert found["counters"]["exceptions"] is None
    assert found["counters"]["statement"] == "3 / 3 evidenced, 0 overdue; no audit recorded in 12 months"
    before = desk.get("/api/matrix", **{"from": "2020-01-01", "to": "2021-01-01"})
    assert [row["count"] for row in before["rows"]] == [0, 0, 0]
    assert rows_of(before)["own:AI-3"]["last"] == rows["own:AI-3"]["last"]


def test_what_is_recorded_later_is_added_and_a_count_from_the_start_agrees(office: Office) -> None:
    desk = office.desk
    office.define("AI-1")
    for entries in (4, 1, 7):
        desk.record(entries, controls=["own:AI-1"])
        desk.record(2, controls=["own:AI-1", "soc2:CC8.1"])
        desk.seal()
        found = desk.get("/api/matrix")
    anew = desk.get("/api/matrix", size=found["searched"]["size"])
    assert found["rows"] == anew["rows"]
    assert found["rows"][0]["count"] == 18
    with desk.tenant.in_database() as raw:
        stored = raw.execute(
            "SELECT sum(entries), (SELECT size FROM django.matrix_counted WHERE tenant_id = %(tenant)s) "
            "FROM django.matrix_countofday WHERE tenant_id = %(tenant)s",
            {"tenant": desk.tenant.made.tenant_id},
        ).fetchone()
        raw.execute(
            "UPDATE django.matrix_countofday SET entries = entries + 100 WHERE tenant_id = %s",
            [desk.tenant.made.tenant_id],
        )
    assert stored is not None
    assert stored[0] == stored[1] == found["searched"]["size"]
    assert desk.get("/api/matrix")["rows"][0]["count"] > 18
    assert desk.get("/api/matrix", size=found["searched"]["size"])["rows"][0]["count"] == 18


def test_nobody_looked_is_not_nothing_found(office: Office) -> None:
    desk = office.desk
    for control in ("AI-1", "AI-2", "AI-3"):
        office.define(control)
        desk.record(3, controls=[f"own:{control}"])
    desk.seal()
    samples = {}
    for control in ("AI-1", "AI-2"):
        population = desk.save(control, control=f"own:{control}")["id"]
        samples[control] = desk.draw(population, method="random", count=2)
    seen = rows_of(desk.get("/api/matrix"))
    assert seen["own:AI-1"]["examination"] == {"state": "never", "samples": 1, "last_at": None, "exceptions": None}
    assert seen["own:AI-3"]["sample"] is None
    first, second = samples["AI-1"]["places"]
    clean = samples["AI-2"]["places"][0]
    for sample, place, mark in (
        ("AI-1", first, {"exception": True, "comment": "no approval"}),
        ("AI-1", second, {"exception": True, "comment": "looked wrong"}),
        ("AI-1", second, {"ticks": ["agreed"], "comment": "it was there after all"}),
        ("AI-2", clean, {"ticks": ["agreed"]}),
    ):
        answer = office.post(f"/api/samples/{samples[sample]['id']}/items/{place}/marks", **mark)
        assert answer.status_code == 201, answer.text
    found = desk.get("/api/matrix")
    seen = rows_of(found)
    assert [seen[f"own:AI-{n}"]["examination"]["state"] for n in (1, 2, 3)] == ["exceptions", "clean", "never"]
    assert [seen[f"own:AI-{n}"]["examination"]["exceptions"] for n in (1, 2, 3)] == [1, 0, None]
    assert found["counters"] == {
        "rows": 3, "evidenced": 3, "overdue": 0, "examined": 2, "excepted": 1, "exceptions": 1,
        "statement": "3 / 3 evidenced, 0 overdue; 1 exception in 12 months in 2 examined, 1 not examined",
    }  # fmt: skip
    only = desk.get("/api/matrix", state="not-examined")
    assert [row["control"] for row in only["rows"]] == ["own:AI-3"]
    assert only["counters"]["exceptions"] is None


def test_rows_are_chosen_and_sorted_and_counted_as_chosen(office: Office) -> None:
    desk = office.desk
    office.define("AI-1", criteria=["soc2:CC6.1"])
    office.define("AI-2", criteria=["hipaa:164.312(b)"], frequency="daily")
    office.define("AI-3", status="draft", owner="")
    office.define("AI-4")
    office.ask("POST", "/api/controls/own:AI-4/retire", reason="over")
    desk.record(2, controls=["own:AI-4"])
    desk.seal()

    def ids(**asked: Any) -> list[str]:
        return [row["control"][4:] for row in desk.get("/api/matrix", **asked)["rows"]]

    assert ids() == ["AI-1", "AI-2"]
    assert ids(sort="-control") == ["AI-2", "AI-1"]
    assert ids(framework="hipaa") == ["AI-2"]
    assert ids(owner=office.owner) == ["AI-1", "AI-2"]
    assert ids(owner="none", status="all") == ["AI-3"]
    assert ids(status="retired") == ["AI-4"]
    assert desk.get("/api/matrix")["others"] == {"draft": 1, "retired": 1}
    table = desk.reading.get("/api/matrix.csv", params={"framework": "soc2"}).text.splitlines()
    assert len(table) == 2
    assert table[1].startswith("own:AI-1,1,What AI-1 says,")
    with desk.tenant.client("read") as client:
        assert refused(client.get("/api/matrix", params={"sort": "colour"}))[0] == "sort"
        assert refused(client.get("/api/matrix", params={"from": "2026-02-30"}))[0] == "from"
        assert refused(client.get("/api/matrix", params={"from": "2026-02-02", "to": "2026-02-02"}))[0] == "to"
        assert refused(client.get("/api/matrix", params={"state": "\0"}))[0] == "state"
        assert client.get("/api/matrix", params={"size": 10**9}).status_code == 409
    stranger = desk.installation.tenant()
    desk.seal()
    with client_with(desk.installation.url, stranger.made.tokens["read"]) as client:
        theirs = client.get("/api/matrix").json()
    assert (theirs["rows"], theirs["others"]) == ([], {"draft": 0, "retired": 0})


def test_two_who_ask_at_once_count_everything_once(office: Office) -> None:
    desk = office.desk
    office.define("AI-1")
    desk.record(30, controls=["own:AI-1"])
    desk.seal()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: desk.get("/api/matrix")["rows"][0]["count"], range(6)))
    assert found == [30] * 6
