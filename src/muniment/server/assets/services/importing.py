"""Bringing in assets from a table: all of its rows or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from muniment.core.errors import Malformed, MunimentError, Refused
from muniment.server.access.standing import Standing
from muniment.server.assets.models import AssetVersion
from muniment.server.assets.services.assets import Owners, Step, changed_step, hold, keep, new_step, taken_codes
from muniment.server.assets.services.reading import definition_of
from muniment.server.assets.workflow import RETIRED, Definition, Unchanged
from muniment.server.registers.keeping import newest
from muniment.tables import Row, RowFault

_NAMED: Final = ("name", "owner", "criticality", "kind", "description")
_NEVER_EMPTY: Final = ("name", "criticality", "kind")


@dataclass(frozen=True, slots=True)
class Import:
    """What a table would bring or brought.

    Attributes:
        listed: codes of assets that are new.
        changed: codes of assets that get a new version.
        unchanged: how many rows say what stands already.
        faults: what is wrong with rows; with any, nothing is brought in.
        kept: it was done.
    """

    listed: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: int
    faults: tuple[RowFault, ...] = ()
    kept: bool = False


def import_rows(standing: Standing, rows: Sequence[Row], *, dry_run: bool = False) -> Import:
    """List and change assets as a table says: every row, or none if one is wrong.

    Args:
        standing: of who imports.
        rows: of a table with the columns of `tables.ASSETS`; an asset that is there is changed in the columns given.
        dry_run: only say what would happen, and what is wrong with which row.
    """
    hold(standing)
    there = {row.code.lower(): row for row in newest(AssetVersion, "asset")}
    taken, owners = taken_codes(), Owners(standing)
    steps: list[Step] = []
    faults: list[RowFault] = []
    unchanged, seen = 0, dict[str, int]()
    for row in rows:
        code = row.text("code")
        try:
            if (first := seen.setdefault(code.lower(), row.number)) != row.number:
                raise Refused(f"stands in row {first} already", "code")
            step = _step(owners, row, there.get(code.lower()), taken)
        except Unchanged:
            unchanged += 1
        except MunimentError as error:
            faults.append(RowFault(row.number, error.where or "", error.reason))
        else:
            steps.append(step)
    found = Import(
        tuple(step.code for step in steps if step.before is None),
        tuple(step.code for step in steps if step.before is not None),
        unchanged,
        tuple(faults),
        kept=not faults and not dry_run,
    )
    if found.kept:
        for step in steps:
            keep(standing, step)
    return found


def _step(owners: Owners, row: Row, before: AssetVersion | None, taken: set[str]) -> Step:
    given = {name: row.text(name) for name in _NAMED if name in row.values}
    for name in _NEVER_EMPTY:
        if not given.get(name, "-"):
            del given[name]
    if before is None:
        if "name" not in given:
            raise Malformed("is empty; an asset that is new has one", "name")
        return new_step(owners, Definition(**given), row.text("code"), taken)
    if before.status == RETIRED and all(_says(before, name, value) for name, value in given.items()):
        # An export holds what was retired too.
        raise Unchanged("nothing would be changed", "name")
    return changed_step(owners, before, given)


def _says(before: AssetVersion, name: str, value: str) -> bool:
    stands = str(getattr(definition_of(before), name))
    return value in (stands, stands.removeprefix("user:"))
