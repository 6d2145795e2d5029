"""What the body of an answer turns out to be, while it passes."""

import hashlib
from typing import Final

from muniment.agent.models.answer import Answer, Reader
from muniment.agent.models.api import Api
from muniment.agent.models.chat import ChatReader
from muniment.agent.models.jsonvalues import parsed, written
from muniment.agent.models.messages import MessagesReader
from muniment.agent.models.plain import PlainReader
from muniment.agent.models.responses import ResponsesReader
from muniment.agent.proxy.coding import Undoing, Unreadable
from muniment.agent.proxy.eventstream import EventStream, Oversize
from muniment.agent.proxy.headers import Headers, first, media_type

JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
MAX_DOCUMENT: Final = 32 * 1024 * 1024
"""Bytes of an answer, its coding undone, that are kept in order to be read as one document."""
_READERS: Final[dict[Api, type[Reader]]] = {
    Api.CHAT: ChatReader,
    Api.RESPONSES: ResponsesReader,
    Api.MESSAGES: MessagesReader,
}


class Sighting:
    """One answer's body.

    Args:
        api: which API was asked.
        headers: the answer's.

    Attributes:
        size: bytes that passed.
        unread: why it could not be read to its end, if so.
        streamed: whether it is a stream of events.
        understood: whether it should be an answer of an API that is known here.
    """

    def __init__(self, api: Api, headers: Headers) -> None:
        self.size = 0
        self.unread: str | None = None
        self.media = media_type(headers)
        self.streamed = self.media == EVENTS
        self._reader: Reader = _READERS.get(api, PlainReader)()
        self._known = api in _READERS
        self.understood = api is not Api.OTHER
        self._digest = hashlib.sha256()
        self._undoing = Undoing(first(headers, b"content-encoding") or b"")
        self._stream = EventStream()
        self._kept: list[bytes] = []
        self._room = MAX_DOCUMENT

    @property
    def sha256(self) -> str:
        """SHA-256, in hex, of the bytes that passed."""
        return self._digest.hexdigest()

    @property
    def coding(self) -> str:
        """The body's `Content-Encoding`, empty for none."""
        return self._undoing.coding

    @property
    def done(self) -> bool:
        """Whether the event that ends the stream has passed."""
        return self._reader.done

    def feed(self, piece: bytes) -> None:
        """Look at a piece of the body."""
        self.size += len(piece)
        self._digest.update(piece)
        if self.unread is not None:
            return
        try:
            for part in self._undoing.feed(piece):
                if self.streamed and self._known:
                    for event in self._stream.feed(part):
                        self._reader.event(event.name, event.data)
                else:
                    self._keep(part)
        except Unreadable as error:
            self._give_up(str(error))
        except Oversize:
            self._give_up("an event is too large")

    def _keep(self, part: bytes) -> None:
        self._room -= len(part)
        if self._room < 0:
            self._give_up(f"larger than {MAX_DOCUMENT} bytes")
        else:
            self._kept.append(part)

    def _give_up(self, why: str) -> None:
        self.unread = why
        self._kept.clear()

    def answer(self) -> Answer | None:
        """What the answer says so far; None if it is nothing that can be read."""
        if self.streamed and self._known:
            return self._reader.so_far()
        if self.unread is not None:
            return None
        if self.streamed:
            return Answer(finished=True)
        value = parsed(b"".join(self._kept))
        return self._reader.document(value) if isinstance(value, dict) else None

    def body(self) -> tuple[bytes, str] | None:
        """The answer as an event's body, with its media type: what was read of it, its coding undone.

        A stream that is understood becomes the document that the API would have given without streaming.
        """
        if self.streamed and self._known:
            document = written(self._reader.assembled())
            return None if document is None else (document, JSON)
        if self.unread is not None:
            return None
        whole = b"".join(self._kept)
        if not whole:
            return None
        return whole, JSON if parsed(whole) is not None else EVENTS if self.streamed else "application/octet-stream"
