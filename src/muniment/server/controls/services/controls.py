"""Defining, changing, retiring and showing the tenant's own controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Final

from django.db import connection as django_connection

from muniment.core.errors import Malformed, MunimentError, Refused
from muniment.ledger.system import active_log
from muniment.server.access.standing import Standing
from muniment.server.controls.models import OwnControl, version_id
from muniment.server.controls.owners import read_owner
from muniment.server.controls.services.evidence import newest
from muniment.server.controls.services.reading import body_of, control_for, definition_of, digest_of
from muniment.server.controls.workflow import PREFIX, Definition, changed, checked, differences, read_code
from muniment.server.frameworks.services import check_controls, make_known
from muniment.server.recording import record
from muniment.server.subjects import changed as subject_changed
from muniment.server.tenants.scope import ledger_connection

MOST_SAID: Final = 4_000


@dataclass(frozen=True, slots=True)
class Step:
    """A version that may be kept: of which control, what it says, and the row that it follows."""

    code: str
    after: Definition
    before: OwnControl | None


@dataclass(frozen=True, slots=True)
class Known:
    """What was looked up already while many controls are checked: criteria that exist, and owners by how they came."""

    criteria: set[str] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)


def define(standing: Standing, control: str, definition: Definition) -> OwnControl:
    """Define a control.

    Args:
        standing: of who defines it.
        control: its id, `AI-7` or `own:AI-7`; frozen from now on.
        definition: what it says; the owner may be given by address.

    Raises:
        Malformed: naming the field.
        Refused: for an id that is taken, also by a retired control or in other capitals.
    """
    lock(standing)
    return keep(standing, [new_step(standing, control, definition, newest())])[0]


def change(standing: Standing, control: str, given: Mapping[str, object], *, number: int | None = None) -> OwnControl:
    """Add a version to a control in which some fields are others.

    Args:
        standing: of who changes it.
        control: its id.
        given: new values by the names of `Definition`; not `status` `retired`, which `retire` gives.
        number: of the version that the caller has seen; None if that does not matter.

    Raises:
        NoSuch: if the tenant has no such control.
        Malformed: naming the field.
        Refused: if somebody changed it meanwhile, it is retired, or nothing would be changed.
    """
    lock(standing)
    row = control_for(standing, control)
    _check_number(row, number)
    if given.get("status") == "retired":
        raise Refused("a control is retired with a reason and a day, not by changing its status", "status")
    return keep(standing, [changed_step(standing, row, given)])[0]


def retire(
    standing: Standing, control: str, reason: str, *, on: date | None = None, number: int | None = None
) -> OwnControl:
    """Retire a control. It stays readable, and its id is not used again.

    Args:
        standing: of who retires it.
        control: its id.
        reason: why.
        on: the day of UTC from which it is retired; None for today. Not a day to come.
        number: as of `change`.

    Raises:
        NoSuch: if the tenant has no such control.
        Malformed: naming the field.
        Refused: if somebody changed it meanwhile, or it is retired already.
    """
    lock(standing)
    row = control_for(standing, control)
    _check_number(row, number)
    today = datetime.now(UTC).date()
    if on is not None and not date(1970, 1, 1) <= on <= today:
        raise Malformed("is no day up to today", "on")
    before = definition_of(row)
    after = checked(replace(before, status="retired", reason=reason, retired_on=on or today), before)
    return keep(standing, [Step(row.code, after, row)])[0]


def new_step(
    standing: Standing, control: str, definition: Definition, there: Sequence[OwnControl], known: Known | None = None
) -> Step:
    """The first version of a control, checked.

    Args:
        standing: of who defines it.
        control: its id.
        definition: what it says.
        there: the controls that the tenant has.
        known: what was looked up for others.

    Raises:
        Malformed: naming the field.
        Refused: for an id that is taken.
    """
    code = read_code(control)
    taken = next((row.code for row in there if row.code.lower() == code.lower()), None)
    if taken is not None:
        raise Refused(f"there is {PREFIX}{taken} already; ids are frozen, also those of retired controls", "id")
    return Step(code, checked(_resolved(standing, definition, known or Known())), None)


def changed_step(standing: Standing, row: OwnControl, given: Mapping[str, object], known: Known | None = None) -> Step:
    """The next version of a control, checked.

    Raises:
        Malformed: naming the field.
        Refused: if it is retired, or nothing would be changed.
    """
    before = definition_of(row)
    wanted = changed(before, given)
    # Who has left, and what a catalog no longer has, may stay until it is changed.
    resolved = _resolved(standing, wanted, known or Known(), keeping=before)
    return Step(row.code, checked(resolved, before), row)


def keep(standing: Standing, steps: Sequence[Step]) -> list[OwnControl]:
    """Keep versions, each with its entry, in the open transaction; call it last."""
    rows = [_row(standing, step) for step in steps]
    # Events and mappings may name it from now on.
    make_known([row.control for row in rows if row.number == 1])
    with ledger_connection() as raw:
        source = active_log(raw).source
    for row, step in zip(rows, steps, strict=True):
        receipt = record(
            _action(step),
            by=standing.subject,
            resource=("control", row.control),
            labels={
                "number": row.number,
                "status": row.status,
                "frequency": row.frequency,
                "owner": row.owner,
                "changed": ",".join(differences(definition_of(step.before), step.after)) if step.before else "",
                "retired.on": row.retired_on,
            },
            causes=[step.before.event] if step.before is not None else [],
            body=body_of(row),
        )
        row.seq, row.event = receipt.seq, f"{source}/{receipt.id}"
    OwnControl.objects.bulk_create(rows)
    for row in rows:
        if row.number > 1:
            subject_changed("control", row.control, digest_of(row))
    return rows


def record_refused(standing: Standing, action: str, control: str, error: MunimentError) -> None:
    """Record that a control could not be defined, changed or retired; after the transaction was rolled back."""
    try:
        code = read_code(control)
    except Malformed:
        code = ""
    record(
        action,
        by=standing.subject,
        resource=("control", f"{PREFIX}{code}") if code else None,
        outcome="denied",
        labels={"field": (error.where or "")[:60].encode("ascii", "replace").decode()},
        body={"said": str(error)[:MOST_SAID]},
    )


def lock(standing: Standing) -> None:
    """Let others who write controls of this tenant wait until this transaction ends."""
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"controls/{standing.tenant_id}"])


def _action(step: Step) -> str:
    if step.before is None:
        return "control.define"
    return "control.retire" if step.after.status == "retired" else "control.change"


def _check_number(row: OwnControl, seen: int | None) -> None:
    if seen is not None and seen != row.number:
        raise Refused(f"it was changed meanwhile: version {row.number} stands, not {seen}; look at it first", "number")


def _resolved(standing: Standing, wanted: Definition, known: Known, *, keeping: Definition | None = None) -> Definition:
    old = frozenset() if keeping is None else frozenset(keeping.criteria)
    if not known.criteria.issuperset(new := [one for one in wanted.criteria if one not in old]):
        check_controls(new, "criteria")
        known.criteria.update(new)
    owner = wanted.owner.strip()
    if keeping is not None and owner in (keeping.owner, keeping.owner.removeprefix("user:")):
        return replace(wanted, owner=keeping.owner)
    if owner not in known.owners:
        known.owners[owner] = read_owner(standing.tenant_id, owner)
    return replace(wanted, owner=known.owners[owner])


def _row(standing: Standing, step: Step) -> OwnControl:
    said = step.after
    return OwnControl(
        id=version_id(),
        tenant_id=standing.tenant_id,
        code=step.code,
        number=1 if step.before is None else step.before.number + 1,
        statement=said.statement,
        owner=said.owner,
        frequency=said.frequency,
        procedure=said.procedure,
        criteria=list(said.criteria),
        status=said.status,
        retired_on=said.retired_on,
        reason=said.reason,
        created_by=standing.subject,
    )
