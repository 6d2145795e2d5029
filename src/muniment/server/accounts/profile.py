"""What a person changes about their own account."""

from __future__ import annotations

from typing import Final

from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest

from muniment.server.accounts import mail, sessions
from muniment.server.accounts.events import record_account, recorded_change
from muniment.server.accounts.models import User
from muniment.server.accounts.signing_in import LOGIN_ADDRESS, by_address
from muniment.server.accounts.throttle import Attempt, Limit, Name, begin

PASSWORD_ACCOUNT: Final = Limit("password.account", free=5, first=30, cap=900)
UNCHECKED: Final = "The service that knows breached passwords did not answer; yours passed the checks made here."


def change_name(request: HttpRequest, user: User, name: str) -> None:
    """Give the account another name."""
    with recorded_change(request, "user.change", user) as labels:
        User.objects.filter(pk=user.pk).update(name=name)
        labels["changed"] = "name"


def change_theme(user: User, theme: str) -> None:
    """Remember how pages are to look; nothing that anyone has to know later."""
    User.objects.filter(pk=user.pk).update(theme=theme)


def change_password(request: HttpRequest, user: User, *, present: str, password: str) -> Attempt | None:
    """Change a password that was judged already; every other session ends.

    Returns:
        None, or the attempt that failed or was not taken: the present password is not right.
    """
    attempt = begin(by_address(LOGIN_ADDRESS, request), Name(PASSWORD_ACCOUNT, user.pk))
    if not attempt.taken:
        return attempt
    if not user.check_password(present):
        record_account(
            request,
            "user.change",
            user,
            outcome="failure",
            labels={"changed": "password", "locked_seconds": attempt.locks or ""},
        )
        return attempt
    attempt.succeeded()
    key = request.session.session_key
    with recorded_change(request, "user.change", user) as labels:
        user.set_password(password)
        user.save(update_fields=["password"])
        labels.update(changed="password", sessions=sessions.end_but(user, key))
    # Django gives the session that stays another key.
    sessions.rotate(request, lambda: update_session_auth_hash(request, user))
    mail.notify(user, "password-changed", "The password of your Muniment account was changed.")
    return None
