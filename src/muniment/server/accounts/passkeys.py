"""Passkeys: WebAuthn credentials that stay in the authenticator and verify their user, as second factor or alone.

Every ceremony has a challenge of its own that is kept in the session, is taken once, and is good for five minutes.
The origin must be exactly this server's; the relying party is its host name without the port.

Source: W3C Web Authentication Level 3, §7.1 (registration) and §7.2 (authentication).
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from muniment.core.errors import Refused
from muniment.server.accounts.factors import PASSKEY
from muniment.server.accounts.models import User

Ceremony = Literal["register", "authenticate", "login"]
_STATE: Final = "muniment_passkey"
_SECONDS: Final = 300
MOST: Final = 20


def begin_registration(request: HttpRequest, user: User) -> dict[str, Any]:
    """What the browser is to make a passkey of; those that the person has are left out."""
    options, state = _server(request).register_begin(
        PublicKeyCredentialUserEntity(id=user.pk.encode(), name=user.email, display_name=user.name or user.email),
        [_credential(row) for row in _rows(user)],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    _keep(request, "register", user, state)
    return _json(options)


def finish_registration(
    request: HttpRequest, user: User, response: Mapping[str, Any], name: str
) -> Authenticator | None:
    """Keep the passkey that the browser made; None if it is not what was asked for.

    Raises:
        Refused: if there are too many, or somebody has it already.
    """
    state = _take(request, "register", user)
    if state is None:
        return None
    try:
        made = _server(request).register_complete(state, response)
    except _NOT_VALID:
        return None
    data = made.credential_data
    if data is None:
        return None
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if len(_rows(user)) >= MOST:
            raise Refused(f"an account has at most {MOST} passkeys", "passkey")
        if Authenticator.objects.filter(type=PASSKEY, data__id=_text(data.credential_id)).exists():
            raise Refused("this passkey is in use already", "passkey")
        row = Authenticator(
            user=user,
            type=PASSKEY,
            data={
                "name": name or "Passkey",
                "id": _text(data.credential_id),
                "credential": _text(bytes(data)),
                "rp": _host(request),
                "count": made.counter,
            },
        )
        row.save()
    return cast("Authenticator", row)


def begin_authentication(request: HttpRequest, user: User | None) -> dict[str, Any]:
    """What the browser is to sign: with one of the person's passkeys, or (None) with any that it has for us."""
    rows = [] if user is None else _rows(user)
    options, state = _server(request).authenticate_begin(
        [_credential(row) for row in rows], user_verification=UserVerificationRequirement.REQUIRED
    )
    _keep(request, "authenticate" if user is not None else "login", user, state)
    return _json(options)


def finish_authentication(request: HttpRequest, user: User | None, response: Mapping[str, Any]) -> Authenticator | None:
    """The passkey that signed, or None.

    A counter that did not grow means that the passkey was copied: it is refused.
    """
    state = _take(request, "authenticate" if user is not None else "login", user)
    if state is None:
        return None
    try:
        read = AuthenticationResponse.from_dict(response)
    except _NOT_VALID:
        return None
    with transaction.atomic():
        row = (
            Authenticator.objects.select_for_update(of=("self",))
            .select_related("user")
            .filter(type=PASSKEY, data__id=_text(read.raw_id))
            .first()
        )
        if row is None or not row.user.is_active or (user is not None and row.user_id != user.pk):
            return None
        handle = read.response.user_handle
        if (user is None or handle is not None) and handle != row.user_id.encode():
            return None
        try:
            _server(request).authenticate_complete(state, [_credential(row)], response)
        except _NOT_VALID:
            return None
        count = read.response.authenticator_data.counter
        known = int(row.data["count"])
        if (count or known) and count <= known:
            return None
        row.data["count"] = count
        row.last_used_at = timezone.now()
        row.save(update_fields=["data", "last_used_at"])
    return cast("Authenticator", row)


def rename(user: User, number: int, name: str) -> None:
    """Give a passkey another name.

    Raises:
        Refused: if it is not there.
    """
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(user_id=user.pk, type=PASSKEY, pk=number).first()
        if row is None:
            raise Refused("there is no such passkey", "passkey")
        row.data["name"] = name
        row.save(update_fields=["data"])


def has_passkey(user: User) -> bool:
    """Whether a person has a passkey."""
    return bool(_rows(user))


# What the library raises for responses that are no responses; they come from the browser as any JSON.
_NOT_VALID: Final = (ValueError, TypeError, KeyError, AttributeError, IndexError, NotImplementedError)


def _rows(user: User) -> list[Authenticator]:
    return list(Authenticator.objects.filter(user_id=user.pk, type=PASSKEY).order_by("pk"))


def _credential(row: Authenticator) -> AttestedCredentialData:
    return AttestedCredentialData(_bytes(row.data["credential"]))


def _host(request: HttpRequest) -> str:
    return request.get_host().rpartition(":")[0] or request.get_host()


def _server(request: HttpRequest) -> Fido2Server:
    own = f"{request.scheme}://{request.get_host()}"
    rp = PublicKeyCredentialRpEntity(id=_host(request), name="Muniment")
    return Fido2Server(rp, verify_origin=lambda origin: bool(origin == own))


def _keep(request: HttpRequest, ceremony: Ceremony, user: User | None, state: Mapping[str, Any]) -> None:
    request.session[_STATE] = {
        "for": ceremony,
        "user": user.pk if user else "",
        "at": int(time.time()),
        "challenge": state["challenge"],
        "user_verification": UserVerificationRequirement.REQUIRED.value,
    }


def _take(request: HttpRequest, ceremony: Ceremony, user: User | None) -> dict[str, Any] | None:
    state = request.session.pop(_STATE, None)
    if not isinstance(state, dict) or (state.get("for"), state.get("user")) != (ceremony, user.pk if user else ""):
        return None
    return state if 0 <= time.time() - state["at"] <= _SECONDS else None


def _json(options: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", dict(options)["publicKey"])


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise Refused("a stored passkey is damaged", "passkey") from error
