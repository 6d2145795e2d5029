"""Registers in packets: each step of an exception is an entry of the packet's bundle, and nobody alters one unnamed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from click.testing import CliRunner

from muniment.cli.main import muniment
from muniment.core.bundle import EntryLine, Subtree, read_bundle
from muniment.core.entry import entry_hash, parse_entry
from muniment.core.event import Resource
from muniment.keys import KeyRing
from muniment.packet.checking import verify_packet
from muniment.verifier.options import Options
from muniment.verifier.pins import Pins
from muniment.verifier.standalone import muniment_verify
from tests.exceptions.conftest import Office, in_days, inside, office, staff
from tests.packet.conftest import files_of, named, rezipped
from tests.packet_requests.conftest import Seat
from tests.support.people import Person

# Django was set up by the imports above.
from muniment.server.exceptions.services import run_due  # isort: skip
from muniment.server.remediation import services as remediation  # isort: skip
from muniment.server.remediation.contents import FindingContent, TaskContent  # isort: skip
from muniment.server.tenants.scope import tenant_scope  # isort: skip

__all__ = ["inside", "office", "staff"]


@pytest.fixture(scope="module")
def browser(staff: dict[str, Person]) -> Iterator[httpx.Client]:
    with staff["asks"].signed_in() as client:
        yield client


@pytest.fixture
def seat(office: Office, browser: httpx.Client) -> Seat:
    return Seat(office.tenant.made.slug, office.people["asks"], browser)


def renewed_twice(office: Office) -> list[str]:
    """A chain of three: the first expired, the second active, the third under review."""
    first = office.active(expires_on=in_days(2))
    second = office.does("asks", "renew", first.id, {"expires_on": in_days(60)})
    office.does("asks", "submit", second.id)
    office.does("first", "decide", second.id, "approve", comment="=once more")
    assert first.ends_at is not None
    run_due(office.tenant_id, first.ends_at)
    third = office.does("asks", "renew", second.id, {"expires_on": in_days(90)})
    office.does("asks", "submit", third.id)
    return [first.id, second.id, third.id]


def packet(office: Office, seat: Seat, path: Path, **said: Any) -> Path:
    """The archive of a packet over a scope of one framework."""
    scope = seat.done("/api/packet-scopes", name="The year", frameworks=["soc2"], **said)
    office.installation.seal()
    made = seat.done("/api/packets", scope=scope["id"])
    office.installation.seal()
    answer = seat.post(f"/api/packets/{made['id']}/archive")
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    return path


def bundled(text: bytes) -> dict[int, bytes]:
    """The entries of a bundle by their places."""
    found, position = {}, 0
    for line in read_bundle(io.BytesIO(text)):
        if isinstance(line, EntryLine):
            found[position] = line.text
            position += 1
        elif isinstance(line, Subtree):
            position += 1 << line.level
    return found


def rows_of(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(files[f"data/{name}.csv"].decode(), newline="")))
    told = json.loads(files[f"data/{name}.json"])["rows"]
    assert len(rows) == len(told)
    return rows


def test_every_step_of_a_chain_of_renewals_is_proven_by_the_packets_own_bundle(
    office: Office, seat: Seat, tmp_path: Path
) -> None:
    chain = renewed_twice(office)
    other = office.active(controls=("cis-8-1:8.2",))
    path = packet(office, seat, tmp_path / "packet.zip")
    files = files_of(path)
    cases = {row["Exception"]: row["State"] for row in rows_of(files, "exceptions")}
    assert cases == {chain[0]: "expired", chain[1]: "active", chain[2]: "under_review"}
    assert other.id not in cases
    entries = bundled(files["evidence.bundle"])
    steps = rows_of(files, "exception-steps")
    taken = [office.look("steps_of", office.look("exception_for", one)) for one in chain]
    assert [int(row["Entry"]) for row in steps] == [step.seq for of_one in taken for step in of_one]
    for row in steps:
        text = entries[int(row["Entry"])]
        event = parse_entry(text).event
        labels = dict(label.split("=", 1) for label in event.labels)
        assert entry_hash(text).hex() == row["Entry hash"]
        assert event.action == f"exception.{row['Step']}"
        assert event.resource is not None
        assert event.resource.id == row["Exception"]
        assert (labels["number"], labels["to"]) == (row["Number"], row["To"])
        assert labels.get("digest", "") == row["Digest"]
    decisions = rows_of(files, "exception-decisions")
    assert len(decisions) == 2
    for row in decisions:
        text = b"muniment/exception-decision/1\0" + row["Decided"].encode()
        assert hashlib.sha256(text).hexdigest() == row["Digest"]
        assert row["Digest"].encode() in files["evidence.bundle"]
    # What a spreadsheet would take for a formula is text in the CSV and as it was in the JSON.
    assert "'=once more" in {row["Comment"] for row in steps}
    assert b'"=once more"' in files["data/exception-steps.json"]
    (risk,) = rows_of(files, "risks")
    assert set(risk["Exceptions"].split()) <= set(chain)
    for row in rows_of(files, "risk-versions"):
        event = parse_entry(entries[int(row["Entry"])]).event
        assert f"digest={row['Digest']}" in event.labels
        assert hashlib.sha256(row["Says"].encode()).hexdigest() == row["Digest"]
    assert json.loads(files["data/vendors.json"])["state"] == "not supplied"

    ring = KeyRing(office.installation.places.keys)
    options = Options(Pins(root=ring.root_verifier()), None, 2**50, workers=1)
    pins = muniment_verify.Pins(root=muniment_verify.read_vkey(ring.root_verifier().vkey, 1))
    assert verify_packet(path, options).verdict == "verified"
    assert muniment_verify.verify_packet(str(path), pins)["verdict"] == "verified"
    altered = files["data/exception-steps.csv"].replace(b",fine,", b",fime,", 1)
    assert altered != files["data/exception-steps.csv"]
    forged = rezipped({**files, "data/exception-steps.csv": altered}, tmp_path / "forged.zip")
    assert named(verify_packet(forged, options).as_json()) == {"data/exception-steps.csv"}
    assert named(muniment_verify.verify_packet(str(forged), pins)) == {"data/exception-steps.csv"}


def test_a_register_is_as_of_its_checkpoint_and_shows_no_row_that_its_entry_does_not(
    office: Office, seat: Seat, tmp_path: Path
) -> None:
    row = office.active()
    scope = seat.done("/api/packet-scopes", name="The year", controls=["soc2:CC6.1"])
    office.installation.seal()
    early = seat.done("/api/packets", scope=scope["id"])
    office.does("asks", "withdraw", row.id, comment="it is mended")
    office.installation.seal()
    late = seat.done("/api/packets", scope=scope["id"])
    assert seat.done("/api/packets", scope=scope["id"], size=early["size"])["id"] == early["id"]
    for made, state in ((early, "active"), (late, "withdrawn")):
        office.installation.seal()
        path = tmp_path / f"{state}.zip"
        path.write_bytes(seat.post(f"/api/packets/{made['id']}/archive").content)
        assert [one["State"] for one in rows_of(files_of(path), "exceptions")] == [state]
    # The database takes no second word for a step; somebody who is above it writes one all the same.
    with office.tenant.in_database() as raw:
        raw.execute("SET session_replication_role = replica")
        raw.execute(
            "UPDATE django.exceptions_step SET by = %s WHERE exception = %s AND kind = 'approve'",
            [office.subject("second"), row.id],
        )
    refused = seat.post("/api/packets", scope=scope["id"])
    assert refused.status_code >= 400
    assert "another actor than the register says" in refused.text


def test_exceptions_leave_as_a_plan_whose_evidence_are_entries_of_the_log(office: Office, tmp_path: Path) -> None:
    first, second, _third = renewed_twice(office)
    with tenant_scope(office.tenant_id):
        asks = office.standing("asks")
        finding = remediation.findings.create(asks, FindingContent("VPN without a second factor"))
        owner = office.subject("asks")
        remediation.tasks.create(asks, TaskContent("Replace it", owner, in_days(9)), finding=finding.id)
        remediation.findings.accept(asks, finding.id, "The firmware comes in spring", second)
    office.installation.seal()
    environment = {
        "MUNIMENT_URL": office.installation.url,
        "MUNIMENT_READ_KEY": office.tenant.made.tokens["read"],
        "NO_PROXY": "*",
    }
    path = tmp_path / "poam.json"
    made = CliRunner().invoke(muniment, ["report", "poam", "-o", str(path), "--framework", "soc2"], env=environment)
    assert made.exit_code == 0, made.output
    (entry,) = [one for one in office.entries("export.create") if one["facts"]["form"] == "oscal-poam"]
    assert entry["facts"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    document = json.loads(path.read_bytes())
    schema = Path(__file__).parents[1] / "formats" / "schemas" / "oscal-1.2.1-poam.json"
    validator = jsonschema_rs.validator_for(json.loads(schema.read_bytes()))
    assert not [f"{one.instance_path}: {one.message}" for one in validator.iter_errors(document)]
    plan = document["plan-of-action-and-milestones"]
    assert [one["status"] for one in plan["risks"]] == ["open", "deviation-approved", "deviation-requested"]
    # The task is towards the end of the whole chain.
    assert [one["remediations"][0]["title"] for one in plan["risks"]] == ["Replace it"] * 3
    with office.tenant.client("read") as reading:
        for proof in plan["observations"][0]["relevant-evidence"]:
            said = {one["name"]: one["value"] for one in proof["props"]}
            address = proof["href"][proof["href"].index("/api/") :]
            text = reading.get(address).content
            assert hashlib.sha256(b"\0" + text).hexdigest() == said["entry-hash"]
            assert parse_entry(text).event.resource == Resource(first, "exception")
    for name, form in (("exceptions", "csv"), ("exceptions", "md"), ("risks", "md")):
        file = tmp_path / f"{name}.{form}"
        command = ["report", "register", name, "--format", form, "-o", str(file)]
        taken = CliRunner().invoke(muniment, command, env=environment)
        assert taken.exit_code == 0, taken.output
        assert (first if form == "csv" else first.replace("_", "\\_")) in file.read_text() or name == "risks"
    assert "\\=once more" in (tmp_path / "exceptions.md").read_text()
    with office.people["asks"].signed_in() as client:
        seat = Seat(office.tenant.made.slug, office.people["asks"], client)
        page = seat.submit("/register-files", "/register-files", file="exceptions.md")
        assert page.content == (tmp_path / "exceptions.md").read_bytes()
        assert seat.submit("/register-files", "/register-files", file="exceptions.exe").status_code == 422
    other = CliRunner().invoke(muniment, ["report", "poam", "-o", str(path), "--force", "cis-8-1:8.2"], env=environment)
    assert other.exit_code != 0
    assert "no exception was submitted" in str(other.exception)
