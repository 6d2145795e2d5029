"""Use cases of building packets: the only writers of their rows."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from muniment.core.errors import Refused
from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.export import BundleRequest, write_bundle
from muniment.ledger.proofs import NotSealed
from muniment.ledger.system import active_log
from muniment.packet.contents import Facts
from muniment.packet.manifest import ACTION, LABEL
from muniment.server.access.standing import Standing
from muniment.server.attachments import storage
from muniment.server.packets.building.archiving import archive, draft_of, one_at_a_time, pieces, sha256_of
from muniment.server.packets.building.gathering import gather
from muniment.server.packets.building.models import Packet, SignatureBundle, packet_id
from muniment.server.packets.building.snapshot import snapshot_text, software, verifiers
from muniment.server.packets.models import ScopeVersion
from muniment.server.recording import record
from muniment.server.tenants.scope import ledger_connection, tenant_scope

MOST_LISTED: Final = 500
MAX_EVIDENCE: Final = 1 << 30
"""Bytes of the bundle of one packet."""
PATIENCE: Final = 60.0
"""Seconds that `build` waits for a checkpoint over the packet's entry."""
_EVERY: Final = 0.1
_PIECE: Final = 1 << 20


class NoSuch(Refused):
    """There is no such packet in this tenant."""


@dataclass(frozen=True, slots=True)
class Built:
    """A packet with its archive in a file that the caller removes.

    Attributes:
        packet: its id.
        path: the archive; size: its bytes; sha256: over them, 64 hex.
        manifest: SHA-256 of its manifest, 64 hex, as the entry at place `entry` names it.
    """

    packet: str
    path: Path
    size: int
    sha256: str
    manifest: str
    entry: int


def begin(
    standing: Standing,
    scope: ScopeVersion,
    *,
    facts: Facts = (),
    size: int | None = None,
    since: int | None = None,
    bodies: bool = False,
) -> Packet:
    """Put a packet together and record it, in the open `tenant_scope`. The archive follows once its entry is sealed.

    The same scope as of the same checkpoint, with the same contents, is the same packet: it is not recorded again.

    Args:
        standing: of who builds; has `packet.deliver`.
        scope: the saved scope.
        facts: more to be said of the request, on the scope's page.
        size: of the checkpoint as of which it is put together; None for the newest.
        since: size of a checkpoint that the auditor holds, so that the evidence can be compared with it.
        bodies: whether the payloads of the sampled entries come along; those about the review always do.

    Raises:
        NotSealed: if there is no such checkpoint.
        Refused: naming what cannot be part of it.
        VerificationFailed: for what is not what was recorded any more.
    """
    if bodies:
        standing.require_bodies()
    gathered = gather(standing, scope, facts=facts, size=size)
    text = snapshot_text(gathered.snapshot)
    request = BundleRequest(
        standing.log_id,
        standing.origin,
        seqs=gathered.places,
        since=since,
        size=gathered.range.size,
        bodies_of=None if bodies else gathered.about,
    )
    with tempfile.TemporaryFile() as bundle:
        with standing.transaction() as reading:
            write_bundle(reading, request, bundle)
        evidence = sha256_of(bundle)
        fingerprint = hashlib.sha256(
            b"muniment/packet/1\0" + orjson.dumps([text, evidence, software(), *verifiers()])
        ).hexdigest()
        one_at_a_time(f"packet/{standing.tenant_id}/{fingerprint}")
        known = Packet.objects.filter(tenant_id=standing.tenant_id, fingerprint=fingerprint).first()
        if known is not None:
            return known
        blob = storage.keep(standing.tenant_id, pieces(bundle), most=MAX_EVIDENCE)
    row = Packet(
        id=packet_id(),
        tenant_id=standing.tenant_id,
        scope_id=scope.id,
        name=scope.name,
        log=gathered.range.origin,
        size=gathered.range.size,
        root=gathered.range.root.hex(),
        sampled=gathered.sampled,
        snapshot=text,
        evidence_id=blob.id,
        evidence_sha256=blob.sha256,
        fingerprint=fingerprint,
        software=software(),
        created_by=standing.subject,
    )
    draft = draft_of(row)
    row.files, row.manifest = len(draft.parts), draft.manifest.digest
    receipt = record(
        ACTION,
        by=standing.subject,
        resource=("packet", row.id),
        labels={
            LABEL: row.manifest,
            "scope": draft.manifest.scope,
            "size": row.size,
            "sampled": row.sampled,
            "files": row.files,
        },
        causes=[scope.event],
        body={"name": row.name, "scope": scope.id, "facts": [list(fact) for fact in facts]},
    )
    with ledger_connection() as raw:
        row.seq, row.event = receipt.seq, f"{active_log(raw).source}/{receipt.id}"
    row.save(force_insert=True)
    return row


