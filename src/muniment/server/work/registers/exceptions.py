"""Exceptions as a table: the list, and a spreadsheet of waivers that becomes drafts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Case, QuerySet, Value, When
from django.utils import timezone

from muniment.core.errors import Malformed
from muniment.server.access.standing import Standing
from muniment.server.assets.services import find_assets
from muniment.server.capabilities import Capability
from muniment.server.exceptions import services
from muniment.server.exceptions.content import Content
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.workflow import RISK_LEVELS, STATES, expiring_soon
from muniment.server.policies.models import PolicyVersion
from muniment.server.registers.keeping import newest
from muniment.server.tables.registry import Bulk, Choice, Days, Listing, Named, Person, TableOf, Values, Written, each
from muniment.server.work.bulk import acts_of
from muniment.server.work.registers.rows import given_by, people, write_by_id
from muniment.tables import Column, Row, Table

_NEEDED: Final = ("title", "policy", "scope", "reason", "risk_level", "residual_risk", "expires_on")
_NEVER_NONE: Final = {
    "title": "", "policy": "", "scope": "", "reason": "", "risk_level": "", "residual_risk": "", "compensating": "",
    "controls": (), "compensating_controls": (), "assets": (), "evidence": (), "zone": "UTC", "owner": "",
}  # fmt: skip
_NAMES: Final = (*_NEVER_NONE, "starts_on", "expires_on")
TABLE: Final = Table(
    "exceptions",
    (
        Column("id", "Id", longest=30, help="of a draft that is there; empty to draft one"),
        Column("title", "Title", longest=200),
        Column("state", "State", "choice", choices=tuple(STATES), given=False),
        Column("policy", "Policy", longest=60, help="its code or id"),
        Column("scope", "Scope", "prose", longest=8_000),
        Column("reason", "Reason", "prose", longest=8_000),
        Column("risk_level", "Risk level", "choice", choices=tuple(RISK_LEVELS)),
        Column("residual_risk", "Residual risk", "prose", longest=8_000),
        Column("compensating", "Compensating", "prose", longest=8_000),
        Column("controls", "Controls", "list", longest=64),
        Column("compensating_controls", "Compensating controls", "list", longest=64),
        Column("assets", "Assets", "list", longest=64, help="their codes or ids"),
        Column("evidence", "Evidence", "list", longest=64),
        Column("starts_on", "From", "date"),
        Column("expires_on", "Until", "date"),
        Column("zone", "Time zone", longest=64, help="of both days; UTC if left empty"),
        Column("owner", "Owner's id", longest=254, help="address or id of a member; you if left empty"),
        Column("owner_name", "Owner", given=False),
        Column("requested_by", "Requested by", given=False),
        Column("requested_by_name", "Requester's name", given=False),
        Column("renews", "Renews", given=False),
        Column("expiring", "Expires soon", "yesno", given=False),
        Column("stale", "Stale", "yesno", given=False),
        Column("submitted_at", "Submitted", "time", given=False),
        Column("approved_at", "Approved", "time", given=False),
        Column("created_at", "Drafted", "time", given=False),
        Column("entry", "Entry", "integer", given=False),
    ),
)


def _rows(_: Standing) -> QuerySet[PolicyException]:
    yes = When(services.soon(timezone.now()), then=Value("yes"))
    return PolicyException.objects.annotate(expiring=Case(yes, default=Value("no")))


def _values(standing: Standing, rows: Sequence[PolicyException]) -> list[Values]:
    wanted = {row.policy_id for row in rows}
    codes = dict(newest(PolicyVersion, "policy").filter(policy__in=wanted).values_list("policy", "code"))
    assets = find_assets({one for row in rows for one in row.assets})
    now = timezone.now()
    names = people(standing, {person for row in rows for person in (row.owner, row.requested_by)})
    return [
        {
            "id": row.id,
            "title": row.title,
            "state": row.state,
            "policy": codes.get(row.policy_id, row.policy_id),
            "scope": row.scope,
            "reason": row.reason,
            "risk_level": row.risk_level,
            "residual_risk": row.residual_risk,
            "compensating": row.compensating,
            "controls": tuple(row.controls),
            "compensating_controls": tuple(row.compensating_controls),
            "assets": tuple(assets[one].code if one in assets else one for one in row.assets),
            "evidence": tuple(row.evidence),
            "starts_on": row.starts_on,
            "expires_on": row.expires_on,
            "zone": row.zone,
            "owner": row.owner.removeprefix("user:"),
            "owner_name": names.get(row.owner, ""),
            "requested_by": row.requested_by,
            "requested_by_name": names.get(row.requested_by, ""),
            "renews": row.renews,
            "expiring": expiring_soon(row.state, row.soon_at, now),
            "stale": row.stale_at is not None,
            "submitted_at": row.submitted_at,
            "approved_at": row.approved_at,
            "created_at": row.created_at,
            "entry": row.seq,
        }
        for row in rows
    ]


def _write(standing: Standing, row: Row) -> Written:
    values = given_by(row, _NAMES, never_none=_NEVER_NONE)
    return write_by_id(row, values, "id", _create, services.change)(standing)


def _create(standing: Standing, values: dict[str, Any]) -> None:
    for name in _NEEDED:
        if not values.get(name):
            raise Malformed("is empty; a new exception needs it", name)
    services.create(standing, Content(**values))


EXCEPTIONS: Final = TableOf(
    noun="exceptions",
    kind="exception",
    title="Exceptions",
    lead="What is not complied with: for how long, decided by whom, and what stands against the risk meanwhile.",
    table=TABLE,
    listing=Listing(
        rows=_rows,
        identity="id",
        values=_values,
        shown=("title", "state", "policy", "risk_level", "expires_on", "owner_name", "stale"),
        sorts={"created_at": "created_at", "expires_on": "expires_on", "title": "title", "state": "state", "id": "id"},
        order="-created_at",
        filters=(
            Choice("state", "State", "state", tuple(STATES.items())),
            Choice("expiring", "Expires soon", "expiring", (("yes", "Yes"), ("no", "No"))),
            Choice("risk_level", "Risk level", "risk_level", tuple(RISK_LEVELS.items())),
            Person("mine", "Asked for or owned by", "requested_by|owner"),
            Person("owner", "Owner", "owner"),
            Person("requested_by", "Requested by", "requested_by"),
            Named("policy", "Policy id", "policy_id"),
            Named("asset", "Asset id", "assets", holds=True),
            Named("control", "Control id", "controls", holds=True),
            Named("chain", "Chain", "chain"),
            Days("expires", "Expires", "expires_on"),
        ),
        searched=("id", "title", "scope", "reason", "residual_risk", "compensating"),
    ),
    apply=each(_write),
    writes=Capability.EXCEPTION_REQUEST,
    page="exceptions:exception",
    home="exceptions:list",
    bulk=tuple(Bulk(one.code, one.label, one.needs) for one in acts_of("exceptions")),
    bulk_route="work:bulk",
    new="exceptions:new",
    lead_import="Without an id, a row becomes a draft of yours; with one, it changes that draft. Nothing is submitted.",
    icon="report",
    empty="Draft an exception, or bring in the spreadsheet of waivers that you keep today.",
)
