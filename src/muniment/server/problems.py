"""Problems: what a caller is told when something is refused (RFC 9457 `application/problem+json`).

One table holds every kind, so that `docs/api.md`, the OpenAPI page and the answers cannot drift apart. A problem's
`type` is a stable URN; `title` says the kind in words, `detail` says what was wrong here and what to do, `field` and
`index` say where.

Source: RFC 9457.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE: Final = "application/problem+json"
NOTHING_HERE: Final = "there is nothing here that this request may see; GET /api/docs lists what there is"
"""Said of all that is not there and of all that is not the caller's, so that the two cannot be told apart."""
URN: Final = "urn:muniment:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem.

    Args:
        name: the last part of the URN, stable for ever.
        status: the HTTP status it is answered with when it stands alone.
        title: the kind in words; the same for every occurrence.
    """

    name: str
    status: int
    title: str


KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("malformed-json", 400, "The request is not the JSON it says it is"),
        Kind("malformed-encoding", 400, "The request body could not be decoded"),
        Kind("malformed-request", 400, "The request cannot be read"),
        Kind("malformed-query", 400, "A query parameter cannot be read"),
        Kind("unauthenticated", 401, "A valid API key is needed"),
        Kind("wrong-scope", 403, "This API key does not allow that"),
        Kind("missing-capability", 403, "The roles of this key or person do not allow that"),
        Kind("step-up-needed", 403, "A fresh second factor is needed first"),
        Kind("csrf", 403, "A request with a session's cookie needs its CSRF token"),
        Kind("not-found", 404, "There is nothing here for you"),
        Kind("body-not-stored", 404, "The ledger holds no copy of this body"),
        Kind("method-not-allowed", 405, "This address does not answer that method"),
        Kind("request-timeout", 408, "The request body did not arrive in time"),
        Kind("event-conflict", 409, "This event id is already recorded with other content"),
        Kind("body-erased", 409, "The event is recorded and its body has been erased"),
        Kind("log-closed", 409, "The log takes no more events"),
        Kind("altered", 409, "This is not what was recorded, so it is not given out"),
        Kind("withheld", 409, "This is in quarantine, or was not scanned yet, so it is not given out"),
        Kind("not-sealed", 409, "No checkpoint covers this yet"),
        Kind("body-gone", 410, "This body has been erased"),
        Kind("body-too-large", 413, "The request body is too large"),
        Kind("too-many-events", 413, "The request has too many events"),
        Kind("unsupported-media-type", 415, "The content type or encoding is not one that is read here"),
        Kind("invalid-event", 422, "The event breaks a rule of the format"),
        Kind("invalid-submission", 422, "The submission around the event breaks a rule"),
        Kind("unknown-action", 422, "The action is not in the registry"),
        Kind("reserved-action", 422, "Only the ledger itself records this action"),
        Kind("reason-needed", 422, "This change needs a reason"),
        Kind("refused-event", 422, "The ledger refuses the event"),
        Kind("invalid-request", 422, "The request breaks a rule"),
        Kind("rate-limited", 429, "Too many requests"),
        Kind("internal", 500, "Something is wrong on this side"),
        Kind("broken-ledger", 500, "The stored log contradicts itself"),
        Kind("unavailable", 503, "The ledger cannot answer now"),
    )
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal, ready to be written as JSON.

    Args:
        kind: a name out of `KINDS`.
        detail: what was wrong and what to do, in one or two sentences; the answer puts the field before it.
        field: the field that was wrong, as a dotted path, when there is one.
        index: the event's place in the request, from 0, when there is one.
    """

    kind: str
    detail: str
    field: str | None = None
    index: int | None = None

    @property
    def status(self) -> int:
        """The HTTP status of this problem when it is the whole answer."""
        return KINDS[self.kind].status

    def document(self) -> dict[str, str | int]:
        """The problem as the members of its JSON object, in a fixed order."""
        kind = KINDS[self.kind]
        members: dict[str, str | int] = {"type": URN + kind.name, "title": kind.title, "status": kind.status}
        if self.index is not None:
            members["index"] = self.index
        if self.field is not None:
            members["field"] = self.field
        members["detail"] = self.detail if self.field is None else f"{self.field}: {self.detail}"
        return members

    def body(self) -> bytes:
        """The bytes of the answer."""
        return orjson.dumps(self.document())


class ProblemError(Exception):
    """Raised where a request, or one event of it, ends in a problem."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.headers = dict(headers or {})


def refuse(
    kind: str,
    detail: str,
    *,
    field: str | None = None,
    index: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProblemError:
    """Make the exception for a problem; the caller raises it."""
    return ProblemError(Problem(kind, detail, field, index), headers)
