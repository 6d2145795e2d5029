"""From a scope to the bytes: nothing is handed over that was not approved by somebody else and signed for."""

import hashlib
from pathlib import Path

import httpx
import psycopg
import pytest

from muniment.keys import KeyRing
from muniment.packet.checking import verify_packet
from muniment.verifier.options import Options
from muniment.verifier.pins import Pins
from tests.packet_requests.conftest import RULES, TEXT, Office
from tests.support.pdfs import pdf


def test_a_member_asks_signs_and_takes_a_packet_that_verifies(office: Office, tmp_path: Path) -> None:
    scope = office.scope()
    assert "penetration-test" in scope["not_supplied"]
    nothing = office["asks"].post("/api/packet-requests", scope=scope["id"], purpose="audit")
    assert nothing.status_code == 422
    assert nothing.json()["field"] == "nda"
    text = office.publish()
    assert text["sha256"] == hashlib.sha256(TEXT.encode()).hexdigest()
    asked = office.ask(scope["id"])
    where = f"/api/packet-requests/{asked['id']}"
    assert (asked["state"], asked["clock"], asked["zone"]) == ("requested", "running", "UTC")
    assert office["asks"].post(f"{where}/approve").status_code == 403
    early = office["decides"].post(f"{where}/deliver")
    assert (early.status_code, early.json()["field"]) == (422, "state")
    assert office["decides"].post(f"{where}/build").json()["field"] == "state"
    office["decides"].done(f"{where}/approve")
    built = office.build(asked["id"])
    assert built["state"] == "built"
    for seat in ("asks", "decides"):
        unsigned = office[seat].post(f"{where}/deliver")
        assert (unsigned.status_code, unsigned.json()["field"]) == (422, "signature")
    other_text = office["asks"].post(f"{where}/sign", name="Asks", sha256="0" * 64)
    assert other_text.json()["field"] == "sha256"
    not_theirs = office["decides"].post(f"{where}/sign", name="Decides", sha256=text["sha256"])
    assert not_theirs.json()["field"] == "party"
    office["asks"].done(f"{where}/sign", name="Asks of the Audit", sha256=text["sha256"])
    assert office["asks"].post(f"{where}/sign", name="Asks", sha256=text["sha256"]).json()["field"] == "nda"
    taken = office["asks"].post(f"{where}/deliver")
    assert taken.status_code == 200, taken.text
    assert hashlib.sha256(taken.content).hexdigest() == built["packet"]["sha256"]
    path = tmp_path / "packet.zip"
    path.write_bytes(taken.content)
    root = KeyRing(office.installation.places.keys).root_verifier()
    found = verify_packet(path, Options(Pins(root=root), None, 2**50, workers=1))
    assert (found.verdict, found.trust, len(found.items)) == ("verified", "pinned", 3)
    said = office["asks"].get(where).json()
    assert (said["state"], said["clock"]) == ("delivered", "met")
    assert [one["by"] for one in said["deliveries"]] == [office["asks"].person.subject]
    history = office["asks"].get(f"{where}/history").json()["history"]
    assert [one["action"] for one in history if one["outcome"] == "success"] == [
        "packet.request", "packet.approve", "packet.keep", "nda.sign", "packet.deliver",
    ]  # fmt: skip
    (signed,) = office.entries("nda.sign")
    assert signed["facts"]["sha256"] == text["sha256"]
    assert "Audit" not in str(signed)
    (delivered,) = office.entries("packet.deliver")
    assert delivered["facts"]["sha256"] == built["packet"]["sha256"]
    office["decides"].done(f"{where}/withdraw", reason="the audit is over")
    assert office["asks"].post(f"{where}/deliver").json()["field"] == "state"


