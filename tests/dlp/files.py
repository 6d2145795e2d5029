"""Small files of the kinds that people attach, made as programs make them."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_OFFICE = "http://schemas.openxmlformats.org"
_TYPES = f'<?xml version="1.0"?><Types xmlns="{_OFFICE}/package/2006/content-types"/>'


def archive(files: Mapping[str, bytes], *, stored: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)
    return out.getvalue()


def workbook(rows: Sequence[Sequence[str | int]], **more: bytes) -> bytes:
    """A spreadsheet: texts shared as Excel writes them, numbers in the cells."""
    shared: list[str] = []
    lines = []
    for number, row in enumerate(rows, 1):
        cells = ""
        for column, value in enumerate(row):
            place = f"{chr(65 + column)}{number}"
            if isinstance(value, int):
                cells += f'<c r="{place}"><v>{value}</v></c>'
            else:
                cells += f'<c r="{place}" t="s"><v>{len(shared)}</v></c>'
                shared.append(value)
        lines.append(f'<row r="{number}">{cells}</row>')
    texts = "".join(f"<si><t>{escape(one)}</t></si>" for one in shared)
    main = f"{_OFFICE}/spreadsheetml/2006/main"
    return archive(
        {
            "[Content_Types].xml": _TYPES.encode(),
            "xl/sharedStrings.xml": f'<sst xmlns="{main}">{texts}</sst>'.encode(),
            "xl/worksheets/sheet1.xml": (
                f'<worksheet xmlns="{main}"><sheetData>{"".join(lines)}</sheetData></worksheet>'
            ).encode(),
            **{name.replace("__", "/").replace("_dot_", "."): data for name, data in more.items()},
        }
    )


def letter(*paragraphs: Sequence[str]) -> bytes:
    """A text document; each paragraph is given as the runs into which a word processor broke it."""
    body = "".join(
        "<w:p>" + "".join(f"<w:r><w:t>{escape(run)}</w:t></w:r>" for run in runs) + "</w:p>" for runs in paragraphs
    )
    main = f"{_OFFICE}/wordprocessingml/2006/main"
    return archive(
        {
            "[Content_Types].xml": _TYPES.encode(),
            "word/document.xml": f'<w:document xmlns:w="{main}"><w:body>{body}</w:body></w:document>'.encode(),
        }
    )


def open_text(*paragraphs: str) -> bytes:
    """A text document of OpenDocument."""
    text = "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
    office = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    body = "".join(f"<text:p>{escape(one)}</text:p>" for one in paragraphs)
    return archive(
        {
            "mimetype": b"application/vnd.oasis.opendocument.text",
            "content.xml": (
                f'<office:document-content xmlns:office="{office}" xmlns:text="{text}"><office:body><office:text>'
                f"{body}</office:text></office:body></office:document-content>"
            ).encode(),
        }
    )


def picture(width: int = 64, height: int = 64, *, comment: str = "") -> bytes:
    """A grey PNG."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    text = chunk(b"tEXt", b"Comment\0" + comment.encode("latin-1")) if comment else b""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + text + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
