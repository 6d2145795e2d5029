"""The document of a report, `muniment-report/1`: everything that its pages show, and how each number was asked for.

It travels inside the PDF as an attached file. The pages are drawn from it and from nothing else, so that drawing it
again gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from muniment.core.canonical import MAX_INTEGER, Json, dump_json, parse_json
from muniment.core.times import parse_time6
from muniment.reports.asks import MAX_NUMBERS, Ask, read_ask
from muniment.reports.blocks import (
    Block,
    MalformedReport,
    block_json,
    exactly,
    figures_of,
    list_at,
    object_at,
    read_block,
    text_at,
)

FORMAT: Final = "muniment-report/1"
TEMPLATE: Final = "1"
"""Of how pages are drawn from a document; another one draws other bytes."""
KINDS: Final = ("control", "integrity", "custom", "board", "executive")
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_BLOCKS: Final = 2_000
_DEPTH: Final = 10
_KEYS: Final = (
    "format", "template", "kind", "title", "subtitle", "tenant", "log", "checkpoint", "mapping", "layout", "blocks",
    "numbers", "drawn_by",
)  # fmt: skip

Value: TypeAlias = "int | str"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The checkpoint under which everything was asked: entries, root as 64 hex digits, when it was stored (time6)."""

    size: int
    root: str
    sealed_at: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a report: what it is, how it was asked for, and what the answer was."""

    what: str
    ask: Ask
    value: Value


@dataclass(frozen=True, slots=True)
class Document:
    """A report.

    Attributes:
        kind: one of `KINDS`.
        title: of the report, and the line below it.
        subtitle: see `title`.
        tenant: whose it is, in words.
        log: the log's name.
        checkpoint: under which everything was asked.
        mapping: version and digest of the mapping in force; the digest may be empty.
        layout: canonical JSON of a custom report's layout, otherwise empty.
        blocks: what stands on its pages.
        numbers: by reference, the first one is 1.
        drawn_by: what draws it, such as `typst 0.15.2`: another version may draw other bytes.
    """

    kind: str
    title: str
    subtitle: str
    tenant: str
    log: str
    checkpoint: Checkpoint
    mapping: tuple[str, str]
    layout: str
    blocks: tuple[Block, ...]
    numbers: tuple[Number, ...]
    drawn_by: str

    def text(self) -> bytes:
        """The document as canonical JSON (RFC 8785)."""
        return dump_json(
            {
                "format": FORMAT,
                "template": TEMPLATE,
                "kind": self.kind,
                "title": self.title,
                "subtitle": self.subtitle,
                "tenant": self.tenant,
                "log": self.log,
                "checkpoint": {
                    "size": self.checkpoint.size,
                    "root": self.checkpoint.root,
                    "sealed_at": self.checkpoint.sealed_at,
                },
                "drawn_by": self.drawn_by,
                "mapping": {"version": self.mapping[0], "digest": self.mapping[1]},
                "layout": self.layout,
                "blocks": [block_json(one) for one in self.blocks],
                "numbers": [{"what": one.what, "ask": one.ask.as_json(), "value": one.value} for one in self.numbers],
            }
        )

    def questions(self) -> bytes:
        """The questions alone, with log and checkpoint, as canonical JSON: what a report was made to ask."""
        return dump_json(
            {
                "log": self.log,
                "size": self.checkpoint.size,
                "root": self.checkpoint.root,
                "asks": [one.ask.as_json() for one in self.numbers],
            }
        )


def parse_document(data: bytes) -> Document:
    """Read a document.

    Args:
        data: at most 4 MiB.

    Raises:
        Malformed: naming the place; also if writing what was read does not give `data` back.
    """
    value = object_at(parse_json(data, max_bytes=MAX_BYTES, max_depth=_DEPTH), "report")
    if value.get("format") != FORMAT:
        raise MalformedReport(f"is not {FORMAT}", "format")
    if value.get("template") != TEMPLATE:
        raise MalformedReport(f"is not {TEMPLATE}: another release of muniment made this report", "template")
    exactly(value, _KEYS, "")
    kind = text_at(value, "kind", "")
    if kind not in KINDS:
        raise MalformedReport(f"is none of {', '.join(KINDS)}", "kind")
    blocks = list_at(value, "blocks", "", MAX_BLOCKS)
    numbers = list_at(value, "numbers", "", MAX_NUMBERS)
    found = Document(
        kind=kind,
        title=text_at(value, "title", ""),
        subtitle=text_at(value, "subtitle", ""),
        tenant=text_at(value, "tenant", ""),
        log=text_at(value, "log", ""),
        checkpoint=_checkpoint(value["checkpoint"]),
        mapping=_mapping(value["mapping"]),
        layout=text_at(value, "layout", ""),
        blocks=tuple(read_block(one, f"blocks[{at}]") for at, one in enumerate(blocks)),
        drawn_by=text_at(value, "drawn_by", ""),
        numbers=tuple(_number(one, f"numbers[{at}]") for at, one in enumerate(numbers)),
    )
    if not found.title.strip():
        raise MalformedReport("says something", "title")
    check_figures(found)
    if found.text() != data:
        raise MalformedReport("is not written in its canonical form (RFC 8785)", "report")
    return found


def check_figures(document: Document) -> None:
    """Refuse figures that no number stands behind, and numbers that no page shows.

    Raises:
        MalformedReport: naming the first.
    """
    shown = {one.number for block in document.blocks for one in figures_of(block)}
    every = set(range(1, len(document.numbers) + 1))
    if unknown := sorted(shown - every):
        raise MalformedReport(f"figure {unknown[0]} is none of the {len(every):,} numbers", "blocks")
    if hidden := sorted(every - shown):
        raise MalformedReport(f"number {hidden[0]} stands on no page", "numbers")


def _checkpoint(value: Json) -> Checkpoint:
    members = object_at(value, "checkpoint")
    exactly(members, ("size", "root", "sealed_at"), "checkpoint")
    size, root = members["size"], text_at(members, "root", "checkpoint")
    if not isinstance(size, int) or not 1 <= size <= MAX_INTEGER:
        raise MalformedReport("is a number of entries", "checkpoint.size")
    if len(root) != 64 or not set(root) <= set("0123456789abcdef"):
        raise MalformedReport("has 64 hex digits", "checkpoint.root")
    sealed_at = text_at(members, "sealed_at", "checkpoint")
    parse_time6(sealed_at)
    return Checkpoint(size, root, sealed_at)


def _mapping(value: Json) -> tuple[str, str]:
    members = object_at(value, "mapping")
    exactly(members, ("version", "digest"), "mapping")
    return text_at(members, "version", "mapping"), text_at(members, "digest", "mapping")


def _number(value: Json, where: str) -> Number:
    members = object_at(value, where)
    exactly(members, ("what", "ask", "value"), where)
    answer = members["value"]
    if not isinstance(answer, int | str):
        raise MalformedReport("is a number or a text", f"{where}.value")
    if isinstance(answer, str):
        text_at(members, "value", where)
    return Number(text_at(members, "what", where), read_ask(members["ask"], f"{where}.ask"), answer)
