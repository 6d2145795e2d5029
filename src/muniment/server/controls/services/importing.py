"""Bringing in controls: from a table, all of its rows or none, and from a framework's criteria."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from re import compile as pattern
from typing import Any, Final

from muniment.catalogs.framework import Catalog, Requirement
from muniment.core.errors import Malformed, MunimentError, Refused
from muniment.server.access.standing import Standing
from muniment.server.controls.models import OwnControl
from muniment.server.controls.services.controls import Known, Step, changed_step, keep, lock, new_step
from muniment.server.controls.services.evidence import newest
from muniment.server.controls.tables import Fault, read_table
from muniment.server.controls.workflow import PREFIX, Definition, Unchanged, read_code
from muniment.server.frameworks.services import find_catalog

_APART: Final = pattern(r"[\s,;]+")
_NO_CODE: Final = pattern(r"[^A-Za-z0-9._]+")


@dataclass(frozen=True, slots=True)
class Import:
    """What a table or a framework would bring or brought.

    Attributes:
        defined: ids of controls that are new.
        changed: ids of controls that get a new version.
        unchanged: how many rows say what stands already.
        faults: what is wrong with rows; with any, nothing is brought in.
        kept: it was done.
    """

    defined: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: int
    faults: tuple[Fault, ...] = ()
    kept: bool = False


class Faulty(Malformed):
    """A table with wrong rows; `found` names all of them."""

    def __init__(self, found: Import) -> None:
        said = [str(fault) for fault in found.faults[:_MOST_SAID]]
        more = len(found.faults) - len(said)
        super().__init__(
            "; ".join([*said, *([f"and {more:,} more"] if more else [])]) + "; nothing was imported", "csv"
        )
        self.found = found


_MOST_SAID: Final = 20


def import_table(standing: Standing, text: str, *, dry_run: bool = False) -> Import:
    """Define and change controls as a table says: every row, or none if one is wrong.

    Args:
        standing: of who imports.
        text: CSV with the columns of `tables.COLUMNS`; a control that is there is changed in the columns given.
        dry_run: only say what would happen, and what is wrong with which row.

    Raises:
        Malformed: if it is no table.
        Faulty: if rows are wrong; not in a dry run.
    """
    lines = read_table(text)
    lock(standing)
    there = newest()
    by_code = {row.code: row for row in there}
    known = Known()
    steps: list[Step] = []
    faults: list[Fault] = []
    unchanged, seen = 0, dict[str, int]()
    for line in lines:
        try:
            code = read_code(line.cells["id"])
            if (first := seen.setdefault(code.lower(), line.number)) != line.number:
                raise Refused(f"stands on line {first} already", "id")
            step = _step(standing, code, line.cells, by_code.get(code), there, known)
        except MunimentError as error:
            where = (error.where or "").partition("[")[0]
            faults.append(Fault(line.number, where, error.reason))
            continue
        if step is None:
            unchanged += 1
        else:
            steps.append(step)
    return _done(standing, steps, unchanged, tuple(faults), dry_run)


def import_starter(standing: Standing, framework: str, *, owner: str = "", dry_run: bool = False) -> Import:
    """Define a draft for each criterion that a framework counts: its statement is the label, to be edited.

    Args:
        standing: of who does it.
        framework: id of a catalog.
        owner: of all of them; "" for none yet.
        dry_run: only say what would happen.

    Raises:
        Malformed: naming the field.
    """
    catalog = find_catalog(framework)
    lock(standing)
    there = newest()
    taken = {row.code.lower() for row in there}
    # The criteria are the catalog's own.
    known = Known({catalog.control_id(row) for row in catalog.counted})
    steps = []
    for row in catalog.counted:
        code = starter_code(catalog, row)
        if code.lower() not in taken:
            said = Definition(catalog.name_of(row), owner=owner, criteria=(catalog.control_id(row),))
            steps.append(new_step(standing, code, said, there, known))
    return _done(standing, steps, len(catalog.counted) - len(steps), (), dry_run)


def starter_code(catalog: Catalog, row: Requirement) -> str:
    """The code of the control that is made of a criterion: `soc2-CC6.1`, `hipaa-164.312-a-1`."""
    return _NO_CODE.sub("-", f"{catalog.id}-{row.id}").strip("-")


def _step(
    standing: Standing,
    code: str,
    cells: Mapping[str, str],
    row: OwnControl | None,
    there: list[OwnControl],
    known: Known,
) -> Step | None:
    given: dict[str, Any] = {name: cell for name, cell in cells.items() if name != "id"}
    if "criteria" in given:
        given["criteria"] = tuple(sorted({one for one in _APART.split(given["criteria"]) if one}))
    for name in ("frequency", "status"):
        if name in given and not given[name]:
            del given[name]
    # What stands already is no step: an export holds retired controls too.
    if given.get("status") == "retired" and (row is None or row.status != "retired"):
        raise Refused("a control is retired one by one, with a reason and a day", "status")
    if row is None:
        return new_step(standing, code, Definition(**{"statement": "", **given}), there, known)
    try:
        return changed_step(standing, row, given, known)
    except Unchanged:
        return None


def _done(standing: Standing, steps: list[Step], unchanged: int, faults: tuple[Fault, ...], dry_run: bool) -> Import:
    found = Import(
        tuple(f"{PREFIX}{step.code}" for step in steps if step.before is None),
        tuple(f"{PREFIX}{step.code}" for step in steps if step.before is not None),
        unchanged,
        faults,
        kept=not faults and not dry_run,
    )
    if faults and not dry_run:
        raise Faulty(found)
    if found.kept and steps:
        keep(standing, steps)
    return found
