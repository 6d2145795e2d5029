"""The components of a signature: what somebody has to give again, so that nobody signs at a desk that was left open.

Every signature takes a second factor that is fresh (an authenticator app's code, or a passkey; recovery codes do not
sign), and one component that was given for this very signature: the password, or a passkey used since the last one.
A passkey asks for its own PIN or a fingerprint each time, and so is two components by itself.

Source: 21 CFR 11.200(a)(1).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from allauth.account.authentication import get_authentication_records

from muniment.server.accounts import factors
from muniment.server.accounts.profile import PASSWORD_ACCOUNT
from muniment.server.accounts.signing_in import LOGIN_ADDRESS, by_address
from muniment.server.accounts.throttle import Name, begin

if TYPE_CHECKING:
    from django.http import HttpRequest

    from muniment.server.accounts.models import User

_SIGNED_AT: Final = "muniment_signed_at"


@dataclass(frozen=True, slots=True)
class Components:
    """What was given for a signature.

    Attributes:
        factor: `totp` or `webauthn`; "" where none is fresh.
        password: the password was given with it.
        fault: what is missing, and `field` where to give it; both "" if nothing is.
        field: see `fault`.
    """

    factor: str
    password: bool
    fault: str = ""
    field: str = ""

    @property
    def words(self) -> str:
        """As a label holds it: `webauthn`, or `totp+password`."""
        return f"{self.factor}+password" if self.password else self.factor


def given_components(request: HttpRequest, user: User, password: str, *, fresh_seconds: int) -> Components:
    """Judge what somebody gave for a signature. A wrong password counts against the account as everywhere.

    Call it where what it counts is kept: not in a transaction that a refusal rolls back.

    Args:
        request: of the session that is to sign.
        user: who is signed in.
        password: as typed, "" for none.
        fresh_seconds: how old the second factor may be.
    """
    factor, at = _newest_factor(request)
    if not factor or not 0.0 <= time.time() - at <= fresh_seconds:
        return Components("", False, "give your second factor again; a recovery code does not sign", "factor")
    if password:
        attempt = begin(by_address(LOGIN_ADDRESS, request), Name(PASSWORD_ACCOUNT, user.pk))
        if not attempt.taken:
            return Components(factor, False, f"too many failures: try again in {attempt.wait} seconds", "password")
        if not user.check_password(password):
            return Components(factor, False, "that is not your password", "password")
        attempt.succeeded()
        return Components(factor, True)
    if passkey_suffices(request):
        return Components(factor, False)
    if factor == factors.PASSKEY and not user.has_usable_password():
        return Components(factor, False, "use your passkey again: each signature takes it once", "factor")
    if not user.has_usable_password():
        return Components(factor, False, "you have no password, so sign with a passkey", "factor")
    return Components(factor, False, "give your password: each signature asks for it", "password")


def passkey_suffices(request: HttpRequest) -> bool:
    """Whether the newest second factor is a passkey that was not used for a signature yet."""
    factor, at = _newest_factor(request)
    return factor == factors.PASSKEY and at > float(request.session.get(_SIGNED_AT, 0))


def note_signing(request: HttpRequest) -> None:
    """Remember that this session signed just now: a passkey that was used before does not sign again."""
    request.session[_SIGNED_AT] = time.time()


def _newest_factor(request: HttpRequest) -> tuple[str, float]:
    kinds = {str(factors.TOTP), str(factors.PASSKEY)}
    rows = [
        (str(row.get("type", "")), float(row["at"]))
        for row in get_authentication_records(request, request.user)
        if row.get("method") == "mfa"
    ]
    newest = max(rows, key=lambda row: row[1], default=("", 0.0))
    return newest if newest[0] in kinds else ("", 0.0)
