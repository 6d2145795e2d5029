"""HTTP header fields as they pass from one connection to the next."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from muniment.core.identifiers import EVENT_REFERENCES, MAX_CAUSES

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Fields in the order of the wire, names in lower case; a name may occur more than once."""

_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_READABLE: Final = frozenset({b"gzip", b"x-gzip", b"deflate", b"identity"})


def first(headers: Headers, name: bytes) -> bytes | None:
    """The first field of that name.

    >>> first([(b"a", b"1"), (b"a", b"2")], b"a")
    b'1'
    """
    return next((value for key, value in headers if key == name), None)


def every(headers: Headers, name: bytes) -> list[bytes]:
    """All fields of that name, in order."""
    return [value for key, value in headers if key == name]


def end_to_end(headers: Headers, *, without: Iterable[bytes] = ()) -> list[tuple[bytes, bytes]]:
    """The fields that are meant for the far end: none of this one connection's, and none that `Connection` names.

    >>> end_to_end([(b"connection", b"close, X-Hop"), (b"x-hop", b"1"), (b"accept", b"*/*")])
    [(b'accept', b'*/*')]

    Source: RFC 9110 section 7.6.1.
    """
    named = {part.strip().lower() for value in every(headers, b"connection") for part in value.split(b",")}
    dropped = _HOP_BY_HOP | named | frozenset(without)
    return [(name, value) for name, value in headers if name not in dropped]


def readable_codings(value: bytes) -> bytes:
    """`Accept-Encoding`, narrowed to the codings that can be undone here, so that what passes can be read.

    >>> readable_codings(b"gzip, deflate, br;q=0.9, zstd")
    b'gzip, deflate'
    >>> readable_codings(b"br, *;q=0.1")
    b'identity'
    """
    kept = [part.strip() for part in value.split(b",") if part.split(b";")[0].strip().lower() in _READABLE]
    return b", ".join(kept) or b"identity"


def media_type(headers: Headers) -> str:
    """The media type of a body, lower case, without parameters; empty where none is given.

    >>> media_type([(b"content-type", b"Text/Event-Stream; charset=utf-8")])
    'text/event-stream'
    """
    value = first(headers, b"content-type") or b""
    return value.split(b";")[0].strip().lower().decode("latin-1")


def causes_said(headers: Headers) -> tuple[str, ...]:
    """The events that the client names with `Muniment-Cause`, at most 16; what is no reference is left out."""
    said = [value.decode("latin-1").strip() for value in every(headers, b"muniment-cause")]
    return tuple(dict.fromkeys(cause for cause in said if EVENT_REFERENCES.fullmatch(cause)))[:MAX_CAUSES]
