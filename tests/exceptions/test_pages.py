"""Exceptions in the browser and over the API: as who asks, who decides and who only looks."""

from __future__ import annotations

import json
from typing import Any

from tests.exceptions.conftest import Office, in_days
from tests.packet_requests.conftest import Seat
from tests.support.servers import client_with

Seats = dict[str, Seat]


def order(office: Office, **more: Any) -> dict[str, Any]:
    said = {
        "title": "MFA on the old VPN",
        "policy": "POL-1",
        "scope": "the VPN",
        "reason": "its firmware cannot",
        "risk_level": "high",
        "residual_risk": "a stolen password opens it",
        "assets": [office.asset],
        "controls": ["soc2:CC6.1"],
        "expires_on": in_days(60).isoformat(),
        "zone": "Europe/Warsaw",
    }
    return {**said, **more}


def refused(answer: Any) -> str:
    assert answer.status_code == 422, answer.text
    return str(answer.json()["field"])


def test_an_exception_goes_its_way_over_the_api_and_each_refusal_names_its_field(office: Office, seats: Seats) -> None:
    asks, first, second = seats["asks"], seats["first"], seats["second"]
    assert refused(asks.post("/api/exceptions", **order(office, policy="POL-9"))) == "policy"
    made = asks.done("/api/exceptions", **order(office))
    where = f"/api/exceptions/{made['id']}"
    assert (made["policy"], made["state"], made["zone"]) == (office.policy, "draft", "Europe/Warsaw")
    assert first.post(where, "PATCH", title="Mine").json()["field"] == "requester"
    assert asks.post(where, "PATCH", scope="the VPN of the plant").json()["scope"] == "the VPN of the plant"
    handed = asks.done(f"{where}/submit")
    assert (handed["state"], handed["levels"]) == ("under_review", 2)
    assert asks.post(f"{where}/decide", outcome="approve", comment="mine").status_code == 403
    assert refused(first.post(f"{where}/decide", outcome="approve", comment=" ")) == "comment"
    shown = first.get(f"{where}/basis").json()
    assert shown["applies_to"]["policy"]["version"] == 1
    said = {"outcome": "approve", "comment": "fine", "basis": shown["basis"], "steps": handed["steps"]}
    assert first.done(f"{where}/decide", **said)["level"] == 1
    assert refused(second.post(f"{where}/decide", **said)) == "steps"
    assert refused(second.post(f"{where}/decide", **{**said, "steps": None, "basis": "0" * 64})) == "basis"
    assert refused(first.post(f"{where}/decide", outcome="approve", comment="twice")) == "approver"
    active = second.done(f"{where}/decide", outcome="approve", comment="fine too")
    assert (active["state"], active["expiring_soon"], active["renewed_by"]) == ("active", True, None)
    assert [one["kind"] for one in asks.get(f"{where}/decisions").json()["decisions"]] == ["approve", "approve"]
    denied = [one for one in office.entries("exception.approve") if one["outcome"] == "denied"]
    assert {one["facts"]["field"] for one in denied} >= {"comment", "steps", "basis", "approver"}
    assert asks.get(f"{where}0").status_code == 404
    assert [one["id"] for one in asks.get("/api/exceptions", mine=True).json()["exceptions"]] == [made["id"]]
    assert second.get("/api/exceptions", mine=True, state="active").json()["exceptions"] == []
    for state, days, soon in (("expiring_soon", 90, 1), ("active", 91, 0)):
        # The first reminder of the rules is 90 days before the end, in the case's own zone.
        one = office.active(title=f"{days} days", expires_on=in_days(days))
        found = asks.get("/api/exceptions", state=state).json()["exceptions"]
        assert [row["expiring_soon"] for row in found if row["id"] == one.id] == [bool(soon)]
        listed = asks.get("/api/tables/exceptions", expiring="yes").json()["rows"]
        assert sum(row["id"] == one.id for row in listed) == soon


def test_a_key_drafts_and_submits_for_a_person_and_decides_nothing(office: Office, seats: Seats) -> None:
    admin = office.people["third"]
    keys = office.service_key("analyst", "approver")
    with client_with(office.installation.url, keys) as client:
        nobody = client.post("/api/exceptions", json=order(office))
        assert refused(nobody) == "owner"
        made = client.post("/api/exceptions", json=order(office, owner=admin.email, risk_level="low")).json()
        assert client.post(f"/api/exceptions/{made['id']}/submit").json()["state"] == "under_review"
        decided = client.post(f"/api/exceptions/{made['id']}/decide", json={"outcome": "approve", "comment": "me"})
        assert refused(decided) == "by"
    # The person who is to answer for it does not decide on it either.
    own = seats["third"].post(f"/api/exceptions/{made['id']}/decide", outcome="approve", comment="mine")
    assert refused(own) == "approver"
    assert seats["first"].done(f"/api/exceptions/{made['id']}/decide", outcome="approve", comment="fine")


