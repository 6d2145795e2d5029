"""Which controls a report is about, and what they are called where others read it."""

from __future__ import annotations

from typing import Final

from muniment.catalogs.framework import LicenceClass
from muniment.catalogs.shipped import catalog as shipped
from muniment.core.errors import Malformed, Refused
from muniment.server.controls.services import newest, own_ids
from muniment.server.frameworks.services import check_controls, find_catalog
from muniment.server.reports.scope import MAX_CONTROLS, Scope

OWN: Final = "own"
"""Names the tenant's own controls where a framework is asked for."""


def chosen_controls(scope: Scope) -> tuple[str, list[str]]:
    """Title and control ids of a control evidence report.

    Raises:
        Malformed: for a framework or control that is not known.
        Refused: for more controls than a report takes, or none.
    """
    if scope.controls:
        check_controls(scope.controls, "controls", own=own_ids())
        return scope.title or "Evidence of chosen controls", list(scope.controls)
    if scope.framework == OWN:
        controls = [row.control for row in newest() if row.status != "retired"]
        title = "Evidence of our own controls"
        if not controls:
            raise Refused("no control of your own is defined yet", "framework")
    else:
        try:
            found = find_catalog(scope.framework)
        except Malformed as error:
            raise Malformed(error.reason, "framework") from None
        controls = [found.control_id(row) for row in found.counted]
        title = f"Evidence for {found.title}"
    if len(controls) > MAX_CONTROLS:
        raise Refused(f"it has {len(controls):,} controls, a report takes {MAX_CONTROLS}: give a list", "framework")
    return scope.title or title, controls


def label_of(control: str) -> str:
    """What a framework calls a control, in words that may leave the tenant; "" where none may, or none are known."""
    prefix, _, wanted = control.partition(":")
    try:
        known = shipped(prefix)
        return known.name_of(known.find(wanted))
    except Malformed:
        pass  # Not one of ours: the tenant may have brought it in.
    try:
        found = find_catalog(prefix)
        return "" if found.licence_class is LicenceClass.LICENSED else found.name_of(found.find(wanted))
    except Malformed:
        return ""
