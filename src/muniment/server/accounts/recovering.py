"""Using the operator's recovery link: a new password, and no second factor until another one is added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import F
from django.db.models.functions import Greatest
from django.http import HttpRequest
from django.utils import timezone

from muniment.server.accounts import factors, mail, sessions, signing_in
from muniment.server.accounts.events import recorded_change
from muniment.server.accounts.models import RecoveryLink, User
from muniment.server.accounts.recovery import token_hash
from muniment.server.accounts.resetting import LINK_ADDRESS
from muniment.server.accounts.throttle import Attempt, Name, begin, forget

if TYPE_CHECKING:
    from django.db.models import QuerySet


def person_of_link(request: HttpRequest, token: str) -> User | Attempt | None:
    """Whose recovery link it is; None if it is wrong, too old or used; the attempt if this network has to wait."""
    attempt = begin(signing_in.by_address(LINK_ADDRESS, request))
    if not attempt.taken:
        return attempt
    found = _good(token).select_related("user").first()
    if found is None:
        return None
    attempt.succeeded()
    return found.user


def recover(request: HttpRequest, user: User, token: str, password: str) -> bool:
    """Use the link: set a password that was judged already, take every second factor away, end every session.

    Whoever signs in next has to add a second factor before anything opens.

    Returns:
        Whether the link was still good.
    """
    with recorded_change(request, "mfa.change", user) as labels:
        locked = User.objects.select_for_update().get(pk=user.pk)
        good = _good(token).filter(user_id=user.pk).update(used_at=timezone.now()) == 1
        ended = removed = 0
        if good:
            removed = factors.forget_factors(locked)
            locked.set_password(password)
            locked.save(update_fields=["password"])
            # The next sign-in is not the first one: nothing opens without a second factor.
            User.objects.filter(pk=user.pk).update(sign_ins=Greatest(F("sign_ins"), 1))
            ended = sessions.end_all(locked)
        labels.update(
            change="recovered" if good else "nothing",
            method="operator-link",
            removed=removed,
            password="changed" if good else "",
            sessions=ended,
        )
    if good:
        forget(Name(signing_in.LOGIN_ACCOUNT, user.email), Name(signing_in.FACTOR_ACCOUNT, user.pk))
        mail.notify(
            user,
            "recovered",
            "Your Muniment account was opened with a recovery link that the operator made: it has a new password, and\n"
            "its second factors and recovery codes were removed.",
        )
    return good


def _good(token: str) -> QuerySet[RecoveryLink]:
    return RecoveryLink.objects.filter(
        token_hash=token_hash(token), used_at=None, expires_at__gt=timezone.now(), user__is_active=True
    )
