"""Receiving, scanning, replacing, withdrawing and reading attachments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from django.db import connection as django_connection

from muniment.core.errors import Malformed, Refused
from muniment.ledger.system import active_log
from muniment.server.access.standing import Standing
from muniment.server.attachments import storage
from muniment.server.attachments.models import (
    Attachment,
    Blob,
    Limit,
    Part,
    Upload,
    Withdrawal,
    attachment_id,
    withdrawal_id,
)
from muniment.server.attachments.services.listing import attachment_for, versions_of, withdrawal_of
from muniment.server.attachments.workflow import MAX_BYTES, NewAttachment, Sniffer, checked_words
from muniment.server.dlp import services as dlp
from muniment.server.recording import record
from muniment.server.subjects import WITHDRAWN, changed
from muniment.server.tenants.scope import ledger_connection

KIND: Final = "attachment"
_MIB: Final = 1 << 20
_control_check: Callable[[Collection[str], str], None] | None = None


class Blocked(Refused):
    """The policy blocks a file. Its bytes are not kept; `keep_refusal` records it once what stored them was undone.

    Attributes:
        judged: what was found in it.
        name: of the file.
        upload: id of the upload that brought it; "" if it came at once.
    """

    def __init__(self, judged: dlp.Judged, name: str) -> None:
        said = "; ".join(judged.judgement.reasons)
        super().__init__(f"is blocked, and nothing of it is kept: {said}", "file")
        self.judged, self.name, self.upload = judged, name, ""


class Withheld(Refused):
    """An attachment is not given out: it is in quarantine, or was not scanned yet."""


def install_control_check(check: Callable[[Collection[str], str], None]) -> None:
    """Say who knows which controls there are; called once, by an application that knows frameworks and own controls.

    Args:
        check: takes control ids and the field's name; raises for one that nobody knows.
    """
    global _control_check
    _control_check = check


def receive(standing: Standing, pieces: Iterable[bytes], given: NewAttachment, *, sha256: str = "") -> Attachment:
    """Store a file as an attachment, hashed while it comes in, then scanned; all is recorded, or nothing is kept.

    Args:
        standing: of who attaches it; has `attachment.manage`.
        pieces: the file's bytes, in pieces of any length.
        given: what it is.
        sha256: that it was announced with, 64 hex digits; "" if it was not.

    Raises:
        Malformed: naming the field: too large, empty, or not what the name says.
        Refused: for other bytes than were announced, a control that nobody knows, or an attachment to be replaced
            that was withdrawn.
        NoSuch: if there is no attachment to be replaced.
        Blocked: if the policy blocks what was found in it.
    """
    if _control_check is not None and given.controls:
        _control_check(given.controls, "controls")
    before = _replaced(standing, given.replaces) if given.replaces else None
    sniffer = Sniffer(given.name)
    blob = storage.keep(standing.tenant_id, pieces, most=limit(standing) * _MIB, watch=sniffer.take)
    media_type = sniffer.finish()
    if sha256 and blob.sha256 != sha256:
        raise Refused(
            f"what arrived has the SHA-256 {blob.sha256}, and {sha256} was announced; nothing is attached", "sha256"
        )
    if before is not None and before.sha256 == blob.sha256:
        raise Refused("has the same bytes as the version that it is to replace", "file")
    judged = dlp.judge_file(lambda: storage.read(blob, sha256=blob.sha256), sha256=blob.sha256, size=blob.size)
    if judged.judgement.action == "block":
        raise Blocked(judged, given.name)
    row = Attachment(
        id=attachment_id(),
        tenant_id=standing.tenant_id,
        version=1 if before is None else before.version + 1,
        name=given.name,
        kind=given.kind,
        note=given.note.strip(),
        media_type=media_type,
        size=blob.size,
        sha256=blob.sha256,
        blob_id=blob.id,
        controls=list(given.controls),
        period_from=given.period_from,
        period_to=given.period_to,
        created_by=standing.subject,
    )
    row.series = row.id if before is None else before.series
    receipt = record(
        "attachment.add" if before is None else "attachment.replace",
        by=standing.subject,
        resource=("attachment", row.id),
        labels={
            "sha256": row.sha256,
            "size": row.size,
            "type": row.media_type,
            "kind": row.kind,
            "version": row.version,
            "series": row.series,
        },
        causes=[] if before is None else [before.event],
        body={
            "name": row.name,
            "note": row.note,
            "controls": row.controls,
            "from": _day(given.period_from),
            "to": _day(given.period_to),
        },
    )
    with ledger_connection() as raw:
        log = active_log(raw)
    row.log_id, row.seq, row.event = log.log_id, receipt.seq, f"{log.source}/{receipt.id}"
    row.save(force_insert=True)
    if before is not None:
        changed("attachment", row.series, row.sha256)
    dlp.keep_verdict(standing, judged, subject=(KIND, row.id), attached_by=row.created_by, causes=[row.event])
    return row


def scan_again(standing: Standing, attachment: Attachment) -> dlp.Verdict:
    """Have a stored attachment searched again, by the policy that is in force now; what it finds counts from then on.

    Raises:
        VerificationFailed: if its bytes are not what was received.
        Refused: if too many files are being read.
    """
    blob = Blob.objects.get(id=attachment.blob_id)
    judged = dlp.judge_file(
        lambda: storage.read(blob, sha256=attachment.sha256), sha256=attachment.sha256, size=attachment.size
    )
    return dlp.keep_verdict(
        standing, judged, subject=(KIND, attachment.id), attached_by=attachment.created_by, causes=[attachment.event]
    )


def keep_refusal(standing: Standing, blocked: Blocked) -> None:
    """Record that a file was blocked, and remove what arrived of it."""
    if blocked.upload:
        Part.objects.filter(tenant_id=standing.tenant_id, upload_id=blocked.upload).delete()
        Upload.objects.filter(tenant_id=standing.tenant_id, id=blocked.upload).delete()
    dlp.keep_blocked(standing, blocked.judged, kind=KIND, name=blocked.name)


def withheld(attachment: Attachment) -> str:
    """Why an attachment is not given out, put into a packet or counted as evidence; "" if it is."""
    return dlp.state_of(attachment.id).withheld


def withdraw(standing: Standing, attachment: Attachment, *, reason: str) -> Withdrawal:
    """Say that an attachment, in all its versions, is not relied upon any more. Its bytes stay and can be read.

    Raises:
        Malformed: without a reason.
        Refused: if it was withdrawn before.
    """
    reason = checked_words(reason, "reason", least=1)
    _one_at_a_time(attachment.series)
    if withdrawal_of(attachment) is not None:
        raise Refused("was withdrawn already", "attachment")
    row = Withdrawal(
        id=withdrawal_id(),
        tenant_id=standing.tenant_id,
        series=attachment.series,
        reason=reason,
        created_by=standing.subject,
    )
    receipt = record(
        "attachment.withdraw",
        by=standing.subject,
        resource=("attachment", attachment.id),
        labels={"series": attachment.series, "sha256": attachment.sha256},
        causes=[attachment.event],
        body={"reason": reason},
    )
    row.seq = receipt.seq
    row.save(force_insert=True)
    changed("attachment", row.series, WITHDRAWN)
    return row


def open_bytes(attachment_id: str) -> Iterator[bytes]:
    """The bytes of an attachment of the open tenant, hashed again while they go out.

    Whoever takes them may use them once the iterator has ended without an error. It may be used up outside of the
    scope in which it was made.

    Raises:
        NoSuch: if there is none of that id.
        Withheld: if it is in quarantine, or was not scanned yet.
        VerificationFailed: as soon as something does not hold, at the latest at the end.
    """
    row = attachment_for(attachment_id)
    if said := withheld(row):
        raise Withheld(f"{said}; it is not given out", "attachment")
    return storage.read(Blob.objects.get(id=row.blob_id), sha256=row.sha256)


def limit(standing: Standing) -> int:
    """How large an attachment of the tenant may be, in mebibytes."""
    row = Limit.objects.filter(tenant_id=standing.tenant_id).first()
    return MAX_BYTES // _MIB if row is None else row.mebibytes


def set_limit(standing: Standing, *, mebibytes: int) -> None:
    """Set how large an attachment may be; needs `tenant.manage`.

    Raises:
        Malformed: out of bounds.
    """
    if not 1 <= mebibytes <= MAX_BYTES // _MIB:
        raise Malformed(f"is 1 to {MAX_BYTES // _MIB}", "mebibytes")
    before = limit(standing)
    if before == mebibytes:
        return
    Limit.objects.update_or_create(tenant_id=standing.tenant_id, defaults={"mebibytes": mebibytes})
    record(
        "tenant.settings",
        by=standing.subject,
        resource=("tenant", str(standing.tenant_id)),
        labels={"changed": "attachment_mebibytes"},
        body={"before": {"attachment_mebibytes": before}, "after": {"attachment_mebibytes": mebibytes}},
    )


def _replaced(standing: Standing, wanted: str) -> Attachment:
    row = attachment_for(wanted)
    _one_at_a_time(row.series)
    newest = versions_of(row)[0]
    if withdrawal_of(newest) is not None:
        raise Refused("was withdrawn; attach a new one", "replaces")
    del standing
    return newest


def _one_at_a_time(series: str) -> None:
    """Let others who would add a version of the same attachment wait until this transaction ends."""
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"attachment/{series}"])


def _day(day: object) -> str | None:
    return None if day is None else str(day)
