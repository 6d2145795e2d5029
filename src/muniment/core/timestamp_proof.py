"""Proving a timestamp token: the authority's signature, its certificate, and the way from there to a pinned one.

Rules, each refused by name when it does not hold:

1. The imprint is the SHA-256 that was to be stamped.
2. One certificate is the signer's: the identifier names it, and the signed ESSCertID holds its hash.
3. The signed attributes hold the hash of the time information, and the signer's key signed them.
4. The signer's certificate is for timestamping and nothing else (critical extended key usage).
5. From it a way leads, issuer by issuer, to a pinned certificate; each certificate in between is an authority's.
6. Every certificate on that way was valid at the token's time. The first of them to end says until when the token can
   be verified without a newer one that covers it.

Source: RFC 3161 sections 2.3 and 2.4.2; RFC 5652 section 5.4; RFC 5035; RFC 5816.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from muniment.core.timestamp import HASHES, Token
from muniment.core.timestamp_chain import (
    MIN_RSA_BITS,
    Certificates,
    OutOfTime,
    WrongImprint,
    WrongSignature,
    begins,
    check_purpose,
    ends,
    name_of,
    path_to_pinned,
    read_certificate,
)
from muniment.core.timestamp_der import OCTET_STRING, OID, SEQUENCE, SET, Fields, MalformedDer, read_element, read_oid

_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
_SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
_TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_RSA: Final = "1.2.840.113549.1.1.1"
_ED25519: Final = "1.3.101.112"
_PKCS1: Final = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
_ECDSA: Final = {"1.2.840.10045.4.3.2": "sha256", "1.2.840.10045.4.3.3": "sha384", "1.2.840.10045.4.3.4": "sha512"}
_HASH: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class Stamped:
    """A proven token: a pinned authority says that the imprint existed at `time`.

    Attributes:
        time: microseconds since the Unix epoch, UTC.
        until: second, since the Unix epoch, at which the first certificate of the chain ends: until then the token can
            be verified without a newer one.
        authority: the signer's name, for people.
        chain: from the signer's certificate to the pinned one, both included.
    """

    time: int
    until: int
    authority: str
    chain: tuple[x509.Certificate, ...]


def verify_token(token: Token, imprint: bytes, pinned: Certificates, chain: Certificates = ()) -> Stamped:
    """Prove that a pinned authority made this token over this imprint.

    Args:
        token: as `parse_token` gives it.
        imprint: SHA-256 of what was stamped, 32 bytes.
        pinned: certificates that are trusted.
        chain: certificates that are not, and may lead there, besides those in the token.

    Raises:
        WrongImprint: rule 1.
        WrongSignature: rules 2 and 3.
        WrongUsage: rule 4, or a certificate on the only way is no authority's.
        OutOfTime: rule 6.
        UnknownAuthority: no way leads to a pinned certificate; all else holds.
    """
    if (token.imprint_hash, token.imprint) != ("sha256", imprint):
        raise WrongImprint("it stamps another hash", "imprint")
    carried = _carried(token)
    signer = _signer(token, [*carried, *chain, *pinned])
    check_purpose(signer)
    _check_named(token, signer)
    _check_attributes(token)
    _check_signature(token, signer)
    _check_valid(signer, token)
    # Last, so that what is called unknown is whole.
    path = path_to_pinned(signer, pinned, [*carried, *chain])
    for certificate in path:
        _check_valid(certificate, token)
    return Stamped(token.time, min(ends(certificate) for certificate in path), name_of(signer), path)


def _check_valid(certificate: x509.Certificate, token: Token) -> None:
    if not begins(certificate) <= token.time // 1_000_000 < ends(certificate):
        raise OutOfTime(f"the certificate of {name_of(certificate)} was not valid at the token's time", "time")


def _carried(token: Token) -> list[x509.Certificate]:
    return [certificate for der in token.certificates if (certificate := read_certificate(der)) is not None]


def _signer(token: Token, candidates: Certificates) -> x509.Certificate:
    for certificate in candidates:
        if _identifies(token.signer, certificate):
            return certificate
    raise WrongSignature("the certificate of its signer is not there, or was changed", "signature")


def _check_named(token: Token, signer: x509.Certificate) -> None:
    try:
        function, named = _named_by_attribute(token)
    except MalformedDer as error:
        raise WrongSignature(f"the signed attributes cannot be read: {error}", "signature") from error
    if hashlib.new(function, signer.public_bytes(Encoding.DER), usedforsecurity=False).digest() != named:
        raise WrongSignature("the signed attributes name another certificate", "signature")


def _named_by_attribute(token: Token) -> tuple[str, bytes]:
    """Which certificate the signed attributes name as the signer's: a hash function, and the hash."""
    attributes = _attributes(token)
    first = attributes.get(_SIGNING_CERTIFICATE_V2) or attributes.get(_SIGNING_CERTIFICATE)
    if first is None:
        raise WrongSignature("the signed attributes name no certificate", "signature")
    outer = Fields(read_element(first, "signing certificate", SEQUENCE), "signing certificate")
    identifiers = Fields(outer.take("certificates", SEQUENCE), "signing certificate")
    one = Fields(identifiers.take("a certificate", SEQUENCE), "signing certificate")
    if _SIGNING_CERTIFICATE_V2 not in attributes:
        return "sha1", one.take("a hash", OCTET_STRING).content
    algorithm = one.optional(SEQUENCE)
    name = "sha256"
    if algorithm is not None:
        dotted = read_oid(Fields(algorithm, "signing certificate").take("a hash", OID), "signing certificate")
        if dotted not in HASHES:
            raise WrongSignature(f"its signer is named by the hash {dotted}, which does not count", "signature")
        name = HASHES[dotted]
    return name, one.take("a hash", OCTET_STRING).content


