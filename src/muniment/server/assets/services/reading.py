"""Assets as they stand and as they were."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import Q, QuerySet

from muniment.core.errors import Malformed
from muniment.server.assets.models import AssetVersion
from muniment.server.assets.workflow import RETIRED, Criticality, Definition
from muniment.server.registers.keeping import NoSuch, newest


@dataclass(frozen=True, slots=True)
class Asset:
    """The newest version of an asset, as what builds on it reads it.

    Attributes:
        id: `ast_…`.
        version: counts from 1.
        name: of one line.
        owner: `user:usr_…`, or "".
        criticality: low, medium, high or critical.
        digest: of what the version says, 64 hex digits.
        code: by which the tenant calls it.
        kind: one of `workflow.KINDS`.
        retired: it is not to be built on any more.
    """

    id: str
    version: int
    name: str
    owner: str
    criticality: Criticality
    digest: str
    code: str
    kind: str
    retired: bool


def find_asset(wanted: str, where: str = "asset") -> Asset:
    """The newest version of an asset of the tenant whose `tenant_scope` is open.

    Args:
        wanted: its id `ast_…`, or its code in any capitals.
        where: the field, as the error names it.

    Raises:
        Malformed: naming the field, if there is none.
    """
    row = _row(wanted)
    if row is None:
        raise Malformed("is no asset here: give its code or its id ast_…", where)
    return asset_of(row)


def find_assets(ids: Collection[str]) -> dict[str, Asset]:
    """The newest versions of several assets, by id; one that is not there is left out.

    Args:
        ids: `ast_…`.
    """
    rows = newest(AssetVersion, "asset").filter(asset__in=[one for one in ids if "\0" not in one])
    return {row.asset: asset_of(row) for row in rows}


def assets(
    *, status: str = "", owner: str = "", criticality: str = "", kind: str = "", text: str = ""
) -> QuerySet[AssetVersion]:
    """The newest versions of the tenant's assets, by code.

    Args:
        status: one of `STATUSES`; "" for all, and so the rest.
        owner: `user:usr_…`.
        criticality: one of `CRITICALITIES`.
        kind: one of `KINDS`.
        text: only those whose code, name or description holds it.
    """
    rows = newest(AssetVersion, "asset").order_by("code", "asset")
    given = {"status": status, "owner": owner, "criticality": criticality, "kind": kind}
    rows = rows.filter(**{name: value for name, value in given.items() if value})
    if text and "\0" not in text:
        rows = rows.filter(Q(code__icontains=text) | Q(name__icontains=text) | Q(description__icontains=text))
    return rows


def asset_for(wanted: str) -> AssetVersion:
    """An asset as it stands, by its id or code.

    Raises:
        NoSuch: if the tenant has none.
    """
    row = _row(wanted)
    if row is None:
        raise NoSuch("there is no such asset", "asset")
    return row


def history_of(wanted: str) -> list[AssetVersion]:
    """Every version of an asset, oldest first.

    Raises:
        NoSuch: if the tenant has none of that id or code.
    """
    return list(AssetVersion.objects.filter(asset=asset_for(wanted).asset).order_by("number"))


def asset_of(row: AssetVersion) -> Asset:
    """A version as what builds on it reads it."""
    return Asset(
        row.asset,
        row.number,
        row.name,
        row.owner,
        cast("Criticality", row.criticality),
        row.digest,
        row.code,
        row.kind,
        row.status == RETIRED,
    )


def version_of(wanted: str, number: int) -> AssetVersion:
    """One version.

    Raises:
        NoSuch: if the tenant has no such asset, or it has no such version.
    """
    row = AssetVersion.objects.filter(asset=asset_for(wanted).asset, number=min(number, 2**31 - 1)).first()
    if row is None:
        raise NoSuch("there is no such version", "number")
    return row


def definition_of(row: AssetVersion) -> Definition:
    """What a version says."""
    return Definition(row.name, row.owner, row.criticality, row.kind, row.description, row.status, row.reason)


def body_of(row: AssetVersion) -> dict[str, Any]:
    """What the entry of a version commits to."""
    return {
        "asset": row.asset,
        "code": row.code,
        "number": row.number,
        "name": row.name,
        "owner": row.owner,
        "criticality": row.criticality,
        "kind": row.kind,
        "description": row.description,
        "status": row.status,
        **({"reason": row.reason} if row.reason else {}),
    }


def _row(wanted: str) -> AssetVersion | None:
    wanted = wanted.strip()
    if not 1 <= len(wanted) <= 64 or "\0" in wanted:
        return None
    rows = AssetVersion.objects.order_by("-number")
    return rows.filter(asset=wanted).first() or rows.filter(code__iexact=wanted).first()
