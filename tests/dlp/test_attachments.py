"""A file is scanned once it is received: blocked and not kept, kept and held back, or let through."""

import hashlib
import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from click.testing import CliRunner

from muniment.cli.main import muniment
from tests.accounts.test_second_factor import session_edit
from tests.attachments.conftest import Desk
from tests.dlp.conftest import IBAN, PAN
from tests.dlp.files import archive
from tests.support.pdfs import pdf
from tests.support.people import make_person

USUAL = {
    "pan": "block", "pesel": "quarantine", "iban": "quarantine", "passport": "quarantine",
    "pictures": "quarantine", "unscannable": "quarantine", "hostile": "quarantine",
}  # fmt: skip


def policy(**changed: dict[str, str]) -> dict[str, dict[str, str]]:
    return {**{name: {"action": action, "reason": ""} for name, action in USUAL.items()}, **changed}


def upload(desk: Desk, data: bytes, name: str) -> Any:
    begun = desk.begin(data, name, controls=["soc2:CC6.1"]).json()["id"]
    assert desk.put(begun, 0, data).status_code == 200
    return desk.finish(begun)


def rows(desk: Desk, table: str) -> int:
    with desk.tenant.in_database() as raw:
        found = raw.execute(
            f"SELECT count(*) FROM django.{table} WHERE tenant_id = %s", [desk.tenant.made.tenant_id]
        ).fetchone()
    assert found is not None
    return int(found[0])


def evidenced(desk: Desk) -> int:
    found = desk.get("/api/catalogs/soc2/coverage").json()["rows"]
    return sum(row["attachments"] for row in found if row["control"] == "soc2:CC6.1")


def test_a_blocked_file_leaves_its_hash_and_what_was_found_by_kind_and_nothing_else(desk: Desk) -> None:
    data = pdf(f"Paid with card {PAN}.")
    refused = upload(desk, data, "bill.pdf")
    assert (refused.status_code, refused.json()["field"]) == (422, "file")
    assert "pan: 1 found; block by policy" in refused.json()["detail"]
    for table in ("attachments_attachment", "attachments_blob", "attachments_chunk", "attachments_part"):
        assert rows(desk, table) == 0, table
    assert rows(desk, "attachments_upload") == 0
    digest = hashlib.sha256(data).hexdigest()
    (event,) = desk.entries("dlp.block")
    assert (event["outcome"], event["resource"]["id"], event["facts"]["sha256"]) == ("denied", digest, digest)
    (kept,) = desk.get("/api/dlp/refusals").json()["verdicts"]
    assert (kept["sha256"], kept["counts"], kept["subject"], kept["action"]) == (digest, {"pan": 1}, "", "block")
    assert desk.entries("attachment.add") == []
    with desk.tenant.in_database() as raw:
        verdicts = raw.execute(
            "SELECT findings FROM django.dlp_verdict WHERE tenant_id = %s", [desk.tenant.made.tenant_id]
        ).fetchall()
    assert not any("4111" in str(row) for row in verdicts)
    page = desk.get("/data-protection").text
    assert digest[:8] in page
    assert "4111 1111" not in page


