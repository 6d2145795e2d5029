"""The matrix as JSON and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from muniment.server.controls.tables import write_table
from muniment.server.matrix.rows import Row
from muniment.server.matrix.services import Matrix
from muniment.server.moments import moment

COLUMNS = (
    "control",
    "version",
    "statement",
    "owner",
    "frequency",
    "procedure",
    "status",
    "criteria",
    "entries in the period",
    "of them by annotation alone",
    "last entry",
    "last recorded",
    "overdue",
    "newest sample",
    "entries in it",
    "marked",
    "conclusion",
    "examination",
    "last examined",
    "exceptions in 12 months",
    "period from",
    "period until",
    "checkpoint",
    "counted",
    "mapping",
)


def matrix_json(found: Matrix) -> dict[str, object]:
    """The matrix with what it was counted from."""
    counters = found.counters
    return {
        "period": {"from": found.period.since.isoformat(), "to": found.period.until.isoformat()},
        "at": moment(found.at),
        "status": found.status,
        "searched": {
            "log": found.searched.origin,
            "size": found.searched.size,
            "root": found.searched.root.hex(),
            "sealed_at": moment(found.searched.sealed_at),
            "recorded": found.searched.recorded,
            "left_out": found.searched.left_out,
            "counted": found.counted,
        },
        "mapping": {"version": found.mapping, "digest": found.mapping_digest},
        "counters": {
            "rows": counters.rows,
            "evidenced": counters.evidenced,
            "overdue": counters.overdue,
            "examined": counters.examined,
            "excepted": counters.excepted,
            "exceptions": counters.exceptions,
            "statement": counters.statement,
        },
        "others": dict(found.others),
        "rows": [row_json(row) for row in found.rows],
    }


def row_json(row: Row) -> dict[str, object]:
    """One control; `exceptions` is null where nobody examined it in the last twelve months."""
    sample, seen = row.sample, row.examination
    return {
        "control": row.control,
        "version": row.number,
        "statement": row.statement,
        "owner": row.owner or None,
        "frequency": row.frequency,
        "procedure": row.procedure,
        "status": row.status,
        "criteria": list(row.criteria),
        "count": row.count,
        "annotated": row.annotated,
        "last": None if row.last is None else {"entry": row.last.seq, "recorded_at": moment(row.last.at)},
        "overdue": row.overdue,
        "sample": None
        if sample is None
        else {
            "id": sample.id,
            "population": sample.population,
            "drawn_at": moment(sample.drawn_at),
            "items": sample.items,
            "marked": sample.marked,
            "exceptions": sample.exceptions,
            "conclusion": sample.conclusion or None,
        },
        "examination": {
            "state": seen.state,
            "samples": seen.samples,
            "last_at": moment(seen.last_at),
            "exceptions": seen.exceptions if seen.recent else None,
        },
    }


def matrix_table(found: Matrix, names: Mapping[str, str]) -> Iterator[str]:
    """The matrix as CSV, each row with the period, the checkpoint and the mapping that its numbers rest on.

    Args:
        found: the matrix.
        names: of owners, as far as they are known.
    """
    ground = (
        found.period.since.isoformat(),
        found.period.until.isoformat(),
        found.searched.size,
        found.counted,
        found.mapping,
    )
    return write_table(COLUMNS, ((*_cells(row, names), *ground) for row in found.rows))


def _cells(row: Row, names: Mapping[str, str]) -> tuple[object, ...]:
    sample, seen = row.sample, row.examination
    return (
        row.control,
        row.number,
        row.statement,
        names.get(row.owner) or row.owner,
        row.frequency,
        row.procedure,
        row.status,
        " ".join(row.criteria),
        row.count,
        row.annotated,
        None if row.last is None else row.last.seq,
        None if row.last is None else moment(row.last.at),
        "yes" if row.overdue else "no",
        None if sample is None else sample.id,
        None if sample is None else sample.items,
        None if sample is None else sample.marked,
        None if sample is None else sample.conclusion,
        seen.state,
        moment(seen.last_at),
        seen.exceptions if seen.recent else None,
    )
