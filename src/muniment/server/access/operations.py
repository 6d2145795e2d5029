"""Who makes a request of the API: an API key, or the session of somebody who is signed in."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import HttpRequest
from django.middleware.csrf import CsrfViewMiddleware
from ninja.security.http import HttpAuthBase

from muniment.ledger.apikeys import authenticate
from muniment.server.access.pages import standing_of
from muniment.server.access.refusals import address_of, record_refusal
from muniment.server.access.standing import Standing, resolver
from muniment.server.access.stepup import is_fresh
from muniment.server.capabilities import STEP_UP, Capability
from muniment.server.credentials import read_credential, unauthenticated
from muniment.server.given_reason import note_request
from muniment.server.pools import reader
from muniment.server.problems import NOTHING_HERE, refuse
from muniment.server.recording import record_apart
from muniment.server.tenants.middleware import tenant_of
from muniment.server.tenants.scope import tenant_scope

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Whoever is known by nothing that they sent.
_VISITOR = "system:visitor"


class Needs(HttpAuthBase):
    """Authentication of an operation and the capability that it needs: `auth=Needs(Capability.LEDGER_READ)`.

    A session needs a CSRF token for whatever is not a read, and then a fresh second factor too where `STEP_UP` or the
    operation (`step_up`) asks for one;
    that it gave a second factor at all is asked of every request, by `accounts.middleware`. Keys are asked of the
    database at every request, so that revoking works at once. An Authorization header, even an empty one, leaves the
    session aside.
    """

    openapi_scheme = "bearer"

    def __init__(self, *capabilities: Capability, step_up: bool = False) -> None:
        super().__init__()
        self.capabilities = capabilities
        self.step_up = step_up or bool(set(capabilities) & STEP_UP)

    def __call__(self, request: HttpRequest) -> Standing:
        """The standing of a request that has one of the capabilities, and leaves it on the request.

        Raises:
            ProblemError: unauthenticated, missing-capability, step-up-needed, csrf, not-found or unavailable.
        """
        note_request(request)
        standing = _request_standing(request)
        if self.capabilities and not any(standing.may(capability) for capability in self.capabilities):
            record_refusal(
                standing.tenant_id,
                by=standing.subject,
                resource=("operation", address_of(request)),
                labels={"lacks": self.capabilities[0], "method": request.method or ""},
            )
            standing.require(self.capabilities[0])
        if standing.subject.startswith("user:") and request.method not in _SAFE and self.step_up:
            tenant = tenant_of(request)
            if tenant is None or not is_fresh(request, tenant.step_up_seconds):
                raise refuse("step-up-needed", "give a second factor at /account/step-up, then ask again")
        request.standing = standing  # type: ignore[attr-defined]
        _note_read(request, standing)
        return standing


class AsyncNeeds(HttpAuthBase):
    """`Needs` for asynchronous operations: the database is asked in a thread."""

    openapi_scheme = "bearer"

    def __init__(self, *capabilities: Capability) -> None:
        super().__init__()
        self._needs = Needs(*capabilities)
        self.capabilities = capabilities

    async def __call__(self, request: HttpRequest) -> Standing:
        """See `Needs`."""
        return await sync_to_async(self._ask)(request)

    def _ask(self, request: HttpRequest) -> Standing:
        try:
            return self._needs(request)
        finally:
            # The operation may wait or stream for long; a connection of the pool is not kept for it.
            connection.close()


def standing_in(request: HttpRequest) -> Standing:
    """The standing that `Needs` found for an operation.

    Raises:
        TypeError: if the operation has no authentication.
    """
    standing = getattr(request, "auth", None)
    if not isinstance(standing, Standing):
        raise TypeError("the operation has no authentication")
    return standing


def request_standing(request: HttpRequest) -> Standing:
    """The standing of whoever makes a request: by the Authorization header if there is one, else by the session.

    Raises:
        ProblemError: unauthenticated, csrf, not-found or unavailable.
    """
    standing = _request_standing(request)
    _note_read(request, standing)
    return standing


def _request_standing(request: HttpRequest) -> Standing:
    authorization = request.headers.get("Authorization")
    if authorization is None and request.user.is_authenticated:
        return _of_session(request)
    credential = read_credential(authorization)
    with reader() as reading:
        found = authenticate(reading, credential.key_id, credential.secret_hash)
    if found is None:
        # One allowance for all of them: anybody can make up keys.
        record_refusal(
            None,
            by=_VISITOR,
            resource=("key", credential.key_id),
            labels={"reason": "unknown-or-revoked-key", "method": request.method or ""},
        )
        raise unauthenticated("the API key is unknown or revoked")
    tenant = tenant_of(request)
    if tenant is not None and tenant.tenant_id != found.tenant_id:
        # The key is good and belongs elsewhere: nothing is said about the tenant that was named.
        _record_stranger(f"key:{credential.key_id}", tenant.slug)
        raise refuse("not-found", NOTHING_HERE)
    with tenant_scope(found.tenant_id):
        standing = resolver().of_key(credential.key_id, found.tenant_id, found.scope, found.log_id, found.origin)
        if standing is not None:
            resolver().note_key_use(standing)
    if standing is None:
        raise unauthenticated("the API key's service account is closed")
    return standing


def _note_read(request: HttpRequest, standing: Standing) -> None:
    """Record, before anything is answered, what is asked by somebody whose reading is recorded."""
    if standing.recorded_reads:
        record_apart(
            standing.tenant_id,
            "record.read",
            by=standing.subject,
            resource=("operation", address_of(request)),
            labels={"method": request.method or ""},
            body={"query": request.META.get("QUERY_STRING", "")[:4096]},
        )


def _of_session(request: HttpRequest) -> Standing:
    _check_csrf(request)
    tenant = tenant_of(request)
    if tenant is None:
        raise refuse("invalid-request", "say which tenant: ask under /t/<slug>/api/… or with the header X-Tenant")
    standing = standing_of(request, tenant)
    if standing is None:
        _record_stranger(f"user:{request.user.pk}", tenant.slug)
        raise refuse("not-found", NOTHING_HERE)
    return standing


def _record_stranger(subject: str, slug: str) -> None:
    record_refusal(None, by=subject, resource=("tenant", slug), labels={"reason": "not-a-member"})


def _check_csrf(request: HttpRequest) -> None:
    def nothing(_request: HttpRequest) -> Any:
        raise AssertionError("never called")

    check = CsrfViewMiddleware(nothing)
    check.process_request(request)
    if check.process_view(request, nothing, (), {}) is not None:
        record_refusal(
            None,
            by=f"user:{request.user.pk}",
            resource=("operation", address_of(request)),
            labels={"reason": "csrf", "method": request.method or ""},
        )
        raise refuse("csrf", "send the value of the cookie csrftoken as header X-CSRFToken")
