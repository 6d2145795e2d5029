"""A forgotten password: a link by mail, good for an hour and one change. The second factor stays as it is."""

from __future__ import annotations

from typing import Final

from django.contrib.auth.tokens import default_token_generator
from django.http import HttpRequest
from django.urls import reverse

from muniment.server.accounts import mail, sessions
from muniment.server.accounts.events import recorded_change
from muniment.server.accounts.models import User
from muniment.server.accounts.signing_in import by_address
from muniment.server.accounts.throttle import Attempt, Limit, Name, begin

RESET_ADDRESS: Final = Limit("reset.address", free=10, first=60, cap=3600)
RESET_ACCOUNT: Final = Limit("reset.account", free=2, first=120, cap=3600)
LINK_ADDRESS: Final = Limit("link.address", free=10, first=30, cap=900)


def request_reset(request: HttpRequest, email: str) -> Attempt:
    """Send a link if somebody has the address. The answer is the same, and comes as soon, if nobody has.

    Returns:
        The attempt; above all, whether this network has to wait.
    """
    attempt = begin(by_address(RESET_ADDRESS, request))
    if attempt.taken:
        email, base = email.strip().lower(), mail.base_of(request)
        path = reverse("account_reset_password_from_key", args=["UID", "TOKEN"])
        mail.beside_if_room(lambda: _send_link(email, base, path))
    return attempt


def _send_link(email: str, base: str, path: str) -> None:
    user = User.objects.filter(email=email, is_active=True).first()
    if user is None or not user.has_usable_password() or not begin(Name(RESET_ACCOUNT, user.pk)).taken:
        return
    link = base + path.replace("UID", user.pk).replace("TOKEN", default_token_generator.make_token(user))
    mail.send(
        user,
        "password-reset",
        "Choose a new password for Muniment",
        f"Somebody asked for a new password for your account. If it was you, open this within an hour:\n\n{link}\n\n"
        "Your second factor stays as it is and will be asked for. If it was not you, nothing has changed.\n",
    )


def person_of_link(request: HttpRequest, user_id: str, token: str) -> User | Attempt | None:
    """Whose link it is; None if it is wrong, too old or used; the attempt if this network has to wait."""
    attempt = begin(by_address(LINK_ADDRESS, request))
    if not attempt.taken:
        return attempt
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not default_token_generator.check_token(user, token):
        return None
    attempt.succeeded()
    return user


def reset_password(request: HttpRequest, user: User, token: str, password: str) -> bool:
    """Set a password that was judged already; every session ends.

    Returns:
        Whether the link was still good.
    """
    with recorded_change(request, "user.change", user) as labels:
        locked = User.objects.select_for_update().get(pk=user.pk)
        good = default_token_generator.check_token(locked, token)
        ended = 0
        if good:
            locked.set_password(password)
            locked.save(update_fields=["password"])
            ended = sessions.end_all(locked)
        labels.update(changed="password" if good else "nothing", method="mail-link", sessions=ended)
    if good:
        mail.notify(
            user, "password-changed", "The password of your Muniment account was changed by a link in a message."
        )
    return good
