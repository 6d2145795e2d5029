"""Certificates of timestamp authorities: reading them, and the way from a signer's to a pinned one.

Certificates are pinned as such: one that is pinned needs no issuer. Revocation is not asked for here: a verifier has no
network, and what a list said later is not in the token.

Source: RFC 5280 section 6.1; RFC 3161 section 2.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from muniment.core.errors import VerificationFailed
from muniment.core.timestamp import HASHES, MalformedTimestamp

MAX_CHAIN: Final = 8
"""Certificates on a way from the signer to a pinned one, both included."""
MIN_RSA_BITS: Final = 2048

Certificates: TypeAlias = Sequence[x509.Certificate]

_KNOWN_EXTENSIONS: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)


class WrongImprint(VerificationFailed):
    """The token stamps something else."""


class WrongSignature(VerificationFailed):
    """The signature, or what it covers, does not hold."""


class WrongUsage(VerificationFailed):
    """A certificate is not for what it was used for."""


class OutOfTime(VerificationFailed):
    """A certificate was not valid at the token's time."""


class UnknownAuthority(VerificationFailed):
    """No way leads to a pinned certificate. Whether the token is good is not known."""


def parse_certificates(pem: bytes, where: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file, at least one.

    Raises:
        MalformedTimestamp: naming `where`, if there is none or one cannot be read.
    """
    try:
        found = tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise MalformedTimestamp("holds no PEM certificate that can be read", where) from error
    for certificate in found:
        _parsed(certificate, where)
    return found


@lru_cache(maxsize=256)
def read_certificate(der: bytes) -> x509.Certificate | None:
    """A certificate from its DER; None if it cannot be read: then it is no help, and only the signer's is needed."""
    try:
        return _parsed(x509.load_der_x509_certificate(der), "certificate")
    except (ValueError, MalformedTimestamp):
        return None


def _parsed(certificate: x509.Certificate, where: str) -> x509.Certificate:
    """The same, with the parts that are read later looked at once, for they are parsed when they are asked for."""
    try:
        _ = certificate.extensions, certificate.subject, certificate.issuer, certificate.not_valid_after_utc
        certificate.public_key()
    except (ValueError, TypeError, x509.DuplicateExtension, UnsupportedAlgorithm) as error:
        raise MalformedTimestamp("holds a certificate that cannot be read", where) from error
    return certificate


def name_of(certificate: x509.Certificate) -> str:
    """The common name of a certificate's subject, or the whole subject, without characters that are not shown."""
    names = [str(one.value) for one in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    text = names[0] if names else certificate.subject.rfc4514_string()
    return "".join(c if c.isprintable() else "?" for c in text)[:200] or "no name"


def check_purpose(signer: x509.Certificate) -> None:
    """Hold a signer's certificate to timestamping and nothing else.

    Raises:
        WrongUsage: if it may do anything else, or not that.
    """
    name = name_of(signer)
    try:
        usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound as error:
        raise WrongUsage(f"the certificate of {name} is not for timestamping", "usage") from error
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise WrongUsage(f"the certificate of {name} is not for timestamping alone", "usage")
    try:
        keys = signer.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        keys = None
    if keys is not None:
        others = (keys.key_encipherment, keys.data_encipherment, keys.key_agreement, keys.key_cert_sign, keys.crl_sign)
        if any(others) or not (keys.digital_signature or keys.content_commitment):
            raise WrongUsage(f"the key of {name} is not for signatures alone", "usage")
    _check_critical(signer)


def path_to_pinned(
    signer: x509.Certificate, pinned: Certificates, others: Certificates
) -> tuple[x509.Certificate, ...]:
    """The way from the signer's certificate to a pinned one, both included.

    Args:
        signer: where it begins.
        pinned: where it may end.
        others: certificates that may stand between.

    Raises:
        UnknownAuthority: there is none.
        WrongUsage, WrongSignature: why the first that there could be is none.
    """
    refused: list[VerificationFailed] = []
    for path in _paths((signer,), frozenset(pinned), [*pinned, *others], refused):
        return path
    if refused:
        raise refused[0]
    raise UnknownAuthority(f"no pinned certificate stands above {name_of(signer)}", "authority")


def _paths(
    path: tuple[x509.Certificate, ...],
    pinned: frozenset[x509.Certificate],
    candidates: Certificates,
    refused: list[VerificationFailed],
) -> Iterator[tuple[x509.Certificate, ...]]:
    last = path[-1]
    if last in pinned:
        yield path
        return
    if len(path) >= MAX_CHAIN:
        return
    for issuer in candidates:
        if issuer in path or not _may_be_issuer(last, issuer):
            continue
        try:
            _check_issued(last, issuer, below=len(path) - 1)
        except VerificationFailed as error:
            refused.append(error)
            continue
        yield from _paths((*path, issuer), pinned, candidates, refused)


def _may_be_issuer(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether names, and key identifiers where both have one, fit: another key of one name is another authority."""
    if issuer.subject != certificate.issuer:
        return False
    try:
        wanted = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return True
    return wanted is None or wanted == own


def _check_issued(certificate: x509.Certificate, issuer: x509.Certificate, below: int) -> None:
    """Whether `issuer` may have issued `certificate`, and did; `below`: authorities between the signer and it."""
    name = name_of(issuer)
    extensions = issuer.extensions
    try:
        basic = extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound as error:
        raise WrongUsage(f"{name} is no certification authority", "usage") from error
    if not basic.ca or (basic.path_length is not None and below > basic.path_length):
        raise WrongUsage(f"{name} may not issue this certificate", "usage")
    try:
        if not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign:
            raise WrongUsage(f"{name} may not sign certificates", "usage")
    except x509.ExtensionNotFound:
        pass
    _check_critical(issuer)
    made_with = certificate.signature_hash_algorithm
    key = issuer.public_key()
    if made_with is not None and made_with.name not in HASHES.values():
        raise WrongSignature(f"{name} signed with {made_with.name}, which does not count", "signature")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise WrongSignature(f"the key of {name} has {key.key_size} bits", "signature")
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise WrongSignature(f"{name} did not sign the certificate of {name_of(certificate)}", "signature") from error


def _check_critical(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _KNOWN_EXTENSIONS:
            raise WrongUsage(
                f"the certificate of {name_of(certificate)} has the critical extension {extension.oid.dotted_string}, "
                "which is not understood here",
                "usage",
            )


def begins(certificate: x509.Certificate) -> int:
    """First second of its validity, since the Unix epoch."""
    return int(certificate.not_valid_before_utc.timestamp())


def ends(certificate: x509.Certificate) -> int:
    """Second at which its validity ends, since the Unix epoch; at that very second it is over, as OpenSSL has it."""
    return int(certificate.not_valid_after_utc.timestamp())
