"""The rules of approval of the open tenant: which are in force, which a case began under, and changing them."""

from __future__ import annotations

import orjson

from muniment.core.errors import Refused
from muniment.server.approvals.document import rules_from
from muniment.server.approvals.models import RulesVersion
from muniment.server.approvals.workflow import DEFAULT, DEFAULT_ID, Rules


class NoSuch(Refused):
    """There is no such version, delegation or person in this tenant."""


def rules_in_force() -> Rules:
    """The rules that hold for whatever is submitted now; `DEFAULT` where the tenant wrote none."""
    row = newest()
    return DEFAULT if row is None else rules_in(row)


def rules_of(version_id: str) -> Rules:
    """The rules of one version, by which the cases go on that began under it.

    Args:
        version_id: `wfv_…`, `DEFAULT_ID` too.

    Raises:
        NoSuch: if the tenant has none of that id.
    """
    return DEFAULT if version_id == DEFAULT_ID else rules_in(version_for(version_id))


def rules_in(row: RulesVersion) -> Rules:
    """The rules that a row holds."""
    return rules_from(orjson.loads(row.content), id_=row.id, version=row.number)


def newest() -> RulesVersion | None:
    """The version in force; None where the tenant wrote none."""
    return RulesVersion.objects.order_by("-number").first()


def versions() -> list[RulesVersion]:
    """Every version that the tenant wrote, newest first."""
    return list(RulesVersion.objects.order_by("-number"))


def version_for(wanted: str) -> RulesVersion:
    """A version of the open tenant by its id.

    Raises:
        NoSuch: if there is none.
    """
    row = None if "\0" in wanted else RulesVersion.objects.filter(id=wanted).first()
    if row is None:
        raise NoSuch("there is no such version", "version")
    return row
