"""Assets as a table: its list, its files, and what a file changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from muniment.server.access.standing import Standing
from muniment.server.assets.models import AssetVersion
from muniment.server.assets.services import assets, import_rows
from muniment.server.assets.workflow import CRITICALITIES, KINDS, STATUSES
from muniment.server.registers.codes import MAX_CODE
from muniment.server.registers.owners import owner_names
from muniment.server.registers.texts import MAX_LINE, MAX_TEXT
from muniment.server.tables.registry import (
    Applied,
    Choice,
    Listing,
    Named,
    Person,
    RowsRefusedError,
    TableOf,
    Values,
)
from muniment.tables import Column, Row, Table

ASSETS: Final = Table(
    "assets",
    (
        Column("code", "Code", required=True, longest=MAX_CODE, help="What is there with this code is changed."),
        Column("name", "Name", longest=MAX_LINE, help="What is new has one."),
        Column("owner_name", "Owner", given=False),
        Column("owner", "Owner's id", longest=254, help="Or the address of a member."),
        Column("criticality", "Criticality", "choice", choices=tuple(CRITICALITIES), help="Left empty: medium."),
        Column("kind", "Kind", "choice", choices=tuple(KINDS), help="Left empty: other."),
        Column("description", "Description", "prose", longest=MAX_TEXT),
        Column("status", "Status", "choice", choices=tuple(STATUSES), given=False),
        Column("version", "Version", "integer", given=False),
        Column("changed", "Changed", "time", given=False),
        Column("id", "Id", given=False),
    ),
)


def asset_cells(standing: Standing, rows: Sequence[AssetVersion]) -> list[Values]:
    """Assets by the columns of `ASSETS`."""
    names = owner_names(standing, {row.owner for row in rows})
    return [
        {
            "code": row.code,
            "name": row.name,
            "owner_name": names[row.owner],
            "owner": row.owner.removeprefix("user:"),
            "criticality": row.criticality,
            "kind": row.kind,
            "description": row.description,
            "status": row.status,
            "version": row.number,
            "changed": row.created_at,
            "id": row.asset,
        }
        for row in rows
    ]


def apply(standing: Standing, rows: Sequence[Row]) -> Applied:
    """Keep the rows of a file.

    Raises:
        RowsRefusedError: if one of them is wrong; nothing is kept then.
    """
    found = import_rows(standing, rows)
    if found.faults:
        raise RowsRefusedError(found.faults)
    return Applied(len(found.listed), len(found.changed), found.unchanged)


def _rows(_standing: Standing) -> Any:
    return assets()


TABLE: Final = TableOf(
    noun="assets",
    kind="asset",
    title="Assets",
    lead="What this tenant has to protect, who answers for it, and how much depends on it.",
    table=ASSETS,
    listing=Listing(
        rows=_rows,
        identity="asset",
        values=asset_cells,
        shown=("code", "name", "owner_name", "criticality", "kind", "status"),
        sorts={"code": "code", "name": "name", "changed": "created_at"},
        order="code",
        filters=(
            Choice("criticality", "Criticality", "criticality", tuple(CRITICALITIES.items())),
            Choice("kind", "Kind", "kind", tuple(KINDS.items())),
            Choice("status", "Status", "status", tuple(STATUSES.items())),
            Person("owner", "Owner", "owner"),
            Named("code", "Code", "code"),
        ),
        searched=("code", "name", "description"),
    ),
    apply=apply,
    page="assets:asset",
    home="assets:list",
    new="assets:new",
    lead_import="An asset that is there with its code gets a new version in the columns that the file has.",
    icon="columns",
    empty="List an asset, or bring in a file. Exceptions, risks and findings name assets.",
)
