"""An upstream server that does exactly what a test says, byte for byte, over real sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

PATIENCE = 20.0
"""Seconds after which a peer that should have done something counts as not doing it."""


@dataclass
class Conversation:
    """One request on one connection: its head and body have been read."""

    connection: socket.socket
    head: bytes
    body: bytes

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        pairs = [line.partition(b":") for line in self.head.split(b"\r\n")[1:] if line]
        return [(name.lower(), value.strip()) for name, _, value in pairs]

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def chunk(self, data: bytes) -> None:
        """A chunk of a body in chunked transfer coding."""
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def answer(
        self, body: bytes, *headers: bytes, status: bytes = b"200 OK", media: bytes = b"application/json"
    ) -> None:
        """A whole answer of known length."""
        lines = (b"HTTP/1.1 " + status, b"content-type: " + media, b"content-length: %d" % len(body), *headers)
        self.send(b"\r\n".join(lines) + b"\r\n\r\n" + body)

    def stream(self, *chunks: bytes, headers: tuple[bytes, ...] = (), end: bool = True) -> None:
        """The beginning of an event stream, or all of it."""
        lines = (b"HTTP/1.1 200 OK", b"content-type: text/event-stream", b"transfer-encoding: chunked", *headers)
        self.send(b"\r\n".join(lines) + b"\r\n\r\n")
        for chunk in chunks:
            self.chunk(chunk)
        if end:
            self.send(b"0\r\n\r\n")

    def closed_by_peer(self) -> bool:
        """Wait until the other side closes."""
        with contextlib.suppress(OSError):
            while self.connection.recv(65536):
                pass
        return True


@dataclass
class Upstream:
    """Listens; each request is handed to `play`. Afterwards the connection is kept if `keep`, else closed."""

    play: Callable[[Conversation], None]
    keep: bool = False
    read_body: bool = True
    seen: list[Conversation] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        for one in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                connection.settimeout(PATIENCE)
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        rest = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            while True:
                head, rest = self._until(connection, rest, b"\r\n\r\n")
                if not head:
                    break
                conversation = Conversation(connection, head, b"")
                if self.read_body:
                    conversation.body, rest = self._body(connection, conversation, rest)
                self.seen.append(conversation)
                try:
                    self.play(conversation)
                except (ConnectionError, TimeoutError):
                    break
                except BaseException as error:
                    self.errors.append(error)
                    break
                if not self.keep:
                    break
        connection.close()

    @staticmethod
    def _until(connection: socket.socket, data: bytes, mark: bytes) -> tuple[bytes, bytes]:
        while mark not in data:
            more = connection.recv(65536)
            if not more:
                return b"", b""
            data += more
        head, _, rest = data.partition(mark)
        return head, rest

    def _body(self, connection: socket.socket, conversation: Conversation, rest: bytes) -> tuple[bytes, bytes]:
        if conversation.header(b"transfer-encoding") == b"chunked":
            body = b""
            while True:
                size, rest = self._until(connection, rest, b"\r\n")
                wanted = int(size, 16)
                rest = self._at_least(connection, rest, wanted + 2)
                body, rest = body + rest[:wanted], rest[wanted + 2 :]
                if not wanted:
                    return body, rest
        length = int(conversation.header(b"content-length") or 0)
        rest = self._at_least(connection, rest, length)
        return rest[:length], rest[length:]

    @staticmethod
    def _at_least(connection: socket.socket, data: bytes, size: int) -> bytes:
        pieces, have = [data], len(data)
        while have < size:
            more = connection.recv(1 << 20)
            if not more:
                break
            pieces.append(more)
            have += len(more)
        return b"".join(pieces)
