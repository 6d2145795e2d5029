"""Scopes, texts and requests as JSON."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from django.http import StreamingHttpResponse
from django.utils import timezone

from muniment.server.access.standing import Standing
from muniment.server.api.streaming import StreamPlace
from muniment.server.attachments.answers import download
from muniment.server.capabilities import Capability
from muniment.server.moments import moment
from muniment.server.packets import services
from muniment.server.packets.models import NdaText, PacketRequest, ScopeVersion
from muniment.server.packets.scope import stored_scope
from muniment.server.packets.services import Handed, Party
from muniment.server.packets.workflow import clock

MEDIA_TYPE = "application/zip"


def sees(standing: Standing, row: PacketRequest) -> bool:
    """Whether somebody is shown a request: the desk all of them, everybody else what they asked for or shall have."""
    desk = standing.may(Capability.PACKET_APPROVE) or standing.may(Capability.PACKET_DELIVER)
    return desk or standing.subject in (row.requested_by, row.party)


def packet_response(place: StreamPlace, handed: Handed) -> StreamingHttpResponse:
    """The bytes of a packet that was handed over, as a download."""
    row = handed.request
    return download(place, handed.pieces, name=f"{row.id}.zip", media_type=MEDIA_TYPE, size=row.size, sha256=row.sha256)


def scope_json(row: ScopeVersion) -> dict[str, object]:
    """One version of a scope."""
    return {
        "id": row.id,
        "series": row.series,
        "version": row.version,
        "name": row.name,
        "scope": orjson.loads(row.content),
        "not_supplied": list(stored_scope(row.content).missing),
        "digest": row.digest,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
    }


def text_json(row: NdaText) -> dict[str, object]:
    """A text to be signed."""
    return {
        "id": row.id,
        "version": row.version,
        "sha256": row.sha256,
        "text": row.text,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
    }


def request_json(row: PacketRequest, who: Mapping[str, Party]) -> dict[str, object]:
    """A request, with where it stands now; `who` names recipients."""
    now, signed, party = timezone.now(), services.signature_of(row), who.get(row.party)
    at = clock(row.state, row.due_at, row.delivered_at, now)
    return {
        "id": row.id,
        "scope": row.scope_id,
        "purpose": row.purpose,
        "party": row.party,
        "recipient": None if party is None else {"name": party.name, "company": party.company, "email": party.email},
        "state": row.state,
        "requested_by": row.requested_by,
        "requested_at": moment(row.requested_at),
        "due_at": moment(row.due_at),
        "zone": row.zone,
        "clock": at.word,
        "clock_seconds": int(at.off.total_seconds()),
        "nda": row.nda_id or None,
        "signed": None
        if signed is None
        else {"sha256": signed.sha256, "at": moment(signed.signed_at), "by": signed.by, "entry": signed.seq},
        "decided_by": row.decided_by or None,
        "decided_at": moment(row.decided_at),
        "reason": row.reason or None,
        "packet": None
        if not row.sha256
        else {
            "sha256": row.sha256,
            "size": row.size,
            "manifest": row.manifest,
            "built_at": moment(row.built_at),
            "built": row.build_entry,
            "entry": row.kept_entry,
        },
        "link_until": moment(row.link_until),
        "deliveries": [
            {"at": moment(one.at), "by": one.by, "way": one.way, "sha256": one.sha256, "entry": one.seq}
            for one in services.deliveries_of(row)
        ],
        "entry": row.seq,
    }
