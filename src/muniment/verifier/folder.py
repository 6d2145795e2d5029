"""Verifying a folder: every bundle and proof in it, and that the bundles tell one story."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from muniment.core.bundle import HEADER, MAX_LINE
from muniment.core.checkpoint import parse_signed_checkpoint
from muniment.core.errors import Malformed
from muniment.core.fields import read_base64
from muniment.verifier.options import MalformedTarget, Options, learnt, verify_file
from muniment.verifier.pins import PinnedCheckpoint
from muniment.verifier.proof import SUFFIX, check_proof, is_proof
from muniment.verifier.report import CHECK_NAMES, Check, Finding, Report

SUFFIXES: Final = (".bundle", ".muniment", SUFFIX)
"""Files so named are verified whatever they begin with; others only if they begin as a bundle does."""

_BEGINNING: Final = f"H {HEADER} ".encode()
_TAIL: Final = 2 * MAX_LINE

Ending = tuple[str, PinnedCheckpoint]
"""Origin and last checkpoint of a bundle, as the file claims them."""


def verify_folder(folder: Path, options: Options) -> Report:
    """Verify every bundle below a folder, and hold each against the last checkpoints of the others of its log.

    Two bundles of one log agree if one of them, folded, has the other's root at the other's size. Where nothing in the
    larger one ends at that size, the comparison is not made, and the report says so.

    Raises:
        MalformedTarget: if the folder holds no bundle.
    """
    bundles, strangers = _bundles(folder)
    if not bundles:
        raise MalformedTarget("holds no bundle", str(folder))
    endings = {path: _ending(path) for path in bundles}
    # Smaller logs first, so that what this machine remembers grows from one to the next.
    order = sorted(bundles, key=lambda path: (_size(endings[path]), path))
    reports = []
    for path in order:
        mine = endings[path]
        others = [
            (ending[1], other.name)
            for other, ending in endings.items()
            if other != path and ending is not None and mine is not None and ending[0] == mine[0]
        ]
        if is_proof(path):
            reports.append(learnt(*check_proof(path, options), options))
        else:
            reports.append(verify_file(path, options, others=others))
    remarks = []
    if strangers:
        shown = ", ".join(path.name for path in strangers[:4]) + (" ..." if len(strangers) > 4 else "")
        remarks.append(f"{len(strangers)} other files were not looked at: {shown}")
    return _joined(str(folder), reports, tuple(remarks))


def _bundles(folder: Path) -> tuple[list[Path], list[Path]]:
    bundles: list[Path] = []
    strangers: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent) / name
            if not path.is_file():
                continue
            (bundles if path.suffix in SUFFIXES or _begins(path) or is_proof(path) else strangers).append(path)
    return bundles, strangers


def _begins(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_BEGINNING)) == _BEGINNING
    except OSError as error:
        raise MalformedTarget(f"cannot be opened: {error.strerror}", str(path)) from error


def _ending(path: Path) -> Ending | None:
    """What the file claims as its last checkpoint; None if it is not found without reading all of the file."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _TAIL))
        tail = stream.read(_TAIL)
    at = tail.rfind(b"\nC ")
    if at < 0:
        return None
    try:
        _, checkpoint = parse_signed_checkpoint(read_base64(tail[at + 3 : tail.find(b"\n", at + 1)], "checkpoint"))
    except Malformed:
        # The verification of this very file says what is wrong with it.
        return None
    return checkpoint.origin, PinnedCheckpoint(checkpoint.size, checkpoint.root)


def _size(ending: Ending | None) -> int:
    return ending[1].size if ending else 0


def _joined(target: str, reports: Sequence[Report], remarks: tuple[str, ...]) -> Report:
    if len(reports) == 1:
        return replace(reports[0], remarks=(*reports[0].remarks, *remarks))
    last = reports[-1]
    origins = sorted({report.origin for report in reports if report.origin})
    failed = any(report.verdict == "failed" for report in reports)
    verified = all(report.verdict == "verified" for report in reports)
    untrusted = [report for report in reports if report.trust != "pinned"]
    weakest = untrusted[0] if untrusted else last
    findings: list[Finding] = []
    for report in reports:
        name = Path(report.target).name
        for finding in report.findings:
            findings.append(Finding(finding.check, finding.reason, f"{name}, {finding.where}", -1))
    said = dict.fromkeys(f"{Path(report.target).name}: {remark}" for report in reports for remark in report.remarks)
    return Report(
        target=target,
        origin=origins[0] if len(origins) == 1 else "",
        size=last.size if len(origins) == 1 else 0,
        root=last.root if len(origins) == 1 else "",
        genesis=last.genesis if len(origins) == 1 else "",
        entries=sum(report.entries for report in reports),
        checks=tuple(_joined_check(name, reports) for name in CHECK_NAMES),
        findings=tuple(findings),
        findings_total=sum(report.findings_total for report in reports),
        malformed=not failed and any(report.malformed for report in reports),
        trust=weakest.trust if verified else None,
        trust_reason=weakest.trust_reason if verified else "",
        remarks=(*said, *remarks),
        parts=tuple(reports),
    )


def _joined_check(name: str, reports: Sequence[Report]) -> Check:
    checks = [(Path(report.target).name, report.check(name)) for report in reports]
    for state in ("failed", "not_made"):
        found = [(file, check) for file, check in checks if check.state == state]
        if found:
            file, check = found[0]
            where = f"{len(found)} of {len(checks)} bundles, first {file}: {check.reason}"
            return Check(name, "failed" if state == "failed" else "not_made", where, sum(c.count for _, c in found))
    return Check(name, "passed", f"in all {len(checks)} bundles", sum(check.count for _, check in checks))
