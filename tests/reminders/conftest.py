"""The office of the exceptions' tests, and somebody who keeps its rules."""

from __future__ import annotations

import pytest

from tests.exceptions.conftest import Office, inside, office, staff
from tests.support.people import Person, make_person

__all__ = ["Office", "inside", "keeper", "office", "staff"]


@pytest.fixture
def keeper(office: Office) -> Person:
    return make_person(office.installation, office.tenant, "administrator", name="Kim Keeper")
