"""Statements, for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema
from pydantic import ConfigDict

from muniment.core.errors import Malformed, Refused
from muniment.ledger.proofs import NotSealed
from muniment.server.access.operations import Needs, standing_in
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.matrix.period import Period, read_period
from muniment.server.moments import moment
from muniment.server.problems import refuse
from muniment.server.statements import services
from muniment.server.statements.definition import definitions
from muniment.server.statements.models import Issued
from muniment.server.statements.workflow import markdown
from muniment.server.tenants.scope import tenant_scope

router = Router(auth=Needs(Capability.LEDGER_READ), tags=["evidence"])
_ISSUE = Needs(Capability.SAMPLE_DRAW)
MAX_SIZE = 2**53 - 1


class NewStatement(Schema):
    """A statement to be issued; without a period, the twelve months up to today."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    framework: Annotated[str, Field(max_length=32)]
    since: Annotated[str, Field(alias="from", max_length=10)] = ""
    until: Annotated[str, Field(alias="to", max_length=10, description="the day after the last one")] = ""
    size: Annotated[int | None, Field(ge=1, le=MAX_SIZE, description="of a checkpoint; the newest by default")] = None


class DefinitionOut(Schema):
    """A framework that there is a statement for."""

    framework: str
    title: str
    version: str
    sha256: str
    requirements: int
    queries: int


class IssuedOut(Schema):
    """An issued statement; `entry` is the place of its record, which holds `sha256`."""

    id: str
    framework: str
    since: Annotated[str, Field(alias="from")]
    until: Annotated[str, Field(alias="to")]
    size: int
    sha256: str
    created_by: str
    created_at: str
    entry: int


class StatementList(Schema):
    """What there is, and what was issued, newest first."""

    statements: list[DefinitionOut]
    issued: list[IssuedOut]


@router.get("/api/statements", summary="Statements", operation_id="statements", response=StatementList)
def index(request: HttpRequest) -> HttpResponse:
    """The frameworks that there is a statement for, and the newest 100 that were issued."""
    standing = standing_in(request)
    with tenant_scope(standing.tenant_id):
        rows = services.issued(standing)
    return json_response(
        {
            "statements": [
                {
                    "framework": one.id,
                    "title": one.title,
                    "version": one.version,
                    "sha256": one.digest,
                    "requirements": len(one.requirements),
                    "queries": len(one.queries),
                }
                for one in definitions().values()
            ],
            "issued": [issued_json(row) for row in rows],
        }
    )


@router.post(
    "/api/statements",
    auth=_ISSUE,
    summary="Issue a statement",
    operation_id="issue_statement",
    response={201: IssuedOut},
)
def issue(request: HttpRequest, order: NewStatement) -> HttpResponse:
    """Makes it from live queries, and records it with its hash."""
    standing = standing_in(request)
    try:
        period = _period(order.since, order.until)
        with tenant_scope(standing.tenant_id):
            row = services.issue(standing, order.framework, period, size=order.size)
    except (Malformed, Refused) as error:
        raise _refused(error) from None
    return json_response(issued_json(row), status=201)


@router.get("/api/statements/issued/{statement_id}", summary="An issued statement", operation_id="issued_statement")
def one(request: HttpRequest, statement_id: str) -> HttpResponse:
    """Its text, byte for byte as it was hashed."""
    row = _issued(request, statement_id)
    return HttpResponse(row.text, content_type="application/json", headers={"X-Statement-SHA256": row.digest})


@router.get("/api/statements/issued/{statement_id}/again", summary="Ask it again", operation_id="statement_again")
def again(request: HttpRequest, statement_id: str) -> HttpResponse:
    """Runs its queries again under its checkpoint, and says whether the numbers are the same."""
    row = _issued(request, statement_id)
    try:
        found = services.ask_again(standing_in(request), row)
    except (Malformed, Refused) as error:
        raise _refused(error) from None
    return json_response({"id": row.id, "holds": found.holds, "differences": list(found.differences)})


@router.get("/api/statements/{framework}", summary="A statement from live queries", operation_id="statement")
def live(
    request: HttpRequest,
    framework: str,
    since: Annotated[str | None, Query(alias="from", max_length=10, description="the first day, UTC")] = None,
    until: Annotated[str | None, Query(alias="to", max_length=10, description="the day after the last one")] = None,
    size: Annotated[int | None, Query(ge=1, le=MAX_SIZE, description="of a checkpoint; the newest by default")] = None,
    format: Annotated[Literal["json", "markdown"], Query()] = "json",
) -> HttpResponse:
    """What the ledger evidences of a framework in a period, and what it does not; nothing is recorded."""
    check_query(request, frozenset({"from", "to", "size", "format"}))
    if framework not in definitions():
        raise refuse("not-found", f"there is a statement for {', '.join(definitions())}")
    try:
        made = services.statement_of(standing_in(request), framework, _period(since or "", until or ""), size=size)
    except (Malformed, Refused) as error:
        raise _refused(error) from None
    if format == "markdown":
        return HttpResponse(markdown(made), content_type="text/markdown; charset=utf-8")
    return HttpResponse(made.text, content_type="application/json", headers={"X-Statement-SHA256": made.digest})


def issued_json(row: Issued) -> dict[str, Any]:
    """An issued statement, without its text."""
    return {
        "id": row.id,
        "framework": row.framework,
        "from": str(row.since),
        "to": str(row.until),
        "size": row.size,
        "sha256": row.digest,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
    }


def _issued(request: HttpRequest, statement_id: str) -> Issued:
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            return services.issued_for(standing, statement_id)
    except services.NoSuch as error:
        raise refuse("not-found", error.reason) from None


def _period(since: str, until: str) -> Period:
    return read_period(since, until, now=datetime.now(UTC))


def _refused(error: Malformed | Refused) -> Exception:
    if isinstance(error, NotSealed):
        return error
    return refuse("invalid-request", error.reason, field=error.where)
