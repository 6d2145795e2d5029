"""Sign-ins under way, in the browser's session: what was asked of which provider, and what must come back.

Only the browser that began a sign-in can finish it, and only once: an answer finds its sign-in by `state` or by the
request's id, in this session, for this connection.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from django.http import HttpRequest

SESSION_KEY: Final = "muniment_sso"
LASTS: Final = 600
AT_ONCE: Final = 5
Process = Literal["login", "link", "test"]


@dataclass(frozen=True, slots=True)
class SignIn:
    """One sign-in that waits for its answer.

    Attributes:
        connection: id.
        process: letting in, linking with the account that is signed in, or trying the connection out.
        user: who began it, for linking and testing; "" for letting in.
        next_path: where to go afterwards.
        nonce: of OpenID Connect.
        verifier: of PKCE.
        begun_at: seconds since the Unix epoch.
    """

    connection: str
    process: Process
    user: str
    next_path: str
    nonce: str = ""
    verifier: str = ""
    begun_at: int = 0


def begin(request: HttpRequest, key: str, sign_in: SignIn) -> None:
    """Remember a sign-in under what its answer will name; the oldest is forgotten when there are too many."""
    waiting = _waiting(request)
    waiting[key] = asdict(sign_in)
    newest = sorted(waiting, key=lambda each: int(waiting[each]["begun_at"]))[-AT_ONCE:]
    request.session[SESSION_KEY] = {each: waiting[each] for each in newest}


def take(request: HttpRequest, key: str, connection: str) -> SignIn | None:
    """The sign-in that an answer names, if it waits in this session for this connection; it is forgotten."""
    waiting = _waiting(request)
    found = waiting.get(key)
    if found is None or found.get("connection") != connection:
        return None
    del waiting[key]
    request.session[SESSION_KEY] = waiting
    return SignIn(**found)


def _waiting(request: HttpRequest) -> dict[str, Any]:
    held = request.session.get(SESSION_KEY)
    oldest = int(time.time()) - LASTS
    return {key: each for key, each in (held or {}).items() if int(each.get("begun_at", 0)) >= oldest}