def test_a_file_in_quarantine_is_not_given_out_packed_counted_or_shown_as_evidence_until_somebody_else_releases_it(
    desk: Desk, officer: Desk
) -> None:
    made = upload(desk, pdf(f"Pay to {IBAN}"), "terms.pdf").json()
    where = f"/api/attachments/{made['id']}"
    assert made["scan"]["state"] == "quarantined"
    for path in (f"{where}/content", f"/attachments/{made['id']}/content"):
        assert officer.get(path).status_code == 409, path
    assert officer.get(f"{where}/content").json()["type"].endswith(":withheld")
    assert evidenced(officer) == 0
    audit = {"name": "Audit", "controls": ["soc2:CC6.1"], "slots": {"penetration-test": [made["id"]]}}
    packed = officer.ask("POST", "/api/packet-scopes", json=audit)
    assert (packed.status_code, packed.json()["field"]) == (422, "slots.penetration-test")
    assert "in quarantine" in packed.json()["detail"]
    task = {"title": "Read the terms", "owner": officer.person.subject, "due_on": "2030-01-31"}
    step = f"/api/tasks/{officer.ask('POST', '/api/tasks', json=task).json()['id']}/steps"
    finish = {"step": "finish", "comment": "Read", "evidence": [made["id"]]}
    shown = officer.ask("POST", step, json=finish)
    assert (shown.status_code, shown.json()["field"]) == (422, "evidence")
    assert "in quarantine" in shown.json()["detail"]
    (held,) = officer.get("/api/attachments/quarantine").json()["verdicts"]
    assert (held["subject"], held["counts"], held["attached_by"]) == (made["id"], {"iban": 1}, desk.person.subject)
    assert made["name"] in officer.get("/attachments/quarantine").text
    order = {"verdict": held["id"], "reason": "the account is public"}
    own = desk.ask("POST", f"{where}/release", json=order)
    assert (own.status_code, own.json()["field"]) == (422, "by")
    assert officer.ask("POST", f"{where}/release", json={**order, "reason": " "}).json()["field"] == "reason"
    stale = officer.ask("POST", f"{where}/release", json={**order, "verdict": "dvd_another"})
    assert stale.json()["field"] == "verdict"
    done = officer.ask("POST", f"{where}/release", json=order)
    assert done.status_code == 201, done.text
    assert done.json()["release"]["reason"] == "the account is public"
    assert officer.ask("POST", f"{where}/release", json=order).json()["field"] == "verdict"
    (event,) = desk.entries("dlp.release")
    assert event["facts"]["attached.by"] == desk.person.subject
    assert officer.get(f"{where}/content").content == pdf(f"Pay to {IBAN}")
    assert evidenced(officer) == 1
    assert officer.ask("POST", step, json=finish).status_code == 200
    assert officer.ask("POST", "/api/packet-scopes", json=audit).status_code == 201
    assert officer.get("/api/attachments/quarantine").json()["verdicts"] == []


def _grow_old(data: Any) -> None:
    for one in data["account_authentication_methods"]:
        one["at"] -= 3_600


def test_a_release_takes_a_person_with_a_fresh_second_factor(desk: Desk) -> None:
    made = upload(desk, f"Pay to {IBAN}".encode(), "a.txt").json()
    where = f"/api/attachments/{made['id']}/release"
    verdict = desk.get(f"/api/attachments/{made['id']}/verdict").json()["id"]
    order = {"verdict": verdict, "reason": "let me"}
    person = make_person(desk.installation, desk.tenant, "administrator")
    with person.signed_in() as client:
        other = Desk(desk.installation, desk.tenant, person, client)
        session_edit(desk.installation, client, _grow_old)
        refused = other.ask("POST", where, json=order)
    assert refused.json()["type"].endswith(":step-up-needed")
    with desk.tenant.client("read") as reading:
        reading.headers["Authorization"] = f"Bearer {desk.service_key('administrator')}"
        by_key = reading.post(where, json=order)
    assert (by_key.status_code, by_key.json()["field"]) == (422, "by")
    viewer = make_person(desk.installation, desk.tenant, "viewer")
    with viewer.signed_in() as client:
        assert Desk(desk.installation, desk.tenant, viewer, client).ask("POST", where, json=order).status_code == 403


def test_the_database_refuses_a_release_by_who_attached_and_keeps_verdicts_as_they_are(desk: Desk) -> None:
    made = upload(desk, f"Pay to {IBAN}".encode(), "a.txt").json()
    clean = upload(desk, b"nothing here", "b.txt").json()
    verdicts = {one["id"]: desk.get(f"/api/attachments/{one['id']}/verdict").json()["id"] for one in (made, clean)}
    insert = (
        "INSERT INTO django.dlp_release (id, tenant_id, verdict, reason, created_by, created_at, seq) "
        "VALUES ('drl_x', %s, %s, %s, %s, now(), 0)"
    )
    tenant = desk.tenant.made.tenant_id
    for verdict, reason, by in (
        (verdicts[made["id"]], "mine", desk.person.subject),
        (verdicts[made["id"]], "a key's", "key:ak_x"),
        (verdicts[made["id"]], " ", "user:usr_other"),
        (verdicts[clean["id"]], "not held", "user:usr_other"),
        ("dvd_none", "no such", "user:usr_other"),
    ):
        with desk.installation.database.connect("app") as raw:
            raw.execute("SELECT set_config('muniment.tenant', %s, true)", [str(tenant)])
            with pytest.raises(psycopg.errors.CheckViolation):
                raw.execute(insert, [tenant, verdict, reason, by])
    for statement in ("UPDATE django.dlp_verdict SET action = 'allow'", "DELETE FROM django.dlp_verdict"):
        with desk.installation.database.connect("app") as raw, pytest.raises(psycopg.errors.InsufficientPrivilege):
            raw.execute(statement)


