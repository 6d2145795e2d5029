"""Bringing in a file: every row or none, tried first, each wrong row named."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Literal

from django.db import transaction

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.recording import record
from muniment.server.tables.registry import Applied, RowsRefusedError, TableOf
from muniment.tables import LIMITS, Read, read_csv, read_xlsx

Form = Literal["csv", "xlsx"]
FORMS: Final = ("csv", "xlsx")
_ZIP: Final = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Import:
    """What a file did or would do.

    Attributes:
        applied: numbers of rows.
        rows: in the file.
        kept: whether it was kept; false after a dry run.
        digest: SHA-256 of the file, 64 hex digits.
    """

    applied: Applied
    rows: int
    kept: bool
    digest: str


class _DryError(Exception):
    """Ends the savepoint of a dry run."""


def import_file(
    standing: Standing, table: TableOf, stream: BinaryIO, form: str = "", *, dry_run: bool, name: str = ""
) -> Import:
    """Bring in a file in the open `tenant_scope`: a dry run keeps what it would write until it is known, then nothing.

    Args:
        standing: of who brings it; has the table's capability.
        table: of what.
        stream: the file.
        form: `csv` or `xlsx`; "" to tell by its first bytes.
        dry_run: nothing is kept.
        name: the file's, for the entry.

    Raises:
        Malformed: naming `file`, `form` or the row, if it is no such table.
        Refused: if files of this table are not taken.
        RowsRefusedError: naming each wrong row; nothing is kept.
    """
    if table.apply is None:
        raise Refused(f"{table.title} are not brought in by a file", "table")
    if form not in ("", *FORMS):
        raise Malformed("is csv or xlsx", "form")
    hashing = _Hashing(stream)
    whole: io.BufferedReader[Any] = io.BufferedReader(hashing, 1 << 16)
    read = _read(table, whole, form)
    if read.faults:
        raise RowsRefusedError(read.faults, whole=read.whole)
    # What the reader left, such as the end of an archive, belongs to the file's hash.
    while whole.read(1 << 16):
        pass
    digest = hashing.digest.hexdigest()
    try:
        with transaction.atomic():
            applied = table.apply(standing, read.rows)
            if dry_run:
                raise _DryError
    except _DryError:
        return Import(applied, len(read.rows), False, digest)
    record(
        "table.import",
        by=standing.subject,
        resource=("table", table.noun),
        labels={
            "rows": len(read.rows),
            "added": applied.added,
            "changed": applied.changed,
            "unchanged": applied.unchanged,
            "sha256": digest,
        },
        body={"file": name[:200], "columns": list(read.columns)},
    )
    return Import(applied, len(read.rows), True, digest)


def record_refused(standing: Standing, table: TableOf, error: Exception) -> None:
    """Record that a file was not taken; after the transaction was rolled back."""
    faults = error.faults if isinstance(error, RowsRefusedError) else ()
    record(
        "table.import",
        by=standing.subject,
        resource=("table", table.noun),
        outcome="denied",
        labels={"faults": len(faults) or None},
        body={"said": str(error)[:4_000]},
    )


def _read(table: TableOf, stream: io.BufferedReader[Any], form: str) -> Read:
    found = form or ("xlsx" if stream.peek(4)[:4] == _ZIP else "csv")
    return (read_xlsx if found == "xlsx" else read_csv)(stream, table.table, LIMITS)


class _Hashing(io.RawIOBase):
    """A stream that hashes what is read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """See `RawIOBase`."""
        data = self._stream.read(len(buffer))
        self.digest.update(data)
        buffer[: len(data)] = data
        return len(data)
