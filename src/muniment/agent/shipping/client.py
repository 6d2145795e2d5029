"""The protocol of the ledger's HTTP API, as far as what runs beside an agent needs it. See docs/api.md."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import httpx
import orjson

from muniment.agent.shipping.credentials import key_id_of
from muniment.core.errors import Malformed, MunimentError, Refused, VerificationFailed
from muniment.core.identifiers import is_hash

_URN: Final = "urn:muniment:problem:"
MAX_BUNDLE: Final = 256 * 1024 * 1024
_RETRYABLE: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class Unavailable(MunimentError):  # noqa: N818
    """The ledger cannot be reached, or cannot answer now: try again.

    Attributes:
        retry_after: seconds that the ledger asks to wait, or None.
        kind: the problem's name, such as `not-sealed`; empty where there is none.
    """

    def __init__(self, reason: str, where: str | None = None, retry_after: float | None = None, kind: str = "") -> None:
        super().__init__(reason, where)
        self.retry_after = retry_after
        self.kind = kind


class RequestRefused(Refused):
    """The ledger refuses a whole request, and will refuse it again.

    Attributes:
        status: the HTTP status.
        kind: the problem's name, such as `unauthenticated`; empty where the answer is no problem document.
    """

    def __init__(self, reason: str, where: str | None, status: int, kind: str) -> None:
        super().__init__(reason, where)
        self.status = status
        self.kind = kind


class ProtocolViolated(VerificationFailed):
    """The answer is none that a ledger gives."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The ledger says that it has the event on disk. Not yet proof.

    Attributes:
        log: origin of the log.
        id: the event's id.
        seq: the entry's place in the log.
        entry_hash: 32 bytes.
    """

    log: str
    id: str
    seq: int
    entry_hash: bytes


@dataclass(frozen=True, slots=True)
class Rejected:
    """The ledger refuses this one event for good.

    Attributes:
        kind: the problem's name, such as `invalid-event` or `event-conflict`.
        detail: the problem in words.
        field: the field it names, or None.
    """

    kind: str
    detail: str
    field: str | None


@dataclass(frozen=True, slots=True)
class Submission:
    """An event on its way to the ledger: canonical text, and salt and body where the body is sent along."""

    event: bytes
    salt: bytes | None = None
    body: bytes | None = None

    def line(self) -> bytes:
        """The submission as a line of NDJSON; the event's text goes in as it is."""
        if self.body is None or self.salt is None:
            return b'{"event":' + self.event + b"}\n"
        body, salt = b64encode(self.body), b64encode(self.salt)
        return b'{"event":' + self.event + b',"body":"' + body + b'","salt":"' + salt + b'"}\n'


