"""Taking out of the ledger exactly what the page shows: as a bundle with its proof, or as lines of JSON."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final

import orjson
from django.http import StreamingHttpResponse

from muniment.core.errors import Malformed, Refused
from muniment.core.times import format_time6
from muniment.ledger.export import BundleRequest, bundle_chunks
from muniment.ledger.query import MAX_LIMIT, EntryFilter, find_entries
from muniment.ledger.read import StoredEntry
from muniment.ledger.surroundings import entries_of_places
from muniment.server.access.standing import Standing
from muniment.server.api.answers import micros
from muniment.server.api.streaming import StreamPlace, in_threads
from muniment.server.explorer.question import Question
from muniment.server.explorer.reading import quick_transaction
from muniment.server.problems import ProblemError
from muniment.server.recording import record

if TYPE_CHECKING:
    from psycopg import Connection

MOST: Final = 20_000
"""Entries of one export; who wants more takes a range over the API."""
FORMS: Final = {"bundle": "muniment-bundle/1", "ndjson": "ndjson"}


def export(
    standing: Standing, question: Question, form: str, *, seqs: tuple[int, ...] | None = None
) -> StreamingHttpResponse:
    """Stream the entries of a question, or some entries by their places; the export is recorded with it.

    Args:
        standing: of who takes them; has `export.create`.
        question: the filters of the page.
        form: `bundle` or `ndjson`.
        seqs: single entries instead of the question.

    Raises:
        Malformed: for an unknown form.
        Refused: if nothing matches, more than `MOST` do, or the server has no place for another stream.
    """
    if form not in FORMS:
        raise Malformed("is bundle or ndjson", "form")
    with quick_transaction(standing) as reading:
        found = sorted(seqs if seqs is not None else _seqs(reading, standing, question.asked))
    if not found:
        raise Refused("no entry matches; there is nothing to export", "export")
    try:
        place = StreamPlace()
    except ProblemError as error:
        raise Refused(str(error), "export") from None
    chunks = _bundle(standing, found, place) if form == "bundle" else _lines(standing, found, place)
    try:
        first = next(chunks)
        record(
            "export.create",
            by=standing.subject,
            resource=("log", standing.origin),
            labels={"form": FORMS[form], "entries": len(found)},
            body={"question": question.query} if seqs is None else {"seqs": found},
        )
    except BaseException:
        chunks.close()
        place.release()
        raise
    name = f"entry-{found[0]}" if len(found) == 1 else f"entries-{found[0]}-to-{found[-1]}"
    suffix, kind = (
        ("bundle", "application/vnd.muniment.bundle") if form == "bundle" else ("ndjson", "application/x-ndjson")
    )
    return StreamingHttpResponse(
        in_threads(chunks, first),
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="muniment-{name}.{suffix}"'},
    )


def _seqs(reading: Connection[Any], standing: Standing, asked: EntryFilter) -> list[int]:
    seqs: list[int] = []
    cursor: str | None = None
    while True:
        page = find_entries(reading, standing.log_id, asked, limit=MAX_LIMIT, cursor=cursor)
        seqs += [entry.seq for entry in page.entries]
        if len(seqs) > MOST:
            raise Refused(f"more than {MOST:,} entries match; narrow the time, or take a range over the API", "export")
        if page.cursor is None:
            return seqs
        cursor = page.cursor


def _bundle(standing: Standing, seqs: list[int], place: StreamPlace) -> Generator[bytes, None, None]:
    try:
        with standing.transaction() as reading:
            request = BundleRequest(standing.log_id, standing.origin, seqs=seqs, bodies=standing.sees_bodies)
            yield from bundle_chunks(reading, request)
    finally:
        place.release()


def _lines(standing: Standing, seqs: list[int], place: StreamPlace) -> Generator[bytes, None, None]:
    try:
        with standing.transaction() as reading:
            for entries in _by_place(reading, standing.log_id, seqs):
                yield b"".join(_line(entry) for entry in entries)
    finally:
        place.release()


def _by_place(reading: Connection[Any], log_id: int, seqs: list[int]) -> Iterator[list[StoredEntry]]:
    for start in range(0, len(seqs), MAX_LIMIT):
        yield entries_of_places(reading, log_id, seqs[start : start + MAX_LIMIT])


def _line(entry: StoredEntry) -> bytes:
    shown = {
        "seq": entry.seq,
        "recorded_at": format_time6(micros(entry.recorded_at)),
        "entry_hash": entry.entry_hash.hex(),
        "entry": orjson.Fragment(entry.text),
    }
    return orjson.dumps(shown) + b"\n"
