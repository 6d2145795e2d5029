"""The archive of an XLSX file: its parts and their XML, in constant memory however they are made up.

Readers that build trees turn a part of short elements into many times its size, so the parts are streamed here.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, Protocol
from xml.parsers import expat

from muniment.core.errors import Malformed
from muniment.tables.reading import Bounded, Limits

_PARTS: Final = 1_000
"""Files inside an archive."""
_CHUNK: Final = 1 << 16
_LONGEST_TOKEN: Final = 1 << 20
"""Bytes of one tag or one run of text."""
_DEEPEST: Final = 32
"""Elements inside one another."""


class Handler(Protocol):
    """What listens to a part. Names come without their namespaces."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """A piece of text inside the element that began last and has not ended."""


class Package:
    """An archive whose parts are read one at a time.

    Args:
        stream: the file.
        limits: its size, and the size of what it unpacks to, checked before anything is unpacked. Unpacking stops at
            the size that a part says it has.

    Raises:
        Malformed: `file`.
    """

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        packed = io.BytesIO(io.BufferedReader(Bounded(stream, limits.file_bytes)).read())
        try:
            self._archive = zipfile.ZipFile(packed)
        except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, OverflowError):
            raise Malformed("is no XLSX file", "file") from None
        parts = self._archive.infolist()
        if len(parts) > _PARTS:
            raise Malformed(f"holds {len(parts):,} parts; at most {_PARTS:,}", "file")
        if len({part.filename for part in parts}) != len(parts):
            raise Malformed("holds two parts of one name", "file")
        if sum(part.file_size for part in parts) > limits.unpacked_bytes:
            raise Malformed(f"unpacks to more than {limits.unpacked_bytes / (1 << 20):g} MiB", "file")
        if any(part.flag_bits & 1 for part in parts):
            raise Malformed("is encrypted; save it without a password", "file")

    def holds(self, part: str) -> bool:
        """Whether there is such a part."""
        return part in self._archive.NameToInfo

    def read(self, part: str, handler: Handler) -> None:
        """Tell a handler what a part holds.

        Raises:
            Malformed: `file`, if it is not there, is no XML, or is none that a spreadsheet writes.
        """
        for _ in self.stream(part, handler):
            pass

    def stream(self, part: str, handler: Handler) -> Iterator[None]:
        """The same piece by piece; between two pieces the handler's findings can be taken away."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        depth = 0

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            if depth > _DEEPEST:
                raise Malformed(f"holds elements {_DEEPEST} deep in {part}", "file")
            handler.start(_local(name), {_local(key): value for key, value in attributes.items()})

        def end(name: str) -> None:
            nonlocal depth
            depth -= 1
            handler.end(_local(name))

        def refuse(*_: object) -> None:
            raise Malformed(f"declares a document type in {part}; no spreadsheet writes one", "file")

        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = handler.text
        parser.StartDoctypeDeclHandler = refuse
        fed = 0
        try:
            with self._archive.open(part) as unpacked:
                while chunk := unpacked.read(_CHUNK):
                    parser.Parse(chunk, False)
                    fed += len(chunk)
                    # What stands between the last event and here is one unfinished token, kept in memory.
                    if fed - parser.CurrentByteIndex > _LONGEST_TOKEN:
                        raise Malformed(f"holds a tag of more than 1 MiB in {part}", "file")
                    yield
            parser.Parse(b"", True)
            yield
        except KeyError:
            raise Malformed(f"has no part {part}", "file") from None
        except expat.ExpatError as error:
            raise Malformed(f"holds no XML in {part}: {expat.errors.messages[error.code]}", "file") from None
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
            if isinstance(error, Malformed):
                raise
            raise Malformed(f"cannot be unpacked: {part}", "file") from None
        except zlib.error:
            raise Malformed(f"cannot be unpacked: {part}", "file") from None


def beside(part: str, target: str) -> str:
    """The name of the part that a relationship of another part leads to.

    >>> beside("xl/workbook.xml", "worksheets/sheet1.xml"), beside("xl/workbook.xml", "/xl/styles.xml")
    ('xl/worksheets/sheet1.xml', 'xl/styles.xml')
    """
    if target.startswith("/"):
        return target.lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(part), target))


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
