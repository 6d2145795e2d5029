"""Attachments and uploads as JSON, and the bytes as an answer that no browser runs."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from urllib.parse import quote

from django.http import StreamingHttpResponse

from muniment.server.api.streaming import StreamPlace, in_threads
from muniment.server.attachments.models import Attachment, Upload, Withdrawal
from muniment.server.attachments.services import LASTS, Listed
from muniment.server.dlp.answers import state_json
from muniment.server.moments import moment

SANDBOX = "sandbox; default-src 'none'; frame-ancestors 'none'"
"""Of bytes that others sent: whatever they are, nothing in them runs, loads or is framed."""


def attachment_json(listed: Listed) -> dict[str, object]:
    """One version of an attachment."""
    row = listed.attachment
    return {
        "id": row.id,
        "series": row.series,
        "version": row.version,
        "name": row.name,
        "kind": row.kind,
        "note": row.note,
        "media_type": row.media_type,
        "size": row.size,
        "sha256": row.sha256,
        "controls": row.controls,
        "from": None if row.period_from is None else row.period_from.isoformat(),
        "to": None if row.period_to is None else row.period_to.isoformat(),
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
        "withdrawn": None if listed.withdrawal is None else withdrawal_json(listed.withdrawal),
        "scan": state_json(listed.state),
    }


def withdrawal_json(row: Withdrawal) -> dict[str, object]:
    """How an attachment was withdrawn."""
    return {"reason": row.reason, "by": row.created_by, "at": moment(row.created_at), "entry": row.seq}


def upload_json(row: Upload) -> dict[str, object]:
    """How far an upload is, and until when it waits."""
    return {"id": row.id, "received": row.received, "size": row.size, "until": moment(row.created_at + LASTS)}


@contextmanager
def a_download() -> Iterator[StreamPlace]:
    """A place for one download, taken before anything is recorded of it; `download` gives it back, or an error here.

    Raises:
        ProblemError: unavailable, if too many downloads run.
    """
    place = StreamPlace()
    try:
        yield place
    except BaseException:
        place.release()
        raise


def file_response(place: StreamPlace, pieces: Iterator[bytes], row: Attachment) -> StreamingHttpResponse:
    """The bytes of an attachment as a download."""
    return download(place, pieces, name=row.name, media_type=row.media_type, size=row.size, sha256=row.sha256)


def download(
    place: StreamPlace, pieces: Iterator[bytes], *, name: str, media_type: str, size: int, sha256: str
) -> StreamingHttpResponse:
    """Bytes as a download. A read that fails half-way is cut off before its announced length.

    Raises:
        VerificationFailed: if the first of them do not hold.
    """
    chunks = _given_back(pieces, place)
    first = next(chunks)
    plain = "".join(letter if letter.isascii() and letter not in '"\\%' else "_" for letter in name)
    return StreamingHttpResponse(
        in_threads(chunks, first),
        content_type=media_type,
        headers={
            "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Length": str(size),
            "Content-Security-Policy": SANDBOX,
            "Cache-Control": "no-store",
            "ETag": f'"{sha256}"',
        },
    )


def _given_back(pieces: Iterator[bytes], place: StreamPlace) -> Generator[bytes, None, None]:
    try:
        yield from pieces
    finally:
        place.release()
