"""Asking for packets, deciding on them, signing for them. Each step locks its request, and is recorded with it."""

from __future__ import annotations

import orjson
from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.packets import workflow
from muniment.server.packets.models import NdaText, PacketRequest, ScopeVersion, Signature, request_id, signature_id
from muniment.server.packets.services.parties import Party, add_party
from muniment.server.packets.services.recording import COLLECTOR, noted
from muniment.server.packets.services.rules import nda_for, nda_in_force, rules
from muniment.server.packets.services.scopes import NoSuch
from muniment.server.packets.workflow import Matter, checked_purpose, due_at
from muniment.server.tenants.secrets import seal

MOST_LISTED = 500


def ask(standing: Standing, scope: ScopeVersion, *, purpose: str, party: Party | None = None) -> PacketRequest:
    """Ask for a packet.

    Args:
        standing: of who asks; has `packet.request`.
        scope: what it shall hold, one version of it.
        purpose: what it is for.
        party: somebody outside who shall have it; None for whoever asks.

    Raises:
        Malformed: naming the field.
        Refused: if a text is to be signed and there is none yet.
    """
    purpose, wanted = checked_purpose(purpose, "purpose"), rules()
    text = nda_in_force() if wanted.nda_required else None
    if wanted.nda_required and text is None:
        raise Refused("packets are signed for here, and there is no text to be signed yet: publish one first", "nda")
    if party is None and not standing.subject.startswith("user:"):
        raise Malformed("a key asks for somebody: say who shall have the packet", "recipient")
    now = timezone.now()
    row = PacketRequest(
        id=request_id(),
        tenant_id=standing.tenant_id,
        scope_id=scope.id,
        purpose=purpose,
        party=standing.subject if party is None else add_party(standing.tenant_id, party).id,
        requested_by=standing.subject,
        requested_at=now,
        due_at=due_at(now, wanted),
        zone=wanted.zone,
        nda_id="" if text is None else text.id,
        state=workflow.REQUESTED,
    )
    row.seq, row.event = noted(
        "packet.request",
        by=standing.subject,
        resource=("packet-request", row.id),
        labels={
            "request": row.id,
            "scope": scope.id,
            "digest": scope.digest,
            "party": row.party,
            "due": row.due_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "zone": row.zone,
            "nda": row.nda_id or "none",
        },
        causes=[scope.event],
        body={"purpose": purpose},
    )
    row.save(force_insert=True)
    return row


def approve(standing: Standing, wanted: str) -> PacketRequest:
    """Approve a request of somebody else.

    Raises:
        Refused: naming what stands against it.
        NoSuch: if there is none of that id.
    """
    return _decide(standing, wanted, "approve", "")


def refuse(standing: Standing, wanted: str, *, reason: str) -> PacketRequest:
    """Refuse a request of somebody else.

    Raises:
        Refused, Malformed: naming what stands against it.
        NoSuch: if there is none of that id.
    """
    return _decide(standing, wanted, "refuse", reason)


def withdraw(standing: Standing, wanted: str, *, reason: str) -> PacketRequest:
    """Withdraw a request: nothing of it is handed over from now on, and its link opens nothing any more.

    Raises:
        Refused, Malformed: naming what stands against it.
        NoSuch: if there is none of that id.
    """
    row = request_for(wanted, lock=True)
    row.state = workflow.advance(
        matter_of(row), "withdraw", by=standing.subject, capabilities=standing.capabilities, reason=reason
    )
    row.reason, row.link_hash, row.link_until = checked_purpose(reason, "reason"), "", None
    row.save()
    noted(
        "packet.withdraw",
        by=standing.subject,
        resource=("packet-request", row.id),
        labels={"request": row.id},
        causes=[row.event],
        body={"reason": row.reason},
    )
    return row


