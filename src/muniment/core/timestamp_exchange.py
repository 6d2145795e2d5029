"""Asking for a timestamp: the request, and what an authority answers.

Source: RFC 3161 sections 2.4.1 and 2.4.2.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from muniment.core.timestamp import SHA256, MalformedTimestamp, whole
from muniment.core.timestamp_der import (
    BIT_STRING,
    BOOLEAN,
    INTEGER,
    NULL,
    OCTET_STRING,
    SEQUENCE,
    Element,
    Fields,
    MalformedDer,
    element,
    integer,
    oid,
    read_integer,
)

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
    algorithm = element(SEQUENCE, oid(SHA256), element(NULL))
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
        return _response(whole(data, "response"))
    except MalformedDer as error:
        raise MalformedTimestamp(error.reason, error.where) from error


def _response(data: Element) -> Response:
    fields = Fields(data, "response")
    info = Fields(fields.take("a status", SEQUENCE), "status")
    number = read_integer(info.take("a number", INTEGER), "status")
    words = [_STATUSES[number] if 0 <= number < len(_STATUSES) else f"status {number}"]
    texts = info.optional(SEQUENCE)
    if texts is not None:
        words += [text.content.decode("utf-8", "replace") for text in Fields(texts, "status text").rest()]
    bits = info.optional(BIT_STRING)
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
