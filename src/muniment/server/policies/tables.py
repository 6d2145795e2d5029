"""Policies as a table: its list, its files, and what a file changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from muniment.core.errors import Malformed
from muniment.server.access.standing import Standing
from muniment.server.policies.models import PolicyVersion
from muniment.server.policies.services import change, create, definition_of, policies
from muniment.server.policies.workflow import RETIRED, STATUSES, Definition, Unchanged
from muniment.server.registers.codes import MAX_CODE
from muniment.server.registers.owners import owner_names
from muniment.server.registers.texts import MAX_LINE, MAX_LINK
from muniment.server.tables.registry import Choice, Listing, Named, Person, TableOf, Values, Written, each
from muniment.tables import Column, Row, Table
from muniment.tables.table import LONGEST

POLICIES: Final = Table(
    "policies",
    (
        Column("code", "Code", required=True, longest=MAX_CODE, help="What is there with this code is changed."),
        Column("title", "Title", longest=MAX_LINE, help="What is new has one."),
        Column("owner_name", "Owner", given=False),
        Column("owner", "Owner's id", longest=254, help="Or the address of a member. What is new has one."),
        Column("effective_on", "In force from", "date", help="What is new has one."),
        Column("link", "Link", longest=MAX_LINK, help="An https address."),
        Column("text", "Text", "prose", longest=LONGEST, help="Left empty: as it stands. Longer ones go by the page."),
        Column("status", "Status", "choice", choices=tuple(STATUSES), given=False),
        Column("version", "Version", "integer", given=False),
        Column("digest", "Digest", longest=64, given=False),
        Column("changed", "Changed", "time", given=False),
        Column("id", "Id", given=False),
    ),
)


def policy_cells(standing: Standing, rows: Sequence[PolicyVersion]) -> list[Values]:
    """Policies by the columns of `POLICIES`; a text that no cell holds is left out."""
    names = owner_names(standing, {row.owner for row in rows})
    return [
        {
            "code": row.code,
            "title": row.title,
            "owner_name": names[row.owner],
            "owner": row.owner.removeprefix("user:"),
            "effective_on": row.effective_on,
            "link": row.link,
            "text": row.text if len(row.text) <= LONGEST else "",
            "status": row.status,
            "version": row.number,
            "digest": row.digest,
            "changed": row.created_at,
            "id": row.policy,
        }
        for row in rows
    ]


def _write(standing: Standing, row: Row) -> Written:
    there = PolicyVersion.objects.filter(code__iexact=row.text("code")).order_by("-number").first()
    given: dict[str, Any] = {name: row.text(name) for name in ("title", "owner", "link", "text") if name in row.values}
    if isinstance(day := row.values.get("effective_on"), date):
        given["effective_on"] = day
    for name in ("title", "owner", "text"):
        if there is not None and not given.get(name, "-"):
            del given[name]
    if there is None:
        for name in ("title", "owner", "effective_on"):
            if not given.get(name):
                raise Malformed("is empty; a policy that is new has one", name)
        create(standing, Definition(**given), code=row.text("code"))
        return "added"
    if there.status == RETIRED and _says(there, given):
        # An export holds what was retired too.
        return "unchanged"
    try:
        change(standing, there.policy, given)
    except Unchanged:
        return "unchanged"
    return "changed"


def _says(there: PolicyVersion, given: Mapping[str, Any]) -> bool:
    stands = definition_of(there)
    return all(
        value in (getattr(stands, name), str(getattr(stands, name)).removeprefix("user:"))
        for name, value in given.items()
    )


def _rows(_standing: Standing) -> Any:
    return policies()


TABLE: Final = TableOf(
    noun="policies",
    kind="policy",
    title="Policies",
    lead="What this tenant has undertaken to do, version by version. Exceptions name the version they deviate from.",
    table=POLICIES,
    listing=Listing(
        rows=_rows,
        identity="policy",
        values=policy_cells,
        shown=("code", "title", "owner_name", "effective_on", "status", "version"),
        sorts={"code": "code", "title": "title", "effective_on": "effective_on", "changed": "created_at"},
        order="code",
        filters=(
            Choice("status", "Status", "status", tuple(STATUSES.items())),
            Person("owner", "Owner", "owner"),
            Named("code", "Code", "code"),
        ),
        searched=("code", "title", "text", "link"),
    ),
    apply=each(_write),
    page="policies:policy",
    home="policies:list",
    new="policies:new",
    lead_import="A policy that is there with its code gets a new version in the columns that the file has.",
    icon="statement",
    empty="Bring in a policy: its text, or a link to it.",
)
