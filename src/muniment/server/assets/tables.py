"""Assets as a table that spreadsheets edit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from muniment.server.assets.models import AssetVersion
from muniment.server.assets.workflow import CRITICALITIES, KINDS, STATUSES
from muniment.server.registers.codes import MAX_CODE
from muniment.server.registers.texts import MAX_LINE, MAX_TEXT
from muniment.tables import Column, Table

ASSETS: Final = Table(
    "assets",
    (
        Column("code", "Code", required=True, longest=MAX_CODE, help="What is there with this code is changed"),
        Column("name", "Name", longest=MAX_LINE, help="What is new has one"),
        Column("owner", "Owner", longest=254, help="The address or the id of a member"),
        Column("criticality", "Criticality", "choice", choices=tuple(CRITICALITIES), help="Medium if left empty"),
        Column("kind", "Kind", "choice", choices=tuple(KINDS), help="Other if left empty"),
        Column("description", "Description", "prose", longest=MAX_TEXT),
        Column("status", "Status", "choice", choices=tuple(STATUSES), given=False),
        Column("version", "Version", "integer", given=False),
        Column("id", "Id", given=False),
        Column("changed", "Changed", "time", given=False),
    ),
)


def asset_cells(rows: Iterable[AssetVersion]) -> Iterator[dict[str, object]]:
    """Assets by the columns of `ASSETS`."""
    for row in rows:
        yield {
            "code": row.code,
            "name": row.name,
            "owner": row.owner.removeprefix("user:"),
            "criticality": row.criticality,
            "kind": row.kind,
            "description": row.description,
            "status": row.status,
            "version": row.number,
            "id": row.asset,
            "changed": row.created_at,
        }
