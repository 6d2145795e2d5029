"""Whether a password is good enough: length, guessability, and whether it is known from breaches.

The list of common passwords that Django brings is always asked. A service that speaks the k-anonymity range protocol
is asked as well when `MUNIMENT_BREACH_URL` names one: it learns the first five hex digits of a SHA-1 and nothing else.

Source: NIST SP 800-63B-4 §3.1.1.2.
"""

from __future__ import annotations

import logging
from typing import Final

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from zxcvbn import zxcvbn

from muniment.server.accounts.breaches import UnreachableError, is_breached
from muniment.server.accounts.models import User

SHORTEST: Final = 12
SCORE: Final = 3
# What zxcvbn looks at; its time grows with the square of the length, and a password this long is strong or periodic.
_JUDGED: Final = 72
_log: Final = logging.getLogger("muniment.accounts")
_common: Final = CommonPasswordValidator()


def check(password: str, user: User) -> bool:
    """Judge a password.

    Args:
        password: as typed.
        user: whose it is to be; parts of their name and address make it weaker.

    Returns:
        False if a breach service is named and could not be asked: the password passed the local checks alone.

    Raises:
        ValidationError: if it is not good enough, saying why.
    """
    if len(password) < SHORTEST:
        raise ValidationError(f"Too short: at least {SHORTEST} characters.")
    _common.validate(password)
    mailbox, _, domain = user.email.partition("@")
    known = [part for part in (user.name, *user.name.split(), user.email, mailbox, domain, "muniment") if part]
    judged = zxcvbn(password[:_JUDGED], user_inputs=known)
    if judged["score"] >= SCORE and (rest := _without(password, known)) != password.lower():
        # What anyone who knows the person would try first counts for nothing.
        judged = zxcvbn(rest[:_JUDGED] or "a", user_inputs=known)
    if judged["score"] < SCORE:
        why = " ".join([judged["feedback"]["warning"], *judged["feedback"]["suggestions"]]).strip()
        raise ValidationError(f"Too easy to guess. {why}".strip())
    if not settings.BREACH_URL:
        return True
    try:
        breached = is_breached(password, settings.BREACH_URL)
    except UnreachableError as error:
        _log.warning("the breach service was not asked: %s", error)
        return False
    if breached:
        raise ValidationError("This password is known from a breach of another service. Choose another one.")
    return True


def _without(password: str, known: list[str]) -> str:
    """The password in lower case without the words that everybody knows of its owner."""
    rest = password.lower()
    for part in sorted({part.lower() for part in known if len(part) > 2}, key=len, reverse=True):
        rest = rest.replace(part, "")
    return rest
