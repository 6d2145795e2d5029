"""Signing in: the password, then the second factor. Each failure counts, and is recorded before it is answered."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, cast

from allauth.account.internal.flows.login import perform_login, perform_password_login, record_authentication
from allauth.account.models import Login
from allauth.mfa.models import Authenticator
from django.contrib.auth import authenticate
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from muniment.core.errors import VerificationFailed
from muniment.server.accounts import factors, mail, passkeys
from muniment.server.accounts.addresses import client_address, network_of
from muniment.server.accounts.events import record_account
from muniment.server.accounts.models import User
from muniment.server.accounts.stages import PROVEN, SecondFactorStage
from muniment.server.accounts.throttle import Attempt, Limit, Name, begin
from muniment.server.ratelimit import RateLimit

LOGIN_ACCOUNT: Final = Limit("login.account", free=5, first=10, cap=900)
LOGIN_DEVICE: Final = Limit("login.device", free=5, first=10, cap=900)
LOGIN_ADDRESS: Final = Limit("login.address", free=20, first=10, cap=900)
FACTOR_ACCOUNT: Final = Limit("factor.account", free=5, first=30, cap=900)
FACTOR_ADDRESS: Final = Limit("factor.address", free=20, first=10, cap=900)

DEVICE_COOKIE: Final = "muniment_device"
_DEVICE_SALT: Final = "muniment.accounts.device"
_DEVICE_DAYS: Final = 180
# Failures under addresses that nobody has: anyone can make them, so what is beyond this is not written out one by one.
_unknown: Final = RateLimit(per_second=1 / 5, burst=100)
_ONE_NAME: Final = "unknown"


def by_address(limit: Limit, request: HttpRequest) -> Name:
    """The name under which failures from the request's network are counted."""
    return Name(limit, network_of(client_address(request)))


def with_password(request: HttpRequest, email: str, password: str, *, next_path: str) -> HttpResponseBase | Attempt:
    """Try an address and a password.

    Returns:
        The way on, or the attempt that failed or was not taken. Which of address and password was wrong, and whether
        anyone has the address, is not to be told from it.
    """
    email = email.strip().lower()
    attempt = begin(by_address(LOGIN_ADDRESS, request), _account_name(request, email))
    if not attempt.taken:
        return attempt
    user = authenticate(request, email=email, password=password)
    if user is None:
        _record_failure(request, email, attempt)
        return attempt
    attempt.succeeded()
    # What was known before the password must not be good for anything after it.
    request.session.cycle_key()
    login = Login(user=user, redirect_url=next_path, email=user.email, state={PROVEN: user.get_session_auth_hash()})
    return cast("HttpResponse", perform_password_login(request, {}, login))


def with_code(request: HttpRequest, user: User, code: str) -> Authenticator | Attempt:
    """Try a code of the authenticator app, or a recovery code.

    Returns:
        What took it, or the attempt that failed or was not taken.
    """
    attempt = begin(by_address(FACTOR_ADDRESS, request), Name(FACTOR_ACCOUNT, user.pk))
    if not attempt.taken:
        return attempt
    taken, reason = None, ""
    try:
        taken = factors.take_totp(user, code) or factors.take_recovery_code(user, code)
    except VerificationFailed:
        # Somebody changed the row, or put another person's there.
        reason = "secret-does-not-open"
    if taken is None:
        record_account(
            request,
            "mfa.verify",
            user,
            outcome="failure",
            labels={"factor": "code", "reason": reason, "locked_seconds": attempt.locks or ""},
        )
        return attempt
    attempt.succeeded()
    left = factors.recovery_codes_left(user) if taken.type == factors.RECOVERY else ""
    record_account(request, "mfa.verify", user, labels={"factor": taken.type, "recovery_codes_left": left})
    note_factor(request, user, taken)
    if taken.type == factors.RECOVERY:
        mail.notify(user, "recovery-code-used", "A recovery code was used to open your Muniment account.")
    return taken


def with_passkey(request: HttpRequest, user: User, response: Mapping[str, Any]) -> Authenticator | Attempt:
    """Try a passkey as a person's second factor.

    Returns:
        As `with_code`.
    """
    attempt = begin(by_address(FACTOR_ADDRESS, request), Name(FACTOR_ACCOUNT, user.pk))
    if not attempt.taken:
        return attempt
    taken = passkeys.finish_authentication(request, user, response)
    if taken is None:
        record_account(
            request,
            "mfa.verify",
            user,
            outcome="failure",
            labels={"factor": factors.PASSKEY, "locked_seconds": attempt.locks or ""},
        )
        return attempt
    attempt.succeeded()
    record_account(request, "mfa.verify", user, labels={"factor": taken.type})
    note_factor(request, user, taken)
    return taken


def with_passkey_alone(
    request: HttpRequest, response: Mapping[str, Any], *, next_path: str
) -> HttpResponseBase | Attempt:
    """Sign in with a passkey that verified its user: both factors in one.

    Returns:
        The way on, or the attempt that failed or was not taken.
    """
    attempt = begin(by_address(LOGIN_ADDRESS, request))
    if not attempt.taken:
        return attempt
    taken = passkeys.finish_authentication(request, None, response)
    if taken is None:
        if _unknown.take(_ONE_NAME, time.monotonic()) == 0:
            record_account(request, "user.login", None, outcome="failure", labels={"method": "passkey"})
        return attempt
    attempt.succeeded()
    user = cast("User", taken.user)
    record_account(request, "mfa.verify", user, labels={"factor": taken.type})
    request.session.cycle_key()
    note_factor(request, user, taken, passwordless=True)
    return cast("HttpResponse", perform_login(request, Login(user=user, redirect_url=next_path, email=user.email)))


def note_factor(request: HttpRequest, user: User, taken: Authenticator, *, passwordless: bool = False) -> None:
    """Remember in the session that a second factor was given just now."""
    extra = {"passwordless": True} if passwordless else {}
    record_authentication(request, user, "mfa", id=taken.pk, type=str(taken.type), reauthenticated=True, **extra)


def go_on(stage: SecondFactorStage) -> HttpResponseBase:
    """Finish the sign-in that waited for a second factor."""
    return cast("HttpResponse", stage.exit())


def remember_device(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    """Mark the browser as one that this account signed in with; it opens nothing, it only counts apart."""
    response.set_cookie(
        DEVICE_COOKIE,
        signing.dumps({"user": user.pk, "at": int(time.time())}, salt=_DEVICE_SALT),
        max_age=_DEVICE_DAYS * 86400,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )


def _account_name(request: HttpRequest, email: str) -> Name:
    try:
        known = signing.loads(request.COOKIES.get(DEVICE_COOKIE, ""), salt=_DEVICE_SALT, max_age=_DEVICE_DAYS * 86400)
    except signing.BadSignature:
        known = {}
    if known and User.objects.filter(pk=known.get("user"), email=email).exists():
        return Name(LOGIN_DEVICE, f"{known['user']}/{known['at']}")
    return Name(LOGIN_ACCOUNT, email)


def _record_failure(request: HttpRequest, email: str, attempt: Attempt) -> None:
    user = User.objects.filter(email=email).first()
    if user is None and _unknown.take(_ONE_NAME, time.monotonic()) > 0:
        return
    record_account(
        request,
        "user.login",
        user,
        outcome="failure",
        labels={"method": "password", "locked_seconds": attempt.locks or ""},
    )
