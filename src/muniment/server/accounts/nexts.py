"""Where to go afterwards: only to a page of this server, by its path."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from django.http import HttpRequest

_PATH: Final = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,2000}", re.ASCII)


def safe_path(text: object) -> str | None:
    """The address if it is a path of this server, else None.

    Browsers read `//host`, `/\\\\host`, `https:host` and a path with a tab in it as other servers; a path that only
    becomes one of these when it is decoded is refused as well.

    >>> safe_path("/t/acme/ledger?seq=5")
    '/t/acme/ledger?seq=5'
    >>> [safe_path(bad) for bad in ("//evil", "https:evil", "/\\\\evil", "/%2fevil", "/%5cevil", "javascript:1", None)]
    [None, None, None, None, None, None, None]
    """
    if not isinstance(text, str) or not _PATH.fullmatch(text):
        return None
    decoded = unquote(text.partition("?")[0])
    return text if decoded == text.partition("?")[0] or _PATH.match(decoded) else None


def next_of(request: HttpRequest, otherwise: str) -> str:
    """Where the request says to go afterwards (`next`, of the form or the address), or `otherwise`."""
    return safe_path(request.POST.get("next")) or safe_path(request.GET.get("next")) or otherwise
