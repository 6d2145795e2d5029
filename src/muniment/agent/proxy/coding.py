"""Undoing a body's `Content-Encoding` while it passes, in bounded memory, for whoever looks at it."""

import zlib
from collections.abc import Iterator
from typing import Final

MAX_READ: Final = 64 * 1024 * 1024
"""Bytes, undone, of one body that are looked at; a body that swells beyond that passes unread."""
_STEP: Final = 256 * 1024


class Unreadable(Exception):  # noqa: N818
    """The body is in a coding that cannot be undone, is damaged, or swells beyond `MAX_READ`."""


class Undoing:
    """Undoes one body's coding, piece by piece.

    Args:
        coding: the value of `Content-Encoding`, empty for none.

    Attributes:
        coding: that value in lower case.
    """

    def __init__(self, coding: bytes) -> None:
        self.coding = coding.strip().lower().decode("latin-1")
        self._left = MAX_READ
        self._begun = False
        self._inflate: zlib._Decompress | None = None
        if self.coding in ("gzip", "x-gzip"):
            self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        elif self.coding == "deflate":
            self._inflate = zlib.decompressobj()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """What a piece of the body says, in parts of bounded size.

        Raises:
            Unreadable: then the rest of the body is not worth feeding.
        """
        if self._inflate is None:
            if self.coding not in ("", "identity"):
                raise Unreadable(self.coding)
            self._spend(len(piece))
            if piece:
                yield piece
            return
        rest = piece
        while rest:
            part = self._undo(rest)
            self._spend(len(part))
            if part:
                yield part
            rest = self._inflate.unconsumed_tail
            if self._inflate.eof:
                rest = self._inflate.unused_data
                if not rest or self.coding == "deflate":
                    return
                # A gzip body may have several members, one after the other (RFC 1952, section 2.2).
                self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def _undo(self, data: bytes) -> bytes:
        assert self._inflate is not None
        try:
            part = self._inflate.decompress(data, _STEP)
        except zlib.error as error:
            if self.coding != "deflate" or self._begun:
                raise Unreadable(str(error)) from error
            # Some servers mean by `deflate` the bare stream, without zlib's frame (RFC 9110, section 8.4.1.2).
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            self._begun = True
            return self._undo(data)
        self._begun = True
        return part

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise Unreadable(f"larger than {MAX_READ} bytes")
