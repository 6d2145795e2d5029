"""What tasks, findings and incidents name: members, controls, assets, entries; checked when it is named anew."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from muniment.core.errors import Malformed
from muniment.ledger.disclosed import at_places
from muniment.server.access.standing import Standing
from muniment.server.assets.services import find_asset
from muniment.server.controls.owners import read_owner
from muniment.server.controls.services import own_ids
from muniment.server.frameworks.services import check_controls


def owner_of(standing: Standing, given: str, kept: str = "") -> str:
    """An owner as it is kept; one that stands already may have left.

    Raises:
        Malformed: naming the field.
    """
    given = given.strip()
    if kept and given in (kept, kept.removeprefix("user:")):
        return kept
    return read_owner(standing.tenant_id, given)


def checked_controls(ids: Collection[str], kept: Collection[str] = ()) -> None:
    """Refuse control ids that nobody knows; those that stand already are left.

    Raises:
        Malformed: naming the field and the position.
    """
    new = [one for one in ids if one not in kept]
    if new:
        check_controls(new, "controls", own=own_ids())


def asset_of(given: str, kept: str = "") -> str:
    """The id of an asset that is in use, from its id or code; "" of "". One that stands already may be retired.

    Raises:
        Malformed: naming the field.
    """
    given = given.strip()
    if not given or given == kept:
        return given
    found = find_asset(given)
    if found.retired and found.id != kept:
        raise Malformed(f"{found.code} is retired", "asset")
    return found.id


def check_entries_there(standing: Standing, places: Sequence[int]) -> None:
    """Refuse places that the log does not have.

    Raises:
        Malformed: naming the field.
    """
    with standing.transaction() as reading:
        there = {one.entry.seq for one in at_places(reading, standing.log_id, list(places))}
    missing = [one for one in places if one not in there]
    if missing:
        raise Malformed(f"the log has no entry {missing[0]:,}", "entries")
