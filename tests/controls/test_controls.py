"""A control of the tenant's own is kept version by version, each with its entry, and none is ever rewritten."""

import json
from typing import Any

import psycopg
import pytest

from tests.controls.conftest import Office, refused, service_token
from tests.populations.conftest import Desk
from tests.support.servers import client_with


def body_of(desk: Desk, seq: int) -> Any:
    return json.loads(desk.reading.get(f"/api/entries/{seq}/body").content)


def test_every_version_stays_readable_and_has_an_entry_with_its_text(office: Office) -> None:
    first = office.define("AI-7", criteria=["soc2:CC6.1", "hipaa:164.312(b)"], frequency="weekly", procedure="Look.")
    assert first["id"] == "own:AI-7"
    assert first["criteria"] == ["hipaa:164.312(b)", "soc2:CC6.1"]
    second = office.ask("PATCH", "/api/controls/own:AI-7", statement="Agents ask first", reason="clearer", number=1)
    assert (second["number"], second["procedure"], second["reason"]) == (2, "Look.", "clearer")
    third = office.ask("POST", "/api/controls/own:AI-7/retire", reason="replaced by AI-8", on="2026-01-31")
    assert (third["status"], third["retired_on"]) == ("retired", "2026-01-31")
    kept = office.desk.get("/api/controls/own:AI-7/versions")["versions"]
    assert [one["statement"] for one in kept] == ["What AI-7 says", "Agents ask first", "Agents ask first"]
    entries = [office.desk.entries(action=f"control.{verb}")[0] for verb in ("define", "change", "retire")]
    assert [entry["seq"] for entry in entries] == [one["entry"] for one in kept]
    events = [entry["entry"]["event"] for entry in entries]
    assert events[0]["resource"] == {"id": "own:AI-7", "type": "control"}
    assert "changed=statement" in events[1]["labels"]
    assert events[1]["causes"] == [f"{events[0]['source']['id']}/{events[0]['id']}"]
    told = body_of(office.desk, kept[1]["entry"])
    assert told["statement"] == "Agents ask first"
    assert told["criteria"] == ["hipaa:164.312(b)", "soc2:CC6.1"]
    assert body_of(office.desk, kept[2]["entry"])["retired_on"] == "2026-01-31"


def test_what_cannot_be_is_refused_at_its_field_and_recorded(office: Office) -> None:
    office.define("AI-7")
    with client_with(office.desk.installation.url, office.token) as client:
        new = {"id": "AI-8", "statement": "Something", "owner": office.owner, "status": "in-force"}
        for change, field, said in (
            ({"id": "ai-7"}, "id", "own:AI-7 already"),
            ({"id": "AI 8"}, "id", "letters, digits"),
            ({"id": "soc2:CC6.1"}, "id", "letters, digits"),
            ({"statement": " \n "}, "statement", "must not be empty"),
            ({"statement": "a\x07"}, "statement", "control character"),
            ({"owner": "usr_nobody"}, "owner", "is no member here"),
            ({"owner": ""}, "owner", "a control in force has an owner"),
            ({"criteria": ["soc2:CC6.1", "soc2:CC66"]}, "criteria[1]", "soc2:CC66 is not in"),
            ({"criteria": ["own:AI-7"]}, "criteria[0]", "no catalog"),
            ({"criteria": ["nonsense"]}, "criteria[0]", "control id"),
        ):
            field_, told = refused(client.post("/api/controls", json={**new, **change}))
            assert (field_, said in told) == (field, True), (change, field_, told)
        address = "/api/controls/own:AI-7"
        assert refused(client.patch(address, json={"status": "draft"}))[0] == "status"
        assert refused(client.patch(address, json={"frequency": "per-event"}))[1].endswith("nothing would be changed")
        assert "changed meanwhile" in refused(client.patch(address, json={"statement": "x", "number": 7}))[1]
        assert refused(client.post(f"{address}/retire", json={"reason": ""}))[0] == "reason"
        assert refused(client.post(f"{address}/retire", json={"reason": "x", "on": "2999-01-01"}))[0] == "on"
        office.ask("POST", f"{address}/retire", reason="over")
        assert refused(client.patch(address, json={"statement": "back again"}))[0] == "status"
        assert client.get("/api/controls/own:AI-9").status_code == 404
        assert client.patch("/api/controls/AI-7", json={"statement": "x"}).status_code == 404
    denied = [one["entry"]["event"] for one in office.desk.entries(action="control.define")[1:]]
    assert [one["outcome"] for one in denied] == ["denied"] * 10
    assert denied[-3]["labels"] == ["field=criteria[1]"]
    assert len(office.desk.get("/api/controls")["controls"]) == 1


