"""One altered byte anywhere in a packet is found and its file is named, by each verifier; so is every other change."""

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from muniment.packet.draft import write_packet
from muniment.packet.manifest import File, parse_manifest
from tests.packet.conftest import Verify, files_of, named, rezipped, unpacked
from tests.packet.scene import LETTER, PLACES, SAMPLE, Scene, scene
from tests.verifier.logbook import MALLORY, Logbook


@pytest.fixture
def packet(archive: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "packet.zip"
    path.write_bytes(archive)
    return path


def test_a_packet_is_verified_with_a_verdict_for_each_sampled_entry(
    verify: Verify, packet: Path, tmp_path: Path
) -> None:
    folder = unpacked(files_of(packet).items(), tmp_path / "empty")
    for path in (packet, folder):
        found = verify(path)
        assert (found["verdict"], found["trust"], found["faults"]) == ("verified", "pinned", [])
        assert [(one["sample"], one["seq"], one["state"]) for one in found["items"]] == [
            (SAMPLE, place, "proven") for place in PLACES
        ]
        assert found["recorded"].startswith("entry 20, recorded 2026-03-01T")


def test_a_byte_changed_in_any_file_is_found_and_the_file_is_named(
    verify: Verify, packet: Path, tmp_path: Path
) -> None:
    files = files_of(packet)
    folder = unpacked(files.items(), tmp_path / "unpacked")
    for name, content in files.items():
        for place in {0, len(content) // 2, len(content) - 1}:
            changed = bytearray(content)
            changed[place] ^= 0x01
            (folder / name).write_bytes(changed)
            found = verify(folder)
            assert found["verdict"] != "verified", (name, place)
            assert found["faults"][0]["path"] == name, (name, place, found["faults"])
            assert named(found) == {name} or name == "manifest.json", (name, place, found["faults"])
        (folder / name).write_bytes(content)
    assert verify(folder)["verdict"] == "verified"


def test_a_byte_changed_in_the_archive_is_found_wherever_it_stands(
    verify: Verify, archive: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "changed.zip"
    steps = len(archive) // 24
    for place in [*range(0, len(archive), steps), *range(len(archive) - 24, len(archive), 2)]:
        changed = bytearray(archive)
        changed[place] ^= 0x20
        path.write_bytes(changed)
        found = verify(path)
        assert found["verdict"] != "verified", place
        assert found["faults"], place


def test_files_that_are_added_taken_away_or_renamed_are_named(verify: Verify, packet: Path, tmp_path: Path) -> None:
    files = files_of(packet)
    added = rezipped({**files, "pages/extra.html": b"x"}, tmp_path / "added.zip")
    assert named(verify(added)) == {"pages/extra.html"}
    without = rezipped({name: data for name, data in files.items() if name != "data/matrix.csv"}, tmp_path / "less.zip")
    assert named(verify(without)) == {"data/matrix.csv"}
    renamed = {("pages/z.html" if name == "pages/matrix.html" else name): data for name, data in files.items()}
    found = verify(rezipped(renamed, tmp_path / "renamed.zip"))
    assert named(found) == {"pages/matrix.html", "pages/z.html"}
    for needed in ("evidence.bundle", "signature.bundle", "manifest.json"):
        rest = {name: data for name, data in files.items() if name != needed}
        found = verify(rezipped(rest, tmp_path / f"without-{needed}.zip"))
        assert found["verdict"] != "verified"
        assert needed in named(found)
        assert all(one["state"] == "not proven" for one in found["items"] if needed == "evidence.bundle")


def test_a_manifest_that_was_made_to_fit_changed_files_is_not_the_one_that_the_log_names(
    verify: Verify, packet: Path, tmp_path: Path
) -> None:
    files = files_of(packet)
    forged = LETTER.replace(b"letter", b"praise")
    manifest = parse_manifest(files["manifest.json"])
    listed = tuple(
        File(one.path, len(forged), hashlib.sha256(forged).hexdigest()) if one.path.startswith("attachments/") else one
        for one in manifest.files
    )
    files |= {"attachments/att_1.pdf": forged, "manifest.json": replace(manifest, files=listed).text()}
    found = verify(rezipped(files, tmp_path / "forged.zip"))
    assert found["verdict"] == "failed"
    assert named(found) == {"manifest.json"}
    assert "names another SHA-256" in found["faults"][0]["reason"]


def test_a_sample_from_which_an_entry_was_left_out_is_not_the_drawn_one(verify: Verify, tmp_path: Path) -> None:
    whole = scene()
    (sample,) = whole.contents.samples
    less = scene(samples=(replace(sample, items=sample.items[:-1]),))
    path = tmp_path / "less.zip"
    path.write_bytes(less.packet())
    found = verify(path)
    assert found["verdict"] == "failed"
    assert named(found) == {"manifest.json"}
    other = scene(samples=(replace(sample, items=(*sample.items[:-1], replace(sample.items[-1], hash="0" * 64))),))
    path.write_bytes(other.packet())
    found = verify(path)
    assert [one["state"] for one in found["items"]] == ["proven", "proven", "proven", "not proven"]


def test_what_the_holder_of_an_api_key_recorded_signs_no_packet(verify: Verify, made: Scene, tmp_path: Path) -> None:
    path = tmp_path / "packet.zip"
    for signature, said in (
        (made.signature(by="key:ak_01KAY9M2Z7Q4WXYH3J8V5T6R0C"), "holds no entry packet.build"),
        (made.signature(packet="pkt_other"), "of another packet"),
        (made.log.bundle(), "holds no entry packet.build"),
    ):
        path.write_bytes(made.packet(signature))
        found = verify(path)
        assert found["verdict"] == "failed"
        assert named(found) == {"signature.bundle"}
        assert said in found["faults"][0]["reason"]


def test_a_packet_of_another_log_under_another_root_is_not_ours(verify: Verify, tmp_path: Path) -> None:
    theirs = scene()
    theirs.log.root = MALLORY
    theirs.log.texts[0] = b""
    book = Logbook(root=MALLORY)
    book.append(20)
    book.seal()
    evidence = book.bundle(show=list(PLACES))
    other = scene(evidence=lambda: (evidence,))
    path = tmp_path / "other.zip"
    out = io.BytesIO()
    write_packet(other.draft, other.signature(), out)
    path.write_bytes(out.getvalue())
    found = verify(path)
    assert found["verdict"] == "failed"
    assert "evidence.bundle" in named(found)
    assert {one["state"] for one in found["items"]} == {"not proven"}


def test_a_signature_whose_log_does_not_continue_the_evidence_is_refused(
    verify: Verify, made: Scene, tmp_path: Path
) -> None:
    fork = Logbook()
    fork.append(len(made.log.texts) + 1, body=b'{"another":"history"}')
    forked = Scene(fork, made.contents, made.draft)
    path = tmp_path / "fork.zip"
    path.write_bytes(made.packet(forked.signature()))
    found = verify(path)
    assert found["verdict"] == "failed"
    assert named(found) == {"signature.bundle"}


def test_a_link_in_the_unpacked_folder_is_refused(verify: Verify, packet: Path, tmp_path: Path) -> None:
    folder = unpacked(files_of(packet).items(), tmp_path / "unpacked")
    outside = tmp_path / "outside.csv"
    (folder / "data/matrix.csv").rename(outside)
    (folder / "data/matrix.csv").symlink_to(outside)
    found = verify(folder)
    assert found["verdict"] == "malformed"
    assert named(found) == {"data/matrix.csv"}


def test_manifests_that_say_one_thing_in_two_ways_are_malformed(verify: Verify, packet: Path, tmp_path: Path) -> None:
    files = files_of(packet)
    text = files["manifest.json"]
    value = json.loads(text)
    for changed in (
        text + b"\n",
        text.replace(b'"v":', b'"v" :'),
        text.replace(b'{"checkpoint"', b'{"also":1,"checkpoint"'),
        text.replace(b'"size":20', b'"size":020'),
        text.replace(b'"path":"scope.json"', b'"path":"../scope.json"'),
        json.dumps(value | {"files": list(reversed(value["files"]))}, sort_keys=True, separators=(",", ":")).encode(),
        b"[]",
        b"\xff",
        b"[" * 100_000,
    ):
        assert changed != text
        found = verify(rezipped({**files, "manifest.json": changed}, tmp_path / "manifest.zip"))
        assert found["verdict"] == "malformed"
        assert "manifest.json" in named(found)
