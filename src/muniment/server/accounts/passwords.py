"""Whether a password is good enough: length, guessability, and whether it is known from breaches.

The list of common passwords that Django brings is always asked. A service that speaks the k-anonymity range protocol
is asked as well when `MUNIMENT_BREACH_URL` names one: it learns the first five hex digits of a SHA-1 and nothing else.

Source: NIST SP 800-63B-4 §3.1.1.2.
"""

from __future__ import annotations

import hashlib
import logging
import os
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from zxcvbn import zxcvbn

from muniment.server.accounts.models import User

SHORTEST: Final = 12
SCORE: Final = 3
# What zxcvbn looks at; its time grows with the square of the length, and a password this long is strong or periodic.
_JUDGED: Final = 72
_SECONDS: Final = 3
_MOST_BYTES: Final = 4 << 20
_log: Final = logging.getLogger("muniment.accounts")
_common: Final = CommonPasswordValidator()


class UnreachableError(Exception):
    """The breach service gave no answer that can be used."""


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
    if judged["score"] < SCORE:
        why = " ".join([judged["feedback"]["warning"], *judged["feedback"]["suggestions"]]).strip()
        raise ValidationError(f"Too easy to guess. {why}".strip())
    url = os.environ.get("MUNIMENT_BREACH_URL", "")
    if not url:
        return True
    try:
        breached = is_breached(password, url)
    except UnreachableError as error:
        _log.warning("the breach service was not asked: %s", error)
        return False
    if breached:
        raise ValidationError("This password is known from a breach of another service. Choose another one.")
    return True


def is_breached(password: str, url: str) -> bool:
    """Ask a range service whether a password is known.

    Args:
        password: of which the first 20 bits of the SHA-1 leave this machine.
        url: to which the five hex digits are appended, such as `https://breaches.example/range/`.

    Raises:
        UnreachableError: if there is no answer that can be read.
    """
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    if urlsplit(url).scheme not in ("http", "https"):
        raise UnreachableError("MUNIMENT_BREACH_URL is no http address")
    request = Request(url.rstrip("/") + "/" + digest[:5], headers={"Add-Padding": "true", "User-Agent": "muniment"})  # noqa: S310
    try:
        with build_opener(_Stay).open(request, timeout=_SECONDS) as answer:
            data = answer.read(_MOST_BYTES + 1)
    except (URLError, OSError, ValueError) as error:
        raise UnreachableError(str(error)) from error
    if len(data) > _MOST_BYTES:
        raise UnreachableError("the answer is too long")
    for line in data.decode("ascii", "replace").splitlines():
        suffix, _, count = line.strip().partition(":")
        if suffix.upper() == digest[5:] and count.strip() not in ("", "0"):
            return True
    return False


class _Stay(HTTPRedirectHandler):
    """Does not follow redirects: what was configured is what is asked."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        del req, fp, code, msg, headers, newurl
