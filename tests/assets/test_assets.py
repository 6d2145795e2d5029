"""The list of assets over the API, from files, on pages and in the database."""

from typing import Any

import httpx
import psycopg
import pytest

from tests.controls.conftest import Office, refused
from tests.support.servers import client_with

HEAD = "code,name,criticality,kind\r\n"


def bring_in(office: Office, text: str, *, dry_run: bool = False) -> httpx.Response:
    with client_with(office.desk.installation.url, office.token) as client:
        return client.post("/api/tables/assets/import", params={"dry_run": str(dry_run).lower()}, content=text.encode())


def test_versions_entries_and_filters(office: Office) -> None:
    first = office.ask("POST", "/api/assets", 201, name="Customer database", criticality="high", owner=office.owner)
    assert first["code"] == "AST-1"
    second = office.ask("PATCH", "/api/assets/ast-1", criticality="critical", reason="it holds card numbers now")
    assert (second["id"], second["number"]) == (first["id"], 2)
    assert second["digest"] != first["digest"]
    office.ask("POST", "/api/assets", 201, name="Wiki", code="WIKI", criticality="low")
    assert [one["code"] for one in office.ask("GET", "/api/assets?criticality=critical")["assets"]] == ["AST-1"]
    assert office.ask("GET", "/api/assets?criticality=high")["assets"] == []
    page = office.ask("GET", "/api/assets?limit=1")
    assert [one["code"] for one in office.ask("GET", f"/api/assets?after={page['next']}")["assets"]] == ["WIKI"]
    events = [one["entry"]["event"] for one in office.desk.entries(action="asset.change")]
    assert {"changed=criticality", "criticality=critical"} <= set(events[1]["labels"])
    with client_with(office.desk.installation.url, office.token) as client:
        said = {"name": "x", "owner": "somebody@example.org"}
        assert refused(client.post("/api/assets", json=said))[0] == "owner"
        assert refused(client.post("/api/assets", json={"name": "x", "code": "wiki"}))[0] == "code"
        assert refused(client.patch("/api/assets/WIKI", json={"name": "Wiki"}))[0] == "name"
        assert client.get("/api/assets/ast_00000000000000000000000000").status_code == 404


def test_a_file_with_one_wrong_row_in_five_thousand_brings_in_nothing(office: Office) -> None:
    rows = [f"A-{number},Asset {number},low,host" for number in range(5_000)]
    rows[3_210] = "A-3210,,low,host"
    found = bring_in(office, HEAD + "\r\n".join(rows), dry_run=True)
    assert found.status_code == 200, found.text
    assert found.json()["faults"] == [
        {"row": 3_212, "column": "name", "message": "is empty; an asset that is new has one"}
    ]
    assert refused(bring_in(office, HEAD + "\r\n".join(rows)))[0] == "file"
    assert office.ask("GET", "/api/assets")["assets"] == []
    assert office.desk.entries(action="asset.change") == []


def test_a_file_is_brought_in_once_and_changes_only_what_it_says(office: Office) -> None:
    text = f"{HEAD}CRM,Customer database,critical,database\r\nBOT,Research agent,,agent"
    assert bring_in(office, text).json()["added"] == 2
    again: Any = bring_in(office, text).json()
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 2)
    changed: Any = bring_in(office, "code,criticality\r\nbot,high").json()
    assert changed["changed"] == 1
    bot = office.ask("GET", "/api/assets/BOT")
    assert (bot["name"], bot["criticality"], bot["number"]) == ("Research agent", "high", 2)
    assert refused(bring_in(office, f"{HEAD}X,One,low,host\r\nx,Two,low,host"))[0] == "file"
    assert refused(bring_in(office, f"{HEAD}X,One,low,host,=1+1"))[0] == "file"


def test_the_pages_show_make_and_change_one(office: Office) -> None:
    made = office.submit(
        "/assets/new", "/assets/new", code="CRM", name="קטלוג", owner="", criticality="high", kind="database"
    )
    assert made.status_code == 200, made.text
    assert "קטלוג" in office.get("/assets").text
    wrong = office.submit(
        "/assets/new", "/assets/new", code="crm", name="x", owner="", criticality="high", kind="database"
    )
    assert wrong.status_code == 422
    assert "CRM" in office.get("/assets/CRM").text
    assert office.get("/assets/nothing").status_code == 404


def test_the_database_refuses_versions_that_the_rules_do_not_allow(office: Office) -> None:
    made = office.ask("POST", "/api/assets", 201, name="Wiki", code="WIKI")
    copy = (
        "INSERT INTO django.assets_asset SELECT 'asv_attack', tenant_id, asset, {number}, {code}, name, owner, "
        "{level}, kind, description, {status}, reason, digest, created_by, created_at, seq, event "
        "FROM django.assets_asset WHERE asset = %s"
    )
    usual = {"number": "2", "code": "code", "level": "criticality", "status": "'in-use'"}
    for changes in ({"number": "3"}, {"code": "'OTHER'"}, {"level": "'none'"}, {"status": "'retired'"}):
        with pytest.raises(psycopg.errors.CheckViolation):
            run(office, copy.format(**{**usual, **changes}), made["id"])
    for statement in (
        "UPDATE django.assets_asset SET criticality = 'low' WHERE asset = %s",
        "DELETE FROM django.assets_asset WHERE asset = %s",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(office, statement, made["id"])


def run(office: Office, statement: str, asset: str) -> None:
    with office.desk.installation.database.connect("app", autocommit=True) as app, app.transaction():
        app.execute("SELECT set_config('muniment.tenant', %s, true)", [str(office.desk.tenant.made.tenant_id)])
        app.execute(statement, [asset])  # type: ignore[call-overload]
