"""Verifying a single inclusion proof: a C2SP tlog-proof with the entry it speaks of beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from muniment.core.canonical import MAX_BYTES as MAX_ENTRY
from muniment.core.errors import Malformed
from muniment.core.note import MAX_BYTES as MAX_NOTE
from muniment.core.tlogproof import HEADER, MAX_BYTES, parse_tlogproof
from muniment.verifier.checker import LogChecker
from muniment.verifier.options import MalformedTarget, Options
from muniment.verifier.report import Report

SUFFIX: Final = ".tlog-proof"
ENTRY_SUFFIXES: Final = (".entry", ".json")
KEYS_SUFFIX: Final = ".keys"

_BEGINNING: Final = f"{HEADER}\n".encode()


def is_proof(path: Path) -> bool:
    """Whether a file is called a tlog-proof, or begins as one.

    Raises:
        MalformedTarget: if it cannot be opened.
    """
    return path.suffix == SUFFIX or _read(path, len(_BEGINNING), whole=False) == _BEGINNING


def check_proof(path: Path, options: Options) -> tuple[LogChecker, Report]:
    """Verify `NAME.tlog-proof`: that the entry in `NAME.entry` (or `.json`) stands in the log.

    Keys come from `NAME.keys`, a keys note, or from what this machine knows of the log.

    Raises:
        MalformedTarget: if a file cannot be opened.
    """
    blank = LogChecker("", target=str(path))
    try:
        proof = parse_tlogproof(_read(path, MAX_BYTES))
        checker = LogChecker(
            proof.checkpoint.origin, options.pins_for(live=False)(proof.checkpoint.origin), target=str(path)
        )
        entry = next((found for suffix in ENTRY_SUFFIXES if (found := path.with_suffix(suffix)).is_file()), None)
        if entry is None:
            raise Malformed(
                "the entry that it proves is missing: put its text beside it", path.with_suffix(".entry").name
            )
        keys = path.with_suffix(KEYS_SUFFIX)
        if keys.is_file():
            checker.keys(_read(keys, MAX_NOTE))
        text = _read(entry, MAX_ENTRY + 1).removesuffix(b"\n")
        checker.included(text, proof.index, proof.hashes, proof.note.encoded())
    except MalformedTarget:
        raise
    except Malformed as error:
        return blank, blank.report(malformed=str(error))
    return checker, checker.report()


def _read(path: Path, limit: int, *, whole: bool = True) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + whole)
    except OSError as error:
        raise MalformedTarget(f"cannot be opened: {error.strerror}", str(path)) from error
    if len(data) > limit:
        raise Malformed(f"longer than {limit:,} bytes", path.name)
    return data
