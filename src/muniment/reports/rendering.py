"""Drawing a document as PDF/A-3a with typst: the same document gives the same bytes, on every machine.

Nothing of the document is markup to typst: it comes as JSON, and the template sets its strings as text. typst reads no
file (its root is an empty folder), fetches no package, and uses the fonts that it brings, not the system's.
"""

from __future__ import annotations

import json
import tempfile
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from muniment.core.errors import Refused
from muniment.reports.document import Document, parse_document
from muniment.reports.view import view_of

if TYPE_CHECKING:
    import typst

ATTACHED: Final = "report.json"
"""The name of the document inside the PDF."""
STANDARDS: Final = ("a-3a", "ua-1")
"""PDF/A-3a because a file of another format is attached; PDF/UA-1 because it can be had with it."""
MAX_PDF: Final = 16 * 1024 * 1024


class CannotDraw(Refused):
    """The document cannot be drawn."""


def renderer() -> str:
    """The typst that draws here, such as `typst 0.15.2`; "" where none is installed."""
    try:
        return f"typst {version('typst')}"
    except PackageNotFoundError:
        return ""


def draw(document: Document) -> bytes:
    """Draw a document.

    Raises:
        Malformed: if it could not be read again.
        CannotDraw: if typst is not installed or refuses, or the PDF would be larger than 16 MiB.
    """
    parse_document(document.text())
    try:
        import typst
    except ModuleNotFoundError:
        raise CannotDraw("typst is not installed: pip install 'muniment[server]'", "report") from None
    drawn = b""
    for plain in (False, True):
        try:
            drawn = _compiled(document, plain=plain)
        except typst.TypstError as error:
            # Letters that no font can set together, as a base of one script under an accent of another.
            if plain:
                raise CannotDraw(f"typst refuses: {error.message}", "report") from None
        else:
            break
    if len(drawn) > MAX_PDF:
        raise CannotDraw(f"it would have {len(drawn):,} bytes, at most {MAX_PDF:,} are kept", "report")
    return drawn


def _compiled(document: Document, *, plain: bool) -> bytes:
    import typst

    view = json.dumps(view_of(document, plain=plain), ensure_ascii=True, separators=(",", ":"))
    at = int(datetime.fromisoformat(document.checkpoint.sealed_at).timestamp())
    with tempfile.TemporaryDirectory(prefix="muniment-report-") as empty:
        compiler = typst.Compiler(
            _template(),
            root=empty,
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs={"view": view, "document": document.text().decode(), "name": ATTACHED},
            package_path=empty,
            package_cache_path=empty,
        )
        made: Any = compiler.compile(format="pdf", pdf_standards=list(STANDARDS), timestamp=at)
    if not isinstance(made, bytes):
        raise CannotDraw("typst gave no single file", "report")
    return made


@cache
def _template() -> bytes:
    return files("muniment.reports").joinpath("templates", "report.typ").read_bytes()


@cache
def _fonts() -> typst.Fonts:
    import typst

    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
