"""MCP over streamable HTTP, shown message by message to the same observer that the stdio recorder uses.

* What a client posts is shown before it is forwarded, and each message of an answer before the client can have it:
  from a JSON answer, from the event stream that answers a post, and from the stream that a `GET` opens (first, or again
  with `Last-Event-ID`).
* In the era of handshakes, what carries one `Mcp-Session-Id` is one session: an answer may come on another stream than
  the call's. In the stateless era, and with servers that give no session id, each post stands alone.
* Only the server's own path passes, and what a client needs under `/.well-known/` to find out how to sign in. Any other
  path might be a second door to the same server.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, Protocol

from muniment.agent.draft import traceparent
from muniment.agent.proxy.coding import Undoing, Unreadable
from muniment.agent.proxy.eventstream import EventStream, Oversize
from muniment.agent.proxy.exchange import Changed, Ending, Exchange, Reply, RequestHead, Unseen
from muniment.agent.proxy.headers import Headers, causes_said, every, first, media_type

MAX_SESSIONS: Final = 4_096
"""Sessions that are kept apart at one time; the one that was silent for longest is ended when there are more."""
MAX_ANSWER: Final = 32 * 1024 * 1024
"""Bytes of one message from the server that are held in order to be read."""
_WELL_KNOWN: Final = b"/.well-known/"
_PASSING_METHODS: Final = ("GET", "HEAD", "OPTIONS")


class Passage(Protocol):
    """What to do instead of forwarding a message as it came.

    Attributes:
        forward: what to forward instead; None: nothing.
        answer: what the client is answered, empty for nothing to say; None where something is forwarded.
    """

    @property
    def forward(self) -> bytes | None:
        """See above."""

    @property
    def answer(self) -> bytes | None:
        """See above."""


class Session(Protocol):
    """Who is shown the messages of one session, or of one post that stands alone. None of it raises."""

    def from_client(
        self, body: bytes, trace: tuple[str, str] | None = None, causes: tuple[str, ...] = ()
    ) -> Passage | None:
        """A posted body: one message or a batch. None: forward it as it came."""

    def from_server(self, body: bytes) -> None:
        """A message or a batch from the server."""

    def abandoned(self, body: bytes, outcome: str = "unknown", **labels: object) -> None:
        """The requests in a posted body will get no answer."""

    def oversize(self, direction: str, start: bytes) -> Passage | None:
        """The beginning of a message that is too large to be held."""

    def oversize_end(self, direction: str, length: int, sha256: str) -> None:
        """Length and SHA-256 of such a message."""

    def finish(self) -> None:
        """No further message will come."""


class HttpRecorder:
    """Records what passes between clients and one MCP server.

    Args:
        path: of the server's endpoint, as on the wire.
        session: makes a new session.
        waits: whether a session may wait (for the disk, for the ledger) when a client speaks.
        fails_closed: whether what could not be recorded is refused instead of forwarded.
    """

    def __init__(
        self, path: bytes, session: Callable[[], Session], *, waits: bool = False, fails_closed: bool = False
    ) -> None:
        self.fails_closed = fails_closed
        self.unrecorded = 0
        self.waits = waits
        self.sessions: OrderedDict[bytes, Session] = OrderedDict()
        self.new_session = session
        self._path = path or b"/"

    def begin(self, head: RequestHead) -> Exchange | Reply:
        """A new exchange, or a refusal: another path, or a body that cannot be read."""
        if head.path != self._path:
            if head.path.startswith(_WELL_KNOWN) and head.method in _PASSING_METHODS:
                return Unseen()
            return Reply.error(404, "path", f"only {self._path.decode('latin-1')} leads through this proxy")
        if head.method == "POST" and any(
            coding.strip().lower() not in (b"", b"identity") for coding in every(head.headers, b"content-encoding")
        ):
            return Reply.error(415, "coding", "send the message without Content-Encoding: it could not be looked at")
        if len(set(every(head.headers, b"mcp-session-id"))) > 1:
            return Reply.error(400, "session", "there are two different Mcp-Session-Id")
        return McpExchange(self, head)

    def session_of(self, identifier: bytes) -> Session:
        """The session of that id; a new one if it is not known here."""
        found = self.sessions.get(identifier)
        if found is None:
            found = self.new_session()
        self.keep(identifier, found)
        return found

    def keep(self, identifier: bytes, session: Session) -> None:
        """Keep a session under its id, as the one that was heard of last."""
        self.sessions[identifier] = session
        self.sessions.move_to_end(identifier)
        while len(self.sessions) > MAX_SESSIONS:
            self.sessions.popitem(last=False)[1].finish()

    def end(self, identifier: bytes) -> None:
        """End a session."""
        session = self.sessions.pop(identifier, None)
        if session is not None:
            session.finish()

    def close(self) -> None:
        """End all sessions."""
        while self.sessions:
            self.sessions.popitem()[1].finish()


class McpExchange:
    """One request to the server's endpoint and its answer."""

    def __init__(self, recorder: HttpRecorder, head: RequestHead) -> None:
        self._recorder = recorder
        self._head = head
        self._identifier = first(head.headers, b"mcp-session-id")
        self._session = recorder.new_session() if self._identifier is None else recorder.session_of(self._identifier)
        self._body: bytes | None = None
        self._status = 0
        self._answer: _Messages | None = None
        self._more: hashlib._Hash | None = None
        self._size = 0

    async def asked(self, body: bytes, whole: bool) -> Reply | Changed | None:
        """Show what the client says; answer in the server's place where it is not to be forwarded."""
        if self._head.method != "POST":
            return None
        if whole:
            trace = traceparent((first(self._head.headers, b"traceparent") or b"").decode("latin-1"))
            told = (body, trace, causes_said(self._head.headers))
            if self._recorder.waits:
                passage = await asyncio.to_thread(self._session.from_client, *told)
            else:
                passage = self._session.from_client(*told)
            self._body = body
        else:
            self._more, self._size = hashlib.sha256(body), len(body)
            passage = self._session.oversize("client", body)
        if passage is None:
            return None
        if passage.forward is not None:
            return Changed(passage.forward)
        if self._identifier is None:
            self._session.finish()
        return Reply(200, passage.answer) if passage.answer else Reply(202)

    def asked_more(self, chunk: bytes) -> None:
        """Hash what flows through unheld."""
        self._size += len(chunk)
        if self._more is not None:
            self._more.update(chunk)

    async def answering(self, status: int, headers: Headers) -> None:
        """Begin to look at the answer; keep the session that it opens."""
        self._status = status
        self._answer = _Messages(self._session, headers)
        given = first(headers, b"mcp-session-id")
        if given is not None and self._identifier is None and 200 <= status < 300:
            self._identifier = given
            self._recorder.keep(given, self._session)

    async def passing(self, chunk: bytes) -> None:
        """Show the messages that are complete with this piece."""
        if self._answer is None:
            return
        if self._recorder.waits:
            await asyncio.to_thread(self._answer.feed, chunk)
        else:
            self._answer.feed(chunk)

    async def ended(self, ending: Ending) -> None:
        """Show the last message; end what stands alone or was deleted."""
        if self._recorder.waits:
            await asyncio.to_thread(self._end, ending)
        else:
            self._end(ending)

    def _end(self, ending: Ending) -> None:
        if self._more is not None:
            self._session.oversize_end("client", self._size, self._more.hexdigest())
        if self._answer is not None:
            self._answer.end(ending is Ending.COMPLETE)
        if self._body is not None:
            self._give_up(self._body, ending)
        if self._identifier is None:
            self._session.finish()
        elif self._head.method == "DELETE" and ending is Ending.COMPLETE and 200 <= self._status < 300:
            self._recorder.end(self._identifier)

    def _give_up(self, body: bytes, ending: Ending) -> None:
        """Close the requests of this post that cannot be answered any more; what was answered is closed already."""
        if ending is Ending.UNREACHABLE:
            self._session.abandoned(body, "failure", mcp_cut=ending.value)
        elif self._status >= 400:
            self._session.abandoned(body, "failure", mcp_status=self._status)
        elif self._identifier is None and ending is Ending.CLIENT_GONE:
            # Without a session there is no other way to cancel than to close the stream.
            self._session.abandoned(body, mcp_cancelled="client")
        elif ending is not Ending.COMPLETE and not self._may_go_on:
            self._session.abandoned(body, mcp_cut=ending.value)
        elif ending is Ending.COMPLETE and not self._may_go_on:
            self._session.abandoned(body, mcp_status=self._status)

    @property
    def _may_go_on(self) -> bool:
        """Whether what this answer leaves out may come on another stream of the session."""
        return self._identifier is not None and self._answer is not None and self._answer.resumable


