"""Attachments for programs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router

from muniment.core.errors import Malformed, Refused
from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.standing import Standing
from muniment.server.api.answers import json_response
from muniment.server.attachments import services
from muniment.server.attachments.answers import a_download, attachment_json, file_response, upload_json
from muniment.server.attachments.models import Attachment
from muniment.server.attachments.shapes import (
    AttachmentList,
    AttachmentOut,
    CheckOut,
    LimitShape,
    NewUpload,
    NewWithdrawal,
    UploadOut,
)
from muniment.server.attachments.workflow import MAX_BYTES
from muniment.server.capabilities import Capability
from muniment.server.problems import refuse
from muniment.server.tenants.scope import tenant_scope

_MANAGE: Final = Needs(Capability.ATTACHMENT_MANAGE)

router = Router(auth=Needs(Capability.LEDGER_READ), tags=["evidence"])


@contextmanager
def scope(request: HttpRequest) -> Iterator[Standing]:
    """Run the block in the scope of the caller's tenant, refusals answered as problems.

    Raises:
        ProblemError: not-found, withheld, or invalid-request with the field.
    """
    standing = standing_in(request)
    blocked: services.Blocked | None = None
    try:
        with tenant_scope(standing.tenant_id):
            try:
                # What stored a file that is then blocked is undone, and that it was blocked is recorded.
                with transaction.atomic():
                    yield standing
            except services.Blocked as error:
                services.keep_refusal(standing, error)
                blocked = error
    except services.NoSuch as error:
        raise refuse("not-found", error.reason) from None
    except services.Withheld as error:
        raise refuse("withheld", error.reason, field=error.where) from None
    except (Malformed, Refused) as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None
    if blocked is not None:
        raise refuse("invalid-request", blocked.reason, field=blocked.where)


@router.get("/api/attachments", summary="Attachments", operation_id="attachments", response=AttachmentList)
def attachments(
    request: HttpRequest,
    control: Annotated[str, Query(max_length=96)] = "",
    kind: Annotated[str, Query(max_length=32)] = "",
    withdrawn: Annotated[bool, Query(description="those that were withdrawn too")] = False,
    after: Annotated[str, Query(max_length=30, description="id of the last one of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 500,
) -> HttpResponse:
    """The newest version of each attachment, newest first; at most 500."""
    with scope(request):
        rows = services.attachments(control=control, kind=kind, withdrawn=withdrawn, before=after, limit=limit)
        return json_response({"attachments": [attachment_json(one) for one in services.listed(rows)]})


@router.post(
    "/api/attachments/uploads",
    auth=_MANAGE,
    summary="Begin an upload",
    operation_id="begin_upload",
    response={201: UploadOut},
)
def begin(request: HttpRequest, upload: NewUpload) -> HttpResponse:
    """Announces a file. Send it in parts of at most 1 MiB, then finish; nothing is attached before that."""
    with scope(request) as standing:
        row = services.begin(standing, upload.attachment(), size=upload.size, sha256=upload.sha256)
        return json_response(upload_json(row), status=201)


@router.get(
    "/api/attachments/uploads/{upload_id}",
    auth=_MANAGE,
    summary="How far an upload is",
    operation_id="upload",
    response=UploadOut,
)
def upload(request: HttpRequest, upload_id: str) -> HttpResponse:
    """`received` is where to go on after an interruption."""
    with scope(request) as standing:
        return json_response(upload_json(services.upload_for(standing, upload_id)))


@router.put(
    "/api/attachments/uploads/{upload_id}",
    auth=_MANAGE,
    summary="Send a part",
    operation_id="send_part",
    response=UploadOut,
)
def part(
    request: HttpRequest, upload_id: str, offset: Annotated[int, Query(ge=0, le=MAX_BYTES, description="in the file")]
) -> HttpResponse:
    """The body is the file's next bytes, as they are; at most 1 MiB."""
    with scope(request) as standing:
        return json_response(
            upload_json(services.add_part(standing, upload_id, offset=offset, data=bytes(request.body)))
        )


@router.post(
    "/api/attachments/uploads/{upload_id}/finish",
    auth=_MANAGE,
    summary="Attach what was uploaded",
    operation_id="finish_upload",
    response={201: AttachmentOut},
)
def finish(request: HttpRequest, upload_id: str) -> HttpResponse:
    """Hashes the whole file, compares with what was announced, has it scanned, and records it; or keeps nothing."""
    with scope(request) as standing:
        made = services.finish(standing, upload_id)
        return json_response(attachment_json(services.listed([made])[0]), status=201)


