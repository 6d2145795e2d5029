"""Signatures, for programs that read them, and for a person's session that makes them."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema
from pydantic import ConfigDict

from muniment.core.errors import Malformed, Refused
from muniment.server.access.operations import Needs, standing_in
from muniment.server.access.refusals import address_of, record_refusal
from muniment.server.accounts.models import User
from muniment.server.api.answers import json_response
from muniment.server.capabilities import Capability
from muniment.server.causality.api import check_query
from muniment.server.moments import moment
from muniment.server.problems import refuse
from muniment.server.signing import services
from muniment.server.signing.components import given_components, note_signing
from muniment.server.signing.workflow import MAX_COMMENT, MEANINGS, Signature
from muniment.server.tenants.middleware import tenant_of
from muniment.server.tenants.scope import tenant_scope

router = Router(auth=Needs(Capability.LEDGER_READ), tags=["evidence"])
_SIGN = Needs(Capability.ENTRY_SIGN)
_MANAGE = Needs(Capability.TENANT_MANAGE)


class NewSignature(Schema):
    """A signature to be made by the person whose session asks."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seq: Annotated[int, Field(ge=0, le=2**53 - 1, description="the entry to be signed")]
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="of the entry as it was looked at")]
    meaning: Annotated[str, Field(max_length=32, description="a code of `GET /api/signatures/meanings`")]
    comment: Annotated[str, Field(max_length=MAX_COMMENT)] = ""
    password: Annotated[str, Field(max_length=1024, description="needless after a new use of a passkey")] = ""


class SignatureOut(Schema):
    """A signature. `entry` is its own place, `seq` and `hash` are the signed entry's; `fault`: why it does not hold."""

    entry: int
    seq: int
    hash: str
    person: str
    name: str
    meaning: str
    words: str
    comment: str
    signed_at: str
    holds: bool
    fault: str | None


class SignatureList(Schema):
    """Signatures; `below` leads on where there are more."""

    signatures: list[SignatureOut]
    below: int | None


class MeaningList(Schema):
    """What signatures can mean, by code; `own` are the tenant's."""

    meanings: dict[str, str]
    own: list[str]


class NewMeanings(Schema):
    """A tenant's own meanings by code, in place of those from before."""

    model_config = ConfigDict(extra="forbid", strict=True)

    meanings: dict[str, str]


@router.get("/api/signatures", summary="Signatures", operation_id="signatures", response=SignatureList)
def signatures(
    request: HttpRequest,
    seq: Annotated[int | None, Query(ge=0, le=2**53 - 1, description="of the signed entry")] = None,
    below: Annotated[int | None, Query(ge=0, le=2**53 - 1, description="of the page before")] = None,
) -> HttpResponse:
    """Of one entry, in the order in which they were made; or the newest 100. Each says whether it holds."""
    check_query(request, frozenset({"seq", "below"}))
    standing = standing_in(request)
    following: int | None = None
    if seq is not None:
        found = services.signatures_of(standing, [seq]).get(seq, [])
    else:
        found, following = services.newest_signatures(standing, below=below)
    return json_response({"signatures": [signature_json(one) for one in found], "below": following})


@router.post(
    "/api/signatures", auth=_SIGN, summary="Sign an entry", operation_id="sign_entry", response={201: SignatureOut}
)
def sign(request: HttpRequest, order: NewSignature) -> HttpResponse:
    """A person signs, by their session; an API key is refused, whatever its service account may do."""
    standing = standing_in(request)
    user, tenant = request.user, tenant_of(request)
    if not standing.subject.startswith("user:") or not isinstance(user, User) or tenant is None:
        record_refusal(
            standing.tenant_id,
            by=standing.subject,
            resource=("operation", address_of(request)),
            labels={"reason": "not-a-person", "method": "POST"},
        )
        raise refuse("wrong-scope", "only a person signs, by their own session; an API key has no name of its own")
    # In no transaction yet: what counts against the account stays counted.
    components = given_components(request, user, order.password, fresh_seconds=tenant.step_up_seconds)
    if components.fault:
        with tenant_scope(standing.tenant_id):
            services.record_refused_signing(standing, order.seq, order.meaning, f"{components.field}-not-given")
        raise refuse("step-up-needed", components.fault, field=components.field)
    try:
        with tenant_scope(standing.tenant_id):
            made = services.sign(
                standing,
                order.seq,
                shown=order.hash,
                meaning=order.meaning,
                comment=order.comment,
                components=components,
            )
    except services.NoSuchEntry as error:
        raise refuse("not-found", error.reason) from None
    except (Malformed, Refused) as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None
    note_signing(request)
    return json_response(signature_json(made), status=201)


@router.get(
    "/api/signatures/meanings", summary="What signatures can mean", operation_id="meanings", response=MeaningList
)
def meanings(request: HttpRequest) -> HttpResponse:
    """What is there for everybody, and the tenant's own."""
    with tenant_scope(standing_in(request).tenant_id):
        return json_response(_meanings())


@router.put(
    "/api/signatures/meanings",
    auth=_MANAGE,
    summary="Say what signatures can mean",
    operation_id="change_meanings",
    response=MeaningList,
)
def change_meanings(request: HttpRequest, order: NewMeanings) -> HttpResponse:
    """Recorded. Signatures keep the words that they were made with."""
    standing = standing_in(request)
    try:
        with tenant_scope(standing.tenant_id):
            services.change_meanings(standing, order.meanings)
            return json_response(_meanings())
    except Malformed as error:
        raise refuse("invalid-request", error.reason, field=error.where) from None


def signature_json(one: Signature) -> dict[str, Any]:
    """A signature as JSON."""
    return {
        "entry": one.seq,
        "seq": one.signed_seq,
        "hash": one.signed_hash,
        "person": one.person,
        "name": one.name,
        "meaning": one.meaning,
        "words": one.words,
        "comment": one.comment,
        "signed_at": moment(one.signed_at),
        "holds": one.holds,
        "fault": one.fault or None,
    }


def _meanings() -> dict[str, Any]:
    found = services.meanings()
    return {"meanings": found, "own": [code for code in found if code not in MEANINGS]}
