"""Timestamps of RFC 3161: requests, responses, tokens, and what of a log they are made over.

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
    NULL,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    Element,
    Fields,
    MalformedDer,
    element,
    integer,
    oid,
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

_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_SIGNATURE_LENGTH: Final = 64
_CONTEXT_0, _CONTEXT_1, _CONTEXT_0_PRIMITIVE = 0xA0, 0xA1, 0x80
_STATUSES: Final = ("granted", "granted with changes", "rejection", "waiting", "revocation warning", "revoked")
_FAILURES: Final = {
    0: "unrecognised algorithm",
    2: "bad request",
    5: "bad data format",
    14: "its time source is not available",
    15: "unaccepted policy",
    16: "unaccepted extension",
    17: "additional information is not available",
    25: "system failure",
}


class MalformedTimestamp(Malformed):
    """The bytes are no timestamp response or token as RFC 3161 prescribes."""


@dataclass(frozen=True, slots=True)
class Response:
    """What an authority answered.

    Attributes:
        granted: it made a token.
        status: in words, with the authority's own words and the named failures where it gives them.
        token: DER of the token; empty unless granted.
    """

    granted: bool
    status: str
    token: bytes


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


def timestamp_request(imprint: bytes, nonce: int, policy: str | None = None) -> bytes:
    """DER of a TimeStampReq over a SHA-256, which asks for the signer's certificate.

    Args:
        imprint: 32 bytes.
        nonce: from 0; random, so that an old response is no answer.
        policy: dotted; None for the authority's own choice.

    Raises:
        Malformed: if the imprint is not 32 bytes, or the policy is no object identifier.

    Source: RFC 3161 section 2.4.1.
    """
    if len(imprint) != hashlib.sha256().digest_size:
        raise MalformedTimestamp("must be 32 bytes", "imprint")
    algorithm = element(SEQUENCE, oid(_SHA256), element(NULL))
    return element(
        SEQUENCE,
        integer(1),
        element(SEQUENCE, algorithm, element(OCTET_STRING, imprint)),
        *(() if policy is None else (oid(policy),)),
        integer(nonce),
        element(BOOLEAN, b"\xff"),
    )


def parse_response(data: bytes) -> Response:
    """Read a TimeStampResp.

    Raises:
        MalformedTimestamp: if it is none; a response that grants without a token, or the reverse, is none either.

    Source: RFC 3161 section 2.4.2.
    """
    try:
        return _response(_whole(data, "response"))
    except MalformedDer as error:
        raise MalformedTimestamp(error.reason, error.where) from error


def parse_token(data: bytes) -> Token:
    """Read a TimeStampToken: a CMS SignedData with one signer over a TSTInfo.

    Raises:
        MalformedTimestamp: if it is none.

    Source: RFC 3161 section 2.4.2; RFC 5652 section 5.
    """
    try:
        return _token(_whole(data, "token"))
    except MalformedDer as error:
        raise MalformedTimestamp(error.reason, error.where) from error


def _whole(data: bytes, where: str) -> Element:
    if len(data) > MAX_TOKEN:
        raise MalformedTimestamp(f"is longer than {MAX_TOKEN:,} bytes", where)
    return read_element(data, where, SEQUENCE)


def _response(data: Element) -> Response:
    fields = Fields(data, "response")
    info = Fields(fields.take("a status", SEQUENCE), "status")
    number = read_integer(info.take("a number", INTEGER), "status")
    words = [_STATUSES[number] if 0 <= number < len(_STATUSES) else f"status {number}"]
    texts = info.optional(SEQUENCE)
    if texts is not None:
        words += [text.content.decode("utf-8", "replace") for text in Fields(texts, "status text").rest()]
    bits = info.optional(0x03)
    if bits is not None:
        words += _failures(bits.content)
    info.end()
    token = fields.optional(SEQUENCE)
    fields.end()
    granted = number in (0, 1)
    if granted != (token is not None):
        raise MalformedTimestamp("it grants a token and holds none, or the reverse", "response")
    shown = "; ".join("".join(c if c.isprintable() else "?" for c in word)[:200] for word in words if word)
    return Response(granted, shown, token.raw if token is not None else b"")


def _failures(bits: bytes) -> list[str]:
    value = bits[1:]
    set_bits = [at for at in range(8 * len(value)) if value[at // 8] & (0x80 >> at % 8)]
    return [_FAILURES.get(at, f"failure {at}") for at in set_bits[:8]]


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