def wait(standing: Standing, row: Packet, *, patience: float = PATIENCE) -> None:
    """Wait until a checkpoint covers the packet's entry.

    Raises:
        NotSealed: if none does in time.
    """
    until = time.monotonic() + patience
    while not is_sealed(standing, row):
        if time.monotonic() >= until:
            raise NotSealed(f"no checkpoint covers entry {row.seq} yet; ask again", row.id)
        time.sleep(_EVERY)


def build(standing: Standing, scope: ScopeVersion, *, facts: Facts = (), bodies: bool = False) -> Built:
    """Build a packet of a scope, wait for its seal, and write its archive; outside of any `tenant_scope`.

    Args:
        standing: of who builds; has `packet.deliver`.
        scope: the saved scope.
        facts: more to be said of the request, on the scope's page.
        bodies: whether the payloads of the sampled entries come along.

    Raises:
        Refused, VerificationFailed: as `begin` and `archive`.
        NotSealed: if no checkpoint covers it in time.
    """
    with tenant_scope(standing.tenant_id):
        row = begin(standing, scope, facts=facts, bodies=bodies)
    wait(standing, row)
    with archive(standing, row) as made:
        kept = made.path.rename(made.path.parent.with_suffix(".zip"))
    return Built(row.id, kept, made.size, made.sha256, row.manifest, row.seq)


def scope_for(standing: Standing, wanted: str) -> ScopeVersion:
    """A saved scope, by its id.

    Raises:
        NoSuch: if the tenant has none of that id.
    """
    found = None if "\0" in wanted else ScopeVersion.objects.filter(tenant_id=standing.tenant_id, id=wanted).first()
    if found is None:
        raise NoSuch("there is no such scope", "scope")
    return found


def scopes(standing: Standing) -> list[ScopeVersion]:
    """The newest version of each saved scope, newest first."""
    rows = ScopeVersion.objects.filter(tenant_id=standing.tenant_id).order_by("series", "-version").distinct("series")
    return sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)


def is_sealed(standing: Standing, row: Packet) -> bool:
    """Whether a checkpoint covers the packet's entry."""
    with standing.transaction() as reading:
        found = read_checkpoint(reading, standing.log_id, standing.origin)
    return found is not None and found.checkpoint.size > row.seq


def packets(standing: Standing) -> list[Packet]:
    """The newest packets of the tenant, newest first; without what they are made from."""
    rows = Packet.objects.filter(tenant_id=standing.tenant_id).defer("snapshot")
    return list(rows.order_by("-created_at", "-id")[:MOST_LISTED])


def packet_for(standing: Standing, wanted: str) -> Packet:
    """A packet by its id.

    Raises:
        NoSuch: if the tenant has none of that id.
    """
    found = None if "\0" in wanted else Packet.objects.filter(tenant_id=standing.tenant_id, id=wanted).first()
    if found is None:
        raise NoSuch("there is no such packet", "packet")
    return found


def archived(rows: Iterable[Packet]) -> dict[str, SignatureBundle]:
    """The archives that were made of some packets, by packet."""
    ids = [row.id for row in rows]
    return {one.packet_id: one for one in SignatureBundle.objects.filter(packet_id__in=ids).defer("bundle")}