def test_a_chain_of_three_is_shown_and_taken_away_whole(office: Office, seats: Seats) -> None:
    asks, first = seats["asks"], seats["first"]
    ids = [asks.done("/api/exceptions", **order(office, risk_level="low"))["id"]]
    for days in (120, 180, 0):
        asks.done(f"/api/exceptions/{ids[-1]}/submit")
        first.done(f"/api/exceptions/{ids[-1]}/decide", outcome="approve", comment="a | b\n# c <script>")
        if days:
            renewal = asks.done(f"/api/exceptions/{ids[-1]}/renew", expires_on=in_days(days).isoformat())
            ids.append(renewal["id"])
    found = asks.get(f"/api/exceptions/{ids[1]}/chain").json()
    assert [one["exception"]["id"] for one in found["links"]] == ids
    assert [one["exception"]["renewed_by"] for one in found["links"]] == [ids[1], ids[2], None]
    assert all(one["decisions"] for one in found["links"])
    text = asks.get(f"/exceptions/{ids[2]}/chain")
    assert text.headers["content-type"].startswith("text/markdown")
    assert [text.text.count(one) > 0 for one in ids] == [True] * 3
    assert "<script>" not in text.text
    assert r"a \| b \# c \<script\>" in text.text
    page = asks.get(f"/exceptions/{ids[0]}").text
    assert all(f"/exceptions/{one}" in page for one in ids[1:])
    assert "<script>" not in page.split("<main")[1].split("</main")[0]


def test_in_the_browser_from_the_draft_to_the_approval_and_its_renewal(office: Office, seats: Seats) -> None:
    asks, first = seats["asks"], seats["first"]
    fields = {
        **order(office, risk_level="low", policy=office.policy),
        "controls": "soc2:CC6.1",
        "assets": [office.asset],
    }
    wrong = asks.submit("/exceptions/new", "/exceptions/new", **{**fields, "residual_risk": " "})
    assert wrong.status_code == 422
    page = asks.submit("/exceptions/new", "/exceptions/new", **fields)
    assert page.status_code == 200, page.text
    where = page.url.path.split(office.tenant.made.slug, 1)[1]
    assert "Submit" in page.text
    assert "Decide</h2>" not in first.get(where).text
    asks.submit(f"{where}/submit", where)
    own = asks.get(where).text
    assert "Decide</h2>" not in own
    shown = first.get(where).text
    assert "Decide</h2>" in shown
    basis = shown.split('name="basis" value="')[1].split('"')[0]
    assert len(basis) == 64
    mute = first.submit(f"{where}/decide", where, outcome="approve", comment="", basis=basis, steps=2)
    assert mute.status_code == 422
    done = first.submit(f"{where}/decide", where, outcome="approve", comment="fine", basis=basis, steps=2)
    assert (done.status_code, "Expiring soon" in done.text, "explorer" in done.text) == (200, True, True)
    again = first.submit(f"{where}/decide", where, outcome="approve", comment="fine")
    assert again.status_code == 422
    renewal = asks.get(f"{where}/renew").text
    assert in_days(61).isoformat() in renewal
    assert "MFA on the old VPN" in asks.get("/exceptions").text
    attested = asks.submit(f"{where}/attest", where, comment="still so")
    assert attested.status_code == 200, attested.text
    revoked = first.submit(f"{where}/revoke", where, comment="it is exploited")
    assert "Revoked" in revoked.text
    assert asks.get(f"{where}/renew").url.path.endswith(where)
    assert json.dumps([one["action"] for one in office.entries("exception.revoke")])


def test_another_tenants_exception_is_not_there(office: Office, seats: Seats) -> None:
    row = office.submitted(risk_level="low")
    other = office.elsewhere()
    for path in ("", "/basis", "/steps", "/decisions", "/chain"):
        assert other.get(f"/api/exceptions/{row.id}{path}").status_code == 404
    for path in ("submit", "decide", "withdraw", "revoke", "attest", "renew"):
        body = {"outcome": "approve", "comment": "x"} if path == "decide" else {"comment": "x"}
        answer = other.post(f"/api/exceptions/{row.id}/{path}", **({} if path in ("submit", "renew") else body))
        assert answer.status_code == 404, path
    assert other.get(f"/exceptions/{row.id}").status_code == 404