def _identifies(identifier: bytes, certificate: x509.Certificate) -> bool:
    try:
        element = read_element(identifier, "signer")
        if element.tag != SEQUENCE:
            keys = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
            return keys.value.digest == element.content
        fields = Fields(element, "signer")
        issuer, serial = fields.take("an issuer", SEQUENCE), fields.take("a serial number")
        fields.end()
    except (MalformedDer, x509.ExtensionNotFound):
        return False
    return issuer.raw == certificate.issuer.public_bytes() and serial.content == _integer(certificate.serial_number)


def _integer(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _attributes(token: Token) -> dict[str, bytes]:
    """The signed attributes: object identifier -> DER of the one value; none may occur twice.

    Raises:
        MalformedDer: if they are none.
    """
    found: dict[str, bytes] = {}
    for one in Fields(read_element(token.attributes, "signed attributes", SET), "signed attributes").rest():
        fields = Fields(one, "signed attribute")
        dotted = read_oid(fields.take("a type", OID), "signed attribute")
        values = Fields(fields.take("values", SET), "signed attribute").rest()
        fields.end()
        if dotted in found or len(values) != 1:
            raise MalformedDer("occurs twice, or has not one value", "signed attribute")
        found[dotted] = values[0].raw
    return found


def _check_attributes(token: Token) -> None:
    try:
        attributes = _attributes(token)
        kind = read_oid(read_element(attributes.get(_CONTENT_TYPE, b""), "content type", OID), "content type")
        digest = read_element(attributes.get(_MESSAGE_DIGEST, b""), "digest", OCTET_STRING).content
    except MalformedDer as error:
        raise WrongSignature(f"the signed attributes cannot be read: {error}", "signature") from error
    if kind != _TST_INFO or digest != hashlib.new(token.digest, token.info).digest():
        raise WrongSignature("what was signed is not this time information", "signature")


def _check_signature(token: Token, signer: x509.Certificate) -> None:
    key = signer.public_key()
    try:
        fields = Fields(read_element(token.signature_algorithm, "signature algorithm", SEQUENCE), "algorithm")
        algorithm = read_oid(fields.take("an algorithm", OID), "signature algorithm")
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS and algorithm in (_RSA, *_PKCS1):
            name = _PKCS1.get(algorithm, token.digest)
            if name != token.digest:
                raise InvalidSignature
            key.verify(token.signature, token.attributes, padding.PKCS1v15(), _HASH[name])
        elif isinstance(key, ec.EllipticCurvePublicKey) and _ECDSA.get(algorithm) == token.digest:
            key.verify(token.signature, token.attributes, ec.ECDSA(_HASH[token.digest]))
        elif isinstance(key, ed25519.Ed25519PublicKey) and algorithm == _ED25519:
            key.verify(token.signature, token.attributes)
        else:
            raise WrongSignature(f"signatures of the kind {algorithm} with this key are not accepted", "signature")
    except (InvalidSignature, MalformedDer, UnsupportedAlgorithm) as error:
        raise WrongSignature("the authority's signature does not hold", "signature") from error
