"""Exports over HTTP: frozen, the same bytes again, resumed, recorded."""

import base64
import csv
import io
import json
import time
from hashlib import sha256
from typing import Any

import jsonschema_rs
import pytest

from muniment.core.entry import entry_hash
from muniment.formats.csv import uncell
from tests.controls.conftest import service_token
from tests.exports.conftest import Taker
from tests.formats.ocsf_schema import faults
from tests.formats.test_formats import OSCAL, last_line
from tests.support.servers import client_with

FORMATS = ("json", "ndjson", "csv", "ocsf", "oscal")


def ndjson(made: bytes) -> tuple[Any, list[Any], Any]:
    header, *lines, end = map(json.loads, made.splitlines())
    return header, lines, end


def test_an_export_is_frozen_gives_the_same_bytes_again_and_is_recorded(taker: Taker) -> None:
    taker.record(5)
    taker.seal()
    first = taker.make("ndjson")
    taken = taker.take(first["id"])
    taker.record(3)
    taker.seal()
    assert taker.take(first["id"]) == taken
    again = taker.make("ndjson", size=first["checkpoint"]["size"])
    assert taker.take(again["id"]) == taken
    header, lines, end = ndjson(taken)
    assert (header["checkpoint"]["size"], header["checkpoint"]["root"]) == (
        first["checkpoint"]["size"],
        first["checkpoint"]["root"],
    )
    assert [one["seq"] for one in lines] == list(range(first["checkpoint"]["size"]))
    assert end["end"] == {"entries": first["entries"], "sha256": sha256(last_line(taken)[0]).hexdigest()}
    (made, _second) = taker.entries(action="export.create")
    event = made["entry"]["event"]
    assert (made["seq"], event["resource"]) == (first["entry"], {"id": first["id"], "type": "export"})
    assert f"mapping.digest={first['mapping']['digest']}" in event["labels"]
    downloads = [one["entry"]["event"] for one in taker.entries(action="export.download")]
    assert [one["resource"]["id"] for one in downloads] == [first["id"], first["id"], again["id"]]


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_what_it_says_and_its_hashes_are_those_of_the_ledger(taker: Taker, format: str) -> None:
    taker.record(4, labels=["note==cmd()"], controls=["soc2:CC6.1"])
    taker.record(1, action="x.deploy.approve", controls=["soc2:CC7.2"])
    taker.seal()
    control = "soc2:CC6.1"
    made = taker.make(format, control=control)
    bytes_ = taker.take(made["id"])
    counted = taker.get("/api/populations/count", control=control, size=made["checkpoint"]["size"])["count"]
    assert made["entries"] == counted >= 4
    known = {one["seq"]: one["entry_hash"] for one in taker.entries()}
    before, last = last_line(bytes_)
    assert sha256(before).hexdigest().encode() in last
    if format == "oscal":
        document = json.loads(bytes_)
        assert jsonschema_rs.validator_for(json.loads(OSCAL.read_bytes())).is_valid(document)
        (seen,) = document["assessment-results"]["results"][0]["observations"]
        props = {one["name"]: one["value"] for one in seen["props"]}
        assert props["entries"] == str(counted)
        address = seen["relevant-evidence"][0]["href"].removeprefix(str(taker.reading.base_url).rstrip("/"))
        assert taker.reading.get(address).json()["count"] == counted
        saved = taker.reading.post(
            "/api/populations",
            json={"name": "same", "question": {"control": control}, "size": made["checkpoint"]["size"]},
        ).json()
        assert props["population-digest"] == saved["digest"]
        return
    if format == "csv":
        columns, *rows, _end = csv.reader(io.StringIO(bytes_.decode(), newline=""))
        shown = [dict(zip(columns, map(uncell, row), strict=True)) for row in rows]
        found = [(int(one["seq"]), one["entry"].encode()) for one in shown]
    elif format == "ocsf":
        events = [json.loads(line) for line in bytes_.splitlines()]
        assert not [fault for one in events for fault in faults(one)]
        found = [(one["metadata"]["sequence"], one["raw_data"].encode()) for one in events[:-1]]
    else:
        lines = [one for one in bytes_.splitlines() if one.startswith(b'{"seq":')]
        found = [
            (json.loads(line.rstrip(b","))["seq"], line.rstrip(b",").partition(b',"entry":')[2][:-1]) for line in lines
        ]
        assert json.loads(bytes_) if format == "json" else ndjson(bytes_)
    assert len(found) == counted
    assert all(entry_hash(text).hex() == known[seq] for seq, text in found)


