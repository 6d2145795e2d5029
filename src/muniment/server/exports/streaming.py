"""An export's bytes: made from the log page by page, the same every time."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.db import connection as django_connection
from django.http import StreamingHttpResponse

from muniment.catalogs.marking import mark_controls
from muniment.catalogs.overrides import ResolvedMapping, unchanged
from muniment.core.errors import MunimentError, Refused, VerificationFailed
from muniment.formats.exported import FORMAT, Control, Exported, Frame
from muniment.formats.formats import FORMATS
from muniment.formats.oscal import OscalWriter
from muniment.formats.writer import Writer
from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.logfacts import log_facts
from muniment.ledger.population import in_range
from muniment.ledger.query import MAX_LIMIT, find_entries, in_one_process
from muniment.ledger.read import StoredEntry
from muniment.server.access.standing import Standing
from muniment.server.api.streaming import StreamPlace, in_threads
from muniment.server.explorer.names import names_of
from muniment.server.explorer.rows import people_in
from muniment.server.exports import progress
from muniment.server.exports.models import Export
from muniment.server.exports.question import Asked, evidence_json, stored_asked
from muniment.server.exports.services import record_download
from muniment.server.frameworks.services import mapping_history
from muniment.server.moments import moment
from muniment.server.recording import record_apart
from muniment.server.tenants.scope import tenant_scope

if TYPE_CHECKING:
    from psycopg import Connection

REMEMBERED: Final = 8192
"""Combinations of action and control ids whose marks are kept while an export runs."""


def mapping_of(row: Export) -> ResolvedMapping:
    """The mapping that was in force when an export was made; in the tenant's scope.

    Raises:
        VerificationFailed: if the ledger does not have it any more.
    """
    for one in (unchanged(), *(version.mapping for version in mapping_history())):
        if one.digest == row.mapping_digest:
            return one
    raise VerificationFailed("the mapping that was in force is not kept any more", row.id)


def opened(standing: Standing, row: Export, *, offset: int = 0, prefix: str = "") -> StreamingHttpResponse:
    """The export's bytes from an offset on, as an answer; recorded before the first of them goes out.

    Args:
        standing: of who takes them; in the tenant's scope.
        row: the export.
        offset: bytes that are there already, and are not sent.
        prefix: SHA-256 of those, hex; "" if there are none.

    Raises:
        Refused: if the bytes that are there do not begin this export.
        ProblemError: unavailable, if too many downloads run.
    """
    asked = stored_asked(row.question, row.evidence)
    mapping = mapping_of(row)
    with standing.transaction() as reading:
        frame = _frame(reading, standing, row, asked)
    name = FORMATS[row.format]
    writer = OscalWriter(frame, asked.about) if name is OscalWriter else name(frame)
    place = StreamPlace()
    running = progress.begin(standing.tenant_id, row.id, standing.subject)
    running.sent = offset
    chunks = _sent(
        standing, row, _skipped(_made(standing, row, asked, mapping, writer), offset, prefix), running, place
    )
    try:
        first = next(chunks)
        record_download(standing, row, offset)
    except BaseException:
        chunks.close()
        raise
    finally:
        running.entries = writer.entries
    running.state = "runs"
    suffix = writer.suffix
    return StreamingHttpResponse(
        in_threads(_counted(chunks, writer, running), first),
        content_type=writer.content_type,
        headers={
            "Content-Disposition": f'attachment; filename="muniment-{row.id}.{suffix}"',
            "Muniment-Entries": str(row.count),
            "Muniment-Offset": str(offset),
            "X-Content-Type-Options": "nosniff",
        },
    )


def _counted(
    chunks: Generator[bytes, None, None], writer: Writer, running: progress.Progress
) -> Generator[bytes, None, None]:
    try:
        for chunk in chunks:
            running.entries = writer.entries
            yield chunk
    finally:
        chunks.close()


def _frame(reading: Connection[Any], standing: Standing, row: Export, asked: Asked) -> Frame:
    facts = log_facts(reading, standing.log_id)
    stored = read_checkpoint(reading, standing.log_id, row.log, row.size)
    if row.log != standing.origin or facts is None:
        raise Refused(f"it was made from the log {row.log}, which is not the active one", "export")
    if stored is None or stored.checkpoint.root.hex() != row.root:
        raise VerificationFailed("the stored checkpoint is another than when the export was made", row.id)
    return Frame(
        origin=row.log,
        genesis=facts.genesis_hash.hex(),
        size=row.size,
        root=row.root,
        note=stored.note.encoded().decode(),
        sealed_at=moment(row.sealed_at) or "",
        mapping=row.mapping,
        mapping_digest=row.mapping_digest,
        question=asked.given,
        evidence={} if asked.evidence is None else evidence_json(asked.evidence),
        entries=row.count,
        api=row.api,
        software=row.software,
    )


def _made(standing: Standing, row: Export, asked: Asked, mapping: ResolvedMapping, writer: Writer) -> Iterator[bytes]:
    """The export from its first byte to its last, in pieces."""
    marks = lru_cache(REMEMBERED)(lambda *given: _marks(mapping, *given))
    yield writer.begin()
    with standing.transaction() as reading:
        in_one_process(reading)
        wanted, cursor = in_range(asked.filter, row.size), None
        while True:
            page = find_entries(reading, standing.log_id, wanted, limit=MAX_LIMIT, cursor=cursor)
            documents = [orjson.loads(entry.text) for entry in page.entries]
            names = _names(standing, documents) if row.names else {}
            yield writer.add([_exported(*pair, marks, names) for pair in zip(page.entries, documents, strict=True)])
            cursor = page.cursor
            if cursor is None:
                break
    if writer.entries != row.count:
        # What was written then has no last line, so nobody takes it for the export.
        raise VerificationFailed(f"the log gives {writer.entries:,} entries now, not {row.count:,}", row.id)
    yield writer.end()


def _exported(entry: StoredEntry, document: dict[str, Any], marks: Any, names: dict[str, str]) -> Exported:
    event = document["event"]
    controls = marks(event["action"], document["map"], tuple(document["controls"]), tuple(event.get("controls", ())))
    shown = {who: names[who] for who in people_in([document]) if who in names} if names else {}
    return Exported(entry.text, entry.entry_hash, document, controls, shown)


def _marks(
    mapping: ResolvedMapping, action: str, version: str, held: tuple[str, ...], named: tuple[str, ...]
) -> tuple[Control, ...]:
    return tuple(
        Control(one.control, str(one.mark), one.by) for one in mark_controls(held, named, version, action, mapping)
    )


def _names(standing: Standing, documents: list[dict[str, Any]]) -> dict[str, str]:
    try:
        with tenant_scope(standing.tenant_id):
            return names_of(standing.tenant_id, people_in(documents))
    finally:
        if not django_connection.in_atomic_block:
            django_connection.close()


def _skipped(chunks: Iterator[bytes], offset: int, prefix: str) -> Iterator[bytes]:
    """What comes after the first `offset` bytes, if these have the hash that was given."""
    skipped, seen = sha256(), 0
    for chunk in chunks:
        if seen >= offset:
            if chunk:
                yield chunk
            continue
        there = chunk[: offset - seen]
        skipped.update(there)
        seen += len(there)
        if seen == offset:
            if skipped.hexdigest() != prefix:
                raise Refused("the bytes that are there do not begin this export; take it from the start", "sha256")
            if rest := chunk[len(there) :]:
                yield rest
    if seen < offset:
        raise Refused(f"the export has {seen:,} bytes", "offset")


def _sent(
    standing: Standing, row: Export, chunks: Iterator[bytes], running: progress.Progress, place: StreamPlace
) -> Generator[bytes, None, None]:
    """Hand the pieces on; a download that is cut off is recorded, with how far it came."""
    reason = "connection"
    begun = False
    try:
        for chunk in chunks:
            yield chunk
            begun = True
            running.sent += len(chunk)
        if not begun:
            yield b""
        running.state = "ended"
    except MunimentError as error:
        reason = error.reason
        raise
    finally:
        place.release()
        if running.state != "ended":
            running.state = "cut"
            _record_cut(standing, row, running, reason)


def _record_cut(standing: Standing, row: Export, running: progress.Progress, reason: str) -> None:
    if django_connection.in_atomic_block:
        # The request itself failed, before anything was sent.
        return
    try:
        record_apart(
            standing.tenant_id,
            "export.download",
            by=standing.subject,
            outcome="failure",
            resource=("export", row.id),
            labels={"form": f"{FORMAT}.{row.format}", "sent": running.sent, "entries": running.entries},
            body={"reason": reason},
        )
    finally:
        django_connection.close()