class LedgerClient:
    """One ledger, with an API key.

    Args:
        url: where the ledger answers, such as `https://ledger.example`.
        key: the API key `mk_…`.
        timeout: seconds for each of connecting, writing and reading.

    Raises:
        Malformed: if URL or key cannot be.
    """

    def __init__(self, url: str, key: str, *, timeout: float = 30.0) -> None:
        self.key_id = key_id_of(key)
        if not url.startswith(("http://", "https://")):
            raise Malformed("must begin with http:// or https://", "MUNIMENT_URL")
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            timeout=timeout, headers={"authorization": f"Bearer {key}"}, follow_redirects=False, trust_env=True
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """The ledger named by `MUNIMENT_URL` and `MUNIMENT_KEY`.

        Raises:
            Malformed: if one of them is missing or cannot be.
        """
        for name in ("MUNIMENT_URL", "MUNIMENT_KEY"):
            if not environ.get(name):
                raise Malformed("is not set", name)
        return cls(environ["MUNIMENT_URL"], environ["MUNIMENT_KEY"])

    def append(self, submissions: Sequence[Submission]) -> list[Receipt | Rejected]:
        """Submit a batch; one answer for each, in order.

        Raises:
            Unavailable: nothing is known about the batch; it may be sent again as it is.
            RequestRefused: the request as a whole was refused.
            ProtocolViolated: if the answer does not fit the question.
        """
        data = b"".join([submission.line() for submission in submissions])
        response = self._ask("POST", "/api/events", data, "application/x-ndjson")
        document = _json(response)
        results = document.get("results") if isinstance(document, dict) else None
        if results is None:
            self._raise_for(response)
        if not isinstance(results, list) or len(results) != len(submissions):
            raise ProtocolViolated("the answer does not have one result for each event", self.url)
        return [_result(result) for result in results]

    def bundle(self, seqs: Sequence[int], since: int | None) -> bytes:
        """A bundle with these entries, up to the newest checkpoint.

        Args:
            seqs: places in the log.
            since: size of the checkpoint that is known already, which the bundle is to prove, too.

        Raises:
            Unavailable, RequestRefused, ProtocolViolated: as for `append`.
        """
        question: dict[str, object] = {"seqs": sorted(seqs), "bodies": False}
        if since is not None:
            question["since"] = since
        response = self._ask("POST", "/api/bundles", orjson.dumps(question), "application/json")
        self._raise_for(response)
        return response.content

    def checkpoint(self, origin: str) -> bytes:
        """The newest checkpoint of a log: a signed note, not verified here.

        Raises:
            Unavailable, RequestRefused, ProtocolViolated: as for `append`.
        """
        return self._get(f"/logs/{origin}/checkpoint")

    def keys(self, origin: str) -> bytes:
        """The newest keys note of a log, not verified here.

        Raises:
            Unavailable, RequestRefused, ProtocolViolated: as for `append`.
        """
        return self._get(f"/logs/{origin}/keys")

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _get(self, path: str) -> bytes:
        response = self._ask("GET", path, None, "")
        self._raise_for(response)
        return response.content

    def _ask(self, method: str, path: str, data: bytes | None, media: str) -> httpx.Response:
        headers = {"content-type": media} if data is not None else {}
        try:
            response = self._http.request(method, self.url + path, content=data, headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"the ledger cannot be reached: {str(error) or type(error).__name__}", self.url
            ) from error
        if len(response.content) > MAX_BUNDLE:
            raise ProtocolViolated(f"the answer is larger than {MAX_BUNDLE} bytes", self.url)
        return response

    def _raise_for(self, response: httpx.Response) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        document = _json(response)
        problem = document if isinstance(document, dict) else {}
        kind = str(problem.get("type", "")).removeprefix(_URN)
        detail = str(problem.get("detail") or problem.get("title") or response.reason_phrase)
        if status in _RETRYABLE:
            wait = response.headers.get("retry-after", "")
            raise Unavailable(f"{status} {detail}", self.url, float(wait) if wait.isdigit() else None, kind)
        raise RequestRefused(f"{status} {detail}", self.url, status, kind)


def _json(response: httpx.Response) -> object:
    try:
        return orjson.loads(response.content)
    except ValueError:
        return None


def _result(value: object) -> Receipt | Rejected:
    if not isinstance(value, dict):
        raise ProtocolViolated("a result is no object", "results")
    if value.get("state") == "recorded":
        log, event, seq, digest = (value.get(key) for key in ("log", "id", "seq", "entry_hash"))
        if (
            isinstance(log, str)
            and isinstance(event, str)
            and type(seq) is int
            and isinstance(digest, str)
            and is_hash(digest)
        ):
            return Receipt(log, event, seq, bytes.fromhex(digest))
        raise ProtocolViolated("a receipt lacks log, id, seq or entry_hash", "results")
    kind = value.get("type")
    if not isinstance(kind, str) or not kind.startswith(_URN):
        raise ProtocolViolated("a result is neither a receipt nor a problem", "results")
    status = value.get("status")
    if type(status) is int and status in _RETRYABLE:
        raise Unavailable(str(value.get("detail", kind)), "results")
    field = value.get("field")
    return Rejected(kind.removeprefix(_URN), str(value.get("detail", "")), field if isinstance(field, str) else None)
