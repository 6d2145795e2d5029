"""A person's second factors: authenticator app, recovery codes, passkeys. Rows of allauth's table, secrets sealed here.

allauth would keep the app's secret and the seed of recovery codes in clear, and the codes that were used in memory:
none of its code touches these two. A sealed secret opens only in the row of the person that it was sealed for.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any, Final, cast

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils import timezone

from muniment.core.errors import Refused
from muniment.server.accounts import codes
from muniment.server.accounts.models import User
from muniment.server.recording import installation_tenant
from muniment.server.tenants.secrets import open_sealed, seal

TOTP: Final = Authenticator.Type.TOTP
RECOVERY: Final = Authenticator.Type.RECOVERY_CODES
PASSKEY: Final = Authenticator.Type.WEBAUTHN
# What counts as a second factor; recovery codes alone do not.
REAL: Final = (TOTP, PASSKEY)


def has_factor(user: User) -> bool:
    """Whether a person has an authenticator app or a passkey."""
    return cast("bool", Authenticator.objects.filter(user_id=user.pk, type__in=REAL).exists())


def factors_of(user: User) -> list[Authenticator]:
    """A person's authenticator app and passkeys, oldest first."""
    return list(Authenticator.objects.filter(user_id=user.pk, type__in=REAL).order_by("created_at", "pk"))


def add_totp(user: User, secret: str, code: str) -> Authenticator | None:
    """Give a person an authenticator app, if the code shows that the app has the secret; None if it does not.

    Args:
        user: who has none yet.
        secret: base32, as the app was given it.
        code: what the app shows now.

    Raises:
        Refused: if there is one already.
    """
    step = codes.matching_step(secret, code, now=time.time(), after=-1)
    if step is None:
        return None
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if Authenticator.objects.filter(user_id=user.pk, type=TOTP).exists():
            raise Refused("the account has an authenticator app already: remove it first", "authenticator")
        made = Authenticator(
            user=user, type=TOTP, data={"secret": _seal("totp", user, secret.encode("ascii")), "last_step": step}
        )
        made.save()
    return made


def take_totp(user: User, code: str) -> Authenticator | None:
    """Check a code of the authenticator app; each is taken once, and none older than the last."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(user_id=user.pk, type=TOTP).first()
        if row is None:
            return None
        secret = _open("totp", user, row.data["secret"]).decode("ascii")
        step = codes.matching_step(secret, code, now=time.time(), after=int(row.data["last_step"]))
        if step is None:
            return None
        row.data["last_step"] = step
        row.last_used_at = timezone.now()
        row.save(update_fields=["data", "last_used_at"])
        return cast("Authenticator", row)


def new_recovery_codes(user: User) -> list[str]:
    """Give a person new recovery codes; those from before stop working."""
    made = codes.new_recovery_codes()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        Authenticator.objects.filter(user_id=user.pk, type=RECOVERY).delete()
        Authenticator(user=user, type=RECOVERY, data=_recovery_data(user, made)).save()
    return made


def take_recovery_code(user: User, code: str) -> Authenticator | None:
    """Check a recovery code and cross it off."""
    typed = codes.plain_recovery_code(code)
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(user_id=user.pk, type=RECOVERY).first()
        if row is None:
            return None
        left = _recovery_codes(user, row.data)
        matching = [
            text for text in left if hmac.compare_digest(codes.plain_recovery_code(text).encode(), typed.encode())
        ]
        if not matching:
            return None
        row.data = _recovery_data(user, [text for text in left if text not in matching])
        row.last_used_at = timezone.now()
        row.save(update_fields=["data", "last_used_at"])
        return cast("Authenticator", row)


def recovery_codes_left(user: User) -> int | None:
    """How many recovery codes were not used; None if there never were any."""
    row = Authenticator.objects.filter(user_id=user.pk, type=RECOVERY).first()
    return None if row is None else len(_recovery_codes(user, row.data))


def remove_factor(user: User, number: int) -> Authenticator:
    """Take an authenticator app or a passkey away from a person.

    Args:
        user: whose it is.
        number: of its row.

    Raises:
        Refused: if it is not there, or the last one.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        row = Authenticator.objects.filter(user_id=user.pk, type__in=REAL, pk=number).first()
        if row is None:
            raise Refused("there is no such authenticator", "authenticator")
        if Authenticator.objects.filter(user_id=user.pk, type__in=REAL).count() < 2:
            raise Refused("the last authenticator cannot be removed: add another one first", "authenticator")
        row.delete()
        row.pk = number
        return cast("Authenticator", row)


def forget_factors(user: User) -> int:
    """Take every second factor and the recovery codes away; for recovery by the operator.

    Returns:
        How many authenticator apps and passkeys there were.
    """
    removed = len(factors_of(user))
    Authenticator.objects.filter(user_id=user.pk).delete()
    return removed


def _recovery_data(user: User, left: list[str]) -> dict[str, Any]:
    return {"codes": _seal("recovery", user, json.dumps(left).encode("ascii"))}


def _recovery_codes(user: User, data: dict[str, Any]) -> list[str]:
    return [str(text) for text in json.loads(_open("recovery", user, data["codes"]))]


def _seal(kind: str, user: User, value: bytes) -> str:
    return base64.b64encode(seal(installation_tenant(), purpose_of(kind, user.pk), value)).decode("ascii")


def _open(kind: str, user: User, sealed: str) -> bytes:
    return open_sealed(installation_tenant(), purpose_of(kind, user.pk), base64.b64decode(sealed))


def purpose_of(kind: str, user_id: str) -> str:
    """For which place a secret is sealed; `kind` is totp or recovery."""
    return f"mfa_authenticator.data/{kind}/{user_id}"
