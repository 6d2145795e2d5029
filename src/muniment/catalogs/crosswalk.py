"""Crosswalks: which requirements of one framework a public source sets beside which of another."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final, NoReturn

from muniment.catalogs.framework import Catalog
from muniment.catalogs.jsonplaces import MalformedCatalog, place, read_json
from muniment.catalogs.shipped import catalog
from muniment.core.errors import Malformed
from muniment.core.identifiers import check_text

FORMAT: Final = "muniment-crosswalk/1"
MAX_BYTES: Final = 8 << 20
_KEYS: Final = ("format", "id", "from", "to", "relation", "source", "checked_against", "pairs")
_FOLDER = files("muniment.catalogs").joinpath("data/crosswalks")


class Relation(StrEnum):
    """What a pair says.

    Attributes:
        SAME: the same requirement under another number.
        SUPERSEDED: what became of a requirement in the next edition; it may have been merged, split or reworded.
        IMPLEMENTS: the first carries out the second.
        RELATED: the source sets them beside each other; neither need cover the other.
    """

    SAME = "same"
    SUPERSEDED = "superseded-by"
    IMPLEMENTS = "implements"
    RELATED = "related"


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """Pairs between two catalogs.

    Attributes:
        source: who states the pairs, and where.
        checked_against: the list at hand that the pairs were taken from.
        pairs: requirement ids without prefixes, in the order of the first catalog.
    """

    id: str
    from_catalog: str
    to_catalog: str
    relation: Relation
    source: str
    checked_against: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A control id that a crosswalk leads to, what the crosswalk says of it, and which crosswalk that is."""

    control: str
    relation: Relation
    crosswalk: str


def parse_crosswalk(data: bytes, name: str, find: Callable[[str], Catalog] = catalog) -> Crosswalk:
    """Read a crosswalk file; both ends of each pair must be in their catalogs, and no pair may occur twice.

    Args:
        data: at most 8 MiB.
        name: what to call the file in errors.
        find: gives the catalog of an id, or raises `Malformed`.

    Raises:
        MalformedCatalog: naming file, line and place.
    """
    text, value = read_json(data, name, MAX_BYTES)

    def refuse(reason: str, *path: str | int) -> NoReturn:
        raise MalformedCatalog(reason, place(text, name, path))

    def line(key: str) -> str:
        try:
            return check_text(value[key], 2000)
        except Malformed as error:
            refuse(error.reason, key)

    for key in value:
        if key not in _KEYS:
            refuse(f"unknown key {key!r}; known are {', '.join(_KEYS)}", key)
    for key in _KEYS:
        if key not in value:
            refuse(f"the key {key!r} is missing")
    if value["format"] != FORMAT:
        refuse(f"must be {FORMAT}", "format")
    try:
        relation = Relation(value["relation"])
    except ValueError:
        refuse(f"must be one of {', '.join(Relation)}", "relation")
    ends = []
    for key in ("from", "to"):
        try:
            ends.append(find(line(key)))
        except MalformedCatalog:
            raise
        except Malformed as error:
            refuse(error.reason, key)
    pairs: dict[tuple[str, str], None] = {}
    if not isinstance(value["pairs"], list):
        refuse("must be an array", "pairs")
    for at, pair in enumerate(value["pairs"]):
        pairs.setdefault(_pair(pair, at, ends, refuse))
        if len(pairs) != at + 1:
            refuse(f"{pair[0]} to {pair[1]} occurs twice", "pairs", at)
    return Crosswalk(
        line("id"), ends[0].id, ends[1].id, relation, line("source"), line("checked_against"), tuple(pairs)
    )


def _pair(pair: Any, at: int, ends: list[Catalog], refuse: Callable[..., NoReturn]) -> tuple[str, str]:
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(one, str) for one in pair):
        refuse("must be two requirement ids", "pairs", at)
    for side, one in enumerate(pair):
        if one not in ends[side].rows:
            refuse(f"{ends[side].id} has no {one!r}", "pairs", at, side)
    return pair[0], pair[1]


def format_crosswalk(crosswalk: Crosswalk) -> bytes:
    """Write a crosswalk as its file, one pair a line."""
    head = {
        "format": FORMAT,
        "id": crosswalk.id,
        "from": crosswalk.from_catalog,
        "to": crosswalk.to_catalog,
        "relation": crosswalk.relation.value,
        "source": crosswalk.source,
        "checked_against": crosswalk.checked_against,
    }
    lines = "".join(f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},\n" for key, value in head.items())
    pairs = ",\n".join(f"    {json.dumps(list(pair))}" for pair in crosswalk.pairs)
    return f'{{\n{lines}  "pairs": [\n{pairs}\n  ]\n}}\n'.encode()


@cache
def crosswalks() -> tuple[Crosswalk, ...]:
    """Every crosswalk that is shipped, by id."""
    found = sorted((entry for entry in _FOLDER.iterdir() if entry.name.endswith(".json")), key=lambda one: one.name)
    return tuple(parse_crosswalk(entry.read_bytes(), entry.name) for entry in found)


@cache
def _links() -> dict[str, tuple[Link, ...]]:
    found: dict[str, list[Link]] = {}
    for walk in crosswalks():
        for first, second in walk.pairs:
            link = Link(f"{walk.to_catalog}:{second}", walk.relation, walk.id)
            found.setdefault(f"{walk.from_catalog}:{first}", []).append(link)
    return {control: tuple(links) for control, links in found.items()}


def links_from(control: str) -> tuple[Link, ...]:
    """Where the shipped crosswalks lead from a control id; empty where none says anything."""
    return _links().get(control, ())


def successors(control: str) -> tuple[str, ...]:
    """What a control id of a superseded edition became, so that an export can show both; empty for a current one.

    >>> successors("iso27001-2013:A.9.4.1")
    ('iso27001-2022:A.8.3',)
    """
    return tuple(link.control for link in links_from(control) if link.relation is Relation.SUPERSEDED)


def with_successors(controls: Iterable[str]) -> tuple[str, ...]:
    """Control ids and what superseded ones became, sorted by bytes."""
    given = tuple(controls)
    return tuple(sorted({*given, *(later for control in given for later in successors(control))}))
