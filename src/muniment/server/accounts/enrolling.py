"""Adding and removing second factors; each change and its entry are one transaction."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final

import qrcode
from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from qrcode.image.svg import SvgPathImage

from muniment.core.errors import Malformed, Refused, VerificationFailed
from muniment.server.accounts import codes, factors, mail, passkeys, sessions, signing_in
from muniment.server.accounts.events import record_account, recorded_change
from muniment.server.accounts.models import User
from muniment.server.recording import installation_tenant
from muniment.server.tenants.secrets import open_sealed, seal

_PENDING: Final = "muniment_totp"


class _NotMadeError(Exception):
    """The browser's answer makes no passkey."""


def pending_secret(request: HttpRequest, user: User) -> str:
    """The secret of an authenticator app that is being added: one for a session, sealed where the session is kept."""
    kept = request.session.get(_PENDING)
    if isinstance(kept, str):
        try:
            opened = open_sealed(installation_tenant(), _purpose(user), base64.b64decode(kept))
            return opened.decode("ascii")
        except (VerificationFailed, Malformed):
            # Of another person or key: a new one is made.
            request.session.pop(_PENDING)
    secret = codes.new_secret()
    sealed = seal(installation_tenant(), _purpose(user), secret.encode("ascii"))
    request.session[_PENDING] = base64.b64encode(sealed).decode("ascii")
    return secret


def qr_code(secret: str, user: User, host: str) -> str:
    """A QR code for an authenticator app, as a `data:` address of an SVG image."""
    image = qrcode.make(
        codes.provisioning_uri(secret, account=user.email, issuer=f"Muniment {host}"), image_factory=SvgPathImage
    )
    written = BytesIO()
    image.save(written)
    return "data:image/svg+xml;base64," + base64.b64encode(written.getvalue()).decode("ascii")


def add_authenticator(request: HttpRequest, user: User, code: str) -> list[str] | None:
    """Add the authenticator app whose secret waits in the session.

    Returns:
        New recovery codes if the person had none, [] if they have some; None if the code is wrong.

    Raises:
        Refused: if there is one already.
    """
    secret = pending_secret(request, user)
    # Judged before the transaction, so that a wrong code leaves no entry of a change.
    if codes.matching_step(secret, code, now=time.time(), after=-1) is None:
        return None
    with recorded_change(request, "mfa.change", user) as labels:
        made = factors.add_totp(user, secret, code)
        if made is None:
            raise Refused("the code's half minute went by: type the next one", "code")
        fresh = _first_recovery_codes(user)
        labels.update(factor=made.type, change="added", recovery_codes=len(fresh) or "")
    request.session.pop(_PENDING, None)
    _given(request, user, made)
    return fresh


def add_passkey(request: HttpRequest, user: User, response: Mapping[str, Any], name: str) -> list[str] | None:
    """Add the passkey that the browser made.

    Returns:
        As `add_authenticator`.

    Raises:
        Refused: if there are too many, or somebody has it already.
    """
    try:
        with recorded_change(request, "mfa.change", user) as labels:
            made = passkeys.finish_registration(request, user, response, name)
            if made is None:
                raise _NotMadeError
            fresh = _first_recovery_codes(user)
            labels.update(factor=made.type, change="added", recovery_codes=len(fresh) or "")
    except _NotMadeError:
        record_account(
            request, "mfa.change", user, outcome="failure", labels={"factor": factors.PASSKEY, "change": "added"}
        )
        return None
    _given(request, user, made)
    return fresh


def remove(request: HttpRequest, user: User, number: int) -> None:
    """Remove a second factor.

    Raises:
        Refused: if it is not there, or the last one.
    """
    with recorded_change(request, "mfa.change", user) as labels:
        gone = factors.remove_factor(user, number)
        labels.update(factor=gone.type, change="removed")
    sessions.rotate(request)
    mail.notify(user, "factor-removed", "A second factor was removed from your Muniment account.")


def rename_passkey(request: HttpRequest, user: User, number: int, name: str) -> None:
    """Give a passkey another name.

    Raises:
        Refused: if it is not there.
    """
    with recorded_change(request, "mfa.change", user) as labels:
        passkeys.rename(user, number, name)
        labels.update(factor="webauthn", change="renamed")


def renew_recovery_codes(request: HttpRequest, user: User) -> list[str]:
    """New recovery codes in place of the present ones."""
    with recorded_change(request, "mfa.change", user) as labels:
        made = factors.new_recovery_codes(user)
        labels.update(factor="recovery_codes", change="renewed", recovery_codes=len(made))
    return made


def _first_recovery_codes(user: User) -> list[str]:
    return factors.new_recovery_codes(user) if factors.recovery_codes_left(user) is None else []


def _given(request: HttpRequest, user: User, made: Authenticator) -> None:
    """Whoever added it has just shown that they have it; the session may do more now, and gets another key."""
    if sessions.rotate(request):
        signing_in.note_factor(request, user, made)
    mail.notify(user, "factor-added", "A second factor was added to your Muniment account.")


def _purpose(user: User) -> str:
    return f"django_session.session_data/totp/{user.pk}"