def test_a_policy_says_what_is_done_from_now_on_and_each_version_is_an_entry(desk: Desk, officer: Desk) -> None:
    assert desk.get("/api/dlp/policy").json()["number"] == 0
    before = upload(desk, f"Pay to {IBAN}".encode(), "before.txt").json()
    allowed = policy(iban={"action": "allow", "reason": "our invoices name accounts"})
    allowed["pattern:badge"] = {"action": "block", "reason": ""}
    order = {"number": 0, "rules": allowed, "patterns": [{"name": "badge", "expression": "EMP-[0-9]{6}"}]}
    for field, wrong in (
        ("rules.iban.reason", {"rules": policy(iban={"action": "allow", "reason": " "})}),
        ("rules.unscannable", {"rules": policy(unscannable={"action": "allow", "reason": "why not"})}),
        ("rules.pan.action", {"rules": policy(pan={"action": "shred", "reason": ""})}),
        ("rules.dna", {"rules": policy(dna={"action": "block", "reason": ""})}),
        ("patterns[0].expression", {"patterns": [{"name": "badge", "expression": r"(a+)\1"}]}),
        ("patterns[0].expression", {"patterns": [{"name": "badge", "expression": "a*"}]}),
        ("patterns[0].name", {"patterns": [{"name": "Bad name", "expression": "a"}]}),
        ("number", {"number": 7}),
    ):
        given = {"number": 0, "rules": policy(), "patterns": [], **wrong}
        refused = officer.ask("PUT", "/api/dlp/policy", json=given)
        assert (refused.status_code, refused.json()["field"]) == (422, field), refused.text
    assert officer.ask("PUT", "/api/dlp/policy", json=order).json()["number"] == 1
    again = officer.ask("PUT", "/api/dlp/policy", json={**order, "number": 1})
    assert again.json()["field"] == "rules"
    (event,) = desk.entries("dlp.change")
    assert event["facts"]["number"] == "1"
    let = upload(desk, f"Pay to {IBAN}".encode(), "after.txt").json()
    assert let["scan"]["state"] == "allowed"
    said = desk.get(f"/api/attachments/{let['id']}/verdict").json()
    assert said["reasons"] == ["iban: 1 found; allow by policy: our invoices name accounts"]
    assert said["policy"] == 1
    assert "pattern:badge: 1 found" in upload(desk, b"badge EMP-123456", "badge.txt").json()["detail"]
    assert desk.get(f"/api/attachments/{before['id']}").json()["scan"]["state"] == "quarantined"
    anew = desk.ask("POST", f"/api/attachments/{before['id']}/scan", json={})
    assert (anew.status_code, anew.json()["action"]) == (201, "allow")
    assert len(desk.entries("dlp.scan")) == 3


def test_a_file_that_was_never_scanned_is_not_given_out_until_it_is(desk: Desk) -> None:
    made = upload(desk, b"of before", "old.txt").json()
    with desk.tenant.in_database() as raw:
        raw.execute("DELETE FROM django.dlp_verdict WHERE tenant_id = %s", [desk.tenant.made.tenant_id])
    assert desk.get(f"/api/attachments/{made['id']}/content").status_code == 409
    assert "Not scanned yet" in desk.get(f"/attachments/{made['id']}").text
    assert evidenced(desk) == 0
    scanned = desk.submit(f"/attachments/{made['id']}/scan", f"/attachments/{made['id']}")
    assert "Scanned by the policy in force: allow" in scanned.text
    assert desk.get(f"/api/attachments/{made['id']}/content").content == b"of before"


