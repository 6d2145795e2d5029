"""Writing bundles from the database: any selection of a log, in constant memory.

Source: docs/format.md section 7.
"""

import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import count, groupby, pairwise

from psycopg import Connection

from muniment.core.bundle import BundleWriter, Writable
from muniment.core.errors import Malformed, VerificationFailed
from muniment.ledger.anchors import Anchor, anchors_of, anchors_over
from muniment.ledger.checkpoints import StoredCheckpoint, read_checkpoint, stored_checkpoint
from muniment.ledger.export_plan import Folded, Mark, Part, Shown, also, plan, runs
from muniment.ledger.keysnotes import read_keysnotes
from muniment.ledger.proofs import NotSealed
from muniment.ledger.queries import query
from muniment.ledger.tileset import read_nodes

ROWS = 512
"""Entries fetched at once; an eighth of it with bodies, which are up to four times as large as an entry."""
FOLDS = 64
"""Places without entries whose subtrees are fetched at once."""
PAGE = 1000
"""Checkpoints fetched at once."""


@dataclass(frozen=True, slots=True)
class BundleRequest:
    """What a bundle is to hold.

    Attributes:
        log_id: the log, and `origin` its name.
        origin: see `log_id`.
        seqs: places of entries, ascending, or a range of them; None for the whole log.
        bodies: whether disclosed bodies come along.
        bodies_of: places whose bodies come along, where not all do.
        since: a size at which the tiling has a boundary, so that whoever holds that checkpoint can compare.
        size: of the checkpoint at which the bundle ends; None for the newest.
        every_checkpoint: whether all checkpoints from the first entry shown, or from `since`, come along; or one only.
    """

    log_id: int
    origin: str
    seqs: Sequence[int] | range | None = None
    bodies: bool = True
    since: int | None = None
    size: int | None = None
    every_checkpoint: bool = False
    bodies_of: Collection[int] | None = None


def write_bundle(connection: Connection, request: BundleRequest, stream: Writable) -> bytes:
    """Write a bundle.

    Args:
        connection: in a transaction of the log's tenant.
        request: what it is to hold.
        stream: takes the lines.

    Returns:
        SHA-256 of every line before the last, 32 bytes.

    Raises:
        NotSealed: if no checkpoint covers what was asked for.
        Malformed: if `seqs` do not ascend.
        VerificationFailed: if the database lacks an entry or a tile, or a checkpoint has another root. What was
            written then has no `Z` line, so nobody takes it for a bundle.
    """
    last = _last_checkpoint(connection, request)
    writer = BundleWriter(stream, request.origin)
    for _ in _write(connection, request, last, writer):
        pass
    return writer.end()


def bundle_chunks(connection: Connection, request: BundleRequest) -> Iterator[bytes]:
    """The same as `write_bundle`, as pieces to be sent one after the other; each piece is at most some megabytes.

    What can be refused is refused before the first piece.
    """
    last = _last_checkpoint(connection, request)
    return _chunks(connection, request, last)


def _chunks(connection: Connection, request: BundleRequest, last: StoredCheckpoint) -> Iterator[bytes]:
    stream = io.BytesIO()
    writer = BundleWriter(stream, request.origin)
    for _ in _write(connection, request, last, writer):
        yield stream.getvalue()
        stream.seek(0)
        stream.truncate()
    writer.end()
    yield stream.getvalue()


def _last_checkpoint(connection: Connection, request: BundleRequest) -> StoredCheckpoint:
    last = read_checkpoint(connection, request.log_id, request.origin, request.size)
    if last is None:
        size = "" if request.size is None else f" of size {request.size}"
        raise NotSealed(f"there is no checkpoint{size}", request.origin)
    covered = last.checkpoint.size
    if request.since is not None and not 0 <= request.since <= covered:
        raise NotSealed(f"the checkpoint covers {covered} entries and does not reach {request.since}", "since")
    if request.seqs is not None and len(request.seqs):
        if request.seqs[-1] >= covered:
            raise NotSealed(f"the checkpoint covers {covered} entries", f"entry {request.seqs[-1]}")
        if not isinstance(request.seqs, range) and any(
            a >= b for a, b in zip(request.seqs, request.seqs[1:], strict=False)
        ):
            raise Malformed("must ascend, each once", "seqs")
    return last


def _write(
    connection: Connection, request: BundleRequest, last: StoredCheckpoint, writer: BundleWriter
) -> Iterator[None]:
    """Write all but the last line, pausing whenever some lines have been written."""
    for note in read_keysnotes(connection, request.log_id):
        writer.keys(note)
    shown = range(last.checkpoint.size) if request.seqs is None else request.seqs
    block: list[Part] = []
    folds = rows = 0
    limit = ROWS // 8 if request.bodies else ROWS
    anchors = _anchors(connection, request, last, shown)
    # A token whose certificates have ended counts by what renews it, which covers the entry that records it.
    renewed = [old.seq for old, new in pairwise(anchors) if old.authority == new.authority]
    marks = _marks(connection, request, last, shown, {anchor.size for anchor in anchors})
    for part in _cut(plan(also(runs(shown), renewed), marks), limit):
        block.append(part)
        folds += isinstance(part, Folded)
        rows += part.end - part.first if isinstance(part, Shown) else 0
        if folds >= FOLDS or rows >= limit:
            _write_block(connection, request, writer, block)
            block, folds, rows = [], 0, 0
            yield
    _write_block(connection, request, writer, block)
    yield


