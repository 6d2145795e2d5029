"""From a saved scope to an archive: what was recorded, made again byte for byte, and verified from an empty folder."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from muniment.cli.main import muniment
from muniment.keys import KeyRing
from muniment.packet.checking import verify_packet
from muniment.packet.manifest import parse_manifest
from muniment.verifier.options import Options
from muniment.verifier.pins import Pins
from tests.populations.conftest import Desk, Reviewer
from tests.server.events import ulid
from tests.support.people import make_person
from tests.support.servers import Installation, Tenant


@pytest.fixture
def desk(installation: Installation, tenant: Tenant) -> Iterator[Desk]:
    with tenant.client("read") as reading:
        yield Desk(installation, tenant, f"src_{ulid()}", reading)


@pytest.fixture
def analyst(desk: Desk) -> Iterator[Reviewer]:
    with make_person(desk.installation, desk.tenant, "analyst").signed_in() as client:
        yield Reviewer(desk, client)


def asked(analyst: Reviewer, path: str, **body: Any) -> Any:
    answer = analyst.post(path, **body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def reviewed(desk: Desk, analyst: Reviewer) -> tuple[str, str, list[int]]:
    """A population with a sample whose entries are marked; their ids, and the places."""
    desk.record(9, action="x.examined")
    desk.seal()
    population = desk.save(action="x.examined")["id"]
    sample = desk.draw(population, method="random", count=3)
    first, *others = sample["places"]
    asked(analyst, f"/api/samples/{sample['id']}/items/{first}/marks", exception=True, comment="nobody approved it")
    for place in others:
        asked(analyst, f"/api/samples/{sample['id']}/items/{place}/marks", ticks=["agreed"], conclusion="satisfied")
    asked(analyst, f"/api/samples/{sample['id']}/conclusion", result="exceptions", comment="one of three")
    return population, sample["id"], sample["places"]


def build(desk: Desk, analyst: Reviewer, path: Path, **order: Any) -> tuple[Any, Path]:
    """A packet, and its archive in a file."""
    packet = asked(analyst, "/api/packets", **order)
    desk.seal()
    answer = analyst.post(f"/api/packets/{packet['id']}/archive")
    assert answer.status_code == 200, answer.text
    path.write_bytes(answer.content)
    return packet, path


def options(desk: Desk, *, pinned: bool = True) -> Options:
    root = KeyRing(desk.installation.places.keys).root_verifier()
    return Options(Pins(root=root) if pinned else Pins(), None, 2**50, workers=1)


def test_a_packet_is_built_recorded_and_verified_and_made_again_byte_for_byte(
    desk: Desk, analyst: Reviewer, tmp_path: Path
) -> None:
    population, sample, places = reviewed(desk, analyst)
    desk.seal()
    scope = asked(
        analyst, "/api/packet-scopes",
        name="First quarter", samples=[sample], controls=["soc2:CC6.1"], statements=["hipaa"],
    )  # fmt: skip
    desk.seal()
    early = asked(analyst, "/api/packets", scope=scope["id"])
    waiting = analyst.post(f"/api/packets/{early['id']}/archive")
    assert waiting.status_code == 409
    packet, path = build(desk, analyst, tmp_path / "packet.zip", scope=scope["id"], size=early["size"])
    assert packet["id"] == early["id"]
    found = verify_packet(path, options(desk))
    assert (found.verdict, found.trust, found.faults) == ("verified", "pinned", ())
    assert [(one.seq, one.state) for one in found.items] == [(place, "proven") for place in places]
    unpinned = verify_packet(path, options(desk, pinned=False))
    assert unpinned.trust == "self-attested"
    assert [one.trust for one in (unpinned.evidence, unpinned.signature) if one] == ["self-attested", "self-attested"]
    with zipfile.ZipFile(path) as archive:
        manifest = archive.read("manifest.json")
        page = archive.read(f"pages/sample-{sample}.html").decode()
        evidence = archive.read("evidence.bundle")
        overview = archive.read("READ ME FIRST.html").decode()
        populations = json.loads(archive.read("data/populations.json"))
        statement = json.loads(archive.read("statements/statement-hipaa.json"))
        assert "HIPAA" in archive.read("statements/statement-hipaa.html").decode()
    assert hashlib.sha256(manifest).hexdigest() == packet["manifest"]
    assert parse_manifest(manifest).size == packet["size"]
    assert "Exception noted." in page
    assert "nobody approved it" in page
    assert "one of three" in page
    assert overview.count("not supplied") == 2
    assert "2 of 3" in overview
    assert statement["searched"]["size"] == packet["size"]
    assert populations["rows"][0]["Digest"] == desk.get(f"/api/populations/{population}")["digest"]
    # The comments of marks are disclosed, so that they can be held against what was committed to; payloads are not.
    assert evidence.count(b"\nB ") > 0
    (entry,) = desk.entries(action="packet.build")
    assert f"manifest={packet['manifest']}" in entry["entry"]["event"]["labels"]
    again = analyst.post(f"/api/packets/{packet['id']}/archive").content
    desk.record(3)
    desk.seal()
    assert again == path.read_bytes() == analyst.post(f"/api/packets/{packet['id']}/archive").content
    shown = analyst.get(f"/api/packets/{packet['id']}").json()
    assert shown["archive"]["sha256"] == hashlib.sha256(again).hexdigest()
    assert len(desk.entries(action="export.create")) == 3
    later = asked(analyst, "/api/packets", scope=scope["id"])
    assert later["id"] != packet["id"]


def test_from_an_empty_folder_the_packets_own_script_reaches_the_verdict(
    desk: Desk, analyst: Reviewer, tmp_path: Path
) -> None:
    _population, sample, places = reviewed(desk, analyst)
    desk.seal()
    scope = asked(analyst, "/api/packet-scopes", name="Empty folder", samples=[sample])
    _packet, path = build(desk, analyst, tmp_path / "packet.zip", scope=scope["id"])
    folder = tmp_path / "empty"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    root = KeyRing(desk.installation.places.keys).root_verifier().vkey

    def verified(*arguments: str) -> subprocess.CompletedProcess[str]:
        # As READ ME FIRST says; -I -S: nothing but the standard library, and nothing of ours.
        command = [sys.executable, "-I", "-S", "verifiers/muniment_verify.py", *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env={})

    run = verified(".", "--root", root)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith("VERIFIED against what you pinned")
    for place in places:
        assert f"proven        entry {place} of sample {sample}" in run.stdout
    letter = folder / "data/matrix.json"
    letter.write_bytes(letter.read_bytes().replace(b"not supplied", b"now supplied"))
    run = verified(".", "--root", root, "--json")
    assert run.returncode == 1
    assert [one["path"] for one in json.loads(run.stdout)["faults"]] == ["data/matrix.json"]


def test_the_command_builds_takes_out_and_verifies(desk: Desk, analyst: Reviewer, tmp_path: Path) -> None:
    _population, sample, places = reviewed(desk, analyst)
    desk.seal()
    scope = asked(analyst, "/api/packet-scopes", name="By command", samples=[sample])
    token = service_token(desk)
    done = threading.Event()

    def sealing() -> None:
        while not done.wait(0.2):
            desk.seal()

    def ran(*arguments: str) -> Result:
        environment = {"MUNIMENT_URL": desk.installation.url, "MUNIMENT_READ_KEY": token, "NO_PROXY": "*"}
        return CliRunner().invoke(
            muniment, ["packet", *arguments], env={**environment, "MUNIMENT_STATE": str(tmp_path / "state")}
        )

    path = str(tmp_path / "packet.zip")
    root = KeyRing(desk.installation.places.keys).root_verifier().vkey
    sealer = threading.Thread(target=sealing)
    sealer.start()
    try:
        built = ran("build", scope["id"], "-o", path, "--root", root)
    finally:
        done.set()
        sealer.join()
    assert built.exit_code == 0, built.output
    assert f"sample     {sample}: {len(places)} proven" in built.output
    assert "exists already" in str(ran("build", scope["id"], "-o", path).exception)
    shown = ran("show").output
    assert "By command" in shown
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() in ran("show", shown.split()[0]).output
    assert ran("verify", path, "--root", root, "--no-known-logs").exit_code == 0
    listed = {line[66:]: line[:64] for line in ran("verifiers").output.splitlines()}
    with zipfile.ZipFile(path) as archive:
        for name, digest in listed.items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest


def test_the_pages_build_a_packet_and_give_its_archive_out(desk: Desk, analyst: Reviewer, tmp_path: Path) -> None:
    hostile = "Quarter <script>alert(1)</script>"
    _population, sample, _places = reviewed(desk, analyst)
    empty = analyst.get("/packets/built")
    assert "No packet was built yet" in empty.text
    desk.seal()
    scope = asked(analyst, "/api/packet-scopes", name=hostile, samples=[sample])
    wrong = analyst.submit("/packets/built/new", "/packets/built", scope="scp_other")
    assert wrong.status_code == 422
    built = analyst.submit("/packets/built/new", "/packets/built", scope=scope["id"])
    assert built.status_code == 200, built.text
    assert "Waiting for its seal" in built.text
    assert hostile not in built.text
    page = built.url.path.removeprefix(f"/t/{desk.tenant.made.slug}")
    early = analyst.submit(f"{page}/take", page)
    assert "Not given out" in early.text
    desk.seal()
    assert "Take the archive out" in analyst.get(page).text
    path = tmp_path / "packet.zip"
    path.write_bytes(analyst.submit(f"{page}/take", page).content)
    assert verify_packet(path, options(desk)).verdict == "verified"
    assert hashlib.sha256(path.read_bytes()).hexdigest() in analyst.get(page).text
    assert page in analyst.get("/packets/built").text
    assert "/packets/built" in analyst.get("/packets").text
    assert len(desk.entries(action="export.create")) == 1


def service_token(desk: Desk) -> str:
    """The token of a service account with an analyst's role."""
    key, token = desk.tenant.new_key("read")
    with desk.tenant.in_database() as raw:
        role = raw.execute(
            "SELECT id FROM django.members_role WHERE tenant_id = %s AND code = 'analyst'", [desk.tenant.made.tenant_id]
        ).fetchone()
        assert role is not None
        service = f"svc_{ulid()}"
        raw.execute(
            "INSERT INTO django.members_service (id, tenant_id, name, roles, created_at) "
            "VALUES (%s, %s, 'packets', %s, now())",
            [service, desk.tenant.made.tenant_id, [role[0]]],
        )
        raw.execute(
            "INSERT INTO django.members_servicekey (key_id, tenant_id, service_id, created_at) "
            "VALUES (%s, %s, %s, now())",
            [key, desk.tenant.made.tenant_id, service],
        )
    return token


