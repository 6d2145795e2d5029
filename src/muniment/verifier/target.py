"""Whatever can be verified, by its name: a bundle file, a folder, the address of a live log."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from muniment.verifier.bundle import Progress
from muniment.verifier.checker import LogChecker
from muniment.verifier.folder import verify_folder
from muniment.verifier.live import check_live, verify_live
from muniment.verifier.options import Options, check_file, learnt, verify_file
from muniment.verifier.proof import check_proof, is_proof
from muniment.verifier.report import Report

LIVE: Final = ("http://", "https://")


def verify_target(target: str, options: Options, progress: Progress | None = None) -> Report:
    """Verify whatever `target` names: an address, a folder, or a bundle file.

    Raises:
        Malformed: if there is nothing of that name, or the known logs cannot be read.
    """
    if target.startswith(LIVE):
        return verify_live(target, options)
    path = Path(target)
    if path.is_dir():
        return verify_folder(path, options)
    if path.is_file() and is_proof(path):
        return learnt(*check_proof(path, options), options)
    return verify_file(path, options, progress)


def check_target(target: str, options: Options) -> tuple[LogChecker, Report]:
    """Verify an address or a bundle file without telling the known logs.

    Raises:
        Malformed: if there is nothing of that name.
    """
    return check_live(target, options) if target.startswith(LIVE) else check_file(Path(target), options)
