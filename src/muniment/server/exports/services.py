"""Freezing exports, finding them, and recording who takes their bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from muniment.core.canonical import parse_json
from muniment.core.errors import Malformed, Refused
from muniment.formats.exported import FORMAT
from muniment.formats.formats import FORMATS
from muniment.formats.oscal import OscalWriter
from muniment.ledger.population import count_members, in_range, searched
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.exports.models import Export, export_id
from muniment.server.exports.question import asked_controls, evidence_json, read_asked
from muniment.server.frameworks.services import mapping_in_force
from muniment.server.populations.services.populations import reference_of
from muniment.server.recording import record
from muniment.version import __version__

MOST_LISTED: Final = 200


class NoSuch(Refused):
    """There is no such export in this tenant."""


def create_export(
    standing: Standing,
    *,
    format: str,
    question: Mapping[str, str | None],
    size: int | None,
    names: bool,
    api: str,
) -> Export:
    """Freeze an export: its question, the checkpoint at which it ends, the mapping in force, its format.

    Args:
        standing: of who takes it; has `export.create`.
        format: one of `FORMATS`.
        question: filters by name, see `question.LABELS`.
        size: of the checkpoint; None for the newest.
        names: whether persons' names are written beside their ids.
        api: address of the API, under which entries can be asked for again.

    Raises:
        Malformed: naming the field.
        NotSealed: if there is no such checkpoint.
    """
    if format not in FORMATS:
        raise Malformed(f"is one of {', '.join(FORMATS)}", "format")
    if names and not standing.may(Capability.MEMBER_READ):
        raise Malformed("persons' names need the capability member.read", "names")
    asked = read_asked(question)
    if format == OscalWriter.name:
        # As it is asked now, by the mapping of now: so the results stay what they are when that changes.
        asked = replace(asked, about=tuple(asked_controls(asked.given)))
    mapping = mapping_in_force()
    with standing.transaction() as reading:
        range_ = searched(reading, standing.log_id, size=size)
        count = count_members(reading, standing.log_id, in_range(asked.filter, range_.size))
    row = Export(
        id=export_id(),
        tenant_id=standing.tenant_id,
        format=format,
        question=asked.text,
        evidence=asked.evidence_text,
        names=names,
        log=range_.origin,
        size=range_.size,
        root=range_.root.hex(),
        sealed_at=range_.sealed_at,
        mapping=mapping.version,
        mapping_digest=mapping.digest,
        api=api,
        software=__version__,
        count=count,
        created_by=standing.subject,
    )
    receipt = record(
        "export.create",
        by=standing.subject,
        resource=("export", row.id),
        labels={
            "form": f"{FORMAT}.{format}",
            "entries": count,
            "size": row.size,
            "root": row.root,
            "mapping": row.mapping,
            "mapping.digest": row.mapping_digest,
            "names": "yes" if names else "",
        },
        body={
            "question": parse_json(row.question.encode()),
            "evidence": None if asked.evidence is None else evidence_json(asked.evidence),
        },
    )
    row.seq, row.event = receipt.seq, reference_of(receipt)
    row.save(force_insert=True)
    return row


def exports(standing: Standing) -> list[Export]:
    """The newest exports of the tenant, newest first."""
    rows = Export.objects.filter(tenant_id=standing.tenant_id)
    return list(rows.order_by("-created_at", "-id")[:MOST_LISTED])


def export_for(standing: Standing, wanted: str) -> Export:
    """An export by its id.

    Raises:
        NoSuch: if the tenant has none of that id.
    """
    found = None if "\0" in wanted else Export.objects.filter(tenant_id=standing.tenant_id, id=wanted).first()
    if found is None:
        raise NoSuch("there is no such export", "export")
    return found


def record_download(standing: Standing, row: Export, offset: int) -> None:
    """Record that somebody takes an export's bytes from an offset on; in the open scope, before the first goes out."""
    record(
        "export.download",
        by=standing.subject,
        resource=("export", row.id),
        labels={"form": f"{FORMAT}.{row.format}", "from": offset},
        causes=[row.event],
    )
