"""Server-sent events, read while they pass.

Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream".
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

MAX_EVENT: Final = 32 * 1024 * 1024
"""Bytes of one event, its framing included."""
_LINE_END = re.compile(rb"\r\n|\n|\r")
_MARK: Final = b"\xef\xbb\xbf"


class StreamEvent(NamedTuple):
    """One event.

    Attributes:
        name: `message` where the stream gives none.
        data: its data lines, joined by line feeds.
    """

    name: str
    data: bytes


class Oversize(Exception):  # noqa: N818
    """An event is larger than `MAX_EVENT`; the rest of the stream is not worth feeding."""


class EventStream:
    """Cuts a stream into events. An event that its stream does not finish is none, as the standard says."""

    def __init__(self) -> None:
        self._tail: list[bytes] = []
        self._size = 0
        self._after_return = False
        self._begun = False
        self._name = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[StreamEvent]:
        """The events that are complete with this piece.

        Raises:
            Oversize: if one is too large to be held.
        """
        if self._after_return and piece:
            # The line ended with the last piece; this is the second half of the same line end.
            piece = piece.removeprefix(b"\n")
            self._after_return = False
        self._size += len(piece)
        if self._size > MAX_EVENT:
            raise Oversize
        self._tail.append(piece)
        if b"\n" not in piece and b"\r" not in piece:
            return
        text = b"".join(self._tail)
        self._after_return = text.endswith(b"\r")
        lines = _LINE_END.split(text)
        self._tail = [lines.pop()]
        for line in lines:
            if not self._begun:
                self._begun, line = True, line.removeprefix(_MARK)
            if line:
                self._field(line)
                continue
            if self._data:
                yield StreamEvent(self._name.decode("utf-8", "replace") or "message", b"\n".join(self._data))
            self._name, self._data = b"", []
            self._size = len(self._tail[0])

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._name = value
