"""Whether an attachment is still what was recorded: its bytes, its row, and the entry that tells of it."""

from __future__ import annotations

import orjson

from muniment.core.errors import VerificationFailed
from muniment.ledger.read import entry_at
from muniment.server.access.standing import Standing
from muniment.server.attachments import storage
from muniment.server.attachments.models import Attachment, Blob
from muniment.server.recording import record

_RECORDED = ("sha256", "size", "type", "kind", "version", "series")


def check(standing: Standing, attachment: Attachment) -> str:
    """Read all bytes of an attachment and hold them and its row against the entry of the ledger.

    This is the server's own finding. That the entry itself is unaltered is shown by its proof.

    Args:
        standing: of the reader, in whose tenant the scope is open.
        attachment: of the tenant.

    Returns:
        What does not hold; "" if everything does.
    """
    if fault := against_entry(standing, attachment):
        return fault
    blob = Blob.objects.filter(id=attachment.blob_id).first()
    if blob is None:
        return "its bytes are not there any more"
    try:
        for _piece in storage.read(blob, sha256=attachment.sha256):
            pass
    except VerificationFailed as error:
        return error.reason
    return ""


def against_entry(standing: Standing, attachment: Attachment) -> str:
    """Hold the row of an attachment against its entry; "" if they agree, else what does not."""
    with standing.transaction() as reading:
        found = entry_at(reading, attachment.log_id, attachment.seq)
    if found is None:
        return f"entry {attachment.seq:,}, which recorded it, is not there"
    event = orjson.loads(found[0].text)["event"]
    if event["action"] not in ("attachment.add", "attachment.replace") or event["resource"]["id"] != attachment.id:
        return f"entry {attachment.seq:,} does not tell of this attachment"
    said = dict(label.split("=", 1) for label in event.get("labels", []) if "=" in label)
    row = {
        "sha256": attachment.sha256,
        "size": str(attachment.size),
        "type": attachment.media_type,
        "kind": attachment.kind,
        "version": str(attachment.version),
        "series": attachment.series,
    }
    wrong = [name for name in _RECORDED if said.get(name) != row[name]]
    return f"its row and entry {attachment.seq:,} differ in {', '.join(wrong)}" if wrong else ""


def record_mismatch(standing: Standing, attachment: Attachment, fault: str) -> None:
    """Record that an attachment is not what it was when it was received."""
    record(
        "attachment.mismatch",
        by=standing.subject,
        outcome="failure",
        resource=("attachment", attachment.id),
        labels={"series": attachment.series, "version": attachment.version},
        causes=[attachment.event],
        body={"fault": fault},
    )
