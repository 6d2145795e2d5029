"""What data protection says of attachments, for programs: verdicts, the quarantine, releases."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.core.errors import Refused
from muniment.server.access.operations import Needs
from muniment.server.api.answers import json_response
from muniment.server.attachments import services
from muniment.server.attachments.api import checked, scope
from muniment.server.capabilities import Capability
from muniment.server.dlp import services as dlp
from muniment.server.dlp.answers import verdict_json
from muniment.server.dlp.shapes import DlpVerdictList, DlpVerdictOut, NewDlpRelease
from muniment.server.problems import refuse

router = Router(auth=Needs(Capability.LEDGER_READ), tags=["data protection"])


@router.get(
    "/api/attachments/quarantine",
    auth=Needs(Capability.DLP_MANAGE),
    summary="Attachments in quarantine",
    operation_id="quarantine",
    response=DlpVerdictList,
)
def quarantine(request: HttpRequest) -> HttpResponse:
    """The newest verdicts that hold attachments back, newest first; at most 200."""
    with scope(request):
        return json_response({"verdicts": [verdict_json(row, None) for row in dlp.quarantined(services.KIND)]})


@router.get(
    "/api/attachments/{attachment_id}/verdict",
    summary="What an attachment's scan found",
    operation_id="attachment_verdict",
    response=DlpVerdictOut,
)
def verdict(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """The newest verdict: kinds and counts, never values; and how it was released if it was."""
    with scope(request):
        state = dlp.state_of(services.attachment_for(attachment_id).id)
        if state.verdict is None:
            raise services.NoSuch("it was not scanned yet", "attachment")
        return json_response(verdict_json(state.verdict, state.release))


@router.post(
    "/api/attachments/{attachment_id}/scan",
    auth=Needs(Capability.ATTACHMENT_MANAGE, Capability.DLP_MANAGE),
    summary="Have an attachment scanned again",
    operation_id="scan_attachment",
    response={201: DlpVerdictOut},
)
def scan(request: HttpRequest, attachment_id: str) -> HttpResponse:
    """By the policy that is in force now; what it finds counts from then on. Recorded."""
    with scope(request) as standing:
        row = services.attachment_for(attachment_id)
        fault = checked(standing, row)
        made = None if fault else services.scan_again(standing, row)
    if made is None:
        raise refuse("altered", f"{fault}; it is not scanned, and this is recorded", field=attachment_id)
    return json_response(verdict_json(made, None), status=201)


@router.post(
    "/api/attachments/{attachment_id}/release",
    auth=Needs(Capability.DLP_MANAGE),
    summary="Take an attachment out of quarantine",
    operation_id="release_attachment",
    response={201: DlpVerdictOut},
)
def release(request: HttpRequest, attachment_id: str, order: NewDlpRelease) -> HttpResponse:
    """Needs a person with a fresh second factor who did not attach it, and a reason. Recorded."""
    with scope(request) as standing:
        state = dlp.state_of(services.attachment_for(attachment_id).id)
        if state.verdict is None or state.verdict.id != order.verdict:
            raise Refused("is not the newest verdict of this attachment; look at it again", "verdict")
        made = dlp.release(standing, state.verdict, reason=order.reason)
        return json_response(verdict_json(state.verdict, made), status=201)
