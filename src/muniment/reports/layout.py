"""The layout of a custom report, `muniment-layout/1`: which sections stand in it, in which order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from muniment.core.canonical import Json, dump_json, parse_json
from muniment.core.errors import Malformed
from muniment.reports.asks import STRATA
from muniment.reports.blocks import exactly, list_at, object_at, text_at

FORMAT: Final = "muniment-layout/1"
MAX_SECTIONS: Final = 40
MAX_ENTRIES: Final = 500
"""Entries that one table shows."""
MAX_ENTRIES_IN_ALL: Final = 1_000
"""Entries that all tables of a report show: drawing five times as many takes half a gigabyte."""
MAX_STRATA: Final = 100
"""Strata that one table or chart shows."""
MAX_BYTES: Final = 65_535
MAX_TITLE: Final = 120
COLUMNS: Final = {
    "place": "Place",
    "recorded": "Recorded",
    "occurred": "Occurred",
    "action": "Action",
    "actor": "Actor",
    "outcome": "Outcome",
    "resource": "Resource",
    "tool": "Tool",
    "workspace": "Workspace",
    "controls": "Controls",
    "hash": "Hash",
}
"""What a table of entries can show. Bodies are not among them."""


@dataclass(frozen=True, slots=True)
class TextSection:
    """A heading (`level` 1 or 2), or running text (`level` 0)."""

    text: str
    level: int = 0


@dataclass(frozen=True, slots=True)
class StatementSection:
    """What was asked for and searched, and the count."""


@dataclass(frozen=True, slots=True)
class TableSection:
    """The first entries of the population."""

    columns: tuple[str, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class StrataSection:
    """Counts by stratum, as a table or as bars."""

    by: str
    bars: bool


@dataclass(frozen=True, slots=True)
class SamplesSection:
    """The samples drawn from the population."""


Section: TypeAlias = "TextSection | StatementSection | TableSection | StrataSection | SamplesSection"


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout: the report's title and its sections."""

    title: str
    sections: tuple[Section, ...]

    def text(self) -> str:
        """The layout as canonical JSON."""
        parts: list[Json] = [_section_json(one) for one in self.sections]
        return dump_json({"format": FORMAT, "title": self.title, "sections": parts}).decode()


def parse_layout(data: bytes) -> Layout:
    """Read a layout.

    Raises:
        Malformed: naming the field, such as `sections[2].columns[0]`.
    """
    value = object_at(parse_json(data, max_bytes=MAX_BYTES), "layout")
    exactly(value, ("format", "title", "sections"), "")
    if value["format"] != FORMAT:
        raise Malformed(f"is not {FORMAT}", "format")
    title = text_at(value, "title", "").strip()
    if not 1 <= len(title) <= MAX_TITLE or not title.isprintable():
        raise Malformed(f"has 1 to {MAX_TITLE} characters on one line", "title")
    sections = list_at(value, "sections", "", MAX_SECTIONS)
    if not sections:
        raise Malformed("names at least one section", "sections")
    read = tuple(_section(one, f"sections[{at}]") for at, one in enumerate(sections))
    if sum(one.limit for one in read if isinstance(one, TableSection)) > MAX_ENTRIES_IN_ALL:
        raise Malformed(f"its tables show at most {MAX_ENTRIES_IN_ALL:,} entries together", "sections")
    return Layout(title, read)


def _section(value: Json, where: str) -> Section:
    members = object_at(value, where)
    kind = text_at(members, "kind", where)
    keys: Mapping[str, tuple[str, ...]] = {
        "heading": ("text", "level"),
        "text": ("text",),
        "statement": (),
        "table": ("columns", "limit"),
        "strata": ("by",),
        "chart": ("by",),
        "samples": (),
    }
    if kind not in keys:
        raise Malformed(f"is none of {', '.join(keys)}", f"{where}.kind")
    exactly(members, ("kind", *keys[kind]), where)
    if kind == "heading":
        level = members["level"]
        if level not in (1, 2):
            raise Malformed("is 1 or 2", f"{where}.level")
        text = text_at(members, "text", where)
        if not text.strip():
            raise Malformed("says something", f"{where}.text")
        return TextSection(text, level)
    if kind == "text":
        return TextSection(text_at(members, "text", where))
    if kind == "table":
        return _table(members, where)
    if kind in ("strata", "chart"):
        by = text_at(members, "by", where)
        if by not in STRATA:
            raise Malformed(f"is one of {', '.join(STRATA)}", f"{where}.by")
        return StrataSection(by, kind == "chart")
    return StatementSection() if kind == "statement" else SamplesSection()


def _table(members: dict[str, Json], where: str) -> TableSection:
    columns = list_at(members, "columns", where, len(COLUMNS))
    if not columns:
        raise Malformed("names at least one column", f"{where}.columns")
    for at, one in enumerate(columns):
        if not isinstance(one, str) or one not in COLUMNS:
            raise Malformed(f"is none of {', '.join(COLUMNS)}", f"{where}.columns[{at}]")
        if one in columns[:at]:
            raise Malformed("stands there twice", f"{where}.columns[{at}]")
    if len(columns) > 8:
        raise Malformed("a page has room for eight columns", f"{where}.columns")
    limit = members["limit"]
    if not isinstance(limit, int) or not 1 <= limit <= MAX_ENTRIES:
        raise Malformed(f"lies between 1 and {MAX_ENTRIES}", f"{where}.limit")
    return TableSection(tuple(str(one) for one in columns), limit)


def _section_json(section: Section) -> dict[str, Json]:
    match section:
        case TextSection(text, 0):
            return {"kind": "text", "text": text}
        case TextSection(text, level):
            return {"kind": "heading", "text": text, "level": level}
        case TableSection(columns, limit):
            return {"kind": "table", "columns": list(columns), "limit": limit}
        case StrataSection(by, bars):
            return {"kind": "chart" if bars else "strata", "by": by}
        case SamplesSection():
            return {"kind": "samples"}
        case StatementSection():
            return {"kind": "statement"}
