r"""Bodies: payload bytes that an event commits to and never contains.

`commit = SHA-256("muniment/body/1\0" ‖ salt ‖ body)`. The salt keeps a short body from being guessed from its
commitment, and lets the body be erased: without body and salt the commitment says nothing.
"""

import hashlib
import hmac

from muniment.core.errors import Malformed, VerificationFailed

SCHEME = 1
SALT_BYTES = 32
MAX_INLINE_BYTES = 262_144
"""The largest body that stands beside its entry and in a bundle, in bytes (256 KiB)."""

_PREFIX = b"muniment/body/1\0"


def commit(salt: bytes, body: bytes) -> bytes:
    """Commit to a body.

    Args:
        salt: 32 random bytes, used once.
        body: the payload, any bytes, empty ones included.

    Returns:
        32 bytes.

    Raises:
        Malformed: if the salt is not 32 bytes long.

    Source: docs/format.md section 3.

    >>> commit(bytes(32), b"{}").hex()[:16]
    '486e29a8a94416a7'
    """
    if len(salt) != SALT_BYTES:
        raise Malformed(f"must be {SALT_BYTES} bytes, not {len(salt)}", "salt")
    return hashlib.sha256(_PREFIX + salt + body).digest()


def check_body(commitment: bytes, length: int, salt: bytes, body: bytes) -> None:
    """Prove that `body` is what the commitment was made for.

    Args:
        commitment: 32 bytes, the event's `body.commit`.
        length: bytes, the event's `body.len`.
        salt: 32 bytes.
        body: the disclosed payload.

    Raises:
        VerificationFailed: if length or commitment differ.
        Malformed: if the salt is not 32 bytes long.

    Source: docs/format.md section 2, rule 9.
    """
    if len(body) != length:
        raise VerificationFailed(f"the body has {len(body)} bytes, the event says {length}", "body.len")
    if not hmac.compare_digest(commit(salt, body), commitment):
        raise VerificationFailed("the body does not match its commitment", "body.commit")
