"""Building packets and taking their archives out, for programs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Router

from muniment.core.errors import Malformed, Refused
from muniment.ledger.proofs import NotSealed
from muniment.server.access.operations import AsyncNeeds, Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.api.streaming import StreamPlace, in_threads
from muniment.server.capabilities import Capability
from muniment.server.moments import moment
from muniment.server.packets.building import services
from muniment.server.packets.building.archiving import archive as archive_of
from muniment.server.packets.building.models import Packet, SignatureBundle
from muniment.server.packets.building.register_files import POAM, register_file
from muniment.server.packets.building.shapes import NewExtract, NewPacket, NewPlan, PacketList, PacketOut
from muniment.server.problems import refuse
from muniment.server.record.addresses import api_address
from muniment.server.recording import record_apart
from muniment.server.tenants.scope import tenant_scope

CONTENT_TYPE: Final = "application/zip"
_PIECE: Final = 1 << 18
_BUILD: Final = Needs(Capability.PACKET_DELIVER)

router = Router(auth=_BUILD, tags=["evidence"])


@router.post("/api/packets", summary="Build a packet", operation_id="build_packet", response={201: PacketOut})
def build(request: HttpRequest, order: NewPacket) -> HttpResponse:
    """Puts together what a saved scope names, as of a checkpoint, and records it; its archive follows once sealed.

    The same scope as of the same checkpoint, with the same contents, is the same packet and is not recorded again.
    """
    standing = standing_in(request)
    with _refusals(), tenant_scope(standing.tenant_id):
        scope = services.scope_for(standing, order.scope)
        row = services.begin(standing, scope, size=order.size, since=order.since, bodies=order.bodies)
        return json_response(packet_json(row, services.archived([row]).get(row.id)), status=201)


@router.get("/api/packets", summary="Packets that were built", operation_id="packets", response=PacketList)
def packets(request: HttpRequest) -> HttpResponse:
    """The newest 500, newest first."""
    standing = standing_in(request)
    with _refusals(), tenant_scope(standing.tenant_id):
        rows = services.packets(standing)
        made = services.archived(rows)
        return json_response({"packets": [packet_json(row, made.get(row.id)) for row in rows]})


@router.get("/api/packets/{packet_id}", summary="One packet", operation_id="packet", response=PacketOut)
def packet(request: HttpRequest, packet_id: str) -> HttpResponse:
    """What was recorded of it, and of its archive if that was made."""
    standing = standing_in(request)
    with _refusals(), tenant_scope(standing.tenant_id):
        row = services.packet_for(standing, packet_id)
        return json_response(packet_json(row, services.archived([row]).get(row.id)))


@router.post(
    "/api/packets/{packet_id}/archive",
    auth=AsyncNeeds(Capability.PACKET_DELIVER),
    summary="The archive of a packet",
    operation_id="packet_archive",
)
async def archive(request: HttpRequest, packet_id: str) -> HttpResponseBase:
    """Streams the archive; recorded as an export. Answers 409 until a checkpoint covers the packet's entry.

    Whoever takes it here takes it for the tenant. Handing it to somebody outside goes by a request, its approval and
    what they sign.
    """
    standing = standing_in(request)
    place = StreamPlace()
    chunks = _chunks(standing, packet_id, place)
    try:
        first = await sync_to_async(next)(chunks)
    except BaseException:
        await sync_to_async(chunks.close)()
        place.release()
        raise
    headers = {"Content-Disposition": f'attachment; filename="{packet_id}.zip"'}
    return StreamingHttpResponse(in_threads(chunks, first), content_type=CONTENT_TYPE, headers=headers)


@router.post(
    "/api/poam",
    auth=Needs(Capability.EXPORT_CREATE),
    summary="Exceptions as an OSCAL plan of action and milestones",
    operation_id="create_poam",
)
def poam(request: HttpRequest, order: NewPlan) -> HttpResponse:
    """A document of the model of OSCAL 1.2.1, as of a checkpoint; recorded as an export. Needs `exception.read` too."""
    return _register_file(request, POAM, order)


@router.post(
    "/api/register-extracts",
    auth=Needs(Capability.EXPORT_CREATE),
    summary="A register as CSV or Markdown",
    operation_id="create_register_extract",
)
def extract(request: HttpRequest, order: NewExtract) -> HttpResponse:
    """Exceptions or risks as of a checkpoint; recorded as an export. Needs `exception.read` too."""
    return _register_file(request, f"{order.which}.{order.format}", order)


def packet_json(row: Packet, made: SignatureBundle | None) -> dict[str, object]:
    """A packet with its archive."""
    return {
        "id": row.id,
        "name": row.name,
        "scope": row.scope_id,
        "log": row.log,
        "size": row.size,
        "root": row.root,
        "sampled": row.sampled,
        "files": row.files,
        "manifest": row.manifest,
        "software": row.software,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
        "archive": None
        if made is None
        else {"sha256": made.sha256, "bytes": made.bytes, "sealed_size": made.sealed_size},
    }


def _register_file(request: HttpRequest, name: str, order: NewPlan) -> HttpResponse:
    standing = standing_in(request)
    with _refusals(), tenant_scope(standing.tenant_id):
        made = register_file(
            standing,
            name,
            api=api_address(request),
            controls=order.controls,
            frameworks=order.frameworks,
            size=order.size,
        )
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"', "X-Content-Type-Options": "nosniff"}
    return HttpResponse(made.content, content_type=made.content_type, headers=headers)


def _chunks(standing: Standing, packet_id: str, place: StreamPlace) -> Generator[bytes, None, None]:
    try:
        with _refusals():
            with tenant_scope(standing.tenant_id):
                row = services.packet_for(standing, packet_id)
            with archive_of(standing, row) as made, made.path.open("rb") as stream:
                record_apart(
                    standing.tenant_id,
                    "export.create",
                    by=standing.subject,
                    resource=("packet", row.id),
                    labels={"form": "muniment-packet/1", "sha256": made.sha256, "manifest": row.manifest},
                )
                connection.close()
                while piece := stream.read(_PIECE):
                    yield piece
    finally:
        connection.close()
        place.release()


@contextmanager
def _refusals() -> Generator[None, None, None]:
    """Answer refusals of the block as problems.

    Raises:
        ProblemError: not-found, or invalid-request with the field.
    """
    try:
        yield
    except NotSealed:
        raise
    except services.NoSuch as error:
        raise refuse("not-found", error.reason) from None
    except (Malformed, Refused) as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None
