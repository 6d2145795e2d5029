"""Findings that people verify, and that exceptions accept for as long as they last."""

from typing import Any

import pytest

from muniment.core.errors import Malformed, Refused
from tests.exceptions.conftest import Office, in_days, inside, office, staff

# Django was set up by the import above.
from muniment.server.remediation import services  # isort: skip
from muniment.server.remediation.contents import FindingContent  # isort: skip
from muniment.server.tenants.scope import tenant_scope  # isort: skip

__all__ = ["inside", "office", "staff"]


def does(office: Office, name: str, what: str, *given: Any, **more: Any) -> Any:
    """A use case of findings, in a transaction of its own."""
    with tenant_scope(office.tenant_id):
        return getattr(services.findings, what)(office.standing(name), *given, **more)


def stands(office: Office, finding: str) -> Any:
    with tenant_scope(office.tenant_id):
        return services.finding_for(finding)


def test_somebody_else_verifies_and_who_only_approves_exceptions_does_not(office: Office) -> None:
    row = does(office, "asks", "create", FindingContent("VPN without a second factor", owner=office.subject("first")))
    does(office, "first", "resolve", row.id, "The firmware was replaced")
    with pytest.raises(Refused, match="keeps the registers"):
        does(office, "second", "verify", row.id, "seen")
    does(office, "asks", "reopen", row.id, "The plant's was left")
    does(office, "asks", "resolve", row.id, "That one too")
    with pytest.raises(Refused, match="ask somebody else"):
        does(office, "asks", "verify", row.id, "seen")
    verified = does(office, "colleague", "verify", row.id, "Signed in to both with two factors")
    assert (verified.state, verified.verified_by) == ("verified", office.subject("colleague"))
    told = office.entries("notification.send")
    assert told[0]["facts"]["event"] == "task.assigned"


def test_what_accepts_has_been_decided_and_its_end_opens_the_finding_again(office: Office) -> None:
    row = does(office, "asks", "create", FindingContent("VPN without a second factor", asset=office.asset))
    with pytest.raises(Malformed, match="no exception here"):
        does(office, "asks", "accept", row.id, "for now", "exc_00000000000000000000000000")
    waiting = office.submitted()
    with pytest.raises(Refused, match="under review"):
        does(office, "asks", "accept", row.id, "for now", waiting.id)
    through = office.active()
    accepted = does(office, "asks", "accept", row.id, "The firmware comes in spring", through.id)
    assert (accepted.state, accepted.exception) == ("accepted", through.id)

    renewal = office.does("asks", "renew", through.id, {"expires_on": in_days(180)})
    office.does("asks", "submit", renewal.id)
    office.does("first", "decide", renewal.id, "approve", comment="once more")
    office.does("first", "revoke", through.id, comment="the renewal holds")
    assert stands(office, row.id).state == "accepted"
    office.does("first", "revoke", renewal.id, comment="the firmware is there")
    opened = stands(office, row.id)
    assert (opened.state, opened.exception, opened.number) == ("open", "", 3)
    last = office.entries("finding.change")[-1]
    assert last["actor"]["id"] == "system:server"
    assert (last["facts"]["step"], last["facts"]["state"]) == ("reopen", "open")
