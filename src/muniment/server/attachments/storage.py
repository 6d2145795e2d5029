"""Bytes of a tenant in the database: sealed in pieces by the tenant's data keys, hashed while they come in.

A piece opens only for its tenant, its blob and its number, so that one cannot stand in the place of another. Every
read computes the SHA-256 of the whole again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection

from muniment.core.errors import Malformed, MunimentError, VerificationFailed
from muniment.keys.envelope import MAX_PLAINTEXT, DataKeys
from muniment.server.attachments.models import Blob, Chunk, blob_id
from muniment.server.tenants.scope import ledger_connection, tenant_scope
from muniment.server.tenants.secrets import load_kek, tenant_keys

CHUNK: Final = MAX_PLAINTEXT
_AT_A_TIME: Final = 16


def keep(tenant_id: UUID, pieces: Iterable[bytes], *, most: int, watch: Callable[[bytes], None] | None = None) -> Blob:
    """Store bytes while they come in; in the open `tenant_scope`, so that half of them are never kept.

    Args:
        tenant_id: whose scope is open.
        pieces: of any length.
        most: bytes that are allowed.
        watch: sees every piece before it is stored, and may refuse it.

    Raises:
        Malformed: for more bytes than that, for none, or as `watch` says.
    """
    keys = keys_of(tenant_id)
    blob, hashed, size, number = blob_id(), hashlib.sha256(), 0, 0
    rows: list[Chunk] = []
    for piece in _sized(pieces):
        size += len(piece)
        if size > most:
            raise Malformed(f"has more than the {most:,} bytes that are allowed", "file")
        if watch is not None:
            watch(piece)
        hashed.update(piece)
        sealed = keys.seal(piece, purpose=place(blob, number))
        rows.append(Chunk(tenant_id=tenant_id, blob_id=blob, number=number, sealed=sealed))
        number += 1
        if len(rows) == _AT_A_TIME:
            Chunk.objects.bulk_create(rows)
            rows = []
    if not size:
        raise Malformed("is empty", "file")
    Chunk.objects.bulk_create(rows)
    return Blob.objects.create(id=blob, tenant_id=tenant_id, sha256=hashed.hexdigest(), size=size, chunks=number)


def read(blob: Blob, *, sha256: str) -> Iterator[bytes]:
    """The bytes of a blob, at most 1 MiB at a time; each step runs in a transaction of its own if none is open.

    What was given out holds only once the iterator has ended: the hash is over all of it.

    Args:
        blob: of the tenant.
        sha256: that the bytes must have, as it was recorded.

    Raises:
        VerificationFailed: if anything was changed, taken away or put in the place of something else.
    """
    hashed, size = hashlib.sha256(), 0
    for first in range(0, blob.chunks, _AT_A_TIME):
        piece = _opened(blob, first, min(first + _AT_A_TIME, blob.chunks))
        hashed.update(piece)
        size += len(piece)
        if size > blob.size:
            raise VerificationFailed("there are more bytes than were received", blob.id)
        yield piece
    if size != blob.size:
        raise VerificationFailed(f"there are {size:,} bytes, and {blob.size:,} were received", blob.id)
    if hashed.hexdigest() != sha256 or blob.sha256 != sha256:
        raise VerificationFailed("the bytes have another SHA-256 than when they were received", blob.id)


def keys_of(tenant_id: UUID) -> DataKeys:
    """The tenant's data keys, asked for once for many pieces."""
    with tenant_scope(tenant_id), ledger_connection() as raw:
        return tenant_keys(raw, load_kek(settings.PLACES.keys), tenant_id)


def place(blob: str, number: int) -> str:
    """What a piece is sealed for."""
    return f"attachments_chunk.sealed/{blob}/{number}"


def let_go() -> None:
    """Give the connection back to the pool where no transaction is open: whoever reads on may take long."""
    if not connection.in_atomic_block:
        connection.close()


def _opened(blob: Blob, first: int, end: int) -> bytes:
    keys = keys_of(blob.tenant_id)
    with tenant_scope(blob.tenant_id):
        rows = Chunk.objects.filter(tenant_id=blob.tenant_id, blob_id=blob.id, number__gte=first, number__lt=end)
        found = [(row.number, bytes(row.sealed)) for row in rows.order_by("number")]
    let_go()
    if [number for number, _ in found] != list(range(first, end)):
        raise VerificationFailed("a piece of it is missing", blob.id)
    opened = [_piece(keys, blob.id, number, sealed) for number, sealed in found]
    # Only the last piece may be shorter: nothing can be taken out of the middle.
    if any(len(piece) != CHUNK for piece in opened[:-1]) or (end < blob.chunks and len(opened[-1]) != CHUNK):
        raise VerificationFailed("a piece of it is too short", blob.id)
    return b"".join(opened)


def _piece(keys: DataKeys, blob: str, number: int, sealed: bytes) -> bytes:
    try:
        return keys.open(sealed, purpose=place(blob, number))
    except MunimentError as error:
        raise VerificationFailed(f"piece {number} does not open: {error.reason}", blob) from error


def _sized(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= CHUNK:
            yield bytes(held[:CHUNK])
            del held[:CHUNK]
    if held:
        yield bytes(held)
