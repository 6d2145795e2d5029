"""The office of the exceptions' tests, whose people also keep the risk register."""

from __future__ import annotations

from typing import Any

import pytest

from tests.exceptions.conftest import Office, in_days, inside, office, staff

# Django was set up by the import above.
from muniment.server.risks import services  # isort: skip
from muniment.server.risks.matrix import Cell  # isort: skip
from muniment.server.risks.models import Acceptance, Risk  # isort: skip
from muniment.server.risks.workflow import Definition  # isort: skip
from muniment.server.tenants.scope import tenant_scope  # isort: skip

__all__ = ["Register", "in_days", "inside", "office", "register", "staff"]


class Register:
    """What people of the office do in the risk register, each in a transaction of its own."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def does(self, name: str, what: str, *given: Any, **more: Any) -> Any:
        with tenant_scope(self.office.tenant_id):
            return getattr(services, what)(self.office.standing(name), *given, **more)

    def look(self, what: str, *given: Any, **more: Any) -> Any:
        with tenant_scope(self.office.tenant_id):
            found = getattr(services, what)(*given, **more)
            return list(found) if hasattr(found, "query") else found

    def said(self, **more: Any) -> Definition:
        given = {
            "title": "Passwords are guessed",
            "owner": self.office.subject("asks"),
            "review_on": in_days(60),
            "plan": "a second factor by spring",
            "current": Cell(3, 4),
        }
        return Definition(**{**given, **more})

    def opened(self, name: str = "asks", **more: Any) -> Risk:
        row: Risk = self.does(name, "open_risk", self.said(**more))
        return row

    def proposed(self, row: Risk, name: str = "colleague", **more: Any) -> Acceptance:
        said = {"reason": "the cost is out of proportion", "until": in_days(90), **more}
        made: Acceptance = self.does(name, "propose", row.id, **said)
        return made

    def accepted(self, row: Risk, name: str = "first", **more: Any) -> Acceptance:
        made: Acceptance = self.does(
            name, "decide", self.proposed(row, **more).id, "accepted", comment="we can bear it"
        )
        return made

    def of_chain(self, chain: str) -> Risk:
        found = self.look("risk_of_chain", chain)
        assert isinstance(found, Risk)
        return found

    def now(self, row: Risk) -> Risk:
        found: Risk = self.look("risk_for", row.id)
        return found


@pytest.fixture
def register(office: Office) -> Register:
    return Register(office)