def test_somebody_outside_signs_and_takes_by_a_link_that_ends(office: Office) -> None:
    scope, text = office.scope(), office.publish()
    person = {"name": "Zoë Quill", "company": "Quill & Sons", "email": "zoe@quill.example"}
    asked = office.ask(scope["id"], recipient=person)
    assert asked["recipient"]["name"] == "Zoë Quill"
    where = f"/api/packet-requests/{asked['id']}"
    assert office["decides"].post(f"{where}/link").json()["field"] == "state"
    office["decides"].done(f"{where}/approve")
    first = office["decides"].done(f"{where}/link")["path"]
    link = office["decides"].done(f"{where}/link")["path"]
    visitor = office["admin"].person.client()
    with visitor:
        assert visitor.get(first).status_code == 404
        page = visitor.get(link)
        assert TEXT.splitlines()[0] in page.text
        token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]

        def send(path: str, **fields: str) -> httpx.Response:
            return visitor.post(
                f"{link}{path}", data={"csrfmiddlewaretoken": token, **fields}, headers={"Referer": str(page.url)}
            )

        assert send("/take").status_code == 422
        signed = send("/sign", name="Zoë Quill", sha256=text["sha256"])
        assert "not built yet" in signed.text
        built = office.build(asked["id"])
        taken = send("/take")
        assert hashlib.sha256(taken.content).hexdigest() == built["packet"]["sha256"]
        with office.tenant.in_database() as raw:
            raw.execute(
                "UPDATE django.packets_request SET link_until = now() - interval '1 second' WHERE id = %s",
                [asked["id"]],
            )
        assert visitor.get(link).status_code == 404
        assert send("/take").status_code == 404
    (delivered,) = office.entries("packet.deliver")
    assert (delivered["facts"]["way"], delivered["facts"]["party"]) == ("link", asked["party"])
    with office.tenant.client("read") as reading:
        everything = reading.get("/api/entries", params={"limit": 1000}).text
    for hidden in ("Quill", "quill", link.rsplit("/", 1)[1]):
        assert hidden not in everything
    with office.tenant.in_database() as raw:
        row = raw.execute("SELECT sealed FROM django.packets_recipient WHERE id = %s", [asked["party"]]).fetchone()
    assert row is not None
    assert b"Quill" not in bytes(row[0])
    assert office["decides"].post(f"/api/packet-recipients/{asked['party']}", "DELETE").status_code == 204
    assert office["decides"].get(where).json()["recipient"] is None
    assert "Quill" not in office["decides"].get(f"/packets/requests/{asked['id']}").text


def test_an_attachment_altered_after_hashing_stops_the_packet_and_rules_hold_from_now_on(office: Office) -> None:
    office.rules(nda_required=False, zone="Europe/Warsaw", due_hours=1, working_days=True)
    refused = office["admin"].post("/api/packet-rules", "PUT", **{**RULES, "zone": "Europe/Nowhere"})
    assert (refused.status_code, refused.json()["field"]) == (422, "zone")
    attached = office.attach(pdf("a letter"))
    asked = office.ask(office.scope(slots={"policy": [attached]})["id"], seat="decides")
    assert (asked["zone"], asked["nda"]) == ("Europe/Warsaw", None)
    where = f"/api/packet-requests/{asked['id']}"
    assert office["asks"].get(where).status_code == 404
    assert office["asks"].get("/api/packet-requests").json()["requests"] == []
    assert office["decides"].post(f"{where}/approve").json()["field"] == "approver"
    office["admin"].done(f"{where}/approve")
    with office.tenant.in_database() as raw:
        altered = raw.execute(
            "UPDATE django.attachments_chunk SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) "
            "WHERE tenant_id = %s AND blob_id = (SELECT blob_id FROM django.attachments_attachment WHERE id = %s)",
            [office.tenant.made.tenant_id, attached],
        )
    assert altered.rowcount == 1
    office.installation.seal()
    with office.sealing():
        stopped = office["decides"].post(f"{where}/build")
    assert stopped.status_code == 409, stopped.text
    assert office["decides"].get(where).json()["state"] == "approved"
    (event,) = [one for one in office.entries("packet.build") if one["outcome"] == "failure"]
    assert event["facts"]["request"] == asked["id"]


ATTACKS = {
    "approves its own": "UPDATE packets_request SET state = 'approved', decided_by = requested_by WHERE id = %s",
    "goes straight to built": "UPDATE packets_request SET state = 'built', sha256 = 'x' WHERE id = %s",
    "goes straight to delivered": "UPDATE packets_request SET state = 'delivered' WHERE id = %s",
    "drops the text": "UPDATE packets_request SET nda_id = '' WHERE id = %s",
    "moves the due time": "UPDATE packets_request SET due_at = due_at + interval '9 days' WHERE id = %s",
    "removes it": "DELETE FROM packets_request WHERE id = %s",
    "hands over what nobody approved": (
        "INSERT INTO packets_delivery (id, tenant_id, request, by, way, sha256, at, seq) "
        "SELECT 'dlv_1', tenant_id, id, 'user:x', 'api', sha256, now(), 1 FROM packets_request WHERE id = %s"
    ),
    "signs anew": "UPDATE packets_signature SET sha256 = 'x' WHERE request = %s",
    "changes the text": "UPDATE packets_nda SET text = 'nothing' WHERE id <> %s",
}


def test_the_database_holds_whoever_writes_as_the_application_to_the_workflow(office: Office) -> None:
    office.publish()
    request = office.ask(office.scope()["id"])["id"]
    for attack, statement in ATTACKS.items():
        with office.installation.database.connect("app") as raw:
            raw.execute("SET LOCAL search_path = django")
            raw.execute("SELECT set_config('muniment.tenant', %s, true)", [str(office.tenant.made.tenant_id)])
            with pytest.raises(psycopg.Error) as refused:
                raw.execute(statement, [request])
            assert refused.value.sqlstate in ("23514", "42501"), (attack, refused.value)
            raw.rollback()
