"""Comments for programs."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from muniment.core.errors import Malformed, Refused
from muniment.server.access.operations import Needs, standing_in
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.comments import services
from muniment.server.comments.models import Comment
from muniment.server.comments.shapes import CommentList, CommentOut, NewComment
from muniment.server.moments import moment
from muniment.server.problems import refuse
from muniment.server.tenants.scope import tenant_scope

router = Router(auth=Needs(Capability.EXCEPTION_READ), tags=["work"])
_Id = Annotated[str, Query(max_length=64)]


@router.get("/api/comments", summary="Comments", operation_id="comments", response=CommentList)
def listed(request: HttpRequest, kind: _Id, subject: _Id) -> HttpResponse:
    """The comments on something, oldest first; at most the newest 200."""
    check_query(request, frozenset({"kind", "subject"}))
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            services.subject_of(standing, kind, subject)
            rows = services.comments_on(kind, subject)
    except services.NoSuch as error:
        raise refuse("not-found", error.reason) from None
    return json_response({"comments": [_comment_json(row) for row in rows]})


@router.post(
    "/api/comments",
    auth=Needs(Capability.EXCEPTION_REQUEST),
    summary="Comment",
    operation_id="add_comment",
    response={201: CommentOut},
)
def add(request: HttpRequest, comment: NewComment) -> HttpResponse:
    """Comments on something; who is named is told. A comment is never changed or removed."""
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            row = services.add(standing, comment.kind, comment.subject, comment.text)
    except services.NoSuch as error:
        raise refuse("not-found", error.reason) from None
    except (Malformed, Refused) as error:
        with tenant_scope(standing.tenant_id):
            services.record_refused(standing, comment.kind, comment.subject, error)
        raise refuse("invalid-request", error.reason, field=error.where) from None
    return json_response(_comment_json(row), status=201)


def _comment_json(row: Comment) -> dict[str, object]:
    return {
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "text": row.text,
        "mentions": row.mentions,
        "by": row.by,
        "at": moment(row.at),
        "entry": row.seq,
    }
