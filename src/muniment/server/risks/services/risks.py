"""What people do with risks: open, change, close and open again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.assets.services import find_asset
from muniment.server.controls.owners import read_owner
from muniment.server.controls.services import own_ids
from muniment.server.exceptions import services as exceptions
from muniment.server.exceptions.workflow import STANDING
from muniment.server.frameworks.services import check_controls
from muniment.server.registers.keeping import check_number
from muniment.server.registers.texts import checked_text
from muniment.server.remediation import services as remediation
from muniment.server.risks.models import Risk
from muniment.server.risks.services.keeping import Author, definition_now, keep
from muniment.server.risks.services.reading import risk_for
from muniment.server.risks.workflow import CLOSED, LINKS, OPEN, Definition, links, step

FIELDS: Final = (
    "title",
    "description",
    "owner",
    "treatment",
    "plan",
    "review_on",
    "inherent",
    "current",
    "residual",
    *LINKS,
)
"""What people may change of a risk by their names in `Definition`."""


def open_risk(standing: Standing, said: Definition) -> Risk:
    """Open a risk. Needs `risk.manage`.

    Args:
        standing: of who does it.
        said: what it says; the owner may be given by address, assets by their codes.

    Raises:
        Malformed, Refused: naming the field.
    """
    said = _resolved(standing, replace(said, state=OPEN), None)
    if said.ruling is None:
        raise Malformed("place it on the matrix, as it stands today", "current")
    return keep(Author(standing.tenant_id, standing.subject), said, None)


def change_risk(
    standing: Standing, wanted: str, given: Mapping[str, object], *, reason: str, number: int | None = None
) -> Risk:
    """Make another version of a risk, in which some fields are others. Needs `risk.manage`.

    What was proposed or accepted of the version before is stale from now on; so is what was decided on exceptions that
    it mirrors, where the text of the risk or a band in which it stands is another one.

    Args:
        standing: of who does it.
        wanted: its id.
        given: new values by `FIELDS`.
        reason: why.
        number: of the version that they have seen; None if that does not matter.

    Raises:
        NoSuch: if there is none of that id.
        Malformed, Refused: naming the field.
    """
    row = risk_for(wanted, lock=True)
    check_number(row.version, number)
    if row.state == CLOSED:
        raise Refused("is closed: open it again first", "state")
    before = definition_now(row)
    after = replace(before, reason=checked_text(reason, "reason", least=1), **given)  # type: ignore[arg-type]
    kept = set(_mirrored(row)) - set(links(after.exceptions, "exceptions"))
    if kept:
        raise Refused(f"mirrors {', '.join(sorted(kept))}: that stays linked", "exceptions")
    return keep(Author(standing.tenant_id, standing.subject), _resolved(standing, after, before), row)


def close_risk(standing: Standing, wanted: str, *, reason: str, number: int | None = None) -> Risk:
    """Close a risk: it is there no more. Needs `risk.manage`.

    Raises:
        NoSuch: if there is none of that id.
        Malformed, Refused: naming the field; as long as an exception that it mirrors holds, it is open.
    """
    row = risk_for(wanted, lock=True)
    check_number(row.version, number)
    step(CLOSED, row.state, by="person", live=holds(row.chain))
    after = replace(definition_now(row), state=CLOSED, reason=checked_text(reason, "reason", least=1))
    return keep(Author(standing.tenant_id, standing.subject), after, row)


def reopen_risk(standing: Standing, wanted: str, *, reason: str, number: int | None = None) -> Risk:
    """Open a closed risk again. Needs `risk.manage`.

    Raises:
        NoSuch: if there is none of that id.
        Malformed, Refused: naming the field.
    """
    row = risk_for(wanted, lock=True)
    check_number(row.version, number)
    if row.state != CLOSED:
        raise Refused("is not closed", "state")
    after = replace(definition_now(row), state=OPEN, reason=checked_text(reason, "reason", least=1))
    return keep(Author(standing.tenant_id, standing.subject), _resolved(standing, after, after), row)


def holds(chain: str, *, but: str = "") -> bool:
    """Whether an exception of a chain is approved or active.

    Args:
        chain: id of its first one; "" for none.
        but: id of one that is left aside.
    """
    return bool(chain) and any(one.state in STANDING and one.id != but for one in exceptions.chain(chain))


def _mirrored(row: Risk) -> Collection[str]:
    """The exceptions that a risk mirrors, of those that it links."""
    return [one.id for one in exceptions.chain(row.chain) if one.id in row.exceptions] if row.chain else ()


def _resolved(standing: Standing, said: Definition, before: Definition | None) -> Definition:
    """With the owner and everything linked by their ids. What was there before stays, also if it is gone meanwhile."""
    old = {name: frozenset() if before is None else frozenset(getattr(before, name)) for name in LINKS}
    owner = said.owner.strip()
    if before is None or owner != before.owner:
        owner = read_owner(standing.tenant_id, owner)
    new = {
        name: [one for one in links(getattr(said, name), name) if one not in old[name]]
        for name in LINKS
        if name != "assets"
    }
    if new["controls"]:
        check_controls(new["controls"], "controls", own=own_ids())
    for one in new["exceptions"]:
        _check_exception(one)
    for one in new["findings"]:
        _check_finding(one)
    assets = tuple(
        one if one in old["assets"] else find_asset(one, "assets").id
        for one in (text.strip() for text in said.assets)
        if one
    )
    return replace(said, owner=owner, assets=assets)


def _check_exception(wanted: str) -> None:
    try:
        exceptions.exception_for(wanted)
    except Refused:
        raise Malformed(f"{wanted} is no exception here", "exceptions") from None


def _check_finding(wanted: str) -> None:
    try:
        remediation.finding_for(wanted)
    except Refused:
        raise Malformed(f"{wanted} is no finding here", "findings") from None
