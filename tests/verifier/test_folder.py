"""Folders: every bundle, and whether they tell one story."""

from __future__ import annotations

from pathlib import Path

import pytest

from muniment.core.errors import Malformed
from muniment.verifier.folder import verify_folder
from muniment.verifier.options import Options
from muniment.verifier.pins import Pins
from muniment.verifier.report import Report
from tests.verifier.logbook import Logbook
from tests.verifier.test_bundle_attacks import rewritten


def verify(folder: Path, pins: Pins | None = None) -> Report:
    return verify_folder(folder, Options(pins=pins or Pins(), known=None, now=0, workers=1))


def sealed_at(log: Logbook, size: int) -> Logbook:
    book = Logbook(texts=log.texts[:size], bodies=log.bodies)
    book.checkpoints = {size: log.checkpoints[size]}
    return book


def test_bundles_of_one_log_are_held_against_one_another(tmp_path: Path, log: Logbook) -> None:
    (tmp_path / "march.bundle").write_bytes(sealed_at(log, 5).bundle())
    (tmp_path / "april.bundle").write_bytes(log.bundle())
    report = verify(tmp_path, log.pins())
    assert (report.verdict, report.trust, len(report.parts)) == ("verified", "pinned", 2)
    assert not any("consistency" in remark for remark in report.remarks)


def test_two_histories_of_one_log_are_found_without_any_pin(tmp_path: Path, log: Logbook) -> None:
    (tmp_path / "march.bundle").write_bytes(sealed_at(log, 16).bundle())
    (tmp_path / "april.bundle").write_bytes(rewritten(log).bundle())
    report = verify(tmp_path)
    assert "tree" in report.failed
    assert "march.bundle has another root for the same size" in report.check("tree").reason


def test_the_same_size_with_another_root_is_found(tmp_path: Path, log: Logbook) -> None:
    (tmp_path / "a.bundle").write_bytes(log.bundle())
    (tmp_path / "b.bundle").write_bytes(rewritten(log).bundle())
    assert "tree" in verify(tmp_path).failed


def test_a_comparison_that_cannot_be_made_is_said(tmp_path: Path, log: Logbook) -> None:
    (tmp_path / "march.bundle").write_bytes(sealed_at(log, 5).bundle())
    april = sealed_at(log, 23)
    (tmp_path / "april.bundle").write_bytes(april.bundle(show=[22]))
    report = verify(tmp_path)
    assert report.verdict == "verified"
    assert any("consistency with march.bundle is not made" in remark for remark in report.remarks)


def test_a_file_that_is_called_a_bundle_is_never_passed_over(tmp_path: Path, log: Logbook) -> None:
    (tmp_path / "a.bundle").write_bytes(log.bundle())
    (tmp_path / "b.bundle").write_bytes(b"X" + log.bundle())
    (tmp_path / "notes.txt").write_text("hello")
    report = verify(tmp_path)
    assert report.verdict == "malformed"
    assert any("notes.txt" in remark for remark in report.remarks)


def test_a_folder_without_bundles_is_no_evidence(tmp_path: Path) -> None:
    with pytest.raises(Malformed):
        verify(tmp_path)
