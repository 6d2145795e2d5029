"""Sources, API keys and service accounts, for programs. A token stands in the answer that makes its key alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from muniment.ledger.source_activity import NumberGap, SourceActivity, numbering, source_of_log, sources_of_log
from muniment.server.access.operations import Needs, standing_in
from muniment.server.capabilities import Capability
from muniment.server.members import services
from muniment.server.members.workflow import NoSuch
from muniment.server.moments import moment
from muniment.server.problems import refuse
from muniment.server.sources.listing import KeyRow, ServiceRow, key_rows, service_rows
from muniment.server.sources.shapes import KeyList, KeyMade, OneSource, ServiceList, ServiceMade, SourceList
from muniment.server.tenants.scope import tenant_scope

router = Router(tags=["sources"])


class NewKey(Schema):
    """A key to be made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    label: Annotated[str, Field(min_length=1, max_length=64)]
    scope: Literal["append", "read"]
    service: Annotated[str | None, Field(max_length=30, description="id of a service account")] = None


class NewService(Schema):
    """A service account to be made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=64)]
    roles: Annotated[list[str], Field(max_length=50, description="ids of roles", default_factory=list)]


@router.get(
    "/api/sources",
    auth=Needs(Capability.SOURCE_READ),
    summary="Sources, heard last first",
    operation_id="sources",
    response=SourceList,
)
def sources(
    request: HttpRequest,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    silent: Annotated[bool, Query(description="only those that are silent")] = False,
) -> dict[str, object]:
    """Each source with its key, its newest entry and its usual pause; the server's own source included."""
    standing = standing_in(request)
    now = datetime.now(UTC)
    with standing.transaction() as connection:
        found = sources_of_log(connection, standing.log_id, limit=limit)
    return {"sources": [_source(source, now) for source in found if source.silent(now) or not silent]}


@router.get(
    "/api/sources/{source_id}",
    auth=Needs(Capability.SOURCE_READ),
    summary="One source",
    operation_id="source",
    response=OneSource,
)
def source(request: HttpRequest, source_id: str) -> dict[str, object]:
    """A source, and the numbers that are missing among its newest entries."""
    standing = standing_in(request)
    with standing.transaction() as connection:
        found = source_of_log(connection, standing.log_id, source_id) if "\0" not in source_id else None
        if found is None:
            raise refuse("not-found", "there is nothing here that this request may see")
        numbers = numbering(connection, standing.log_id, found)
    return _source(found, datetime.now(UTC)) | {
        "numbering": {
            "read": numbers.read,
            "numbered": numbers.numbered,
            "since": numbers.since,
            "gaps": [_gap(gap) for gap in numbers.gaps],
        }
    }


@router.get("/api/keys", auth=Needs(Capability.SOURCE_READ), summary="API keys", operation_id="keys", response=KeyList)
def keys(request: HttpRequest) -> dict[str, object]:
    """Every key of the log, open ones first, without their secrets."""
    standing = standing_in(request)
    with tenant_scope(standing.tenant_id), standing.transaction() as connection:
        rows = key_rows(connection, standing)
    return {"keys": [_key(row) for row in rows]}


@router.post(
    "/api/keys",
    auth=Needs(Capability.KEY_MANAGE),
    summary="Make an API key",
    operation_id="create_key",
    response={201: KeyMade},
)
def create_key(request: HttpRequest, key: NewKey) -> Status[dict[str, object]]:
    """Makes a key. `token` is given this once; the server keeps a hash of it."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        made = services.create_key(standing, label=key.label, scope=key.scope, service_id=key.service)
    return Status(201, {"key_id": made.key_id, "token": made.token, "scope": key.scope, "seq": made.seq})


@router.delete(
    "/api/keys/{key_id}",
    auth=Needs(Capability.KEY_MANAGE),
    summary="Revoke an API key",
    operation_id="revoke_key",
    response={204: None},
)
def revoke_key(request: HttpRequest, key_id: str) -> Status[None]:
    """Requests that carry the key are refused from now on; once more changes nothing."""
    standing = standing_in(request)
    if "\0" in key_id:
        raise refuse("not-found", "there is no such key")
    with _problems(), tenant_scope(standing.tenant_id):
        services.revoke_key(standing, key_id)
    return Status(204, None)


@router.get(
    "/api/service-accounts",
    auth=Needs(Capability.SOURCE_READ),
    summary="Service accounts",
    operation_id="service_accounts",
    response=ServiceList,
)
def service_accounts(request: HttpRequest) -> dict[str, object]:
    """The open service accounts, by name."""
    standing = standing_in(request)
    with tenant_scope(standing.tenant_id), standing.transaction() as connection:
        rows = service_rows(key_rows(connection, standing))
    return {"service_accounts": [_service(row) for row in rows]}


@router.post(
    "/api/service-accounts",
    auth=Needs(Capability.KEY_MANAGE),
    summary="Make a service account",
    operation_id="create_service_account",
    response={201: ServiceMade},
)
def create_service(request: HttpRequest, account: NewService) -> Status[dict[str, object]]:
    """Makes a service account whose read keys may do what its roles allow."""
    standing = standing_in(request)
    with _problems(), tenant_scope(standing.tenant_id):
        made = services.create_service(standing, name=account.name, roles=account.roles)
    return Status(201, {"id": made.id, "name": made.name, "roles": made.roles, "created_at": moment(made.created_at)})


@router.delete(
    "/api/service-accounts/{service_id}",
    auth=Needs(Capability.KEY_MANAGE),
    summary="Close a service account",
    operation_id="close_service_account",
    response={204: None},
)
def close_service(request: HttpRequest, service_id: str) -> Status[None]:
    """Closes it for good and revokes its keys."""
    standing = standing_in(request)
    if "\0" in service_id:
        raise refuse("not-found", "there is no such service account")
    with _problems(), tenant_scope(standing.tenant_id):
        services.close_service(standing, service_id)
    return Status(204, None)


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except NoSuch as error:
        raise refuse("not-found", error.reason) from None


def _source(source: SourceActivity, now: datetime) -> dict[str, object]:
    limit = source.silent_after
    return {
        "id": source.source_id,
        "key_id": source.key_id,
        "own": source.own,
        "bound_at": moment(source.bound_at),
        "last_at": moment(source.last_at),
        "last_seq": source.last_seq,
        "actor": source.actor,
        "numbered": source.numbered,
        "last_hour": source.last_hour,
        "usual_pause_seconds": source.usual,
        "silent_after_seconds": None if limit is None else limit.total_seconds(),
        "silent": source.silent(now),
    }


def _gap(gap: NumberGap) -> dict[str, object]:
    return {"epoch": gap.epoch, "first": gap.first, "last": gap.last, "before": gap.before, "named": gap.named}


def _key(row: KeyRow) -> dict[str, object]:
    return {
        "key_id": row.key.key_id,
        "label": row.key.label,
        "scope": row.key.scope,
        "service": row.service and row.service.id,
        "capabilities": list(row.capabilities),
        "created_at": moment(row.key.created_at),
        "revoked_at": moment(row.key.revoked_at),
        "open": not row.closed,
        "used_at": moment(row.used_at),
        "sources": row.sources,
    }


def _service(row: ServiceRow) -> dict[str, object]:
    return {
        "id": row.service.id,
        "name": row.service.name,
        "roles": row.service.roles,
        "role_names": list(row.roles),
        "open_keys": row.keys,
        "created_at": moment(row.service.created_at),
    }