class _Messages:
    """The messages in one answer's body.

    Attributes:
        resumable: whether it is a stream; what it leaves out may come on another one.
    """

    def __init__(self, session: Session, headers: Headers) -> None:
        self._session = session
        self._undoing = Undoing(first(headers, b"content-encoding") or b"")
        self.resumable = media_type(headers) == "text/event-stream"
        self._stream = EventStream() if self.resumable else None
        self._held: list[bytes] = []
        self._size = 0
        self._unread: hashlib._Hash | None = None

    def feed(self, piece: bytes) -> None:
        """Show what is complete. What cannot be read is shown as oversize: its beginning, its length, its hash."""
        if self._unread is not None:
            self._pass_unread(piece)
            return
        try:
            for part in self._undoing.feed(piece):
                if self._stream is None:
                    self._held.append(part)
                    self._size += len(part)
                    if self._size > MAX_ANSWER:
                        raise Oversize
                    continue
                for event in self._stream.feed(part):
                    if event.data:
                        self._session.from_server(event.data)
        except (Unreadable, Oversize):
            start = b"".join(self._held) or piece
            self._held.clear()
            self._unread, self._size = hashlib.sha256(start), len(start)
            self._session.oversize("server", start)

    def _pass_unread(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._unread is not None:
            self._unread.update(piece)

    def end(self, complete: bool) -> None:
        """Show an answer that is one document, if it came to its end."""
        if self._unread is not None:
            self._session.oversize_end("server", self._size, self._unread.hexdigest())
        elif self._stream is None and complete and self._held:
            self._session.from_server(b"".join(self._held))
