"""The port through which everything signs: a file today, a KMS or an HSM behind the same five names."""

from typing import Literal, Protocol, runtime_checkable

KeyType = Literal[1, 4]
"""1: a plain ed25519 note signature (logs, the root). 4: a timestamped C2SP cosignature (the region, witnesses)."""


@runtime_checkable
class Signer(Protocol):
    """One ed25519 key that can sign, wherever it lives.

    A signer signs what it is given. What may be signed, and that nothing contradicts an earlier signature, is the
    sealer's business (`muniment.ledger.seal`).

    Source: C2SP signed-note, "Signatures".
    """

    @property
    def name(self) -> str:
        """Key name as it stands in signature lines; for a log key, the log's origin."""

    @property
    def key_type(self) -> KeyType:
        """1 for note signatures, 4 for cosignatures."""

    @property
    def public_key(self) -> bytes:
        """32 bytes, RFC 8032."""

    @property
    def vkey(self) -> str:
        """`<name>+<8 hex key id>+<base64(type ‖ public key)>`."""

    def sign(self, message: bytes) -> bytes:
        """Sign `message` itself, unhashed; 64 bytes, RFC 8032 Ed25519."""
