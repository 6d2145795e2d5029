"""Reports are made under a checkpoint, recorded by their hash, and their numbers can be asked for again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from click.testing import Result

from muniment.keys import KeyRing
from muniment.ledger.anchor_record import record_anchor
from muniment.ledger.audit_walks import walk_log
from muniment.ledger.connection import tenant_transaction
from muniment.reports.document import Document
from muniment.reports.extraction import read_document
from muniment.reports.rendering import draw
from tests.populations.conftest import Desk, Reviewer
from tests.reports.conftest import CONTROLS, LAYOUT
from tests.support.servers import Installation

Run = Callable[..., Result]
HOSTILE = "<script>alert(1)</script>"


def walked(desk: Desk) -> None:
    """A full walk with its entry, sealed."""
    made = desk.tenant.made
    with desk.installation.database.connect("app", autocommit=True) as connection:
        assert walk_log(connection, made.tenant_id, made.log_id, entry=True).ok
    desk.seal()


def sent(desk: Desk, path: str, order: object) -> httpx.Response:
    """Send JSON with every letter escaped: what no text in UTF-8 can hold too."""
    return desk.reading.post(path, content=json.dumps(order), headers={"Content-Type": "application/json"})


def value_of(document: Document, what: str) -> int | str:
    return next(one.value for one in document.numbers if one.what == what)


def test_every_number_of_a_report_is_asked_for_again_whatever_is_recorded_later(
    desk: Desk, run: Run, pdf: Path, tmp_path: Path
) -> None:
    document = read_document(pdf.read_bytes())
    assert value_of(document, "soc2:CC9.2: entries") == 7
    # No entry holds the other one's id: its evidence comes from annotated actions, which the question names.
    assert value_of(document, "cis-8-1:8: entries that hold an id") == 0
    assert value_of(document, "cis-8-1:8: by annotation") == value_of(document, "cis-8-1:8: entries")
    assert value_of(document, "cis-8-1:8: entries") >= 7
    desk.record(3, controls=["soc2:CC9.2"])
    desk.seal()
    checked = run("verify", str(pdf), "--no-known-logs")
    assert checked.exit_code == 0, checked.output
    assert checked.output.startswith("VERIFIED")
    # The same scope under the same checkpoint gives the same bytes.
    again = tmp_path / "again.pdf"
    run("report", "control", *CONTROLS, "--size", str(document.checkpoint.size), "-o", str(again))
    assert again.read_bytes() == pdf.read_bytes()
    newest, first = desk.get("/api/reports")["reports"]
    assert (newest["sha256"], newest["questions"]) == (first["sha256"], first["questions"])
    # Offline: the hash of the file, by a bundle and a pinned root key; the numbers are called what they are.
    proof = tmp_path / "report.bundle"
    desk.seal()
    assert run("report", "get", first["id"], "--proof", str(proof)).exit_code == 0
    root = KeyRing(desk.installation.places.keys).root_verifier().vkey
    offline = run("verify", str(pdf), "--proof", str(proof), "--root", root, "--no-known-logs", offline=True)
    assert offline.exit_code == 1
    assert "record     same         entry" in offline.output
    assert "under what you pinned" in offline.output
    assert "numbers    not checked  no ledger was named" in offline.output
    assert offline.output.startswith("NOT VERIFIED")


def test_a_changed_report_is_found_whatever_was_changed(desk: Desk, run: Run, pdf: Path, tmp_path: Path) -> None:
    document = read_document(pdf.read_bytes())
    numbers = tuple(replace(one, value=8) if one.what == "soc2:CC9.2: entries" else one for one in document.numbers)
    forged = tmp_path / "forged.pdf"
    forged.write_bytes(draw(replace(document, numbers=numbers)))
    found = json.loads(run("verify", str(forged), "--json", "--no-known-logs").output)
    states = {one["name"]: one["state"] for one in found["checks"]}
    assert states == {"document": "same", "pages": "same", "record": "differs", "numbers": "differs"}
    (wrong,) = [one for one in found["numbers"] if one["state"] != "same"]
    assert (wrong["said"], wrong["found"], wrong["state"]) == (8, 7, "differs")
    assert found["verdict"] == "failed"
    # Another question with an answer that fits it: the numbers agree, and nobody recorded such a report.
    asks = tuple(replace(one, ask=replace(one.ask, controls=("soc2:A1.1",), actions=()), value=0)
                 if one.what == "soc2:CC9.2: entries" else one for one in document.numbers)  # fmt: skip
    forged.write_bytes(draw(replace(document, numbers=asks)))
    found = json.loads(run("verify", str(forged), "--json", "--no-known-logs").output)
    assert {one["name"]: one["state"] for one in found["checks"]}["numbers"] == "same"
    assert found["verdict"] == "failed"
    # The rows behind a number, changed in the database.
    with desk.tenant.in_database() as raw, raw.transaction():
        raw.execute("SET LOCAL session_replication_role = replica")
        gone = raw.execute(
            "DELETE FROM ledger.entry_controls WHERE log_id = %s AND control = 'soc2:CC9.2'"
            " AND seq = (SELECT max(seq) FROM ledger.entry_controls WHERE log_id = %s AND control = 'soc2:CC9.2')",
            [desk.tenant.made.log_id] * 2,
        )
        assert gone.rowcount == 1
    told = run("verify", str(pdf), "--no-known-logs")
    assert told.exit_code == 1
    assert "soc2:CC9.2: entries: 7 here, 6 in the ledger" in told.output
    # A checkpoint that the ledger does not have: no answer is no agreement.
    elsewhere = replace(document, checkpoint=replace(document.checkpoint, root="0" * 64))
    forged.write_bytes(draw(elsewhere))
    assert "another root" in run("verify", str(forged), "--no-known-logs").output
    elsewhere = replace(document, log=f"{document.log}x")
    forged.write_bytes(draw(elsewhere))
    asked = run("verify", str(forged), "--no-known-logs")
    assert "record     not checked" in asked.output
    assert "numbers    not checked" in asked.output
    # The stored bytes.
    (row,) = desk.get("/api/reports")["reports"]
    with desk.tenant.in_database() as raw:
        raw.execute("UPDATE django.reports_report SET pdf = pdf || 'x'::bytea WHERE id = %s", [row["id"]])
    assert desk.reading.get(f"/api/reports/{row['id']}/pdf").status_code == 500


def test_integrity_and_custom_reports_say_what_is_recorded(desk: Desk, run: Run, tmp_path: Path) -> None:
    desk.record(4, actor={"id": f"agent:{HOSTILE}", "type": "agent"})
    desk.record(2, outcome="failure")
    desk.seal()
    population = desk.save(action="tool.call")["id"]
    desk.draw(population, method="random", count=2)
    with desk.installation.database.connect("app", autocommit=True) as connection:
        made = desk.tenant.made
        with tenant_transaction(connection, made.tenant_id):
            record_anchor(
                connection, log_id=made.log_id, size=desk.get("/api/log")["checkpoint"]["size"], authority="clock",
                token=b"no token", imprint=b"i" * 32, stamped_at=datetime(2026, 1, 2, tzinfo=UTC),
                valid_until=datetime(2031, 1, 2, tzinfo=UTC), evidence={"token": "bm8gdG9rZW4="},
            )  # fmt: skip
    walked(desk)
    layout = tmp_path / "layout.json"
    layout.write_text(json.dumps(LAYOUT, indent=1) + "\n")
    for order, expected in (
        (("integrity",), {"full walks": 1, "full walks that found something": 0, "timestamp tokens recorded": 1}),
        (("custom", population, "--layout", str(layout)),
         {"outcome success": 4, "outcome failure": 2, "sample 1: items": 2}),
    ):  # fmt: skip
        path = tmp_path / f"{order[0]}.pdf"
        made = run("report", *order, "-o", str(path))
        assert made.exit_code == 0, made.output + repr(made.exception)
        document = read_document(path.read_bytes())
        assert {what: value_of(document, what) for what in expected} == expected
        checked = run("verify", str(path), "--no-known-logs")
        assert checked.exit_code == 0, checked.output
    integrity = read_document((tmp_path / "integrity.pdf").read_bytes())
    (chain,) = [one for one in integrity.numbers if one.what == "check chain: count"]
    assert chain.ask.path == ("body", "checks", "chain", "count")
    tokens = {one.what.partition(": ")[2]: one.value for one in integrity.numbers if one.what.startswith("token at")}
    assert tokens == {
        "authority": "clock",
        "time": "2026-01-02T00:00:00Z",
        "verifies without renewal until": "2031-01-02T00:00:00Z",
    }


def test_what_cannot_be_reported_is_refused_by_its_field_and_recorded(desk: Desk, installation: Installation) -> None:
    other = installation.tenant()
    desk.record(1)
    desk.seal()
    population = desk.save(action="tool.call")["id"]
    sample = desk.draw(population, method="random", count=1)["id"]
    with other.client("read") as foreign:
        for order, field in (
            ({"kind": "control"}, "framework"),
            ({"kind": "control", "framework": "soc3"}, "framework"),
            ({"kind": "control", "framework": "nist-800-53r5"}, "framework"),
            ({"kind": "control", "framework": "own"}, "framework"),
            ({"kind": "control", "controls": ["soc2:CC6.1", "soc2:CC99"]}, "controls[1]"),
            ({"kind": "control", "controls": ["soc2:CC6.1", "soc2:CC6.1"]}, "controls"),
            ({"kind": "control", "framework": "soc2", "from": "yesterday"}, "from"),
            ({"kind": "control", "framework": "soc2", "from": "2026-02-01", "to": "2026-01-01"}, "to"),
            ({"kind": "integrity", "framework": "soc2"}, "framework"),
            ({"kind": "integrity", "title": "a\nb"}, "title"),
            ({"kind": "custom", "population": "pop_none"}, "layout"),
            ({"kind": "custom", "population": population,
              "layout": {**LAYOUT, "sections": [{"kind": "chart", "by": "x"}]}}, "layout.sections[0].by"),
            ({"kind": "custom", "population": population, "layout": {**LAYOUT, "x": True}}, "layout.x"),
            ({"kind": "custom", "population": population, "layout": {**LAYOUT, "ключ\n": 1}}, "layout.ключ\n"),
            ({"kind": "custom", "population": population, "layout": {**LAYOUT, "title": "\ud800"}}, "layout.title"),
            ({"kind": "custom", "population": population, "layout": {**LAYOUT, "title": 10**30}}, "layout"),
        ):  # fmt: skip
            answer = sent(desk, "/api/reports", order)
            assert (answer.status_code, answer.json().get("field")) == (422, field), (order, answer.text)
        assert desk.reading.post("/api/reports", json={"kind": "integrity", "size": 999_999}).status_code == 409
        # Another tenant's population, sample and report are not there.
        stolen = foreign.post("/api/reports", json={"kind": "custom", "population": population, "layout": LAYOUT})
        assert (stolen.status_code, stolen.json()["field"]) == (422, "population"), stolen.text
        theirs = foreign.get("/api/log").json()["checkpoint"]
        asks = [{"kind": "population", "id": population}, {"kind": "sample", "id": sample, "of": "items"}]
        order = {"size": theirs["size"], "root": theirs["root"], "asks": asks}
        answers = foreign.post("/api/reports/ask", json=order).json()["answers"]
        assert [sorted(one) for one in answers] == [["refused"], ["refused"]]
        mine = desk.post("/api/reports", kind="integrity")
        for path in (f"/api/reports/{mine['id']}", f"/api/reports/{mine['id']}/pdf"):
            assert foreign.get(path).status_code == 404
        assert foreign.get("/api/reports").json() == {"reports": []}
    refused = desk.entries(action="report.create", outcome="denied")
    assert {one["entry"]["event"]["outcome"] for one in refused} == {"denied"}
    assert len(refused) == 16
    (made,) = desk.entries(action="report.create", outcome="success")
    assert f"report.sha256={mine['sha256']}" in made["entry"]["event"]["labels"]
    # Questions are answered under one checkpoint, and only those that are known.
    size, root = mine["size"], mine["root"]
    for asks, status in (
        ([{"kind": "entries"}], 200),
        ([{"kind": "recorded", "seq": 10**9, "path": ["labels", "x"]}], 200),
        ([{"kind": "population", "id": "pop_none"}], 200),
        ([{"kind": "sql"}], 422),
        ([{"kind": "count", "filters": {"control": "x"}}], 422),
        ([{"kind": "count", "filters": {}, "controls": [1], "actions": [], "besides": []}], 422),
        ([{"kind": "entries"}] * 101, 422),
        ([{"kind": "count", "filters": {"actor": "\ud800"}}], 422),
        ([{"kind": "count", "filters": {"actor": "a\0"}}], 422),
        ([{"kind": "recorded", "seq": 10**30, "path": ["labels", "x"]}], 422),
        ([{"kind": "recorded", "seq": True, "path": ["labels", "x"]}], 422),
    ):
        answer = sent(desk, "/api/reports/ask", {"size": size, "root": root, "asks": asks})
        assert answer.status_code == status, (asks[0], answer.text)
        if status == 200 and asks[0]["kind"] != "entries":
            assert "refused" in answer.json()["answers"][0]


def test_the_pages_lead_from_a_form_to_a_pdf_and_its_questions(desk: Desk, reviewer: Reviewer) -> None:
    desk.record(3, controls=["soc2:CC9.2"])
    desk.seal()
    assert "No report yet" in reviewer.get("/reports").text
    wrong = reviewer.submit("/reports/new", "/reports/new", kind="custom", population="", layout="{")
    assert wrong.status_code == 422
    made = reviewer.submit(
        "/reports/new", "/reports/new", kind="control", title=f"Quarter {HOSTILE}", controls="soc2:CC9.2", layout=""
    )
    assert made.status_code == 200, made.text
    assert HOSTILE not in made.text
    assert "soc2:CC9.2: entries" in made.text
    report = made.url.path.rsplit("/", 1)[1]
    page = reviewer.get(f"/reports/{report}")
    assert "/pdf" in page.text
    pdf = reviewer.get(f"/reports/{report}/pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.headers["content-disposition"].startswith("attachment")
    assert sha256(pdf.content).hexdigest() in page.text
    assert f"/reports/{report}" in reviewer.get("/reports").text
    assert reviewer.get("/reports/rep_none").status_code == 404
    population = desk.save(action="tool.call")["id"]
    fields = {"kind": "custom", "population": population, "layout": json.dumps(LAYOUT)}
    custom = reviewer.submit("/reports/new", "/reports/new", **fields)
    assert "outcome success" in custom.text
    like = reviewer.get(f"/reports/new?like={custom.url.path.rsplit('/', 1)[1]}")
    assert "&quot;By outcome&quot;" in like.text
    named = {**LAYOUT, "sections": [{"kind": "chart", "by": "x"}]}
    wrong = reviewer.submit("/reports/new", "/reports/new", **{**fields, "layout": json.dumps(named)})
    assert "layout.sections[0].by: is one of actor" in wrong.text


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
