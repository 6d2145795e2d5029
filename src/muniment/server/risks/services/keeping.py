"""Keeping a version of a risk: the row, its version, its entry, and what becomes of acceptances of the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import orjson
from django.utils import timezone

from muniment.server.exceptions import services as exceptions
from muniment.server.risks.matrix import Matrix
from muniment.server.risks.models import Risk, RiskVersion, risk_id, version_id
from muniment.server.risks.services.lapsing import outdate
from muniment.server.risks.services.matrices import matrix_in_force, matrix_of
from muniment.server.risks.services.recording import noted
from muniment.server.risks.workflow import (
    CLOSED,
    LINKS,
    OWN,
    SCORES,
    Definition,
    checked,
    definition_of,
    differences,
    digest_of,
    document_of,
)
from muniment.server.subjects import Changed

_ACTIONS: Final = {"open": "risk.open", "change": "risk.change", "close": "risk.close"}


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a version, and because of what.

    Attributes:
        tenant_id: whose scope is open.
        by: as the ledger names them.
        kind: `person`, or `mirror` for an exception's step.
        cause: id of the exception that brought the version, or "".
        causes: references of the entries that led to it, beside the risk's own last one.
    """

    tenant_id: UUID
    by: str
    kind: str = "person"
    cause: str = ""
    causes: tuple[str, ...] = ()


def keep(author: Author, said: Definition, before: Risk | None, *, chain: str = "") -> Risk:
    """Keep what a risk says from now on; in the open transaction, in which the risk's row is locked.

    Args:
        author: who makes the version.
        said: what it says; whether its links are there was checked.
        before: the risk as it stands; None for a new one.
        chain: of a new risk: id of the first exception of the chain that it mirrors.

    Raises:
        Malformed, Refused: as `checked` does.
    """
    held = matrix_in_force()
    old = None if before is None else definition_now(before)
    left = None if before is None or old is None else _left(old, matrix_of(before.matrix).matrix)
    said = checked(said, held.matrix, old, by=author.kind)
    moved = () if old is None else differences(old, said)
    if before is not None and not set(moved) & set(SCORES):
        held = matrix_of(before.matrix)
    row = before or Risk(
        id=risk_id(),
        tenant_id=author.tenant_id,
        origin=OWN if not chain else "exception",
        chain=chain,
        version=0,
        opened_by=author.by,
        opened_at=timezone.now(),
    )
    was = row.event if before is not None else ""
    _write(row, said)
    ruling = said.ruling
    row.matrix, row.size = held.number, held.matrix.size
    row.level = "" if ruling is None else held.matrix.band(ruling)
    row.version += 1
    row.changed_at = timezone.now()
    document = document_of(
        row.id, row.version, said, matrix=row.matrix, level=row.level, origin=row.origin, chain=row.chain
    )
    text, row.digest = digest_of(document)
    name = "open" if before is None else "close" if said.state == CLOSED else "change"
    labels = {
        "risk": row.id,
        "version": row.version,
        "digest": row.digest,
        "state": row.state,
        "level": row.level,
        "exception": author.cause,
        "changed": ",".join(moved),
    }
    row.seq, row.event = noted(
        _ACTIONS[name],
        by=author.by,
        resource=("risk", row.id),
        labels=labels,
        causes=[one for one in (was, *author.causes) if one],
        body={"risk": document, **({"reason": said.reason} if said.reason else {})},
    )
    RiskVersion(
        id=version_id(),
        tenant_id=row.tenant_id,
        risk=row.id,
        version=row.version,
        content=text,
        digest=row.digest,
        step=name,
        cause=author.cause,
        by=author.by,
        at=row.changed_at,
        seq=row.seq,
        event=row.event,
    ).save(force_insert=True)
    row.save(force_insert=before is None)
    if before is not None:
        outdate(row, moved)
    if old is not None and row.chain and author.kind == "person" and _left(said, held.matrix) != left:
        exceptions.outdate(row.chain, Changed("risk", row.id, row.digest))
    return row


def definition_now(row: Risk) -> Definition:
    """What a risk says as it stands, without the reason of its newest version."""
    content = RiskVersion.objects.filter(risk=row.id, version=row.version).values_list("content", flat=True).get()
    return replace(definition_of(orjson.loads(content)), reason="")


def _left(said: Definition, matrix: Matrix) -> tuple[str, ...]:
    """The risk that an exception leaves, as those who decided on it knew it: its text, and how high it stands."""
    return (said.description, *(matrix.band(cell) if cell else "" for cell in (said.current, said.residual)))


def _write(row: Risk, said: Definition) -> None:
    row.state, row.title, row.description, row.owner = said.state, said.title, said.description, said.owner
    row.treatment, row.plan, row.review_on = said.treatment, said.plan, said.review_on
    for name in SCORES:
        cell = getattr(said, name)
        setattr(row, name, None if cell is None else cell.code)
    ruling = said.ruling
    row.ruling, row.score = (0, 0) if ruling is None else (ruling.code, ruling.product)
    for name in LINKS:
        setattr(row, name, _listed(getattr(said, name)))


def _listed(ids: Sequence[str]) -> list[str]:
    return list(ids)