def test_a_framework_takes_the_entries_of_any_of_its_controls_and_marks_what_is_only_laid_over(taker: Taker) -> None:
    taker.record(2, action="tool.call")
    taker.seal()
    gdpr = taker.make("ndjson", framework="gdpr")
    header, lines, _end = ndjson(taker.take(gdpr["id"]))
    assert header["evidence"]["actions"], "no entry holds an article: annotations are asked for"
    assert lines
    marks = {(one["id"].partition(":")[0], one["mark"]) for line in lines for one in line["controls"]}
    assert ("gdpr", "annotation") in marks
    assert ("gdpr", "mapping") not in marks
    results = json.loads(taker.take(taker.make("oscal", framework="gdpr")["id"]))
    observed = results["assessment-results"]["results"][0]["observations"]
    assert len(observed) > 50
    assert any("No entry" in one["description"] for one in observed)


def test_all_filters_hold_at_once(taker: Taker) -> None:
    taker.record(2, workspace="wks-a", outcome="denied", actor={"id": "agent:one", "type": "agent"})
    taker.record(3, workspace="wks-a", outcome="success", actor={"id": "agent:one", "type": "agent"})
    taker.record(1, workspace="wks-b", outcome="denied", actor={"id": "agent:one", "type": "agent"})
    taker.record(1, workspace="wks-a", outcome="denied", actor={"id": "agent:one", "type": "service"})
    taker.seal()
    made = taker.make(
        "ndjson", agent="agent:one", workspace="wks-a", outcome="denied", action="tool.*", **{"from": "2020-01-01"}
    )
    _header, lines, _end = ndjson(taker.take(made["id"]))
    assert made["entries"] == len(lines) == 2


@pytest.mark.parametrize(
    ("order", "field"),
    [
        ({"format": "xml"}, "format"),
        ({"format": "json", "question": {"control": "soc2:CC99.9"}}, "control"),
        ({"format": "json", "question": {"framework": "soc7"}}, "framework"),
        ({"format": "json", "question": {"framework": "gdpr", "control": "gdpr:32"}}, "framework"),
        ({"format": "oscal"}, "framework"),
        ({"format": "json", "question": {"from": "yesterday"}}, "from"),
        ({"format": "json", "question": {"from": "2026-02-01", "to": "2026-01-01"}}, "to"),
        ({"format": "json", "question": {"actor": "a", "agent": "a"}}, "agent"),
        ({"format": "json", "question": {"actor": "a\nb"}}, "actor"),
        ({"format": "json", "question": {"action": "tool*"}}, "action"),
        ({"format": "json", "question": {"colour": "red"}}, "question.colour"),
        ({"format": "json", "names": True}, "names"),
        ({"format": "json", "size": 0}, "size"),
    ],
)
def test_an_order_that_cannot_be_is_refused_by_its_field(taker: Taker, order: Any, field: str) -> None:
    taker.seal()
    answer = taker.reading.post("/api/exports", json=order)
    assert answer.status_code in (400, 422), answer.text
    assert field in answer.json()["field"]


def test_a_size_without_a_checkpoint_is_not_sealed(taker: Taker) -> None:
    taker.seal()
    answer = taker.reading.post("/api/exports", json={"format": "json", "size": 999_999})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "not-sealed")


@pytest.mark.parametrize("format", FORMATS)
def test_a_download_goes_on_from_any_byte_if_what_is_there_begins_the_export(taker: Taker, format: str) -> None:
    taker.record(30)
    taker.seal()
    made = taker.make(format, control="soc2:CC6.1") if format == "oscal" else taker.make(format)
    whole = taker.take(made["id"])
    for offset in (1, 100, len(whole) // 2, len(whole) - 1, len(whole)):
        rest = taker.take(made["id"], offset=offset, sha256=sha256(whole[:offset]).hexdigest())
        assert whole[:offset] + rest == whole
    wrong = taker.reading.post(f"/api/exports/{made['id']}/file", json={"offset": 10, "sha256": "00" * 32})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "sha256")
    beyond = {"offset": len(whole) + 1, "sha256": sha256(whole).hexdigest()}
    assert taker.reading.post(f"/api/exports/{made['id']}/file", json=beyond).json()["field"] == "offset"
    unsaid = taker.reading.post(f"/api/exports/{made['id']}/file", json={"offset": 10})
    assert unsaid.json()["field"] == "sha256"