@router.delete(
    "/api/attachments/uploads/{upload_id}",
    auth=_MANAGE,
    summary="Give an upload up",
    operation_id="discard_upload",
    response={204: None},
)
def discard(request: HttpRequest, upload_id: str) -> HttpResponse:
    """What arrived is removed; recorded."""
    with scope(request) as standing:
        services.discard(standing, upload_id)
        return HttpResponse(status=204)


@router.get("/api/attachment-limit", summary="Largest attachment", operation_id="attachment_limit", response=LimitShape)
def limit(request: HttpRequest) -> HttpResponse:
    """How large an attachment may be here, in mebibytes."""
    with scope(request) as standing:
        return json_response({"mebibytes": services.limit(standing)})


@router.put(
    "/api/attachment-limit",
    auth=Needs(Capability.TENANT_MANAGE),
    summary="Set the largest attachment",
    operation_id="set_attachment_limit",
    response=LimitShape,
)
def set_limit(request: HttpRequest, wanted: LimitShape) -> HttpResponse:
    """1 to 64 MiB; what is there stays. Recorded."""
    with scope(request) as standing:
        services.set_limit(standing, mebibytes=wanted.mebibytes)
        return json_response({"mebibytes": wanted.mebibytes})


@router.get(
    "/api/attachments/{attachment_id}", summary="One attachment", operation_id="attachment", response=AttachmentOut
)
def attachment(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """One version of an attachment."""
    with scope(request):
        return json_response(attachment_json(services.listed([services.attachment_for(attachment_id)])[0]))


@router.get(
    "/api/attachments/{attachment_id}/versions",
    summary="Versions of an attachment",
    operation_id="attachment_versions",
    response=AttachmentList,
)
def versions(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """All of them, newest first; earlier ones stay readable."""
    with scope(request):
        rows = services.versions_of(services.attachment_for(attachment_id))
        return json_response({"attachments": [attachment_json(one) for one in services.listed(rows)]})


@router.post(
    "/api/attachments/{attachment_id}/check",
    auth=Needs(Capability.BODY_READ),
    summary="Read an attachment again",
    operation_id="check_attachment",
    response=CheckOut,
)
def check(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """Hashes all its bytes and compares with its row and its entry; recorded if something does not hold."""
    with scope(request) as standing:
        row = services.attachment_for(attachment_id)
        fault = checked(standing, row)
        return json_response(
            {"attachment": row.id, "holds": not fault, "fault": fault, "sha256": row.sha256, "entry": row.seq}
        )


@router.get(
    "/api/attachments/{attachment_id}/content",
    auth=Needs(Capability.BODY_READ),
    summary="The bytes of an attachment",
    operation_id="attachment_content",
)
def content(request: HttpRequest, attachment_id: str) -> HttpResponseBase:
    """All bytes are read and compared with the entry first; what was altered or is in quarantine is not given out."""
    with a_download() as place:
        with scope(request) as standing:
            row = services.attachment_for(attachment_id)
            if said := services.withheld(row):
                raise services.Withheld(f"{said}; it is not given out", "attachment")
            fault = checked(standing, row)
            pieces = None if fault else services.open_bytes(row.id)
        if pieces is None:
            raise refuse("altered", f"{fault}; it is not given out, and this is recorded", field=row.id)
        return file_response(place, pieces, row)


@router.post(
    "/api/attachments/{attachment_id}/withdraw",
    auth=_MANAGE,
    summary="Withdraw an attachment",
    operation_id="withdraw_attachment",
    response={201: AttachmentOut},
)
def withdraw(request: HttpRequest, attachment_id: str, withdrawal: NewWithdrawal) -> HttpResponse:
    """It is not relied upon any more, in any version; its bytes stay. Recorded."""
    with scope(request) as standing:
        row = services.attachment_for(attachment_id)
        services.withdraw(standing, row, reason=withdrawal.reason)
        return json_response(attachment_json(services.listed([row])[0]), status=201)


def checked(standing: Standing, row: Attachment) -> str:
    """What does not hold of an attachment, recorded; "" if everything does."""
    if fault := services.check(standing, row):
        services.record_mismatch(standing, row, fault)
    return fault
