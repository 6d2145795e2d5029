"""Statements count what their queries find, are the same under the same checkpoint, and are recorded when issued."""

import hashlib
import re
from typing import Any

import pytest

from tests.server.events import complete, ulid
from tests.support.servers import Tenant
from tests.support.sitting import entries, sitting

YEAR = {"from": "2020-01-01", "to": "2100-01-01"}


@pytest.fixture
def told(tenant: Tenant) -> Tenant:
    """A tenant in whose log something of everything stands."""
    source = f"src_{ulid()}"
    events = [
        complete(source, b'{"reason": "ticket 1"}', action="config.change"),
        complete(source, b'{"to": 1}', action="config.change"),
        complete(source, b"{}", action="tool.call"),
        complete(source, b"{}", action="tool.refuse", outcome="denied"),
        complete(source, b"{}", action="agent.delegate"),
        complete(source, b"{}", action="process.crash", outcome="failure"),
    ]
    with tenant.client() as append:
        answer = append.post("/api/events", json={"events": events})
        assert answer.status_code == 201, answer.text
    tenant.installation.seal()
    return tenant


def ask(tenant: Tenant, framework: str, status: int = 200, **more: Any) -> Any:
    with tenant.client("read") as reading:
        answer = reading.get(f"/api/statements/{framework}", params={**YEAR, **more})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_each_count_is_what_its_own_address_counts(told: Tenant) -> None:
    for framework in ("cfr11", "eu-ai-act", "hipaa", "soc2"):
        statement = ask(told, framework)
        size = statement["searched"]["size"]
        with told.client("read") as reading:
            for query in statement["queries"]:
                asked = dict(query["asked"])
                if "changes" in asked:
                    found = sum(
                        one["state"] in asked["changes"].split(",")
                        for one in reading.get("/api/changes", params={"limit": 200}).json()["changes"]
                        if one["seq"] < size
                    )
                else:
                    found = reading.get("/api/populations/count", params={**asked, "size": size}).json()["count"]
                assert found == query["count"], (framework, query)
    cfr = ask(told, "cfr11")
    reasons = next(one for one in cfr["requirements"] if one["label"] == "Reason for change")
    assert re.match(r"1 \[Q\d+\] changes of the registered actions say why", reasons["evidences"][0])
    assert "No action is registered" in reasons["found_nothing"][0]
    soc = ask(told, "soc2")
    last = soc["requirements"][-1]
    assert "0 [Q" in last["evidences"][0]
    assert "no such channel" in last["does_not_evidence"]


def test_the_same_period_under_the_same_checkpoint_is_the_same_statement(told: Tenant) -> None:
    first = ask(told, "soc2")
    size = first["searched"]["size"]
    with told.client() as append:
        append.post("/api/events", json=complete(f"src_{ulid()}", b"{}", action="tool.call"))
    told.installation.seal()
    assert ask(told, "soc2", size=size) == first
    assert ask(told, "soc2")["searched"]["size"] > size
    with told.client("read") as reading:
        text = reading.get("/api/statements/soc2", params={**YEAR, "format": "markdown"}).text
    assert "Does not evidence: " in text
    assert "/populations/new?" in text


def test_issued_it_is_recorded_with_its_hash_and_asked_again_later(told: Tenant) -> None:
    with told.client("read") as reading:
        issued = reading.post("/api/statements", json={"framework": "cfr11", **YEAR})
        assert issued.status_code == 201, issued.text
        row = issued.json()
        text = reading.get(f"/api/statements/issued/{row['id']}")
        assert hashlib.sha256(text.content).hexdigest() == row["sha256"]
        (entry,) = entries(told, action="statement.issue")
        assert entry["seq"] == row["entry"]
        assert f"sha256={row['sha256']}" in entry["entry"]["event"]["labels"]
        with told.client() as append:
            append.post("/api/events", json=complete(f"src_{ulid()}", b"{}", action="config.change"))
        told.installation.seal()
        again = reading.get(f"/api/statements/issued/{row['id']}/again").json()
        assert again == {"id": row["id"], "holds": True, "differences": []}
        listed = reading.get("/api/statements").json()
        assert [one["id"] for one in listed["issued"]] == [row["id"]]
        with told.in_database() as raw:
            raw.execute(
                "UPDATE django.statements_issued SET text = replace(text, 'Part 11', 'Part 12') WHERE id = %s",
                [row["id"]],
            )
        altered = reading.get(f"/api/statements/issued/{row['id']}/again").json()
        assert not altered["holds"]
        assert any("the stored text is not the one" in one for one in altered["differences"])
        bad = reading.post("/api/statements", json={"framework": "cfr12"})
        assert (bad.status_code, bad.json()["field"]) == (422, "framework")
        for order in (
            {"framework": "cfr11", "from": "soon"},
            {"framework": "cfr11", "from": "2026-02-02", "to": "2026-02-01"},
        ):
            assert reading.post("/api/statements", json=order).status_code == 422
        assert reading.get("/api/statements/iso27001-2022").status_code == 404


def test_the_page_leads_from_each_number_to_its_query_and_issues(told: Tenant) -> None:
    with sitting(told, "analyst") as analyst, sitting(told, "viewer") as viewer:
        page = analyst.get("/statements/hipaa?from=2020-01-01&to=2100-01-01")
        assert page.status_code == 200, page.text
        shown = set(re.findall(r'href="#(Q\d+)"', page.text))
        assert shown
        assert shown <= set(re.findall(r'<li id="(Q\d+)"', page.text))
        (where,) = set(re.findall(r'<li id="Q1"><strong>Q1</strong> <a href="([^"]+)"', page.text))
        counted = analyst.client.get(where.replace("&amp;", "&"))
        assert "entries</h2>" in counted.text
        issued = analyst.submit("/statements/hipaa/issue", "/statements/hipaa", **YEAR)
        assert "recorded as" in issued.text, issued.text
        again = analyst.client.get(f"{issued.url.path}?again=1")
        assert "Asked again: the same" in again.text
        assert "issued" in analyst.get("/statements").text
        assert "Issue it" not in viewer.get("/statements/hipaa").text
        assert viewer.send("POST", "/api/statements", framework="hipaa").status_code == 403
        assert analyst.get("/statements/hipaa?from=x").status_code == 400
        assert analyst.get("/statements/none").status_code == 404
    strange = told.installation.tenant()
    with sitting(strange) as other:
        assert other.get(f"/statements/issued/{issued.url.path.rsplit('/', 1)[1]}").status_code == 404


def test_before_the_first_checkpoint_there_is_none(tenant: Tenant) -> None:
    assert ask(tenant, "soc2", 409)["type"] == "urn:muniment:problem:not-sealed"
