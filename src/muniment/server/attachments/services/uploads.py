"""Files that come in over several requests. Half of one is never an attachment; what is given up is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

import orjson
from django.db import connection as django_connection
from django.utils import timezone

from muniment.core.errors import Malformed, Refused, VerificationFailed
from muniment.server.access.standing import Standing
from muniment.server.attachments import storage
from muniment.server.attachments.models import Attachment, Part, Upload, upload_id
from muniment.server.attachments.services.attachments import Blocked, limit, receive
from muniment.server.attachments.services.listing import NoSuch
from muniment.server.attachments.workflow import NewAttachment, Sniffer
from muniment.server.recording import record

LASTS: Final = timedelta(hours=24)
MOST_OPEN: Final = 5
"""Uploads that one subject may have open: what lies about unfinished is bounded by it."""
_HEX: Final = frozenset("0123456789abcdef")


def begin(standing: Standing, given: NewAttachment, *, size: int, sha256: str) -> Upload:
    """Announce a file; its parts follow, in order.

    Args:
        standing: of who attaches it.
        given: what it shall become.
        size: of the file, in bytes.
        sha256: of the file, 64 hex digits; "" if the sender does not know it.

    Raises:
        Malformed: naming the field.
        Refused: if too many uploads of the subject are open.
    """
    _forget_old(standing)
    if not 1 <= size <= limit(standing) << 20:
        raise Malformed(f"is 1 to {limit(standing) << 20:,} bytes", "size")
    if sha256 and (len(sha256) != 64 or not set(sha256) <= _HEX):
        raise Malformed("is 64 hex digits in lower case", "sha256")
    if len(open_uploads(standing)) >= MOST_OPEN:
        raise Refused(f"{MOST_OPEN} of your uploads are open; finish or discard one", "upload")
    return Upload.objects.create(
        id=upload_id(),
        tenant_id=standing.tenant_id,
        order=_written(given),
        size=size,
        sha256=sha256,
        created_by=standing.subject,
    )


def upload_for(standing: Standing, wanted: str, *, lock: bool = False) -> Upload:
    """An upload that the subject began and that is open.

    Raises:
        NoSuch: if there is none of that id.
    """
    rows = Upload.objects.select_for_update() if lock else Upload.objects.all()
    row = None if "\0" in wanted else rows.filter(id=wanted, created_by=standing.subject).first()
    if row is None or row.created_at < timezone.now() - LASTS:
        raise NoSuch("there is no such upload; it may have been finished, or given up after a day", "upload")
    return row


def open_uploads(standing: Standing) -> list[Upload]:
    """The subject's uploads that are not finished, newest first."""
    since = timezone.now() - LASTS
    rows = Upload.objects.filter(tenant_id=standing.tenant_id, created_by=standing.subject, created_at__gte=since)
    return list(rows.order_by("-created_at"))


def add_part(standing: Standing, wanted: str, *, offset: int, data: bytes) -> Upload:
    """The next bytes of a file. A part that was taken already is not taken twice: ask how far it is, and go on there.

    Args:
        standing: of who began it.
        wanted: id of the upload.
        offset: in the file, of the first byte of `data`.
        data: 1 byte to 1 MiB.

    Raises:
        Malformed: if it does not follow on what is there, or is more than was announced.
        NoSuch: if there is no such upload.
    """
    row = upload_for(standing, wanted, lock=True)
    if not data:
        raise Malformed("is empty", "part")
    if offset != row.received:
        raise Malformed(f"the upload has {row.received:,} bytes; go on there", "offset")
    if row.received + len(data) > row.size:
        raise Malformed(f"{row.size:,} bytes were announced, and this is more", "part")
    if offset == 0:
        # A wrong beginning is refused before the rest is sent for nothing.
        _judged_early(row, data)
    keys = storage.keys_of(standing.tenant_id)
    Part.objects.bulk_create(
        Part(
            tenant_id=standing.tenant_id,
            upload_id=row.id,
            start=row.received + start,
            sealed=keys.seal(data[start : start + storage.CHUNK], purpose=_place(row.id, row.received + start)),
        )
        for start in range(0, len(data), storage.CHUNK)
    )
    row.received += len(data)
    row.save(update_fields=["received"])
    return row


