"""One-time codes: what an authenticator app shows, and recovery codes. Values in, values out.

Source: RFC 6238, RFC 4226 §5.3.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from typing import Final
from urllib.parse import quote, urlencode

PERIOD: Final = 30
DIGITS: Final = 6
# Steps of 30 seconds that a clock may be off, either way.
DRIFT: Final = 1
RECOVERY_CODES: Final = 10
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_SECRET_BYTES: Final = 20


def new_secret() -> str:
    """A new TOTP secret: 20 random bytes in base32."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def code_at(secret: str, step: int) -> str:
    """The six digits of one step.

    >>> code_at("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 59 // 30)
    '287082'
    """
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 0xF)
    return str((number & 0x7FFFFFFF) % 10**DIGITS).zfill(DIGITS)


def matching_step(secret: str, code: str, *, now: float, after: int) -> int | None:
    """The step whose code this is, or None.

    Args:
        secret: base32.
        code: as typed; spaces are ignored.
        now: seconds since the Unix epoch.
        after: the last step whose code was taken: it and older ones are not taken again (RFC 6238 §5.2).
    """
    typed = "".join(code.split())
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdigit()):
        return None
    here = int(now) // PERIOD
    found = None
    for step in range(here - DRIFT, here + DRIFT + 1):
        # All are compared, so that the time it takes says nothing.
        if hmac.compare_digest(code_at(secret, step), typed) and step > after and found is None:
            found = step
    return found


def provisioning_uri(secret: str, *, account: str, issuer: str) -> str:
    """What the QR code holds.

    >>> provisioning_uri("ABC", account="a@b.example", issuer="Muniment here")
    'otpauth://totp/Muniment%20here:a%40b.example?secret=ABC&issuer=Muniment%20here'
    """
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer, safe='')}:{quote(account, safe='')}?{query}"


def new_recovery_codes() -> list[str]:
    """Ten codes of ten characters, 49 bits each, such as `7k2mq-h9xwp`."""
    texts = ["".join(secrets.choice(_ALPHABET) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    return [f"{text[:5]}-{text[5:]}" for text in texts]


def plain_recovery_code(text: str) -> str:
    """A recovery code as it is compared: without spaces, hyphens and case."""
    return "".join(text.split()).replace("-", "").lower()
