"""Policies and assets as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from muniment.core.errors import Malformed
from muniment.server.access.standing import Standing
from muniment.server.assets.models import AssetVersion
from muniment.server.assets.services import import_rows
from muniment.server.assets.tables import ASSETS as ASSET_TABLE
from muniment.server.assets.tables import asset_cells
from muniment.server.assets.workflow import CRITICALITIES, KINDS
from muniment.server.assets.workflow import STATUSES as ASSET_STATUSES
from muniment.server.policies import services as policies
from muniment.server.policies.models import PolicyVersion
from muniment.server.policies.workflow import STATUSES, Definition
from muniment.server.registers.keeping import newest
from muniment.server.tables.registry import (
    Applied,
    Choice,
    Days,
    Listing,
    Person,
    RowsRefusedError,
    TableOf,
    Values,
    Written,
    each,
)
from muniment.server.work.registers.rows import given_by, people, write_by_id
from muniment.tables import Column, Row, Table

_NEVER_NONE: Final = {"title": "", "text": "", "link": "", "owner": ""}
POLICY_TABLE: Final = Table(
    "policies",
    (
        Column("id", "Id", longest=60, help="or code of one that is there; empty to write one"),
        Column("code", "Code", longest=60, help="of a new one; counted on if left empty"),
        Column("title", "Title", longest=200),
        Column("text", "Text", "prose", longest=30_000),
        Column("link", "Link", longest=2_000),
        Column("owner", "Owner", longest=254, help="address or id of a member"),
        Column("effective_on", "Holds from", "date"),
        Column("status", "Status", "choice", choices=tuple(STATUSES), given=False),
        Column("version", "Version", "integer", given=False),
        Column("changed", "Changed", "time", given=False),
        Column("digest", "Digest", given=False),
        Column("entry", "Entry", "integer", given=False),
    ),
)


def _policy_values(standing: Standing, rows: Sequence[PolicyVersion]) -> list[Values]:
    names = people(standing, {row.owner for row in rows})
    return [
        {
            "id": row.policy,
            "code": row.code,
            "title": row.title,
            "text": row.text,
            "link": row.link,
            "owner": row.owner.removeprefix("user:"),
            "owner_name": names.get(row.owner, ""),
            "effective_on": row.effective_on,
            "status": row.status,
            "version": row.number,
            "changed": row.created_at,
            "digest": row.digest,
            "entry": row.seq,
        }
        for row in rows
    ]


def _write_policy(standing: Standing, row: Row) -> Written:
    values = given_by(row, (*_NEVER_NONE, "effective_on"), never_none=_NEVER_NONE)

    def create(who: Standing, said: dict[str, Any]) -> None:
        if not said.get("title"):
            raise Malformed("is empty; a new policy has one", "title")
        policies.create(who, Definition(**said), code=row.text("code"))

    return write_by_id(row, values, "id", create, policies.change)(standing)


POLICIES: Final = TableOf(
    noun="policies",
    kind="policy",
    title="Policies",
    lead="What this tenant says must hold, version by version.",
    table=POLICY_TABLE,
    listing=Listing(
        rows=lambda _: newest(PolicyVersion, "policy"),
        identity="policy",
        values=_policy_values,
        shown=("code", "title", "owner", "effective_on", "status", "version"),
        sorts={"code": "code", "title": "title", "effective_on": "effective_on", "changed": "created_at"},
        order="code",
        filters=(
            Choice("status", "Status", "status", tuple(STATUSES.items())),
            Person("owner", "Owner", "owner"),
            Days("effective", "Holds from", "effective_on"),
        ),
        searched=("code", "title", "text"),
    ),
    apply=each(_write_policy),
    page="policies:policy",
    new="policies:new",
    lead_import="A row without an id is a new policy; a row with the id or code of one makes another version of it.",
    empty="Write down what must hold, or bring in a list of policies.",
)


def _asset_values(standing: Standing, rows: Sequence[AssetVersion]) -> list[Values]:
    names = people(standing, {row.owner for row in rows})
    return [
        {**cells, "owner_name": names.get(row.owner, "")} for row, cells in zip(rows, asset_cells(rows), strict=True)
    ]


def _apply_assets(standing: Standing, rows: Sequence[Row]) -> Applied:
    found = import_rows(standing, rows)
    if found.faults:
        raise RowsRefusedError(found.faults)
    return Applied(len(found.listed), len(found.changed), found.unchanged)


ASSETS: Final = TableOf(
    noun="assets",
    kind="asset",
    title="Assets",
    lead="What is to be protected, who answers for it, and how much hangs on it.",
    table=ASSET_TABLE,
    listing=Listing(
        rows=lambda _: newest(AssetVersion, "asset"),
        identity="asset",
        values=_asset_values,
        shown=("code", "name", "criticality", "kind", "owner", "status", "version"),
        sorts={"code": "code", "name": "name", "changed": "created_at"},
        order="code",
        filters=(
            Choice("criticality", "Criticality", "criticality", tuple(CRITICALITIES.items())),
            Choice("kind", "Kind", "kind", tuple(KINDS.items())),
            Choice("status", "Status", "status", tuple(ASSET_STATUSES.items())),
            Person("owner", "Owner", "owner"),
        ),
        searched=("code", "name", "description"),
    ),
    apply=_apply_assets,
    page="assets:asset",
    new="assets:new",
    lead_import="What is there with a row's code is changed in the columns that the file has; the others are new.",
    empty="Name what is to be protected, or bring in a list.",
)