def finish(standing: Standing, wanted: str) -> Attachment:
    """Make an attachment of an upload that is whole.

    Raises:
        Refused: if bytes are missing, or it is not the file that was announced.
        Malformed: as `receive`.
        NoSuch: if there is no such upload.
        Blocked: if the policy blocks it; `keep_refusal` is called once this was undone.
    """
    row = upload_for(standing, wanted, lock=True)
    if row.received != row.size:
        raise Refused(f"{row.received:,} of {row.size:,} bytes have arrived; nothing is attached yet", "upload")
    try:
        return receive(standing, _parts(row), _read(row.order), sha256=row.sha256)
    except Blocked as error:
        error.upload = wanted
        raise


def discard(standing: Standing, wanted: str) -> None:
    """Give an upload up: what arrived is removed, and that is recorded.

    Raises:
        NoSuch: if there is no such upload.
    """
    _give_up(upload_for(standing, wanted, lock=True), by=standing.subject)


def _forget_old(standing: Standing) -> None:
    for row in Upload.objects.select_for_update(skip_locked=True).filter(created_at__lt=timezone.now() - LASTS):
        _give_up(row, by=standing.subject)


def _give_up(row: Upload, *, by: str) -> None:
    wanted = row.id
    _remove(row)
    record(
        "attachment.discard",
        by=by,
        outcome="failure",
        resource=("upload", wanted),
        labels={"received": row.received, "size": row.size, "begun.by": row.created_by},
        body={"name": _read(row.order).name},
    )


def _remove(row: Upload) -> None:
    Part.objects.filter(tenant_id=row.tenant_id, upload_id=row.id).delete()
    row.delete()


def _parts(row: Upload) -> Iterator[bytes]:
    """What arrived, in order; at the end the upload is gone, unless the transaction that keeps the file fails."""
    keys, at = storage.keys_of(row.tenant_id), 0
    with django_connection.cursor() as cursor:
        while at < row.size:
            cursor.execute(
                "SELECT start, sealed FROM attachments_part WHERE tenant_id = %s AND upload_id = %s AND start >= %s "
                "ORDER BY start LIMIT 16",
                [row.tenant_id, row.id, at],
            )
            found = cursor.fetchall()
            if not found:
                raise VerificationFailed("a part of the upload is not there any more", row.id)
            for start, sealed in found:
                if start != at:
                    raise VerificationFailed("a part of the upload is not there any more", row.id)
                opened = keys.open(bytes(sealed), purpose=_place(row.id, start))
                at += len(opened)
                yield opened
    _remove(row)


def _judged_early(row: Upload, data: bytes) -> None:
    sniffer = Sniffer(_read(row.order).name)
    sniffer.take(data)
    if len(data) == row.size or not sniffer.media_type.startswith(("text/", "application/json")):
        sniffer.finish()


def _place(upload: str, start: int) -> str:
    return f"attachments_part.sealed/{upload}/{start}"


def _written(given: NewAttachment) -> str:
    return orjson.dumps(
        {
            "name": given.name,
            "kind": given.kind,
            "controls": given.controls,
            "from": given.period_from,
            "to": given.period_to,
            "note": given.note,
            "replaces": given.replaces,
        }
    ).decode()


def _read(order: str) -> NewAttachment:
    said: dict[str, Any] = orjson.loads(order)
    first, last = said["from"], said["to"]
    return NewAttachment(
        said["name"],
        said["kind"],
        tuple(said["controls"]),
        None if first is None else date.fromisoformat(first),
        None if last is None else date.fromisoformat(last),
        said["note"],
        said["replaces"],
    )