def _cut(parts: Iterator[Part], limit: int) -> Iterator[Part]:
    """Cut long runs of entries."""
    for part in parts:
        if isinstance(part, Shown):
            for first in range(part.first, part.end, limit):
                yield Shown(first, min(first + limit, part.end))
        else:
            yield part


def _anchors(
    connection: Connection, request: BundleRequest, last: StoredCheckpoint, shown: Sequence[int] | range
) -> list[Anchor]:
    """The timestamps that say something about the entries shown."""
    if not len(shown):
        return []
    return anchors_over(connection, request.log_id, shown[0], shown[-1], last.checkpoint.size)


def _marks(
    connection: Connection,
    request: BundleRequest,
    last: StoredCheckpoint,
    shown: Sequence[int] | range,
    anchored: set[int],
) -> Iterator[Mark]:
    end = last.checkpoint.size
    since = request.since or 0
    held = since or None
    between: Iterator[StoredCheckpoint] = iter(())
    if request.every_checkpoint:
        first = shown[0] if len(shown) else end - 1
        between = _checkpoints(connection, request, min(first, since - 1) if since else first, end - 1)
    for stored in _with_anchored(connection, request, between, sorted(size for size in anchored if size < end)):
        size = stored.checkpoint.size
        if held is not None and held <= size:
            if held < size:
                yield Mark(held, None)
            held = None
        yield Mark(size, stored.note.encoded())
    if held is not None and held < end:
        yield Mark(held, None)
    yield Mark(end, last.note.encoded())


def _with_anchored(
    connection: Connection, request: BundleRequest, between: Iterator[StoredCheckpoint], anchored: list[int]
) -> Iterator[StoredCheckpoint]:
    """Checkpoints by size, and among them those of certain sizes."""
    found = [read_checkpoint(connection, request.log_id, request.origin, size) for size in anchored]
    merged = merge(between, (one for one in found if one is not None), key=lambda one: one.checkpoint.size)
    for _, same in groupby(merged, key=lambda one: one.checkpoint.size):
        yield next(same)


def _checkpoints(connection: Connection, request: BundleRequest, above: int, up_to: int) -> Iterator[StoredCheckpoint]:
    for _ in count():
        parameters = {"log": request.log_id, "above": above, "up_to": up_to, "limit": PAGE}
        rows = connection.cursor(binary=True).execute(query("checkpoints_between"), parameters).fetchall()
        for row in rows:
            yield stored_checkpoint(request.origin, row)
        if len(rows) < PAGE:
            return
        above = rows[-1][0]


def _write_block(connection: Connection, request: BundleRequest, writer: BundleWriter, block: Sequence[Part]) -> None:
    nodes = read_nodes(
        connection, request.log_id, (node for part in block if isinstance(part, Folded) for node in part.nodes)
    )
    seqs = [seq for part in block if isinstance(part, Shown) for seq in range(part.first, part.end)]
    entries = _entries(connection, request, seqs)
    tokens: dict[int, list[bytes]] = {}
    sizes = [part.size for part in block if isinstance(part, Mark) and part.note is not None]
    for anchor in anchors_of(connection, request.log_id, sizes):
        tokens.setdefault(anchor.size, []).append(anchor.token)
    for part in block:
        match part:
            case Folded():
                for node in part.nodes:
                    writer.subtree(node[0], nodes[node])
            case Shown():
                for seq in range(part.first, part.end):
                    _write_entry(writer, entries, seq, request.bodies_of)
            case Mark():
                if part.note is not None:
                    writer.checkpoint(part.note)
                    for token in tokens.get(part.size, ()):
                        writer.token(token)


def _write_entry(
    writer: BundleWriter,
    entries: Iterator[tuple[int, str, bytes | None, bytes | None]],
    seq: int,
    bodies_of: Collection[int] | None,
) -> None:
    found, text, salt, body = next(entries, (-1, "", None, None))
    if found != seq:
        raise VerificationFailed("the database does not have it", f"entry {seq}")
    writer.entry(text.encode())
    if salt is not None and body is not None and (bodies_of is None or seq in bodies_of):
        writer.body(salt, body)


def _entries(
    connection: Connection, request: BundleRequest, seqs: list[int]
) -> Iterator[tuple[int, str, bytes | None, bytes | None]]:
    if not seqs:
        return iter(())
    first, last = seqs[0], seqs[-1]
    cursor = connection.cursor(binary=True)
    cursor.execute(query("seq_times"), {"log": request.log_id, "first": first, "last": last})
    since, until = cursor.fetchone() or (None, None)
    parameters = {"log": request.log_id, "bodies": request.bodies, "since": since, "until": until}
    if last - first + 1 == len(seqs):
        cursor.execute(query("entries_between"), parameters | {"first": first, "last": last})
    else:
        cursor.execute(query("entries_at"), parameters | {"seqs": seqs})
    return iter(cursor.fetchall())
