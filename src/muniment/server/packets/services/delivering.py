"""Building what was approved, handing it over, and links for whoever has no account here."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import orjson
from django.db import connection
from django.utils import timezone

from muniment.core.errors import MunimentError, Refused, VerificationFailed
from muniment.ledger.read import entry_at
from muniment.ledger.system import active_log
from muniment.server.access.standing import Standing
from muniment.server.attachments import storage
from muniment.server.attachments.models import Blob
from muniment.server.moments import moment
from muniment.server.packets import workflow
from muniment.server.packets.building import services as building
from muniment.server.packets.building.services import Built
from muniment.server.packets.models import Delivery, PacketRequest, delivery_id
from muniment.server.packets.services.recording import COLLECTOR, noted
from muniment.server.packets.services.requests import matter_of, nda_of, request_for, signature_of
from muniment.server.packets.services.rules import rules
from muniment.server.packets.services.scopes import NoSuch, scope_for
from muniment.server.recording import record_apart
from muniment.server.tenants.scope import ledger_connection, tenant_scope

MAX_PACKET: Final = 4 << 30
"""Bytes of a packet that is kept: what a zip archive without extensions can hold."""
_PIECE: Final = 1 << 20
_TOKEN_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Handed:
    """A packet on its way out, or what is wrong with it: `fault` is "" if nothing is."""

    request: PacketRequest
    fault: str
    pieces: Iterator[bytes]


def build(standing: Standing, wanted: str) -> PacketRequest:
    """Build the packet of an approved request, and keep it. Not to be called in a transaction: it waits for a seal.

    Args:
        standing: of who builds it; has `packet.deliver`.
        wanted: id of the request.

    Raises:
        Refused: naming what stands against it.
        VerificationFailed: if something that belongs into it is not what was recorded.
        NoSuch: if there is none of that id.
    """
    if connection.in_atomic_block:
        raise Refused("a packet is built outside of every transaction", "request")
    with tenant_scope(standing.tenant_id):
        row = request_for(wanted)
        _may_build(standing, row)
        scope, facts = scope_for(row.scope_id), _facts(row)
    try:
        built = building.build(standing, scope, facts=facts)
    except MunimentError as error:
        record_apart(
            standing.tenant_id,
            "packet.build",
            by=standing.subject,
            outcome="failure",
            resource=("packet-request", row.id),
            labels={"request": row.id},
            body={"fault": str(error)},
        )
        raise
    try:
        with tenant_scope(standing.tenant_id):
            return _keep(standing, wanted, built)
    finally:
        built.path.unlink(missing_ok=True)


def hand_over(wanted: str, *, standing: Standing | None, way: str) -> Handed:
    """Take a packet out. All its bytes are read and compared before the first is given; each time is recorded.

    Args:
        wanted: id of the request.
        standing: of a member or a key; None for somebody outside who holds the request's link.
        way: `page`, `api` or `link`.

    Returns:
        What to send; with a fault, which is recorded too, nothing.

    Raises:
        Refused: naming what stands against it.
        NoSuch: if there is none of that id.
    """
    row = request_for(wanted, lock=True)
    by, capabilities = (row.party, None) if standing is None else (standing.subject, standing.capabilities)
    state = workflow.advance(matter_of(row), "deliver", by=by, capabilities=capabilities)
    blob = Blob.objects.get(id=row.blob_id)
    fault = _fault(row, blob)
    actor = COLLECTOR if standing is None else standing.subject
    labels = {"request": row.id, "party": row.party, "sha256": row.sha256, "way": way}
    if fault:
        noted(
            "packet.deliver", by=actor, resource=("packet-request", row.id), labels=labels, causes=[row.event],
            body={"fault": fault}, outcome="failure",
        )  # fmt: skip
        return Handed(row, fault, iter(()))
    now = timezone.now()
    row.state, row.delivered_at = state, row.delivered_at or now
    row.save(update_fields=["state", "delivered_at"])
    made = Delivery(
        id=delivery_id(), tenant_id=row.tenant_id, request=row.id, by=by, way=way, sha256=row.sha256, at=now
    )
    signed = signature_of(row)
    made.seq, _event = noted(
        "packet.deliver",
        by=actor,
        resource=("packet-request", row.id),
        labels={**labels, "late": "yes" if now > row.due_at else "no", "delivery": made.id},
        causes=[row.event, *([signed.event] if signed is not None else [])],
    )
    made.save(force_insert=True)
    return Handed(row, "", storage.read(blob, sha256=row.sha256))


def offer_link(standing: Standing, wanted: str) -> tuple[PacketRequest, str]:
    """Make the link under which somebody outside signs for a packet and takes it; an earlier one opens nothing more.

    Returns:
        The request, and the link's secret, which is kept nowhere.

    Raises:
        Refused: for a request of a member, or one that was not approved or is over.
        NoSuch: if there is none of that id.
    """
    row = request_for(wanted, lock=True)
    if not row.party.startswith("rcp_"):
        raise Refused("is for a member, who signs in and takes it here", "party")
    if row.state not in (workflow.APPROVED, workflow.BUILT, workflow.DELIVERED):
        raise Refused(f"is {workflow.STATES[row.state].lower()}; a link is made once it is approved", "state")
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    row.link_hash, row.link_until = _hashed(token), timezone.now() + timedelta(hours=rules().link_hours)
    row.save(update_fields=["link_hash", "link_until"])
    labels = {"request": row.id, "party": row.party, "until": moment(row.link_until)}
    noted(
        "packet.offer",
        by=standing.subject,
        resource=("packet-request", row.id),
        labels=labels,
        causes=[row.event],
    )
    return row, token


def request_of_link(token: str) -> PacketRequest:
    """The request of the open tenant whose link holds this secret.

    Raises:
        NoSuch: if none does, or the link has ended.
    """
    found = PacketRequest.objects.filter(link_hash=_hashed(token), link_until__gt=timezone.now()).first()
    if found is None or found.state not in (workflow.APPROVED, workflow.BUILT, workflow.DELIVERED):
        raise NoSuch("this link opens nothing, or nothing any more", "link")
    return found


def deliveries_of(row: PacketRequest) -> list[Delivery]:
    """Each time that a packet was taken out, oldest first."""
    return list(Delivery.objects.filter(request=row.id).order_by("at", "id"))


def _may_build(standing: Standing, row: PacketRequest) -> str:
    # The packet comes of this very step.
    matter = replace(matter_of(row), packet=True)
    return workflow.advance(matter, "build", by=standing.subject, capabilities=standing.capabilities)


def _keep(standing: Standing, wanted: str, built: Built) -> PacketRequest:
    row = request_for(wanted, lock=True)
    row.state = _may_build(standing, row)
    blob = storage.keep(standing.tenant_id, _pieces(built.path), most=MAX_PACKET)
    if blob.sha256 != built.sha256:
        raise VerificationFailed("the archive is not the one that was built", built.packet)
    row.built_at, row.blob_id, row.size, row.sha256 = timezone.now(), blob.id, blob.size, blob.sha256
    row.packet_id, row.manifest, row.build_entry = built.packet, built.manifest, built.entry
    row.kept_entry, _event = noted(
        "packet.keep",
        by=standing.subject,
        resource=("packet-request", row.id),
        labels={
            "request": row.id,
            "packet": built.packet,
            "sha256": row.sha256,
            "size": row.size,
            "manifest": row.manifest,
        },
        causes=[row.event],
    )
    row.save()
    return row


def _fault(row: PacketRequest, blob: Blob) -> str:
    """What of a kept packet is not what was recorded; "" if nothing."""
    # Whoever holds a link has no standing, so the server's own connection reads.
    with ledger_connection() as raw:
        found = None if row.kept_entry is None else entry_at(raw, active_log(raw).log_id, row.kept_entry)
    if found is None:
        return "the entry that recorded it is not there"
    event = orjson.loads(found[0].text)["event"]
    said = dict(label.split("=", 1) for label in event.get("labels", []) if "=" in label)
    if (event["action"], said.get("request"), said.get("sha256")) != ("packet.keep", row.id, row.sha256):
        return f"its row and entry {row.kept_entry:,} differ"
    try:
        for _piece in storage.read(blob, sha256=row.sha256):
            pass
    except VerificationFailed as error:
        return error.reason
    return ""


def _facts(row: PacketRequest) -> tuple[tuple[str, str], ...]:
    scope, text, signed = scope_for(row.scope_id), nda_of(row), signature_of(row)
    if text is None:
        terms = "none were asked for"
    elif signed is None:
        terms = f"text version {text.version}, SHA-256 {text.sha256}: not signed yet when this was built"
    else:
        at = moment(signed.signed_at)
        terms = (
            f"text version {text.version}, SHA-256 {text.sha256}: signed by {signed.party} at {at}, entry {signed.seq}"
        )
    return (
        ("Scope", f"{scope.name}, version {scope.version} ({scope.id}), SHA-256 {scope.digest}"),
        ("Purpose", row.purpose),
        ("For", row.party),
        ("Asked for by", f"{row.requested_by} at {moment(row.requested_at)}, entry {row.seq}"),
        ("Approved by", f"{row.decided_by} at {moment(row.decided_at)}"),
        ("Terms", terms),
    )


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _hashed(token: str) -> str:
    return hashlib.sha256(b"muniment/packet-link/1\0" + token.encode("utf-8", "surrogatepass")).hexdigest()
