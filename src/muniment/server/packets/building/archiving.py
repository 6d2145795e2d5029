"""The archive of a packet: made of what is kept, the same bytes each time."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import orjson
from django.db import connection as django_connection

from muniment.core.errors import Refused, VerificationFailed
from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.export import BundleRequest, write_bundle
from muniment.ledger.proofs import NotSealed
from muniment.packet.draft import Draft, draft_packet, write_packet
from muniment.server.access.standing import Standing
from muniment.server.attachments import services as attachments
from muniment.server.attachments import storage
from muniment.server.attachments.models import Blob
from muniment.server.packets.building.models import Packet, SignatureBundle
from muniment.server.packets.building.snapshot import contents_of, read_snapshot, software
from muniment.server.tenants.scope import tenant_scope

_PIECE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive of a packet in a file that is removed after use: its bytes and their SHA-256 (64 hex)."""

    path: Path
    size: int
    sha256: str


@contextmanager
def archive(standing: Standing, row: Packet) -> Iterator[Archive]:
    """The archive of a packet, in a file that is removed when the block ends.

    Raises:
        NotSealed: while no checkpoint covers the packet's entry.
        Refused: if this version of the software makes another manifest of what is kept.
        VerificationFailed: if what is kept, an attachment or the archive is not what it was.
    """
    with tenant_scope(standing.tenant_id):
        signed = SignatureBundle.objects.filter(tenant_id=standing.tenant_id, packet_id=row.id).first()
    sealed_size, signature = (signed.sealed_size, bytes(signed.bundle)) if signed else _signature(standing, row)
    draft = draft_of(row)
    if draft.manifest.digest != row.manifest:
        if row.software == software():
            raise VerificationFailed("what is kept of it gives another manifest than the ledger's entry names", row.id)
        raise Refused(
            f"it was built by {row.software} and {software()} would make other pages of it: build it anew", "packet"
        )
    with tempfile.TemporaryDirectory(prefix="muniment-packet-") as folder:
        path = Path(folder, f"{row.id}.zip")
        path.touch(0o600)
        with path.open("r+b") as out:
            size = write_packet(draft, signature, out)
            digest = sha256_of(out)
        if signed is None:
            signed = _keep(standing, row, signature, sealed_size, digest, size)
        if (signed.sha256, signed.bytes) != (digest, size):
            raise VerificationFailed("the archive is not the one that was made first", row.id)
        yield Archive(path, size, digest)


def draft_of(row: Packet) -> Draft:
    """The packet without its signature, of what is kept of it.

    Raises:
        VerificationFailed: if its evidence or an attachment is not what it was.
    """
    with tenant_scope(row.tenant_id):
        blob = Blob.objects.get(id=row.evidence_id)
    snapshot = read_snapshot(row.snapshot)
    contents = contents_of(
        row.id,
        snapshot,
        orjson.loads(snapshot.scope),
        evidence=lambda: storage.read(blob, sha256=row.evidence_sha256),
        attached=lambda wanted: _attached(row, wanted),
    )
    return draft_packet(contents)


def _attached(row: Packet, wanted: str) -> Iterator[bytes]:
    with tenant_scope(row.tenant_id):
        return attachments.open_bytes(wanted)


def _signature(standing: Standing, row: Packet) -> tuple[int, bytes]:
    with standing.transaction() as reading:
        found = read_checkpoint(reading, standing.log_id, standing.origin)
        if row.log != standing.origin:
            raise Refused(f"it is of the log {row.log}, which is not the active one", row.id)
        if found is None or found.checkpoint.size <= row.seq:
            raise NotSealed(f"no checkpoint covers entry {row.seq} yet; ask again", row.id)
        size = found.checkpoint.size
        out = io.BytesIO()
        request = BundleRequest(standing.log_id, standing.origin, seqs=[row.seq], since=row.size, size=size)
        write_bundle(reading, request, out)
    return size, out.getvalue()


def _keep(
    standing: Standing, row: Packet, signature: bytes, sealed_size: int, digest: str, size: int
) -> SignatureBundle:
    with tenant_scope(standing.tenant_id):
        one_at_a_time(f"packet/{row.id}")
        known = SignatureBundle.objects.filter(tenant_id=standing.tenant_id, packet_id=row.id).first()
        if known is not None:
            raise NotSealed("the archive was just made by somebody else; ask again", row.id)
        return SignatureBundle.objects.create(
            tenant_id=standing.tenant_id,
            packet_id=row.id,
            bundle=signature,
            sealed_size=sealed_size,
            sha256=digest,
            bytes=size,
        )


def one_at_a_time(name: str) -> None:
    """Let others who make the same thing wait until this transaction ends."""
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def sha256_of(stream: BinaryIO) -> str:
    """SHA-256 of a file, 64 hex; it is read again from its beginning."""
    digest = hashlib.sha256()
    stream.seek(0)
    for piece in pieces(stream):
        digest.update(piece)
    stream.seek(0)
    return digest.hexdigest()


def pieces(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file from where it stands."""
    while piece := stream.read(_PIECE):
        yield piece
