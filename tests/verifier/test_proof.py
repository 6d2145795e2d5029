"""Single inclusion proofs beside their entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from muniment.core.entry import entry_hash
from muniment.core.merkle import root_of
from muniment.core.note import parse_note
from muniment.core.tiles import fold, inclusion_nodes
from muniment.core.tlogproof import TlogProof
from muniment.verifier.options import Options
from muniment.verifier.pins import Pins
from muniment.verifier.report import Report
from muniment.verifier.target import verify_target
from tests.verifier.logbook import Logbook


@pytest.fixture
def file(tmp_path: Path, log: Logbook) -> Path:
    path = tmp_path / "seven.tlog-proof"
    path.write_bytes(proof(log, 7))
    path.with_suffix(".entry").write_bytes(log.texts[7])
    path.with_suffix(".keys").write_bytes(log.keys())
    return path


def proof(log: Logbook, index: int) -> bytes:
    leaves = [entry_hash(text) for text in log.texts]
    hashes = tuple(
        fold([root_of(leaves[at << level : (at + 1) << level]) for level, at in nodes])
        for nodes in inclusion_nodes(index, len(leaves))
    )
    return TlogProof(index, hashes, parse_note(log.checkpoints[23]), log.checkpoint(23)).text()


def verify(path: Path, pins: Pins | None = None) -> Report:
    return verify_target(str(path), Options(pins=pins or Pins(), known=None, now=0, workers=1))


def test_a_proof_with_its_entry_and_keys_is_verified(file: Path, log: Logbook) -> None:
    report = verify(file, log.pins(23))
    assert (report.verdict, report.trust, report.entries, report.size) == ("verified", "pinned", 1, 23)
    assert report.check("pin").state == "passed"
    assert "not made for 22 pairs" in report.check("chain").reason


def test_another_entry_fails_the_tree(file: Path, log: Logbook) -> None:
    file.with_suffix(".entry").write_bytes(log.texts[7].replace(b"wks-prod-01", b"wks-prod-02"))
    assert verify(file, log.pins()).failed == ("tree",)


def test_an_entry_at_another_place_fails_place_and_tree(file: Path, log: Logbook) -> None:
    file.with_suffix(".entry").write_bytes(log.texts[8])
    assert {"place", "tree"} <= set(verify(file, log.pins()).failed)


def test_without_keys_the_signatures_cannot_be_checked_and_nothing_is_verified(file: Path, log: Logbook) -> None:
    file.with_suffix(".keys").unlink()
    report = verify(file)
    assert report.verdict == "failed"
    assert report.check("signatures").state == "not_made"


def test_without_its_entry_a_proof_proves_nothing(file: Path) -> None:
    file.with_suffix(".entry").unlink()
    assert verify(file).verdict == "malformed"


def test_proofs_and_bundles_may_lie_in_one_folder(file: Path, log: Logbook) -> None:
    (file.parent / "all.bundle").write_bytes(log.bundle())
    report = verify(file.parent, log.pins())
    assert (report.verdict, len(report.parts)) == ("verified", 2)
