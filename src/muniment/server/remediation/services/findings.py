"""Findings: opened, remediated, resolved, verified by somebody else, or accepted through an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.exceptions.services import NoSuch as NoSuchException
from muniment.server.exceptions.services import exception_for
from muniment.server.registers.keeping import Unchanged, check_number
from muniment.server.remediation.contents import FindingContent, checked_finding
from muniment.server.remediation.models import Finding, finding_id
from muniment.server.remediation.services.naming import asset_of, checked_controls, owner_of
from muniment.server.remediation.services.reading import finding_for, incident_for
from muniment.server.remediation.services.steps import Order, actor_of, take
from muniment.server.remediation.services.telling import assigned

ACTION = "finding.change"
# An exception through which something can be accepted: somebody decided on it, and it has not ended.
ACCEPTING: Final = ("approved", "active")
_NAMED: Final = ("title", "text", "severity", "reference", "controls", "asset", "owner", "due_on")


def create(standing: Standing, said: FindingContent, *, incident: str = "") -> Finding:
    """Open a finding.

    Args:
        standing: of who opens it.
        said: the owner may be given by address, the asset by code.
        incident: that it comes from, `inc_…`; "" for none.

    Raises:
        Malformed: naming the field.
        Refused: if they do not keep the registers.
        NoSuch: for an incident that is not there.
    """
    owned = replace(said, owner=owner_of(standing, said.owner), asset=asset_of(said.asset))
    said = checked_finding(owned)
    checked_controls(said.controls)
    row = Finding(id=finding_id(), tenant_id=standing.tenant_id, source=said.source, created_by=standing.subject)
    row.incident = incident_for(incident).id if incident else ""
    for name in _NAMED:
        setattr(row, name, getattr(said, name))
    row.controls = list(said.controls)
    take(actor_of(standing, row), row, "create", Order())
    assigned(row, by=standing.subject)
    return row


def change(
    standing: Standing, wanted: str, given: Mapping[str, Any], *, comment: str = "", number: int | None = None
) -> Finding:
    """Change what a finding says; its source stays.

    Raises:
        NoSuch: if the tenant has no such finding.
        Malformed: naming the field.
        Refused: if it is resolved, somebody changed it meanwhile, or nothing would be changed.
    """
    row = finding_for(wanted, lock=True)
    check_number(row.number, number)
    before = content_of(row)
    after = replace(before, **{name: value for name, value in given.items() if name != "source"})
    owned = replace(
        after, owner=owner_of(standing, after.owner, before.owner), asset=asset_of(after.asset, before.asset)
    )
    after = checked_finding(owned)
    checked_controls(after.controls, before.controls)
    sets = {name: getattr(after, name) for name in _NAMED if getattr(before, name) != getattr(after, name)}
    if not sets:
        raise Unchanged("nothing would be changed", "title")
    if "controls" in sets:
        sets["controls"] = list(after.controls)
    take(actor_of(standing, row), row, "change", Order(comment, sets=sets))
    if after.owner != before.owner:
        assigned(row, by=standing.subject)
    return row


def start(standing: Standing, wanted: str, *, comment: str = "", number: int | None = None) -> Finding:
    """Begin to remediate a finding that has an owner.

    Raises:
        NoSuch: if the tenant has no such finding.
        Malformed: naming the field.
        Refused: if it is not open, or they are neither its owner nor keep the registers.
    """
    return _step(standing, wanted, "start", Order(comment), number)


def resolve(
    standing: Standing, wanted: str, comment: str, *, evidence: tuple[str, ...] = (), number: int | None = None
) -> Finding:
    """Say that a finding is resolved; somebody else verifies that.

    Raises:
        NoSuch: if the tenant has no such finding.
        Malformed: naming the field.
        Refused: if it is resolved already, or they are neither its owner nor keep the registers.
    """
    order = Order(comment, evidence, {"resolved_by": standing.subject})
    return _step(standing, wanted, "resolve", order, number)


def verify(
    standing: Standing, wanted: str, comment: str, *, evidence: tuple[str, ...] = (), number: int | None = None
) -> Finding:
    """Verify that a finding is resolved, as a person who did not resolve it.

    Raises:
        NoSuch: if the tenant has no such finding.
        Malformed: without a comment.
        Refused: if it is not resolved, or they resolved it.
    """
    order = Order(comment, evidence, {"verified_by": standing.subject})
    return _step(standing, wanted, "verify", order, number)


def accept(standing: Standing, wanted: str, comment: str, exception: str, *, number: int | None = None) -> Finding:
    """Accept a finding through an exception that was approved and has not ended.

    Args:
        standing: of a person.
        wanted: `fnd_…`.
        comment: why.
        exception: `exc_…`.
        number: of the step that the caller has seen last; None if that does not matter.

    Raises:
        NoSuch: if the tenant has no such finding.
        Malformed: naming the field.
        Refused: if it is resolved, or the exception was not approved.
    """
    exception = exception.strip()
    if exception:
        try:
            state = exception_for(exception).state
        except NoSuchException:
            raise Malformed("is no exception here: give its id exc_…", "exception") from None
        if state not in ACCEPTING:
            raise Refused(f"the exception is {state.replace('_', ' ')}; only an approved one accepts", "exception")
    return _step(standing, wanted, "accept", Order(comment, sets={"exception": exception}), number)


def reopen(standing: Standing, wanted: str, comment: str, *, number: int | None = None) -> Finding:
    """Open a finding again: its resolution did not hold, or what accepted it has ended.

    Raises:
        NoSuch: if the tenant has no such finding.
        Malformed: without a comment.
        Refused: if it is open.
    """
    return _step(standing, wanted, "reopen", reopening(comment), number)


def reopening(comment: str) -> Order:
    """What reopening a finding takes back."""
    return Order(comment, sets={"resolved_by": "", "verified_by": "", "exception": ""})


def content_of(row: Finding) -> FindingContent:
    """What a finding says."""
    return FindingContent(
        row.title,
        row.text,
        row.severity,
        row.source,
        row.reference,
        tuple(row.controls),
        row.asset,
        row.owner,
        row.due_on,
    )


def _step(standing: Standing, wanted: str, step: str, order: Order, number: int | None) -> Finding:
    row = finding_for(wanted, lock=True)
    check_number(row.number, number)
    take(actor_of(standing, row), row, step, order)
    return row
