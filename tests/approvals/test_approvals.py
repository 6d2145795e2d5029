"""Rules and delegations in a tenant: what is saved, recorded and refused, by the server and by the database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from muniment.server.approvals.document import digest_of, document_of, text_of
from muniment.server.approvals.workflow import DEFAULT
from tests.approvals.conftest import Office, day
from tests.controls.conftest import service_token
from tests.populations.conftest import Desk
from tests.support.servers import client_with

RULES: dict[str, Any] = {
    "clauses": [{"risk_levels": ["high", "critical"], "levels": [{"roles": ["approver"]}, {}]}],
    "otherwise": {"levels": [{"roles": ["approver"]}]},
    "max_days": 180,
    "reminder_days": [14, 90, 60, 30],
}


def test_a_version_is_a_row_and_an_entry_with_its_text_and_the_one_before_stays(office: Office) -> None:
    first = office.ask("asks", "GET", "/api/approval-rules")
    assert (first["id"], first["version"], first["entry"], first["faults"]) == ("wfv_default", 0, None, [])
    saved = office.put(RULES, number=0)
    assert (saved["version"], saved["rules"]["reminder_days"], saved["in_force"]) == (1, [90, 60, 30, 14], True)
    assert saved["digest"] == office.entries("workflow.change")[0]["facts"]["digest"]
    again = office.put({**RULES, "max_days": 90}, number=1)
    assert office.put({**RULES, "max_days": 90}, 422)["field"] == "rules"
    late = office.put({**RULES, "max_days": 60}, 422, number=1)
    assert late["field"] == "number"
    entries = office.entries("workflow.change")
    assert [(one["outcome"], one["facts"].get("number")) for one in entries] == [
        ("success", "1"),
        ("success", "2"),
        ("denied", None),
        ("denied", None),
    ]
    assert entries[1]["seq"] == again["entry"]
    assert entries[1]["resource"] == {"id": again["id"], "type": "approval-rules"}
    assert entries[1]["causes"][0].endswith(entries[0]["id"])
    listed = office.ask("asks", "GET", "/api/approval-rules/versions")["versions"]
    assert [(one["version"], one["in_force"], one["rules"]["max_days"]) for one in listed] == [
        (2, True, 90),
        (1, False, 180),
    ]
    # A running case keeps its version.
    kept = office.ask("asks", "GET", f"/api/approval-rules/versions/{saved['id']}")
    assert (kept["rules"]["max_days"], kept["in_force"]) == (180, False)
    assert office.ask("asks", "GET", "/api/approval-rules/versions/wfv_default")["rules"]["max_days"] == 365
    office.ask("asks", "GET", "/api/approval-rules/versions/wfv_0", 404)


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({**RULES, "clauses": [{"levels": [{}]}, {"risk_levels": ["high"], "levels": [{}, {}]}]}, "clauses[1]"),
        ({**RULES, "otherwise": {"levels": [{"roles": ["viewer"]}]}}, "otherwise.levels[0]"),
        ({**RULES, "otherwise": {"levels": [{"people": ["chief"]}]}}, "otherwise.levels[0].people"),
        ({**RULES, "otherwise": {"levels": [{"roles": ["officer"]}]}}, "otherwise.levels[0].roles"),
        ({**RULES, "otherwise": {"levels": [{"groups": ["grp_0"]}]}}, "otherwise.levels[0].groups"),
        ({**RULES, "clauses": [{"frameworks": ["iso99"], "levels": [{}]}]}, "clauses[0].frameworks"),
        ({**RULES, "clauses": [{"assets": ["ast_0"], "levels": [{}]}]}, "clauses[0].assets"),
    ],
)
def test_rules_without_a_way_or_with_what_is_not_there_are_not_saved(
    office: Office, rules: dict[str, Any], field: str
) -> None:
    assert office.put(rules, 422)["field"] == field
    assert office.ask("asks", "GET", "/api/approval-rules")["version"] == 0


def test_rules_that_leave_somebody_to_decide_on_their_own_are_not_saved(office: Office) -> None:
    alone = {**RULES, "otherwise": {"levels": [{"people": [office.people["ada"].email]}]}}
    said = office.put(alone, 422)
    assert (said["field"], "decides alone" in said["detail"]) == ("otherwise.levels[0]", True)
    tried = office.ask("asks", "POST", "/api/approval-rules/check", rules=alone)
    assert [(one["kind"], one["blocks"]) for one in tried["faults"]] == [("self-approving", True)]
    assert {"sign": "removed", "text": "Otherwise: anybody who may approve exceptions"} in tried["difference"]
    assert {"sign": "added", "text": "Otherwise: Ada"} in tried["difference"]
    office.ask("asks", "PUT", "/api/approval-rules", 403, rules=RULES, comment="mine")
    office.ask("ada", "PUT", "/api/approval-rules", 403, rules=RULES, comment="mine")
    assert office.ask("chief", "PUT", "/api/approval-rules", 422, rules=RULES, comment=" ")["field"] == "comment"


def test_a_preview_says_who_could_decide_and_the_requester_never(office: Office) -> None:
    office.put({**RULES, "otherwise": {"levels": [{"people": [office.subject("ada"), office.subject("bea")]}]}})
    assert office.deciders() == [["ada", "bea"]]
    assert office.deciders(requester=office.subject("ada")) == [["bea"]]
    assert office.deciders(risk_level="high")[1] == ["ada", "bea", "chief", "cyd"]
    office.away("ada", "cyd")
    assert office.deciders() == [["ada", "bea", "cyd for ada"]]
    # Who stands in for the requester does not decide either.
    assert office.deciders(requester=office.subject("ada")) == [["bea"]]


def test_who_is_away_passes_on_their_own_right_and_it_ends(office: Office) -> None:
    office.put({**RULES, "otherwise": {"levels": [{"people": [office.subject("ada"), office.subject("chief")]}]}})
    made = office.away("ada", "bea", zone="Europe/Warsaw", **{"from": day(1), "until": day(1)}, comment="leave")
    assert (made["state"], made["person"], made["to"]) == ("ahead", office.subject("ada"), office.subject("bea"))
    assert made["begins_at"][11:13] in ("22", "23")
    assert office.deciders() == [["ada", "chief"]]
    # No chain in either order, and one delegation at a time.
    assert office.away("bea", "cyd", 422)["field"] == "to"
    assert office.away("cyd", "ada", 422)["field"] == "to"
    assert office.away("ada", "cyd", 422)["field"] == "first_day"
    office.away("bea")
    office.ask("bea", "POST", f"/api/delegations/{made['id']}/revoke", comment="ill")
    assert office.ask("ada", "POST", f"/api/delegations/{made['id']}/revoke", 422, comment="")["field"] == "delegation"
    now = office.away("ada", "cyd")
    assert "cyd for ada" in office.deciders()[0]
    ended = office.ask("ada", "POST", f"/api/delegations/{now['id']}/revoke", comment="back")
    assert (ended["state"], ended["revoked_by"]) == ("revoked", office.subject("ada"))
    assert office.deciders() == [["ada", "chief"]]
    entries = office.entries("delegation.change")
    assert [one["facts"].get("step") for one in entries if one["outcome"] == "success"] == [
        "made",
        "made",
        "revoked",
        "made",
        "revoked",
    ]
    assert all(one["resource"]["type"] == "delegation" for one in entries if one["outcome"] == "success")
    listed = office.ask("asks", "GET", "/api/delegations?over=true")["delegations"]
    assert sorted(one["state"] for one in listed) == ["revoked", "revoked", "running"]


def test_nobody_delegates_for_others_to_themselves_or_to_who_may_not_approve(office: Office) -> None:
    assert office.away("ada", "ada", 422)["field"] == "to"
    assert office.away("ada", "asks", 422)["field"] == "to"
    assert office.away("ada", "bea", 422, by="cyd", person=office.subject("ada"))["field"] == "person"
    assert office.away("ada", "chief", 422, by="chief", person=office.subject("ada"))["field"] == "to"
    assert office.away("asks", "bea", 422, by="chief", person=office.subject("asks"))["field"] == "person"
    office.away("asks", "bea", 403)
    assert office.away("ada", "bea", 422, zone="Europe/Atlantis")["field"] == "zone"
    assert office.away("ada", "bea", 422, **{"from": day(-2)})["field"] == "first_day"
    made = office.away("ada", "bea", by="chief", person=office.people["ada"].email)
    assert office.ask("cyd", "POST", f"/api/delegations/{made['id']}/revoke", 422, comment="")["field"] == "delegation"
    assert {one["outcome"] for one in office.entries("delegation.change")} == {"success", "denied"}


def test_a_key_is_never_away_and_needs_its_roles(office: Office) -> None:
    with client_with(office.installation.url, office.tenant.made.tokens["read"]) as reading:
        assert reading.post("/api/delegations", json={"from": day(0), "until": day(1)}).status_code == 403
    desk = Desk(office.installation, office.tenant, "", reading)
    with client_with(office.installation.url, service_token(desk, "administrator")) as program:
        answer = program.post("/api/delegations", json={"from": day(0), "until": day(1)})
        assert (answer.status_code, answer.json()["field"]) == (422, "person")
        put = program.put("/api/approval-rules", json={"rules": RULES, "comment": "from a file"})
        assert put.status_code == 200, put.text


def test_of_two_delegations_at_once_that_would_make_a_chain_one_is_made(office: Office) -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda pair: _delegated(office, *pair), [("ada", "bea"), ("bea", "cyd")]))
    assert sorted(answers) == [201, 422]


def _delegated(office: Office, name: str, to: str) -> int:
    client = office.clients[name]
    headers = {"X-CSRFToken": str(client.cookies.get("csrftoken", "")), "Referer": str(client.base_url)}
    order = {"from": day(0), "until": day(5), "to": office.subject(to)}
    return client.post(office.address("/api/delegations"), json=order, headers=headers).status_code


def test_of_two_versions_at_once_from_the_same_one_the_second_is_told(office: Office) -> None:
    def put(days: int) -> int:
        client = office.clients["chief"]
        headers = {"X-CSRFToken": str(client.cookies.get("csrftoken", "")), "Referer": str(client.base_url)}
        order = {"rules": {**RULES, "max_days": days}, "comment": "at once", "number": 0}
        return client.put(office.address("/api/approval-rules"), json=order, headers=headers).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(put, [100, 200])) == [200, 422]


_VERSION = (
    "INSERT INTO django.approvals_rules (id, tenant_id, number, content, digest, comment, created_by, created_at, seq, "
    "event) VALUES (%(id)s, %(tenant)s, %(number)s, %(content)s, %(digest)s, '', 'x', now(), 1, '')"
)
_DELEGATION = (
    "INSERT INTO django.approvals_delegation (id, tenant_id, person, delegate, first_day, last_day, zone, begins, "
    "ends, comment, created_by, created_at, seq, event) VALUES (%(id)s, %(tenant)s, %(person)s, %(delegate)s, "
    "%(first)s, %(last)s, 'UTC', %(first)s::date::timestamp AT TIME ZONE 'UTC', "
    "%(ends)s::date::timestamp AT TIME ZONE 'UTC', '', 'x', now(), 1, '')"
)


def _as_app(office: Office, statement: str, **values: Any) -> None:
    with office.installation.database.connect("app") as raw, raw.transaction():
        raw.execute("SELECT set_config('muniment.tenant', %s, true)", [str(office.tenant.made.tenant_id)])
        raw.execute(statement, {"tenant": office.tenant.made.tenant_id, **values})


def test_the_database_keeps_versions_as_they_were_whoever_asks(office: Office) -> None:
    office.put(RULES)
    delegated = office.away("ada", "bea")
    for table in ("approvals_rules", "approvals_delegation"):
        for statement in (f"UPDATE django.{table} SET comment = 'x'", f"DELETE FROM django.{table}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                _as_app(office, statement)
            # Nor does a grant given by mistake, or the owner of the table, get further.
            with office.installation.database.connect("superuser") as raw, pytest.raises(psycopg.errors.CheckViolation):
                raw.execute(statement)
    with office.installation.database.connect("superuser") as raw, pytest.raises(psycopg.errors.CheckViolation):
        raw.execute("TRUNCATE django.approvals_rules")
    text = text_of(DEFAULT)
    for values in (
        {"number": 1, "content": text, "digest": digest_of(text)},
        {"number": 3, "content": text, "digest": digest_of(text)},
        {"number": 2, "content": text, "digest": "0" * 64},
        *(
            {"number": 2, "content": wrong, "digest": digest_of(wrong)}
            for wrong in (
                text.replace('"otherwise":{"levels":[{}]}', '"otherwise":{"levels":[]}'),
                text.replace('"levels":[{},{}]', '"levels":[]'),
                text.replace('"max_days":365', '"max_days":36500'),
            )
        ),
    ):
        with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation)):
            _as_app(office, _VERSION, id="wfv_1", **values)
    ada, bea, cyd = (office.subject(name) for name in ("ada", "bea", "cyd"))
    days = {"first": day(0), "last": day(5), "ends": day(6)}
    for values in (
        {"person": cyd, "delegate": cyd, **days},
        {"person": ada, "delegate": cyd, **days},
        {"person": bea, "delegate": cyd, **days},
        {"person": cyd, "delegate": ada, **days},
        {"person": cyd, "delegate": bea, **days, "ends": day(60)},
        {"person": cyd, "delegate": "key:ak_1", **days},
    ):
        with pytest.raises(psycopg.errors.CheckViolation):
            _as_app(office, _DELEGATION, id="dlg_1", **values)
    with office.installation.database.connect("superuser") as raw:
        for who, away, at, expected in (
            (bea, ada, "now()", True),
            (cyd, ada, "now()", False),
            (bea, ada, "now() + interval '9 days'", False),
        ):
            found = raw.execute(
                f"SELECT django.approvals_stands_in(%s, %s, %s, {at})", [office.tenant.made.tenant_id, who, away]
            ).fetchone()
            assert found == (expected,)
    office.ask("ada", "POST", f"/api/delegations/{delegated['id']}/revoke", comment="back")
    with pytest.raises(psycopg.errors.UniqueViolation):
        _as_app(
            office,
            "INSERT INTO django.approvals_revocation (delegation, tenant_id, by, at, comment, seq, event) "
            "VALUES (%(id)s, %(tenant)s, 'x', now(), '', 1, '')",
            id=delegated["id"],
        )


def test_files_call_people_groups_and_assets_by_name_and_versions_hold_their_ids(office: Office) -> None:
    group = office.ask("chief", "POST", "/api/groups", 201, name="Risk committee żółw", roles=[])
    asset = office.ask("chief", "POST", "/api/assets", 201, code="CRM-PROD", name="CRM", criticality="critical")
    level = {"people": [office.people["bea"].email, office.subject("cyd")]}
    row = {"assets": ["crm-prod"], "criticalities": ["critical"], "frameworks": ["own"], "levels": [level, {}]}
    rules = {**RULES, "clauses": [row]}
    saved = office.put(rules)["rules"]["clauses"][0]
    assert saved["assets"] == [asset["id"]]
    assert saved["levels"][0]["people"] == [office.subject("bea"), office.subject("cyd")]
    assert office.deciders(assets=["CRM-PROD"], frameworks=["own"])[0] == ["bea", "cyd"]
    assert office.deciders(assets=["CRM-PROD"]) == [["ada", "bea", "cyd"]]
    named = {**rules, "clauses": [{**row, "levels": [{"groups": ["Risk committee żółw"]}]}]}
    # The group is found by its name; nobody is in it.
    assert office.put(named, 422)["field"] == "clauses[0].levels[0]"
    there = office.ask("chief", "POST", "/api/approval-rules/check", rules=named)
    assert "the group Risk committee żółw" in there["difference"][1]["text"]
    assert group["id"].startswith("grp_")
    gone = {**rules, "clauses": [{**row, "levels": [{"groups": ["Risk committee"]}]}]}
    assert office.put(gone, 422)["field"] == "clauses[0].levels[0].groups"


def test_a_document_of_the_default_can_be_put_back(office: Office) -> None:
    office.put(RULES)
    back = office.put(document_of(DEFAULT))
    assert back["digest"] == digest_of(text_of(DEFAULT))
