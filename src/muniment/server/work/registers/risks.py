"""Risks as a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from muniment.core.errors import Malformed
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.risks import services
from muniment.server.risks.matrix import BANDS, Cell
from muniment.server.risks.models import Risk
from muniment.server.risks.tables import RISKS as WRITTEN
from muniment.server.risks.tables import table_rows
from muniment.server.risks.workflow import SCORES, STATES, TREATMENTS, Definition
from muniment.server.tables.registry import Bulk, Choice, Days, Listing, Named, Person, TableOf, Values, Written, each
from muniment.server.work.bulk import acts_of
from muniment.server.work.registers.rows import given_by, people, write_by_id
from muniment.tables import Column, Row, Table

TABLE: Final = Table(
    WRITTEN.name,
    (
        *(replace(one, title="Owner's id") if one.key == "owner" else one for one in WRITTEN.columns),
        Column("owner_name", "Owner", given=False),
    ),
)
_PLACE: Final = re.compile("([1-9])x([1-9])", re.ASCII)
_NEVER_NONE: Final = {
    "title": "", "description": "", "owner": "", "treatment": "mitigate", "plan": "", "exceptions": (), "controls": (),
    "assets": (), "findings": (),
}  # fmt: skip
_REASON: Final = "Brought in by a file"


def _values(standing: Standing, rows: Sequence[Risk]) -> list[Values]:
    names = people(standing, {row.owner for row in rows})
    cells = table_rows(rows, services.matrix_in_force())
    return [{**one, "owner_name": names.get(str(one["owner"]), "")} for one in cells]


def _write(standing: Standing, row: Row) -> Written:
    values = given_by(row, (*_NEVER_NONE, "review_on", *SCORES), never_none=_NEVER_NONE)
    for score in SCORES:
        if values.get(score) is not None:
            found = _PLACE.fullmatch(str(values[score]).lower())
            if found is None:
                raise Malformed("is a likelihood and an impact such as 3x5", score)
            values[score] = Cell(int(found[1]), int(found[2]))

    def change(who: Standing, wanted: str, given: dict[str, Any]) -> None:
        services.change_risk(who, wanted, given, reason=_REASON)

    return write_by_id(row, values, "id", _create, change)(standing)


def _create(standing: Standing, values: dict[str, Any]) -> None:
    for name in ("title", "owner", "review_on"):
        if not values.get(name):
            raise Malformed("is empty; a new risk needs it", name)
    services.open_risk(standing, Definition(**values))


RISKS: Final = TableOf(
    noun="risks",
    kind="risk",
    title="Risks",
    lead="What can happen, how likely and how bad, who answers for it and what is done.",
    table=TABLE,
    listing=Listing(
        rows=lambda _: Risk.objects.all(),
        identity="id",
        values=_values,
        shown=("title", "state", "level", "owner_name", "treatment", "review_on", "exceptions"),
        sorts={"changed_at": "changed_at", "review_on": "review_on", "title": "title"},
        order="-changed_at",
        filters=(
            Choice("state", "State", "state", tuple(STATES.items())),
            Choice("treatment", "Treatment", "treatment", tuple(TREATMENTS.items())),
            Choice("level", "Level when assessed", "level", tuple((one, one.title()) for one in BANDS)),
            Person("owner", "Owner", "owner"),
            Named("exception", "Exception id", "exceptions", holds=True),
            Named("asset", "Asset id", "assets", holds=True),
            Named("control", "Control id", "controls", holds=True),
            Days("review", "Review by", "review_on"),
        ),
        searched=("id", "title", "description", "plan"),
    ),
    apply=each(_write),
    writes=Capability.RISK_MANAGE,
    page="risks:risk",
    home="risks:list",
    apart=True,
    bulk=tuple(Bulk(one.code, one.label, one.needs) for one in acts_of("risks")),
    bulk_route="work:bulk",
    new="risks:new",
    lead_import="A row without an id opens a risk; a row with one makes another version of it.",
    icon="warn",
    empty="Open a risk, or bring in a list. Exceptions that are approved open theirs by themselves.",
)