def test_the_database_changes_and_removes_no_version(office: Office) -> None:
    office.define("AI-7")
    with (
        office.desk.installation.database.connect("app") as raw,
        raw.transaction(),
    ):
        raw.execute("SELECT set_config('muniment.tenant', %s, true)", [str(office.desk.tenant.made.tenant_id)])
        for attack in ("UPDATE django.controls_control SET statement = 'x'", "DELETE FROM django.controls_control"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), raw.transaction():
                raw.execute(attack)


def test_another_tenant_has_none_of_them_and_who_only_looks_changes_none(office: Office) -> None:
    office.define("AI-7")
    stranger = office.desk.installation.tenant()
    with stranger.client("read") as client:
        assert client.get("/api/controls").json() == {"controls": []}
        assert client.get("/api/controls/own:AI-7").status_code == 404
    body = {"id": "AI-8", "statement": "x"}
    for token in (office.desk.tenant.made.tokens["read"], service_token(office.desk, "auditor")):
        with client_with(office.desk.installation.url, token) as client:
            assert client.get("/api/controls/own:AI-7").status_code == 200
            answer = client.post("/api/controls", json=body)
            assert (answer.status_code, "control.manage" in answer.text) == (403, True)


TABLE = """id,statement,owner,frequency,criteria,status
AI-7,"Agents ask before
they delete",{owner},daily,soc2:CC6.1 soc2:CC7.2,in-force
AI-8,=HYPERLINK("x"),,weekly,,draft
"""


def test_a_table_is_imported_whole_or_not_at_all(office: Office) -> None:
    table = TABLE.format(owner=office.owner)
    wrong = table + "AI-9,,,hourly,soc2:CC99,draft\nai-7,Twice,,,,\nAI-8.1,Bad,nobody@example.org,,,\n"
    tried = office.ask("POST", "/api/controls/import", csv=wrong, dry_run=True)
    assert [(one["line"], one["field"]) for one in tried["faults"]] == [(5, "criteria"), (6, "id"), (7, "owner")]
    assert tried["kept"] is False
    with client_with(office.desk.installation.url, office.token) as client:
        field, said = refused(client.post("/api/controls/import", json={"csv": wrong}))
        assert field == "csv"
        assert "line 5, criteria: soc2:CC99 is not in" in said
        assert "line 6, id: stands on line 2 already" in said
        assert refused(client.post("/api/controls/import", json={"csv": "id,colour\nA,red\n"}))[0] == "line 1"
        assert refused(client.post("/api/controls/import", json={"csv": "id,statement\nA\n"}))[0] == "line 2"
        assert refused(client.post("/api/controls/import", json={"csv": 'id,statement\nA,"open\n'}))[0] == "line 2"
    assert office.desk.get("/api/controls")["controls"] == []
    done = office.ask("POST", "/api/controls/import", csv=table)
    assert (done["defined"], done["kept"]) == (["own:AI-7", "own:AI-8"], True)
    again = office.ask("POST", "/api/controls/import", csv=table)
    assert (again["defined"], again["changed"], again["unchanged"]) == ([], [], 2)
    exported = office.desk.reading.get("/api/controls.csv").text
    assert "'=HYPERLINK" in exported
    assert office.ask("POST", "/api/controls/import", csv=exported)["unchanged"] == 2
    one = office.ask("POST", "/api/controls/import", csv="id,frequency\nown:AI-8,monthly\n")
    assert one["changed"] == ["own:AI-8"]
    assert office.desk.get("/api/controls/own:AI-8")["statement"].startswith("=HYPERLINK")


def test_a_framework_gives_a_draft_for_each_criterion_once(office: Office) -> None:
    tried = office.ask("POST", "/api/controls/import", starter="soc2", dry_run=True)
    assert (len(tried["defined"]), tried["kept"]) == (61, False)
    made = office.ask("POST", "/api/controls/import", starter="soc2")
    assert len(made["defined"]) == 61
    row = office.desk.get("/api/controls/own:soc2-CC6.1")
    assert (row["criteria"], row["status"], row["owner"]) == (["soc2:CC6.1"], "draft", None)
    assert office.ask("POST", "/api/controls/import", starter="soc2")["unchanged"] == 61
    with client_with(office.desk.installation.url, office.token) as client:
        assert refused(client.post("/api/controls/import", json={"starter": "soc3"}))[0] == "catalog"