def test_a_bomb_is_held_back_and_two_gibibytes_are_refused_before_they_are_sent(desk: Desk) -> None:
    bomb = archive({"zeros.txt": bytes(40 << 20)})
    made = upload(desk, bomb, "small.zip").json()
    assert made["scan"]["state"] == "quarantined"
    assert "grows more than" in made["scan"]["withheld"]
    announced = desk.ask("POST", "/api/attachments/uploads", json={"name": "a.zip", "kind": "other", "size": 2 << 30})
    assert (announced.status_code, announced.json()["field"]) == (422, "upload.size")
    begun = desk.begin(b"x" * 10, "a.txt").json()["id"]
    where = urlsplit(desk.installation.url)
    head = (
        f"PUT {desk.address(f'/api/attachments/uploads/{begun}')}?offset=0 HTTP/1.1\r\nHost: {where.netloc}\r\n"
        f"Authorization: Bearer {desk.service_key('administrator')}\r\n"
        f"Content-Length: {2 << 30}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=30) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(4_096)
    assert answer.split(b" ", 2)[1] == b"413", answer


def test_the_pages_show_change_and_release(desk: Desk, officer: Desk) -> None:
    files = {"file": ("<b>terms.txt".replace("<b>", "b "), f"Pay to {IBAN}".encode(), "text/plain")}
    made = desk.submit("/attachments/add", "/attachments/add", files=files, kind="policy")
    where = "/" + made.url.path.split("/", 3)[3]
    assert "In quarantine" in made.text
    assert "Release</button>" not in made.text
    blocked = {"file": ("card.txt", f"card {PAN}".encode(), "text/plain")}
    refused = desk.submit("/attachments/add", "/attachments/add", files=blocked, kind="policy")
    assert refused.status_code == 422
    assert "nothing of it is kept" in refused.text
    assert len(desk.entries("dlp.block")) == 1
    verdict = officer.get(f"/api{where}/verdict").json()["id"]
    released = officer.submit(f"{where}/release", where, reason="<i>public</i>", verdict=verdict)
    assert "Released. It can be opened" in released.text
    assert "<i>public</i>" not in released.text
    fields = {**{name: action for name, action in USUAL.items() if name != "iban"}, "number": "0"}
    unreasoned = officer.submit("/data-protection/change", "/data-protection/change", **fields, iban="allow")
    assert unreasoned.status_code == 422
    assert "say why it is allowed" in unreasoned.text
    changed = officer.submit(
        "/data-protection/change", "/data-protection/change", **fields, iban="allow", iban_reason="public",
        patterns="badge block EMP-[0-9]{6}",
    )  # fmt: skip
    assert "EMP-[0-9]{6}" in changed.text
    assert officer.get("/api/dlp/policy").json()["number"] == 1


def test_the_commands_show_what_a_ledger_holds_back(desk: Desk) -> None:
    made = upload(desk, f"Pay to {IBAN}".encode(), "a.txt").json()
    token = desk.service_key("administrator")
    environment = {"MUNIMENT_URL": desk.installation.url, "MUNIMENT_READ_KEY": token, "NO_PROXY": "*"}

    def run(*arguments: str) -> str:
        ran = CliRunner().invoke(muniment, ["dlp", *arguments], env=environment)
        assert ran.exit_code == 0, ran.output + str(ran.exception)
        return ran.output

    assert made["id"] in run("quarantine")
    assert "iban: 1 found; quarantine by policy" in run("show", made["id"])
    assert "quarantine" in run("rescan", made["id"])
    assert f"/t/acme/attachments/{made['id']}#scan" in run("release", made["id"], "--tenant", "acme")
    assert "the usual rules" in run("policy")


def test_the_command_scans_a_file_here_and_never_repeats_what_it_found(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(f"card {PAN}, badge EMP-123456")
    ran = CliRunner().invoke(muniment, ["dlp", "scan", str(file), "--pattern", "badge=EMP-[0-9]{6}", "--json"])
    assert ran.exit_code == 1
    found = json.loads(ran.stdout)
    assert (found["action"], found["counts"]) == ("block", {"pan": 1, "pattern:badge": 1})
    assert "4111" not in ran.output
    file.write_text("nothing")
    assert CliRunner().invoke(muniment, ["dlp", "scan", str(file)]).exit_code == 0
