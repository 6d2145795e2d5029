"""The tenant's own controls as they stand and as they were."""

from __future__ import annotations

import hashlib
from typing import Any

from muniment.core.canonical import dump_json
from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.controls.models import OwnControl
from muniment.server.controls.services.evidence import newest
from muniment.server.controls.workflow import PREFIX, Definition, read_code


class NoSuch(Refused):
    """There is no such control in this tenant."""


def controls(standing: Standing, *, status: str = "", framework: str = "", owner: str = "") -> list[OwnControl]:
    """The tenant's controls as they stand, by id.

    Args:
        standing: of the reader.
        status: one of `STATUSES`; "" for all.
        framework: only with criteria of this catalog; "" for all.
        owner: `user:usr_…`; "" for all.
    """
    return [
        row
        for row in newest()
        if row.tenant_id == standing.tenant_id
        and status in ("", row.status)
        and owner in ("", row.owner)
        and (not framework or any(one.startswith(f"{framework}:") for one in row.criteria))
    ]


def control_for(standing: Standing, wanted: str) -> OwnControl:
    """A control as it stands, by its id `own:AI-7`.

    Raises:
        NoSuch: if the tenant has none of that id.
    """
    return history_of(standing, wanted)[-1]


def history_of(standing: Standing, wanted: str) -> list[OwnControl]:
    """Every version of a control, oldest first.

    Raises:
        NoSuch: if the tenant has none of that id.
    """
    try:
        code = read_code(wanted) if wanted.startswith(PREFIX) else ""
    except Malformed:
        code = ""
    rows = list(OwnControl.objects.filter(tenant_id=standing.tenant_id, code=code).order_by("number")) if code else []
    if not rows:
        raise NoSuch("there is no such control", "control")
    return rows


def definition_of(row: OwnControl) -> Definition:
    """What a version says."""
    return Definition(
        row.statement,
        row.owner,
        row.frequency,
        row.procedure,
        tuple(row.criteria),
        row.status,
        row.retired_on,
        row.reason,
    )


def digest_of(row: OwnControl) -> str:
    """SHA-256 of what a version says, 64 hex digits; the reason for a change is no part of it."""
    said = {name: value for name, value in body_of(row).items() if name not in ("reason", "number")}
    return hashlib.sha256(b"muniment/control/1\0" + dump_json(said)).hexdigest()


def body_of(row: OwnControl) -> dict[str, Any]:
    """What the entry of a version commits to."""
    said: dict[str, Any] = {
        "control": row.control,
        "number": row.number,
        "statement": row.statement,
        "owner": row.owner,
        "frequency": row.frequency,
        "procedure": row.procedure,
        "criteria": row.criteria,
        "status": row.status,
    }
    if row.reason:
        said["reason"] = row.reason
    if row.retired_on is not None:
        said["retired_on"] = row.retired_on.isoformat()
    return said
