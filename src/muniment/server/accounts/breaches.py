"""Asking a service that speaks the k-anonymity range protocol whether a password is known from a breach."""

from __future__ import annotations

import hashlib
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

_SECONDS: Final = 3
_MOST_BYTES: Final = 4 << 20


class UnreachableError(Exception):
    """The breach service gave no answer that can be used."""


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
