"""The policy library over the API and in the database: versions, entries, refusals, guards."""

from typing import Any

import psycopg
import pytest

from tests.controls.conftest import Office, refused
from tests.support.servers import client_with


def made(office: Office, **given: Any) -> Any:
    said = {"title": "Access policy", "text": "Agents ask.\nPeople answer.", "effective_on": "2026-03-01"}
    return office.ask("POST", "/api/policies", 201, **{**said, "owner": office.owner, **given})


def test_each_version_is_a_row_and_an_entry_with_its_text(office: Office) -> None:
    first = made(office)
    second = office.ask("PATCH", f"/api/policies/{first['code']}", text="Agents ask.\nPeople decide.", reason="clearer")
    assert first["id"].startswith("pol_")
    assert first["code"] == "POL-1"
    assert (first["number"], second["number"]) == (1, 2)
    assert first["digest"] != second["digest"]
    assert second["id"] == first["id"]

    entries = office.desk.entries(action="policy.change")
    assert [one["seq"] for one in entries] == [first["entry"], second["entry"]]
    event = entries[1]["entry"]["event"]
    assert event["resource"] == {"id": first["id"], "type": "policy"}
    assert {"number=2", "changed=text", f"digest={second['digest']}"} <= set(event["labels"])
    assert event["causes"]

    older = office.ask("GET", f"/api/policies/{first['id']}/versions/1")
    assert older["text"] == "Agents ask.\nPeople answer."
    listed = office.ask("GET", f"/api/policies/{first['id']}/versions")["versions"]
    assert [one["number"] for one in listed] == [1, 2]
    assert office.ask("GET", "/api/policies?text=decide")["policies"][0]["number"] == 2
    assert office.ask("GET", "/api/policies?text=answer")["policies"] == []


def test_what_is_retired_stays_readable_and_its_code_is_never_taken_again(office: Office) -> None:
    first = made(office, code="ACC")
    ended = office.ask("POST", "/api/policies/ACC/retire", reason="replaced")
    assert (ended["status"], ended["number"]) == ("retired", 2)
    assert office.ask("GET", f"/api/policies/{first['id']}")["status"] == "retired"
    with client_with(office.desk.installation.url, office.token) as client:
        again = client.patch("/api/policies/ACC", json={"title": "Another"})
        assert refused(again)[0] == "status"
        said = {"title": "T", "text": "t", "owner": office.owner, "effective_on": "2026-03-01", "code": "acc"}
        taken = client.post("/api/policies", json=said)
        assert refused(taken)[0] == "code"
    denied = [one["entry"]["event"] for one in office.desk.entries(action="policy.change", outcome="denied")]
    assert [one["labels"] for one in denied] == [["field=status"], ["field=code"]]


def test_a_refusal_names_its_field(office: Office) -> None:
    wrong: list[tuple[dict[str, Any], str | None]] = [
        ({"title": " "}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"text": ""}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"link": "http://wiki.example.org/"}, "link"),
        ({"link": "https://user:secret@wiki.example.org/"}, "link"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"owner": ""}, "owner"),
        ({"owner": "usr_00000000000000000000000000"}, "owner"),
        ({"effective_on": "2400-01-01"}, "effective_on"),
        ({"code": "with space"}, "code"),
        ({"text": "ł" * 100_000, "title": "x"}, None),
        ({"text": "漢" * 70_000}, "text"),
    ]
    said = {"title": "T", "text": "t", "owner": office.owner, "effective_on": "2026-03-01"}
    with client_with(office.desk.installation.url, office.token) as client:
        for given, field in wrong:
            answer = client.post("/api/policies", json={**said, **given})
            if field is None:
                assert answer.status_code == 201, answer.text
            else:
                assert refused(answer)[0] == field, given


def test_of_two_who_change_one_version_the_second_is_told(office: Office) -> None:
    first = made(office)
    office.ask("PATCH", f"/api/policies/{first['id']}", title="Second", number=1)
    with client_with(office.desk.installation.url, office.token) as client:
        late = client.patch(f"/api/policies/{first['id']}", json={"title": "Third", "number": 1})
    assert refused(late)[0] == "number"


def test_the_database_refuses_versions_that_the_rules_do_not_allow(office: Office) -> None:
    first = made(office, code="ACC")
    office.ask("POST", "/api/policies/ACC/retire", reason="replaced")
    copy = (
        "INSERT INTO django.policies_policy SELECT 'plv_attack', tenant_id, policy, {number}, {code}, title, text, "
        "link, owner, effective_on, {status}, reason, digest, created_by, created_at, seq, event "
        "FROM django.policies_policy WHERE policy = %s AND number = 1"
    )
    usual = {"number": "3", "code": "code", "status": "'in-force'"}
    attacks: list[tuple[str, type[psycopg.Error]]] = [
        (copy.format(**usual), psycopg.errors.CheckViolation),
        (copy.format(**{**usual, "number": "7"}), psycopg.errors.CheckViolation),
        (copy.format(**{**usual, "number": "2"}), psycopg.errors.UniqueViolation),
        (copy.format(**{**usual, "code": "'OTHER'"}), psycopg.errors.CheckViolation),
        ("UPDATE django.policies_policy SET title = 'x' WHERE policy = %s", psycopg.errors.InsufficientPrivilege),
        ("DELETE FROM django.policies_policy WHERE policy = %s", psycopg.errors.InsufficientPrivilege),
    ]
    for statement, expected in attacks:
        with pytest.raises(expected):
            run(office, statement, first["id"])


def run(office: Office, statement: str, policy: str) -> None:
    with office.desk.installation.database.connect("app", autocommit=True) as app, app.transaction():
        app.execute("SELECT set_config('muniment.tenant', %s, true)", [str(office.desk.tenant.made.tenant_id)])
        app.execute(statement, [policy])  # type: ignore[call-overload]


def test_the_pages_make_change_and_compare(office: Office) -> None:
    said = {"code": "ACC", "title": "Access", "text": "one\ntwo", "owner": office.owner, "effective_on": "2026-03-01"}
    assert office.submit("/policies/new", "/policies/new", **{**said, "link": ""}).status_code == 200
    changed = {**said, "text": "one\nthree", "link": "", "reason": "clearer", "number": "1"}
    assert office.submit("/policies/ACC/change", "/policies/ACC/change", **changed).status_code == 200
    late = office.submit("/policies/ACC/change", "/policies/ACC/change", **{**changed, "text": "four"})
    assert late.status_code == 422
    shown = office.get("/policies/ACC/versions/2").text
    assert 'class="compared-removed"' in shown
    assert "three" in shown
    assert office.get("/policies/ACC/versions/3").status_code == 404
    assert office.get("/policies/ACC/versions/2?with=9").status_code == 404
