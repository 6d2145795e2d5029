"""API keys as they travel: `Authorization: Bearer mk_<ULID>_<secret>`.

Only the SHA-256 of the secret is compared and stored; the key's public id is `ak_` and the same ULID.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from muniment.core.identifiers import ULID
from muniment.server.problems import ProblemError, refuse

_TOKEN: Final = re.compile(rf"mk_({ULID})_([A-Za-z0-9_-]{{43}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Credential:
    """A claim to be a key; whether it is one, the database says.

    Args:
        key_id: `ak_` and a ULID.
        secret_hash: 32 bytes.
    """

    key_id: str
    secret_hash: bytes


def read_credential(authorization: str | None) -> Credential:
    """Read the value of an Authorization header.

    Raises:
        ProblemError: unauthenticated, if there is none or it has another form.
    """
    if not authorization:
        raise unauthenticated("send an API key: Authorization: Bearer mk_…")
    scheme, _, token = authorization.partition(" ")
    match = _TOKEN.fullmatch(token.strip())
    if scheme.lower() != "bearer" or match is None:
        raise unauthenticated("the Authorization header is not: Bearer mk_<26 characters>_<43 characters>")
    return Credential("ak_" + match[1], hashlib.sha256(match[2].encode("ascii")).digest())


def unauthenticated(detail: str) -> ProblemError:
    """The answer to a missing, unknown or revoked key."""
    return refuse("unauthenticated", detail, headers={"www-authenticate": 'Bearer realm="muniment"'})
