"""What stands on a report's pages: headings, text, facts, tables, bars and notices, as values and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from muniment.core.canonical import Json
from muniment.core.errors import Malformed

Tone = Literal["plain", "quiet", "good", "warn", "bad"]
Align = Literal["left", "right", "mono"]
TONES: Final[tuple[Tone, ...]] = get_args(Tone)
ALIGNS: Final[tuple[Align, ...]] = get_args(Align)
MAX_TEXT: Final = 8_000
"""Characters of one text of a document."""
MAX_ROWS: Final = 2_000
"""Rows of one table, bars of one chart."""
MAX_COLUMNS: Final = 10


class MalformedReport(Malformed):
    """The document of a report breaks its format; `where` names the place."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, or another answer of the ledger, that stands on the page with its reference.

    Attributes:
        number: of the `Number` in the document's list, from 1.
    """

    number: int


Cell: TypeAlias = "str | Figure"
"""Text, or a figure of the list of numbers."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 or 2."""

    text: str
    level: int = 1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text: pieces and figures, in one of the tones."""

    parts: tuple[Cell, ...]
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, one a row."""

    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, how it is set, and its share of the width (0: as wide as its content)."""

    label: str
    align: Align = "left"
    share: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table; its head stands on every page that it reaches."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Simple bars: a label and a figure each."""

    rows: tuple[tuple[str, Figure], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A framed remark."""

    title: str
    text: str
    tone: Tone = "warn"


Block: TypeAlias = "Heading | Paragraph | Facts | Table | Bars | Notice"


def block_json(block: Block) -> dict[str, Json]:
    """A block as a JSON object."""
    match block:
        case Heading(text, level):
            return {"block": "heading", "text": text, "level": level}
        case Paragraph(parts, tone):
            return {"block": "paragraph", "parts": [_cell_json(one) for one in parts], "tone": tone}
        case Facts(rows):
            return {"block": "facts", "rows": [[name, _cell_json(value)] for name, value in rows]}
        case Table(columns, body, caption):
            heads: list[Json] = [{"label": one.label, "align": one.align, "share": one.share} for one in columns]
            cells: list[Json] = [[_cell_json(one) for one in row] for row in body]
            return {"block": "table", "columns": heads, "rows": cells, "caption": caption}
        case Bars(bars, caption):
            return {"block": "bars", "rows": [[name, _cell_json(one)] for name, one in bars], "caption": caption}
        case Notice(title, text, tone):
            return {"block": "notice", "title": title, "text": text, "tone": tone}


def read_block(value: Json, where: str) -> Block:
    """Read a block.

    Raises:
        MalformedReport: naming the place.
    """
    members = object_at(value, where)
    kind = text_at(members, "block", where)
    keys: Mapping[str, tuple[str, ...]] = {
        "heading": ("text", "level"),
        "paragraph": ("parts", "tone"),
        "facts": ("rows",),
        "table": ("columns", "rows", "caption"),
        "bars": ("rows", "caption"),
        "notice": ("title", "text", "tone"),
    }
    if kind not in keys:
        raise MalformedReport(f"is none of {', '.join(keys)}", f"{where}.block")
    exactly(members, ("block", *keys[kind]), where)
    if kind == "heading":
        level = members["level"]
        if level not in (1, 2):
            raise MalformedReport("is 1 or 2", f"{where}.level")
        text = text_at(members, "text", where)
        if not text.strip():
            raise MalformedReport("says something", f"{where}.text")
        return Heading(text, level)
    if kind == "paragraph":
        return Paragraph(_cells(members["parts"], f"{where}.parts", MAX_ROWS), _tone(members, where))
    if kind == "notice":
        return Notice(text_at(members, "title", where), text_at(members, "text", where), _tone(members, where))
    rows = list_at(members, "rows", where, MAX_ROWS)
    if kind == "table":
        return _read_table(members, rows, where)
    pairs = [_cells(row, f"{where}.rows[{at}]", 2) for at, row in enumerate(rows)]
    for at, pair in enumerate(pairs):
        if len(pair) != 2 or not isinstance(pair[0], str):
            raise MalformedReport("is a name and a value", f"{where}.rows[{at}]")
        if kind == "bars" and not isinstance(pair[1], Figure):
            raise MalformedReport("is a figure", f"{where}.rows[{at}][1]")
    if kind == "facts":
        return Facts(tuple((str(name), value) for name, value in pairs))
    bars = tuple((str(name), value) for name, value in pairs if isinstance(value, Figure))
    return Bars(bars, text_at(members, "caption", where))


def figures_of(block: Block) -> list[Figure]:
    """The figures of a block in the order in which they stand."""
    match block:
        case Paragraph(parts, _):
            cells: Sequence[Cell] = parts
        case Facts(rows):
            cells = [value for _, value in rows]
        case Table(_, body, _):
            cells = [one for row in body for one in row]
        case Bars(bars, _):
            cells = [one for _, one in bars]
        case _:
            cells = ()
    return [one for one in cells if isinstance(one, Figure)]


def object_at(value: Json, where: str) -> dict[str, Json]:
    """The value as an object.

    Raises:
        MalformedReport: if it is none.
    """
    if not isinstance(value, dict):
        raise MalformedReport("is an object", where)
    return value


def exactly(members: Mapping[str, Json], keys: Sequence[str], where: str) -> None:
    """Refuse members that are missing or that nobody knows.

    Raises:
        MalformedReport: naming the first.
    """
    for name in keys:
        if name not in members:
            raise MalformedReport("is missing", f"{where}.{name}" if where else name)
    for name in members:
        if name not in keys:
            raise MalformedReport("is not known here", f"{where}.{name[:40]}" if where else name[:40])


def text_at(members: Mapping[str, Json], name: str, where: str) -> str:
    """A member that is a text.

    Raises:
        MalformedReport: if it is none, or too long.
    """
    value = members.get(name)
    place = f"{where}.{name}" if where else name
    if not isinstance(value, str):
        raise MalformedReport("is a text", place)
    if len(value) > MAX_TEXT:
        raise MalformedReport(f"has at most {MAX_TEXT:,} characters", place)
    return value


def list_at(members: Mapping[str, Json], name: str, where: str, most: int) -> list[Json]:
    """A member that is a list.

    Raises:
        MalformedReport: if it is none, or too long.
    """
    value = members.get(name)
    place = f"{where}.{name}" if where else name
    if not isinstance(value, list):
        raise MalformedReport("is a list", place)
    if len(value) > most:
        raise MalformedReport(f"has at most {most:,} parts", place)
    return value


def _cell_json(cell: Cell) -> Json:
    return {"figure": cell.number} if isinstance(cell, Figure) else cell


def _cells(value: Json, where: str, most: int) -> tuple[Cell, ...]:
    if not isinstance(value, list) or len(value) > most:
        raise MalformedReport(f"is a list of at most {most:,} cells", where)
    return tuple(_read_cell(one, f"{where}[{at}]") for at, one in enumerate(value))


def _read_cell(value: Json, where: str) -> Cell:
    if isinstance(value, str):
        return text_at({"": value}, "", where)
    if isinstance(value, dict) and set(value) == {"figure"} and isinstance(value["figure"], int):
        return Figure(value["figure"])
    raise MalformedReport("is a text or a figure", where)


def _tone(members: Mapping[str, Json], where: str) -> Tone:
    for tone in TONES:
        if members["tone"] == tone:
            return tone
    raise MalformedReport(f"is one of {', '.join(TONES)}", f"{where}.tone")


def _read_table(members: Mapping[str, Json], rows: list[Json], where: str) -> Table:
    columns = []
    for at, value in enumerate(list_at(members, "columns", where, MAX_COLUMNS)):
        place = f"{where}.columns[{at}]"
        one = object_at(value, place)
        exactly(one, ("label", "align", "share"), place)
        align = next((known for known in ALIGNS if one["align"] == known), None)
        share = one["share"]
        if align is None:
            raise MalformedReport(f"is one of {', '.join(ALIGNS)}", f"{place}.align")
        if not isinstance(share, int) or not 0 <= share <= 20:
            raise MalformedReport("lies between 0 and 20", f"{place}.share")
        columns.append(Column(text_at(one, "label", place), align, share))
    body = []
    for at, row in enumerate(rows):
        cells = _cells(row, f"{where}.rows[{at}]", MAX_COLUMNS)
        if len(cells) != len(columns) or not columns:
            raise MalformedReport(f"has {len(cells)} cells for {len(columns)} columns", f"{where}.rows[{at}]")
        body.append(cells)
    return Table(tuple(columns), tuple(body), text_at(members, "caption", where))
