"""What the registers share when a file is brought in: a row as new values, and what changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from muniment.core.errors import Refused
from muniment.server.access.standing import Standing
from muniment.server.members.names import names_of
from muniment.server.tables.registry import Written
from muniment.tables import Row

Create = Callable[[Standing, dict[str, Any]], object]
Change = Callable[[Standing, str, dict[str, Any]], object]


def given_by(row: Row, names: Collection[str], *, never_none: Mapping[str, object]) -> dict[str, Any]:
    """The values of a row by name; what the file does not have is left out.

    Args:
        row: of the file.
        names: that the register takes.
        never_none: what an empty cell stands for, by name; those that are not here are None.
    """
    return {
        name: never_none.get(name) if row.values[name] is None else row.values[name]
        for name in names
        if name in row.values
    }


def write_by_id(
    row: Row, values: dict[str, Any], key: str, create: Create, change: Change
) -> Callable[[Standing], Written]:
    """Keeping a row: what has no id is new, what has one is changed where it says something else.

    Args:
        row: of the file.
        values: what it says, without its id.
        key: of the column with the id.
        create: makes a new one.
        change: changes one; raises Refused `nothing would be changed`.
    """
    wanted = row.text(key)

    def write(standing: Standing) -> Written:
        if not wanted:
            create(standing, values)
            return "added"
        try:
            change(standing, wanted, values)
        except Refused as error:
            if error.reason.startswith("nothing would be changed"):
                return "unchanged"
            raise
        return "changed"

    return write


def people(standing: Standing, subjects: Collection[str]) -> dict[str, str]:
    """Names of people by subject; those without a name, or who left, by their id."""
    given = {one for one in subjects if one}
    names = names_of(standing.tenant_id, given)
    return {one: names.get(one) or one for one in given}
