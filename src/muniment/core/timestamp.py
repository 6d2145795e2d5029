"""Timestamp tokens of RFC 3161, and what of a log they are made over.

Nothing here trusts an authority: `parse_token` says what a token claims, `timestamp_proof.verify_token` proves that a
pinned authority said so.

Source: RFC 3161; RFC 5652 (CMS); RFC 5816 (ESSCertIDv2).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from muniment.core.checkpoint import parse_signed_checkpoint
from muniment.core.errors import Malformed
from muniment.core.note import Note
from muniment.core.timestamp_der import (
    BOOLEAN,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    Element,
    Fields,
    MalformedDer,
    read_element,
    read_integer,
    read_oid,
    read_time,
)

MAX_TOKEN: Final = 262_144
"""The longest response or token that is looked at, in bytes."""

HASHES: Final = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
"""Hash functions that a token may be made with, by object identifier."""

SHA256: Final = "2.16.840.1.101.3.4.2.1"
_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_SIGNATURE_LENGTH: Final = 64
_CONTEXT_0, _CONTEXT_1, _CONTEXT_0_PRIMITIVE = 0xA0, 0xA1, 0x80


class MalformedTimestamp(Malformed):
    """The bytes are no timestamp response or token as RFC 3161 prescribes."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a TimeStampToken claims; nothing is proven.

    Attributes:
        der: the token as received.
        info: DER of its TSTInfo, which is what is signed.
        policy: the policy under which it was made, dotted.
        imprint_hash: name of the hash of the imprint; `imprint`: the stamped hash.
        serial: the authority's number for it.
        time: microseconds since the Unix epoch, UTC.
        nonce: from the request; None if it carries none.
        certificates: DER of those that came along; `revocations`: DER of CRLs and other revocation data that did.
        signer: DER of the signer's identifier: issuer and serial number, or a subject key identifier.
        digest: name of the hash that the signed attributes hold; `attributes`: them as signed, DER of a SET.
        signature_algorithm: DER of its AlgorithmIdentifier; `signature`: the bytes.
    """

    der: bytes
    info: bytes
    policy: str
    imprint_hash: str
    imprint: bytes
    serial: int
    time: int
    nonce: int | None
    certificates: tuple[bytes, ...]
    revocations: tuple[bytes, ...]
    signer: bytes
    digest: str
    attributes: bytes
    signature_algorithm: bytes
    signature: bytes


def sealed_note(note: bytes) -> bytes:
    """The sealed note of a checkpoint: its text and the log's signature alone, which is what authorities stamp.

    Args:
        note: a signed checkpoint note with any cosignatures.

    Raises:
        Malformed: if it is no checkpoint note, or not exactly one line is a 64-byte signature under the origin's name.

    Source: docs/format.md section 4.
    """
    signed, checkpoint = parse_signed_checkpoint(note)
    lines = [
        line
        for line in signed.signatures
        if line.name == checkpoint.origin and len(line.signature) == _SIGNATURE_LENGTH
    ]
    if len(lines) != 1:
        raise MalformedTimestamp(f"{len(lines)} signatures stand under the log's own name, and one must", "sealed note")
    return Note(signed.text, (lines[0],)).encoded()


def note_imprint(note: bytes) -> bytes:
    """SHA-256 of the sealed note of a checkpoint, 32 bytes.

    Raises:
        Malformed: as `sealed_note` does.
    """
    return hashlib.sha256(sealed_note(note)).digest()


def parse_token(data: bytes) -> Token:
    """Read a TimeStampToken: a CMS SignedData with one signer over a TSTInfo.

    Raises:
        MalformedTimestamp: if it is none.

    Source: RFC 3161 section 2.4.2; RFC 5652 section 5.
    """
    try:
        return _token(whole(data, "token"))
    except MalformedDer as error:
        raise MalformedTimestamp(error.reason, error.where) from error


def whole(data: bytes, where: str) -> Element:
    """One sequence of at most `MAX_TOKEN` bytes, and nothing else.

    Raises:
        Malformed: naming `where`.
    """
    if len(data) > MAX_TOKEN:
        raise MalformedTimestamp(f"is longer than {MAX_TOKEN:,} bytes", where)
    return read_element(data, where, SEQUENCE)


def _token(data: Element) -> Token:
    content = Fields(data, "token")
    if read_oid(content.take("a type", OID), "token") != _SIGNED_DATA:
        raise MalformedTimestamp("is not signed data", "token")
    wrapped = Fields(content.take("signed data", _CONTEXT_0), "token")
    content.end()
    fields = Fields(wrapped.take("signed data", SEQUENCE), "signed data")
    wrapped.end()
    if read_integer(fields.take("a version", INTEGER), "signed data") != 3:
        raise MalformedTimestamp("has a version other than 3", "signed data")
    declared = [
        _hash_name(one, "hash algorithms") for one in Fields(fields.take("hash algorithms", SET), "hash").rest()
    ]
    enclosed = Fields(fields.take("the time information", SEQUENCE), "content")
    if read_oid(enclosed.take("a type", OID), "content") != _TST_INFO:
        raise MalformedTimestamp("signs something else than a time", "content")
    explicit = Fields(enclosed.take("a time", _CONTEXT_0), "content")
    info = explicit.take("a time", OCTET_STRING).content
    explicit.end()
    enclosed.end()
    certificates = fields.optional(_CONTEXT_0)
    revocations = fields.optional(_CONTEXT_1)
    signers = Fields(fields.take("a signer", SET), "signers")
    fields.end()
    signer = Fields(signers.take("a signer", SEQUENCE), "signer")
    signers.end()
    token = _signed(data, info, certificates, revocations, signer)
    if declared != [token.digest]:
        raise MalformedTimestamp("declares other hashes than its signer used", "signed data")
    return token


def _signed(
    data: Element, info: bytes, certificates: Element | None, revocations: Element | None, signer: Fields
) -> Token:
    version = read_integer(signer.take("a version", INTEGER), "signer")
    identifier = signer.take("an identifier")
    if (version, identifier.tag) not in ((1, SEQUENCE), (3, _CONTEXT_0_PRIMITIVE)):
        raise MalformedTimestamp("is identified in a way that its version does not have", "signer")
    digest = _hash_name(signer.take("a hash algorithm", SEQUENCE), "signer")
    attributes = signer.take("signed attributes", _CONTEXT_0)
    algorithm = signer.take("a signature algorithm", SEQUENCE)
    signature = signer.take("a signature", OCTET_STRING).content
    signer.optional(_CONTEXT_1)
    signer.end()
    fields = Fields(read_element(info, "time information", SEQUENCE), "time information")
    if read_integer(fields.take("a version", INTEGER), "time information") != 1:
        raise MalformedTimestamp("has a version other than 1", "time information")
    policy = read_oid(fields.take("a policy", OID), "policy")
    imprint = Fields(fields.take("an imprint", SEQUENCE), "imprint")
    imprint_hash = _hash_name(imprint.take("a hash algorithm", SEQUENCE), "imprint")
    stamped = imprint.take("a hash", OCTET_STRING).content
    imprint.end()
    serial = read_integer(fields.take("a serial number", INTEGER), "serial number")
    time = read_time(fields.take("a time"), "time")
    fields.optional(SEQUENCE)  # accuracy: what it adds is below what an anchor is for
    fields.optional(BOOLEAN)
    nonce = fields.optional(INTEGER)
    fields.optional(_CONTEXT_0)
    fields.optional(_CONTEXT_1)
    fields.end()
    return Token(
        der=data.raw,
        info=info,
        policy=policy,
        imprint_hash=imprint_hash,
        imprint=stamped,
        serial=serial,
        time=time,
        nonce=None if nonce is None else read_integer(nonce, "nonce"),
        certificates=_raw(certificates, "certificates", SEQUENCE),
        revocations=_raw(revocations, "revocations", None),
        signer=identifier.raw,
        digest=digest,
        attributes=bytes((SET,)) + attributes.raw[1:],
        signature_algorithm=algorithm.raw,
        signature=signature,
    )


def _raw(elements: Element | None, where: str, tag: int | None) -> tuple[bytes, ...]:
    if elements is None:
        return ()
    return tuple(one.raw for one in Fields(elements, where).rest() if tag is None or one.tag == tag)


def _hash_name(algorithm: Element, where: str) -> str:
    fields = Fields(algorithm, where)
    dotted = read_oid(fields.take("a hash", OID), where)
    if dotted not in HASHES:
        raise MalformedTimestamp(f"is made with the hash {dotted}, and only SHA-256, SHA-384 and SHA-512 count", where)
    return HASHES[dotted]
