"""A document as the template takes it: every text made showable, every figure with its value and reference."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from muniment.reports.asks import Ask
from muniment.reports.blocks import Bars, Block, Cell, Facts, Figure, Heading, Notice, Paragraph, Table
from muniment.reports.document import Document, Number, Value
from muniment.reports.lettering import NARROW_RUN, WIDE_RUN, shown

KINDS: Final = {
    "control": "Control evidence report",
    "integrity": "Integrity report",
    "custom": "Custom report",
    "board": "Board report",
    "executive": "Executive report",
}
_WIDE_COLUMNS: Final = 4
_CELL: Final = 400
"""Characters of a cell that a page shows."""


def view_of(document: Document, *, plain: bool = False) -> dict[str, Any]:
    """What the template draws: strings, and the structure around them.

    Args:
        document: with figures that all have their numbers.
        plain: show ASCII only, see `lettering.shown`.
    """
    made = _View(document, plain)
    sealed = datetime.fromisoformat(document.checkpoint.sealed_at)
    return {
        "kind": KINDS[document.kind],
        "title": made.line(document.title),
        "subtitle": made.line(document.subtitle),
        "tenant": made.text(document.tenant),
        "log": made.line(document.log),
        "size": grouped(document.checkpoint.size),
        "root": document.checkpoint.root,
        "sealed": sealed.strftime("%Y-%m-%d %H:%M:%S UTC"),
        "date": [sealed.year, sealed.month, sealed.day, sealed.hour, sealed.minute, sealed.second],
        "mapping": made.text(document.mapping[0]),
        "digest": made.text(document.mapping[1]),
        "blocks": [made.block(one) for one in document.blocks],
        "numbers": [made.number(at, one) for at, one in enumerate(document.numbers, 1)],
    }


def grouped(value: Value) -> str:
    """A number with its thousands apart, a text as it is.

    >>> grouped(1234567)
    '1,234,567'
    """
    return f"{value:,}" if isinstance(value, int) else value


class _View:
    def __init__(self, document: Document, plain: bool) -> None:
        self._numbers = document.numbers
        self._plain = plain
        self._under = 0

    def text(self, text: str, most: int = 8_000, run: int = WIDE_RUN) -> str:
        return shown(text, plain=self._plain, most=most, run=run)

    def line(self, text: str) -> str:
        """A text on one line, as everything is that a PDF repeats in its outline and metadata."""
        return " ".join(self.text(text, _CELL).split())

    def number(self, at: int, number: Number) -> list[str]:
        return [str(at), self.text(number.what, _CELL), self._asked(number.ask), self._value(number.value)]

    def _asked(self, ask: Ask) -> str:
        return self.text(ask.words, _CELL)

    def _value(self, value: Value, run: int = WIDE_RUN) -> str:
        return self.text(grouped(value), _CELL, run)

    def cell(self, cell: Cell, most: int = _CELL, run: int = WIDE_RUN) -> dict[str, str]:
        if isinstance(cell, Figure):
            return {"t": self._value(self._numbers[cell.number - 1].value, run), "n": str(cell.number)}
        return {"t": self.text(cell, most, run)}

    def block(self, block: Block) -> dict[str, Any]:
        match block:
            case Heading(text, level):
                # Structure that readers of tagged PDF rely on: no level may be left out (PDF/UA-1, 7.4.2).
                self._under = min(level, self._under + 1)
                return {"b": "heading", "text": self.line(text), "level": self._under}
            case Paragraph(parts, tone):
                return {"b": "paragraph", "parts": [self.cell(one, 8_000) for one in parts], "tone": tone}
            case Facts(rows):
                return {"b": "facts", "rows": [[self.text(name, _CELL), self.cell(one, 1_200)] for name, one in rows]}
            case Table(columns, body, caption):
                run = WIDE_RUN if len(columns) <= _WIDE_COLUMNS else NARROW_RUN
                return {
                    "b": "table",
                    "caption": self.text(caption),
                    "columns": [[self.text(one.label, _CELL), one.align, one.share] for one in columns],
                    "rows": [[self.cell(one, run=run) for one in row] for row in body],
                }
            case Bars(bars, caption):
                values = [self._numbers[one.number - 1].value for _, one in bars]
                counts = [value if isinstance(value, int) else 0 for value in values]
                most = max([*counts, 1])
                # Thousandths, so that the template divides nothing.
                return {
                    "b": "bars",
                    "caption": self.text(caption),
                    "rows": [
                        [self.text(name, 60), self.cell(one), max(counts[at] * 1_000 // most, 0)]
                        for at, (name, one) in enumerate(bars)
                    ],
                }
            case Notice(title, text, tone):
                return {"b": "notice", "title": self.text(title, _CELL), "text": self.text(text), "tone": tone}
