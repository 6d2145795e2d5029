"""Writing down what packets hold."""

from __future__ import annotations

from typing import Final

from muniment.core.errors import Refused
from muniment.server.access.standing import Standing
from muniment.server.attachments import services as attachments
from muniment.server.controls.services import own_ids
from muniment.server.frameworks.services import check_controls, find_catalog
from muniment.server.packets.models import ScopeVersion, scope_id
from muniment.server.packets.scope import Scope
from muniment.server.packets.services.recording import noted, one_at_a_time
from muniment.server.populations import services as populations
from muniment.server.tenants.models import Workspace

MOST_LISTED: Final = 200


class NoSuch(Refused):
    """There is no such scope, request, text or recipient in this tenant."""


def save_scope(standing: Standing, scope: Scope, *, replaces: str = "") -> ScopeVersion:
    """Write down what a packet is to hold, or the next version of it.

    Args:
        standing: of who does it; has `packet.request`.
        scope: what it holds; everything that it names must be there.
        replaces: id of a version of the scope that this is the next version of; "" for a new scope.

    Raises:
        Malformed: for a control or catalog that nobody knows.
        Refused: naming the field: what it names is not there, or its name is taken.
        NoSuch: if there is no such scope to be replaced.
    """
    _check(standing, scope)
    one_at_a_time(f"packets/scopes/{standing.tenant_id}")
    before = versions_of(scope_for(replaces))[0] if replaces else None
    taken = {row.series for row in scopes() if row.name == scope.name}
    if taken - ({before.series} if before is not None else set()):
        raise Refused("there is a scope of that name already", "name")
    if before is not None and before.digest == scope.digest:
        raise Refused("is what the scope says already", "scope")
    row = ScopeVersion(
        id=scope_id(),
        tenant_id=standing.tenant_id,
        version=1 if before is None else before.version + 1,
        name=scope.name,
        content=scope.text(),
        digest=scope.digest,
        created_by=standing.subject,
    )
    row.series = row.id if before is None else before.series
    row.seq, row.event = noted(
        "packet.scope",
        by=standing.subject,
        resource=("packet-scope", row.id),
        labels={"series": row.series, "version": row.version, "digest": row.digest},
        causes=[] if before is None else [before.event],
        body={"scope": scope.document()},
    )
    row.save(force_insert=True)
    return row


def scopes() -> list[ScopeVersion]:
    """The newest version of each scope of the open tenant, newest first."""
    rows = ScopeVersion.objects.order_by("tenant_id", "series", "-version").distinct("tenant_id", "series")
    return sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)


def scope_for(wanted: str) -> ScopeVersion:
    """One version of a scope of the open tenant, by its id.

    Raises:
        NoSuch: if there is none.
    """
    row = None if "\0" in wanted else ScopeVersion.objects.filter(id=wanted).first()
    if row is None:
        raise NoSuch("there is no such scope", "scope")
    return row


def versions_of(row: ScopeVersion) -> list[ScopeVersion]:
    """Every version of a scope, newest first."""
    return list(ScopeVersion.objects.filter(series=row.series).order_by("-version"))


def _check(standing: Standing, scope: Scope) -> None:
    check_controls(scope.controls, "controls", own=own_ids())
    for catalog in scope.frameworks:
        find_catalog(catalog)
    for population in scope.populations:
        populations.population_for(standing, population)
    for sample in scope.samples:
        populations.sample_for(standing, sample)
    for slot, files in scope.slots:
        for one in files:
            found = attachments.attachment_for(one)
            if attachments.withdrawal_of(found) is not None:
                raise Refused(f"{one} was withdrawn", f"slots.{slot}")
            if said := attachments.withheld(found):
                raise Refused(f"{one} goes into no packet: {said}", f"slots.{slot}")
    if scope.workspace and not Workspace.objects.filter(name=scope.workspace).exists():
        raise Refused("the tenant has no workspace of that name", "workspace")
