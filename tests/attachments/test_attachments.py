"""Attachments are hashed while they come in, kept whole or not at all, and given out as they were recorded or not."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from muniment.cli.main import muniment
from tests.attachments.conftest import PART, PDF, Desk
from tests.support.pdfs import pdf
from tests.support.people import make_person

HOSTILE = "<script>alert(1)</script>"


def alter(desk: Desk, statement: str, *values: object) -> None:
    """As the owner of the table, whom no policy and no grant binds."""
    with desk.tenant.in_database() as raw:
        assert raw.execute(statement, [*values, desk.tenant.made.tenant_id]).rowcount > 0


def test_a_file_comes_back_as_it_was_sent_and_its_hash_stands_in_the_log(desk: Desk) -> None:
    data = pdf(filler=os.urandom(PART + 70_000))
    made = desk.attach(data, controls=["soc2:CC6.1"], note="by an outside firm", **{"from": "2026-01-01"})
    digest = hashlib.sha256(data).hexdigest()
    assert (made["sha256"], made["size"], made["version"]) == (digest, len(data), 1)
    (event,) = desk.entries("attachment.add")
    assert event["facts"]["sha256"] == digest
    assert event["facts"]["size"] == str(len(data))
    assert event["facts"]["type"] == "application/pdf"
    assert event["resource"]["id"] == made["id"]
    answer = desk.get(f"/api/attachments/{made['id']}/content")
    assert answer.content == data
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert answer.headers["content-disposition"].startswith('attachment; filename="summary.pdf"')
    with desk.tenant.in_database() as raw:
        stored = raw.execute(
            "SELECT sealed FROM django.attachments_chunk WHERE tenant_id = %s ORDER BY number",
            [desk.tenant.made.tenant_id],
        ).fetchone()
    assert stored is not None
    assert PDF not in bytes(stored[0])
    (listed,) = desk.get("/api/attachments", control="soc2:CC6.1").json()["attachments"]
    assert listed["id"] == made["id"]
    assert desk.get("/api/attachments", control="soc2:CC6.2").json()["attachments"] == []
    with make_person(desk.installation, desk.installation.tenant(), "administrator").signed_in() as stranger:
        assert stranger.get(desk.address(f"/api/attachments/{made['id']}/content")).status_code == 404


ALTERATIONS = {
    "a byte of a chunk": (
        "UPDATE django.attachments_chunk SET sealed = set_byte(sealed, 100, get_byte(sealed, 100) # 1) "
        "WHERE number = 1 AND blob_id = (SELECT blob_id FROM django.attachments_attachment WHERE id = %s) "
        "AND tenant_id = %s"
    ),
    "two chunks in each other's place": (
        "UPDATE django.attachments_chunk SET number = number + 2 WHERE number = 0 AND blob_id = "
        "(SELECT blob_id FROM django.attachments_attachment WHERE id = %s) AND tenant_id = %s"
    ),
    "a chunk cut off": (
        "UPDATE django.attachments_chunk SET sealed = substr(sealed, 1, 20) WHERE number = 1 AND blob_id = "
        "(SELECT blob_id FROM django.attachments_attachment WHERE id = %s) AND tenant_id = %s"
    ),
    "the hash in the row": (
        "UPDATE django.attachments_attachment SET sha256 = repeat('0', 64) WHERE id = %s AND tenant_id = %s"
    ),
    "the entry that it points to": (
        "UPDATE django.attachments_attachment SET seq = 0 WHERE id = %s AND tenant_id = %s"
    ),
}


@pytest.mark.parametrize("altered", ALTERATIONS)
def test_what_was_altered_after_hashing_is_not_given_out_and_that_is_recorded(desk: Desk, altered: str) -> None:
    made = desk.attach(pdf(filler=os.urandom(100_000)))
    alter(desk, ALTERATIONS[altered], made["id"])
    refused = desk.get(f"/api/attachments/{made['id']}/content")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith(":altered")
    assert refused.json()["field"] == made["id"]
    (event,) = desk.entries("attachment.mismatch")
    assert (event["outcome"], event["resource"]["id"]) == ("failure", made["id"])
    page = desk.get(f"/attachments/{made['id']}/content")
    assert page.status_code == 409
    assert PDF.decode() not in page.text
    assert len(desk.entries("attachment.mismatch")) == 2


def test_bytes_of_another_attachment_do_not_stand_in_for_these(desk: Desk) -> None:
    ours, other = desk.attach(pdf("ours")), desk.attach(pdf("another"))
    alter(
        desk,
        "UPDATE django.attachments_attachment SET blob_id = "
        "(SELECT blob_id FROM django.attachments_attachment WHERE id = %s) WHERE id = %s AND tenant_id = %s",
        other["id"],
        ours["id"],
    )
    assert desk.get(f"/api/attachments/{ours['id']}/content").status_code == 409


def test_an_interrupted_upload_goes_on_or_leaves_nothing_but_its_name(desk: Desk) -> None:
    data = pdf(filler=os.urandom(300_000))
    upload = desk.begin(data).json()["id"]
    assert desk.put(upload, 0, data[:100_000]).json()["received"] == 100_000
    half = desk.finish(upload)
    assert (half.status_code, half.json()["field"]) == (422, "upload")
    assert desk.get("/api/attachments").json()["attachments"] == []
    twice = desk.put(upload, 0, data[:100_000])
    assert (twice.status_code, twice.json()["field"]) == (422, "offset")
    assert "100,000" in twice.json()["detail"]
    gap = desk.put(upload, 200_000, data[200_000:])
    assert gap.json()["field"] == "offset"
    at = desk.get(f"/api/attachments/uploads/{upload}").json()["received"]
    assert desk.put(upload, at, data[at:]).status_code == 200
    more = desk.put(upload, len(data), b"more")
    assert more.json()["field"] == "part"
    assert desk.finish(upload).json()["sha256"] == hashlib.sha256(data).hexdigest()
    assert desk.finish(upload).status_code == 404
    given_up = desk.begin(data, "given-up.pdf").json()["id"]
    desk.put(given_up, 0, data[:1_000])
    assert desk.ask("DELETE", f"/api/attachments/uploads/{given_up}").status_code == 204
    (event,) = desk.entries("attachment.discard")
    assert (event["facts"]["received"], event["outcome"]) == ("1000", "failure")
    with desk.tenant.in_database() as raw:
        left = raw.execute(
            "SELECT count(*) FROM django.attachments_part WHERE tenant_id = %s", [desk.tenant.made.tenant_id]
        ).fetchone()
    assert left == (0,)


def test_another_person_does_not_go_on_with_an_upload(desk: Desk) -> None:
    data = pdf("mine")
    upload = desk.begin(data).json()["id"]
    other = make_person(desk.installation, desk.tenant, "analyst")
    with other.signed_in() as client:
        theirs = Desk(desk.installation, desk.tenant, other, client)
        assert theirs.put(upload, 0, data).status_code == 404
        assert theirs.finish(upload).status_code == 404


def test_what_arrived_must_be_what_was_announced(desk: Desk) -> None:
    data = pdf("as announced")
    upload = desk.begin(data, sha256=hashlib.sha256(b"something else").hexdigest()).json()["id"]
    desk.put(upload, 0, data)
    refused = desk.finish(upload)
    assert (refused.status_code, refused.json()["field"]) == (422, "sha256")
    assert desk.get("/api/attachments").json()["attachments"] == []
    assert desk.entries("attachment.add") == []


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("name", {"name": "../../etc/passwd.pdf"}),
        ("name", {"name": "summary.html"}),
        ("name", {"name": "summary\u202efdp.txt"}),
        ("kind", {"kind": "exploit"}),
        ("controls", {"controls": ["CC6.1"]}),
        ("controls[0]", {"controls": ["soc2:CC99.9"]}),
        ("to", {"from": "2026-02-01", "to": "2026-01-01"}),
        ("upload.size", {"size": (64 << 20) + 1}),
        ("sha256", {"sha256": "Z" * 64}),
    ],
)
def test_what_cannot_be_an_attachment_is_refused_by_name(desk: Desk, field: str, wanted: dict[str, object]) -> None:
    data = pdf("x")
    refused = desk.begin(data, **wanted)  # type: ignore[arg-type]
    if refused.status_code == 201:
        upload = refused.json()["id"]
        desk.put(upload, 0, data)
        refused = desk.finish(upload)
    assert refused.status_code == 422, refused.text
    assert refused.json()["field"] == field


def test_a_tenant_can_ask_for_less_than_64_mebibytes(desk: Desk) -> None:
    with make_person(desk.installation, desk.tenant, "administrator").signed_in() as client:
        chief = Desk(desk.installation, desk.tenant, desk.person, client)
        assert chief.ask("PUT", "/api/attachment-limit", json={"mebibytes": 65}).status_code == 422
        assert chief.ask("PUT", "/api/attachment-limit", json={"mebibytes": 1}).status_code == 200
    refused = desk.begin(b"x" * (PART + 1))
    assert (refused.status_code, refused.json()["field"]) == (422, "size")


def test_a_newer_version_leaves_the_older_one_readable_and_a_withdrawal_leaves_both(desk: Desk) -> None:
    first = desk.attach(pdf("1"), controls=["soc2:CC6.1"])
    second = desk.attach(pdf("2"), controls=["soc2:CC6.1"], replaces=first["id"])
    assert (second["version"], second["series"]) == (2, first["id"])
    (event,) = desk.entries("attachment.replace")
    assert event["causes"]
    assert [one["id"] for one in desk.get("/api/attachments").json()["attachments"]] == [second["id"]]
    assert desk.get(f"/api/attachments/{first['id']}/content").content == pdf("1")
    unreasoned = desk.ask("POST", f"/api/attachments/{first['id']}/withdraw", json={"reason": " "})
    assert unreasoned.json()["field"] == "reason"
    gone = desk.ask("POST", f"/api/attachments/{first['id']}/withdraw", json={"reason": "superseded"})
    assert gone.json()["withdrawn"]["reason"] == "superseded"
    assert desk.get("/api/attachments").json()["attachments"] == []
    assert len(desk.get("/api/attachments", withdrawn="true").json()["attachments"]) == 1
    assert desk.get(f"/api/attachments/{second['id']}/content").content == pdf("2")
    again = desk.ask("POST", f"/api/attachments/{second['id']}/withdraw", json={"reason": "twice"})
    assert again.json()["field"] == "attachment"


def test_the_pages_attach_show_and_withdraw(desk: Desk) -> None:
    assert "No attachment yet" in desk.get("/attachments").text
    files = {"file": (f"r&d {HOSTILE[1:7]}.pdf", pdf("page"), "application/pdf")}
    fields = {"kind": "policy", "controls": "soc2:CC6.1", "note": HOSTILE}
    made = desk.submit("/attachments/add", "/attachments/add", files=files, **fields)
    assert made.status_code == 200, made.text
    assert HOSTILE not in made.text
    assert hashlib.sha256(pdf("page")).hexdigest() in made.text
    one = "/" + made.url.path.split("/", 3)[3]
    assert desk.get(f"{one}/content").content == pdf("page")
    disguised = {"file": ("really.pdf", b"MZ\x90\x00", "application/pdf")}
    refused = desk.submit("/attachments/add", "/attachments/add", files=disguised, kind="policy")
    assert refused.status_code == 422
    assert "does not begin like one" in refused.text
    withdrawn = desk.submit(f"{one}/withdraw", one, reason=HOSTILE)
    assert "Withdrawn" in withdrawn.text
    assert HOSTILE not in withdrawn.text
    assert "withdrawn</span>" in desk.get("/attachments").text


def test_the_commands_attach_list_show_fetch_and_withdraw(desk: Desk, tmp_path: Path) -> None:
    token = desk.service_key("analyst")
    environment = {"MUNIMENT_URL": desk.installation.url, "MUNIMENT_READ_KEY": token, "NO_PROXY": "*"}

    def run(*arguments: str) -> tuple[int, str]:
        ran = CliRunner().invoke(muniment, ["attachment", *arguments], env=environment)
        return ran.exit_code, ran.output + str(ran.exception or "")

    file, data = tmp_path / "summary.pdf", pdf(filler=os.urandom(PART))
    file.write_bytes(data)
    code, said = run("add", str(file), "--kind", "penetration-test", "--control", "soc2:CC6.1", "--json")
    assert code == 0, said
    made = json.loads(said)
    assert made["id"] in run("list")[1]
    assert "agree with the entry" in run("show", made["id"])[1]
    fetched = tmp_path / "back.pdf"
    assert run("get", made["id"], "-o", str(fetched))[0] == 0
    assert fetched.read_bytes() == data
    alter(desk, ALTERATIONS["a byte of a chunk"], made["id"])
    code, said = run("show", made["id"])
    assert code == 1
    assert "FAILS" in said
    spoiled = tmp_path / "spoiled.pdf"
    code, said = run("get", made["id"], "-o", str(spoiled))
    assert code == 1
    assert "not given out" in said
    assert list(tmp_path.iterdir()) == [file, fetched] or not spoiled.exists()
    assert run("withdraw", made["id"], "--reason", "superseded")[0] == 0
    disguised = tmp_path / "disguised.pdf"
    disguised.write_bytes(b"MZ\x90\x00")
    code, said = run("add", str(disguised), "--kind", "other")
    assert code == 1
    assert "does not begin like one" in said
    assert len(desk.entries("attachment.discard")) == 1