def sign(row: PacketRequest, *, name: str, sha256: str, standing: Standing | None = None) -> Signature:
    """Accept the text of a request, as whoever shall have the packet.

    Args:
        row: the request, locked.
        name: as it was typed by them.
        sha256: of the text that they were shown, 64 hex digits; it must be the one of the request.
        standing: of a member; None for somebody outside who holds the request's link.

    Raises:
        Malformed: for a name that is none.
        Refused: for another party, another text, a request that is over, or a second signature.
    """
    name = name.strip()
    if not 2 <= len(name) <= 120 or not name.isprintable():
        raise Malformed("type your name: 2 to 120 characters on one line", "name")
    if not row.nda_id:
        raise Refused("there is nothing to be signed for this packet", "nda")
    if row.state in (workflow.REFUSED, workflow.WITHDRAWN):
        raise Refused(f"is {workflow.STATES[row.state].lower()}", "state")
    if standing is not None and standing.subject != row.party:
        raise Refused("only whom the packet is for can sign for it", "party")
    if standing is None and not row.party.startswith("rcp_"):
        raise Refused("is for a member, who signs in", "party")
    text = nda_for(row.nda_id)
    if sha256 != text.sha256:
        raise Refused(f"the text to be signed has the SHA-256 {text.sha256}", "sha256")
    if signature_of(row) is not None:
        raise Refused("was signed already", "nda")
    made = Signature(
        id=signature_id(),
        tenant_id=row.tenant_id,
        request=row.id,
        nda_id=text.id,
        sha256=text.sha256,
        party=row.party,
        by=COLLECTOR if standing is None else standing.subject,
        signed_at=timezone.now(),
    )
    made.sealed = seal(row.tenant_id, f"packets_signature.sealed/{made.id}", orjson.dumps({"name": name}))
    made.seq, made.event = noted(
        "nda.sign",
        by=made.by,
        resource=("nda", text.id),
        labels={
            "request": row.id,
            "party": row.party,
            "sha256": text.sha256,
            "version": text.version,
            "way": "link" if standing is None else "member",
        },
        causes=[row.event, text.event],
    )
    made.save(force_insert=True)
    return made


def request_for(wanted: str, *, lock: bool = False) -> PacketRequest:
    """A request of the open tenant by its id.

    Raises:
        NoSuch: if there is none.
    """
    rows = PacketRequest.objects.select_for_update() if lock else PacketRequest.objects.all()
    row = None if "\0" in wanted else rows.filter(id=wanted).first()
    if row is None:
        raise NoSuch("there is no such request", "request")
    return row


def requests(*, state: str = "", requested_by: str = "") -> list[PacketRequest]:
    """Requests of the open tenant; those that wait come first, the most urgent at the top. At most 500."""
    rows = PacketRequest.objects.all()
    if state:
        rows = rows.filter(state=state)
    if requested_by:
        rows = rows.filter(requested_by=requested_by)
    waiting = (workflow.REQUESTED, workflow.APPROVED, workflow.BUILT)
    newest = list(rows.order_by("-requested_at")[:MOST_LISTED])
    return [
        *sorted((row for row in newest if row.state in waiting), key=lambda row: row.due_at),
        *(row for row in newest if row.state not in waiting),
    ]


def signature_of(row: PacketRequest) -> Signature | None:
    """What the party of a request signed; None if nothing yet."""
    return Signature.objects.filter(request=row.id, party=row.party, nda_id=row.nda_id).first()


def nda_of(row: PacketRequest) -> NdaText | None:
    """The text that is signed for a request; None if none is asked for."""
    return nda_for(row.nda_id) if row.nda_id else None


def matter_of(row: PacketRequest) -> Matter:
    """What of a request its next step depends on."""
    return Matter(
        row.state,
        row.requested_by,
        row.party,
        asks_signature=bool(row.nda_id),
        signed=bool(row.nda_id) and signature_of(row) is not None,
        packet=bool(row.sha256),
    )


def _decide(standing: Standing, wanted: str, step: workflow.Step, reason: str) -> PacketRequest:
    row = request_for(wanted, lock=True)
    row.state = workflow.advance(
        matter_of(row), step, by=standing.subject, capabilities=standing.capabilities, reason=reason
    )
    row.decided_by, row.decided_at, row.reason = standing.subject, timezone.now(), reason.strip()
    row.save()
    noted(
        f"packet.{step}",
        by=standing.subject,
        resource=("packet-request", row.id),
        labels={"request": row.id, "scope": row.scope_id},
        causes=[row.event],
        body={"reason": row.reason} if row.reason else None,
    )
    return row


__all__ = [
    "NoSuch",
    "approve",
    "ask",
    "matter_of",
    "nda_of",
    "refuse",
    "request_for",
    "requests",
    "sign",
    "signature_of",
    "withdraw",
]
