"""One request and its answer, as the proxy shows them to a recorder."""

import enum
from dataclasses import dataclass
from typing import Final, Protocol

import orjson

from muniment.agent.proxy.headers import Headers

MAX_HELD: Final = 32 * 1024 * 1024
"""Bytes of a request's body that are held until they are recorded; what exceeds that flows through."""


class Ending(enum.Enum):
    """How an exchange ended."""

    COMPLETE = "complete"
    """The answer came to its end. Whether the client read all of it is not known."""
    UNREACHABLE = "unreachable"
    """No connection to the upstream server came about: it has seen nothing of the request."""
    UPSTREAM_CUT = "upstream"
    """The upstream server, or the way to it, broke off before or within the answer."""
    CLIENT_GONE = "client"
    """The client went away before the answer's end; the upstream connection was then closed."""
    STOPPED = "stopped"
    """The proxy was stopped before the answer's end."""


@dataclass(frozen=True, slots=True)
class RequestHead:
    """A request without its body.

    Attributes:
        method: as on the wire, such as `POST`.
        path: as on the wire, percent-encoding included, without the query.
        query: as on the wire, without the question mark; may hold secrets.
        headers: the request's fields; `authorization` and its like are among them and must not be recorded.
    """

    method: str
    path: bytes
    query: bytes
    headers: Headers


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that the proxy gives by itself."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"

    @classmethod
    def error(cls, status: int, kind: str, message: str) -> "Reply":
        """An error in the shape that clients of model APIs read: `{"error": {"message", "type"}}`."""
        return cls(status, orjson.dumps({"error": {"message": f"muniment: {message}", "type": f"muniment_{kind}"}}))


@dataclass(frozen=True, slots=True)
class Changed:
    """A request's body that goes on in place of the one that came."""

    body: bytes


class Exchange(Protocol):
    """A recorder's side of one exchange. Its methods are called in this order, from one task."""

    async def asked(self, body: bytes, whole: bool) -> Reply | Changed | None:
        """The request, before anything of it is forwarded.

        Args:
            body: the request's body, or its beginning if it is larger than `MAX_HELD`.
            whole: whether that is all of it.

        Returns:
            None: forward it as it came. Otherwise what to answer, or what to forward, instead.
        """

    def asked_more(self, chunk: bytes) -> None:
        """A further piece of a body that is larger than `MAX_HELD`, before it is forwarded."""

    async def answering(self, status: int, headers: Headers) -> None:
        """Status and fields of the answer, before they are forwarded."""

    async def passing(self, chunk: bytes) -> None:
        """A piece of the answer's body as it came, before it is forwarded."""

    async def ended(self, ending: Ending) -> None:
        """The end, called exactly once; if complete, before the client can see it."""


class Recorder(Protocol):
    """Who records what passes.

    Attributes:
        fails_closed: whether a request that could not be recorded is refused instead of forwarded.
        unrecorded: how many calls of this interface failed.
    """

    fails_closed: bool
    unrecorded: int

    def begin(self, head: RequestHead) -> Exchange | Reply:
        """A new exchange, or what to answer instead."""


class Unseen:
    """An exchange that nobody records: what is left when a recorder could not even begin."""

    async def asked(self, body: bytes, whole: bool) -> Reply | None:
        """Let it be forwarded."""
        del body, whole
        return None

    def asked_more(self, chunk: bytes) -> None:
        """Look at nothing."""

    async def answering(self, status: int, headers: Headers) -> None:
        """Look at nothing."""

    async def passing(self, chunk: bytes) -> None:
        """Look at nothing."""

    async def ended(self, ending: Ending) -> None:
        """Look at nothing."""
