"""Listing, changing and retiring assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from django.db.models.functions import Lower

from muniment.server.access.standing import Standing
from muniment.server.assets.models import AssetVersion, asset_id, version_id
from muniment.server.assets.services.reading import asset_for, body_of, definition_of
from muniment.server.assets.workflow import RETIRED, Definition, changed, checked, differences, digest
from muniment.server.controls.owners import read_owner
from muniment.server.registers.codes import new_code
from muniment.server.registers.keeping import check_number, keep_entry, lock
from muniment.server.subjects import changed as subject_changed

ACTION = "asset.change"


@dataclass(frozen=True, slots=True)
class Step:
    """A version that may be kept: of which asset, what it says, and the row that it follows."""

    asset: str
    code: str
    after: Definition
    before: AssetVersion | None


@dataclass(frozen=True, slots=True)
class Owners:
    """Owners that were looked up already while many assets are checked, by how they came."""

    standing: Standing
    known: dict[str, str] = field(default_factory=dict)

    def read(self, given: str) -> str:
        """An owner as it is kept.

        Raises:
            Malformed: naming the field.
        """
        given = given.strip()
        if given not in self.known:
            self.known[given] = read_owner(self.standing.tenant_id, given)
        return self.known[given]


def create(standing: Standing, said: Definition, *, code: str = "") -> AssetVersion:
    """List an asset.

    Args:
        standing: of who does it.
        said: its first version; the owner may be given by address.
        code: by which the tenant calls it; "" for the next free `AST-…`.

    Raises:
        Malformed: naming the field.
        Refused: for a code that is taken.
    """
    hold(standing)
    return keep(standing, new_step(Owners(standing), said, code, taken_codes()))


def change(standing: Standing, wanted: str, given: Mapping[str, object], *, number: int | None = None) -> AssetVersion:
    """Add a version to an asset in which some fields are others.

    Args:
        standing: of who changes it.
        wanted: its id or code.
        given: new values by the names of `Definition`, but not `status`.
        number: of the version that the caller has seen; None if that does not matter.

    Raises:
        NoSuch: if the tenant has no such asset.
        Malformed: naming the field.
        Refused: if somebody changed it meanwhile, it is retired, or nothing would be changed.
    """
    hold(standing)
    row = asset_for(wanted)
    check_number(row.number, number)
    return keep(standing, changed_step(Owners(standing), row, given))


def retire(standing: Standing, wanted: str, reason: str, *, number: int | None = None) -> AssetVersion:
    """End an asset. It stays readable, and its code is not used again.

    Raises:
        NoSuch: if the tenant has no such asset.
        Malformed: without a reason.
        Refused: if somebody changed it meanwhile, or it is retired already.
    """
    hold(standing)
    row = asset_for(wanted)
    check_number(row.number, number)
    before = definition_of(row)
    after = checked(replace(before, status=RETIRED, reason=reason), before)
    return keep(standing, Step(row.asset, row.code, after, row))


def hold(standing: Standing) -> None:
    """Let others who write assets of this tenant wait until this transaction ends."""
    lock(standing, "assets")


def taken_codes() -> set[str]:
    """The codes that there are, in small letters."""
    return set(AssetVersion.objects.filter(number=1).values_list(Lower("code"), flat=True))


def new_step(owners: Owners, said: Definition, code: str, taken: set[str]) -> Step:
    """The first version of an asset, checked.

    Raises:
        Malformed: naming the field.
        Refused: for a code that is taken.
    """
    owned = replace(said, owner=owners.read(said.owner))
    return Step(asset_id(), new_code(code, "AST", taken), checked(owned), None)


def changed_step(owners: Owners, row: AssetVersion, given: Mapping[str, object]) -> Step:
    """The next version of an asset, checked.

    Raises:
        Malformed: naming the field.
        Refused: if it is retired, or nothing would be changed.
    """
    before = definition_of(row)
    after = changed(before, {name: value for name, value in given.items() if name != "status"})
    # Who has left may stay the owner until it is changed.
    kept = before.owner and after.owner.strip() in (before.owner, before.owner.removeprefix("user:"))
    after = replace(after, owner=before.owner if kept else owners.read(after.owner))
    return Step(row.asset, row.code, checked(after, before), row)


def keep(standing: Standing, step: Step) -> AssetVersion:
    """Keep a version with its entry, in the open transaction; call it last."""
    said, before = step.after, step.before
    row = AssetVersion(
        id=version_id(),
        tenant_id=standing.tenant_id,
        asset=step.asset,
        number=1 if before is None else before.number + 1,
        code=step.code,
        name=said.name,
        owner=said.owner,
        criticality=said.criticality,
        kind=said.kind,
        description=said.description,
        status=said.status,
        reason=said.reason,
        created_by=standing.subject,
    )
    row.digest = digest(step.asset, row.number, said)
    row.seq, row.event = keep_entry(
        standing.subject,
        ACTION,
        ("asset", step.asset),
        labels={
            "number": row.number,
            "step": "create" if before is None else "retire" if said.status == RETIRED else "change",
            "changed": "" if before is None else ",".join(differences(definition_of(before), said)),
            "owner": row.owner,
            "criticality": row.criticality,
            "kind": row.kind,
            "digest": row.digest,
        },
        body=body_of(row),
        causes=[] if before is None else [before.event],
    )
    row.save(force_insert=True)
    subject_changed("asset", step.asset, row.digest)
    return row