def test_what_cannot_be_shown_as_of_the_checkpoint_is_refused_by_name(desk: Desk, analyst: Reviewer) -> None:
    _population, sample, _places = reviewed(desk, analyst)
    scope = asked(analyst, "/api/packet-scopes", name="Too early", samples=[sample])
    refused = analyst.post("/api/packets", scope=scope["id"])
    assert refused.status_code in (400, 422)
    assert "was drawn after the checkpoint" in refused.json()["detail"]
    assert analyst.post("/api/packets", scope="scp_other").status_code == 404
    assert analyst.post("/api/packets", scope=scope["id"], size=7_000_000).status_code == 409
    assert desk.reading.post("/api/packets", json={"scope": scope["id"]}).status_code == 403
    assert desk.entries(action="packet.build") == []


def test_another_tenants_packets_and_scopes_are_not_there(desk: Desk, analyst: Reviewer) -> None:
    _population, sample, _places = reviewed(desk, analyst)
    desk.seal()
    scope = asked(analyst, "/api/packet-scopes", name="Ours", samples=[sample])
    packet = asked(analyst, "/api/packets", scope=scope["id"])
    other = desk.installation.tenant()
    with make_person(desk.installation, other, "analyst").signed_in() as client:
        stranger = replace(analyst, desk=replace(desk, tenant=other), client=client)
        assert stranger.post("/api/packets", scope=scope["id"]).status_code == 404
        assert stranger.get(f"/api/packets/{packet['id']}").status_code == 404
        assert stranger.post(f"/api/packets/{packet['id']}/archive").status_code == 404
        assert stranger.get("/api/packets").json() == {"packets": []}


def test_evidence_that_was_altered_where_it_is_kept_is_not_given_out(desk: Desk, analyst: Reviewer) -> None:
    _population, sample, _places = reviewed(desk, analyst)
    desk.seal()
    scope = asked(analyst, "/api/packet-scopes", name="Altered", samples=[sample])
    packet = asked(analyst, "/api/packets", scope=scope["id"])
    desk.seal()
    with desk.tenant.in_database() as raw, raw.transaction():
        raw.execute("SET LOCAL session_replication_role = replica")
        raw.execute(
            "UPDATE django.packet_building_packet SET snapshot = replace(snapshot, 'one of three', 'none of three') "
            "WHERE id = %s",
            [packet["id"]],
        )
    answer = analyst.post(f"/api/packets/{packet['id']}/archive")
    assert answer.status_code != 200
    assert io.BytesIO(answer.content).read(2) != b"PK"