def test_a_download_that_is_cut_off_is_recorded_and_shows_in_the_file(taker: Taker) -> None:
    for _ in range(8):
        taker.record(500, resource={"id": "x" * 1000, "type": "tool"}, tool="y" * 250)
    taker.seal()
    made = taker.make("ndjson")
    got = b""
    with taker.reading.stream("POST", f"/api/exports/{made['id']}/file", json={}) as answer:
        for piece in answer.iter_raw():
            got += piece
            if len(got) > 200_000:
                break
    assert b'{"end":' not in got
    deadline = time.monotonic() + 30
    while not (cut := taker.entries(action="export.download", outcome="failure")) and time.monotonic() < deadline:
        time.sleep(0.1)
    labels = dict(one.split("=", 1) for one in cut[0]["entry"]["event"]["labels"])
    assert 0 < int(labels["entries"]) < made["entries"]
    assert taker.get(f"/api/exports/{made['id']}")["download"]["state"] == "cut"
    rest = taker.take(made["id"], offset=len(got), sha256=sha256(got).hexdigest())
    assert got + rest == taker.take(made["id"])
    assert taker.get(f"/api/exports/{made['id']}")["download"]["state"] == "ended"


def test_another_tenants_export_is_not_there_and_a_key_that_appends_takes_none(taker: Taker) -> None:
    taker.seal()
    made = taker.make("json")
    other = taker.installation.tenant()
    with other.client("read") as reading:
        assert reading.get(f"/api/exports/{made['id']}").status_code == 404
        assert reading.post(f"/api/exports/{made['id']}/file", json={}).status_code == 404
        assert reading.get("/api/exports").json() == {"exports": []}
    with taker.tenant.client() as append:
        assert append.post("/api/exports", json={"format": "json"}).status_code == 403


def test_the_bytes_do_not_change_with_the_mapping_of_a_later_day(taker: Taker) -> None:
    taker.record(2)
    taker.seal()
    made = [taker.make(format, framework="gdpr") for format in ("ndjson", "oscal", "csv")]
    taken = [taker.take(one["id"]) for one in made]
    assert b"gdpr:32.1.b" in taken[0]
    remove = {"annotate": {"tool.call": {"remove": ["gdpr:32.1.b"]}}}
    document = {"format": "muniment-mapping/1", "name": "later", "base": "base-1", "notes": "notes-1", **remove}
    with client_with(taker.installation.url, service_token(taker, "analyst")) as changing:
        changed = changing.put("/api/mapping", json={"document": document, "replaces": "base-1"})
    assert changed.status_code == 200, changed.text
    assert [taker.take(one["id"]) for one in made] == taken
    later = taker.make("ndjson", size=made[0]["checkpoint"]["size"], framework="gdpr")
    assert later["mapping"]["digest"] == changed.json()["digest"] != made[0]["mapping"]["digest"]
    calls = [one for one in taker.take(later["id"]).splitlines() if b'"action":"tool.call"' in one]
    assert not [one for one in calls if b'"gdpr:32.1.b"' in one]


def test_licensed_text_that_a_tenant_brought_in_does_not_leave_with_an_export(taker: Taker) -> None:
    taker.record(1)
    taker.seal()
    secret = "The wording of the publisher"
    file = base64.b64encode(f"id,label,text\nCC6.1,{secret},{secret}\n".encode()).decode()
    with client_with(taker.installation.url, service_token(taker, "analyst")) as bringing:
        answer = bringing.post("/api/catalogs", json={"name": "tsc.csv", "file": file, "over": "soc2"})
    assert answer.status_code == 201, answer.text
    for format in FORMATS:
        taken = taker.take(taker.make(format, framework="soc2")["id"])
        assert b"soc2:CC6.1" in taken
        assert secret.encode() not in taken
