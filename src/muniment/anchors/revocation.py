"""Revocation lists: looked at when a token is obtained, and kept with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from muniment.anchors.authorities import Authority, shown_address
from muniment.core.errors import Refused, VerificationFailed
from muniment.core.timestamp import Token
from muniment.core.timestamp_chain import name_of
from muniment.core.timestamp_proof import Stamped

MAX_KEPT: Final = 32_768
"""Bytes of a list that are kept whole; of a longer one its SHA-256 is."""

_MAX_LIST: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A revocation list, and where it came from: `token`, a file or an address. Its signature was not checked yet."""

    origin: str
    crl: x509.CertificateRevocationList

    @property
    def der(self) -> bytes:
        """The list as DER."""
        return self.crl.public_bytes(Encoding.DER)

    @property
    def digest(self) -> str:
        """SHA-256 of the DER, hex."""
        return hashlib.sha256(self.der).hexdigest()


def read_lists(
    authority: Authority, token: Token, fetch: Callable[[str], bytes]
) -> tuple[tuple[RevocationList, ...], tuple[str, ...]]:
    """The lists that the token carries and those that the authority's settings name.

    Args:
        authority: whose settings.
        token: may carry lists.
        fetch: gets what stands at an address.

    Returns:
        The lists; and a sentence for each that was not to be had, which does not stop an anchor: without one there is
        less evidence, not less truth.
    """
    found: list[RevocationList] = []
    notes: list[str] = []
    for der in token.revocations:
        try:
            found.append(RevocationList("token", x509.load_der_x509_crl(der)))
        except ValueError:
            notes.append("the token carries revocation data of another kind than a list; it stays inside the token")
    for place in authority.crls:
        remote = place.startswith(("http://", "https://"))
        shown = shown_address(place) if remote else place
        try:
            data = fetch(place) if remote else _file(place)
            load = x509.load_pem_x509_crl if data.startswith(b"-----BEGIN") else x509.load_der_x509_crl
            found.append(RevocationList(shown, load(data)))
        except (Refused, OSError, ValueError) as error:
            notes.append(f"the revocation list {shown} was not to be had: {str(error)[:200]}")
    return tuple(found), tuple(notes)


def check_not_revoked(stamped: Stamped, lists: Sequence[RevocationList]) -> None:
    """Hold every certificate below the pinned one against the lists that its issuer signed.

    Raises:
        VerificationFailed: if one of them is revoked, at whatever time: a key that was stolen stamps any time.
    """
    for certificate, issuer in zip(stamped.chain, stamped.chain[1:], strict=False):
        for one in lists:
            if one.crl.issuer != issuer.subject:
                continue
            try:
                signed = one.crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
            except (TypeError, UnsupportedAlgorithm):
                signed = False
            if signed and one.crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
                raise VerificationFailed(f"the certificate of {name_of(certificate)} is revoked", "certificate")


def _file(place: str) -> bytes:
    with Path(place).open("rb") as stream:
        data = stream.read(_MAX_LIST + 1)
    if len(data) > _MAX_LIST:
        raise ValueError("it is longer than 1 MiB")
    return data
