"""Small PDF documents that programs can read."""

from collections.abc import Iterable

HEAD = b"%PDF-1.7\n"


def pdf(*pages: str, filler: bytes = b"", extra: Iterable[bytes] = ()) -> bytes:
    """A document with a line of Latin text on each page.

    `filler` are bytes that nothing in it refers to, `extra` more objects, numbered from 4 plus twice the pages on.
    """
    shown = pages or ("",)
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(shown)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(shown)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(shown):
        lines = "".join(f"({_escaped(line)}) ' " for line in text.split("\n"))
        drawn = f"BT /F1 12 Tf 14 TL 40 800 Td {lines}ET".encode("latin-1")
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> "
            + f"/Contents {5 + 2 * number} 0 R >>".encode()
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n".encode() + drawn + b"\nendstream")
    objects += extra
    if filler:
        objects.append(f"<< /Length {len(filler)} >>\nstream\n".encode() + filler + b"\nendstream")
    out, places = bytearray(HEAD), []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + one + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
