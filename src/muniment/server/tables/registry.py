"""Which tables there are: for each noun its columns, what its list shows, and how a file of it is brought in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from django.db.models import Model, QuerySet
from django.urls import NoReverseMatch, reverse

from muniment.core.errors import Malformed, MunimentError
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.given_reason import ReasonNeededError
from muniment.tables import Row, RowFault, Table

Values: TypeAlias = Mapping[str, object]
"""A row of a list: its cells by the keys of the table's columns, and `id`."""
Written = Literal["added", "changed", "unchanged"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter that is one of some words: `choices` are (code, title), `field` the column of the database."""

    key: str
    title: str
    field: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Person:
    """A filter by a person: `me`, or a member's subject `user:usr_…`. Fields parted by `|`: any of them."""

    key: str
    title: str
    field: str


@dataclass(frozen=True, slots=True)
class Days:
    """A filter by a range of days, given as `<key>_from` and `<key>_to`, both included."""

    key: str
    title: str
    field: str


@dataclass(frozen=True, slots=True)
class Named:
    """A filter by an exact text, such as an id that another page links with."""

    key: str
    title: str
    field: str
    holds: bool = False
    """The field is a list that holds it."""


Filter: TypeAlias = Choice | Person | Days | Named


@dataclass(frozen=True, slots=True)
class Bulk:
    """A step that can be taken with marked rows: its word, its label, and the capability that it needs."""

    do: str
    label: str
    needs: Capability
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list asks of the database.

    Attributes:
        rows: one row for each thing, in any order.
        identity: the field that names a thing, unique among the rows.
        values: the cells of some rows at once; each has `id`.
        shown: keys of the columns that are shown unless others are chosen.
        sorts: fields by the keys of columns by which can be sorted; none of them empty in the database.
        order: the key in `sorts` of the order that nobody chose, with `-` for the largest first.
        filters: see above.
        searched: fields in which the words of a search are looked for; each word must be in one of them.
    """

    rows: Callable[[Standing], QuerySet[Any]]
    identity: str
    values: Callable[[Standing, Sequence[Any]], Sequence[Values]]
    shown: tuple[str, ...]
    sorts: Mapping[str, str]
    order: str
    filters: tuple[Filter, ...] = ()
    searched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """What an import did: numbers of rows."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


class RowsRefusedError(MunimentError):
    """Rows of a file that cannot be kept, each named."""

    def __init__(self, faults: Sequence[RowFault], *, whole: bool = True) -> None:
        first = f"{faults[0]}" if faults else "nothing can be read"
        more = f", and {len(faults) - 1:,} more" if len(faults) > 1 else ""
        super().__init__(f"{first}{more}", "file")
        self.faults = tuple(faults)
        self.whole = whole


Apply: TypeAlias = Callable[[Standing, Sequence[Row]], Applied]
"""Keeps rows in the open transaction with their entries; raises `RowsRefusedError` and keeps none."""


@dataclass(frozen=True, slots=True)
class TableOf:
    """A table that can be listed, exported and perhaps imported.

    Attributes:
        noun: in addresses and commands: `assets`.
        kind: of the resource in entries: `asset`.
        title: over the list.
        lead: under the title.
        table: its columns in files and lists.
        listing: what the list asks.
        reads: the capability that opens it.
        apply: keeps the rows of a file; None if files are not taken.
        writes: the capability that an import needs.
        page: the URL name of a thing's page, which takes its id; "" if it has none.
        home: the URL name of the application's own list; "" if this application shows it.
        apart: that list is a page of another kind, and this one stands beside it with its columns to choose.
        new: the URL name of the page that makes one; "" if there is none.
        lead_import: what the import page says of the file.
        bulk: what can be done with marked rows, at the page `bulk_route`, which takes `do` and each `item`.
        bulk_route: see `bulk`.
        icon: of the list where it is empty, and `empty` what it says then.
        empty: see `icon`.
    """

    noun: str
    kind: str
    title: str
    table: Table
    listing: Listing
    lead: str = ""
    reads: Capability = Capability.EXCEPTION_READ
    apply: Apply | None = None
    writes: Capability = Capability.REGISTER_MANAGE
    page: str = ""
    home: str = ""
    apart: bool = False
    new: str = ""
    lead_import: str = ""
    bulk: tuple[Bulk, ...] = ()
    bulk_route: str = ""
    icon: str = "columns"
    empty: str = "Nothing stands here yet."


_tables: Final[dict[str, TableOf]] = {}


def register(table: TableOf) -> None:
    """Say that there is a table; at start-up, once a noun.

    Raises:
        ValueError: for columns, orders or filters that do not fit together.
    """
    keys = {column.key for column in table.table.columns}
    wrong = [key for key in (*table.listing.shown, *table.listing.sorts) if key not in keys]
    if wrong or table.listing.order.removeprefix("-") not in table.listing.sorts:
        raise ValueError(f"{table.noun}: {wrong or table.listing.order} is no column")
    _tables[table.noun] = table


def tables() -> list[TableOf]:
    """Every table, by title."""
    return sorted(_tables.values(), key=lambda one: one.title)


def table_of(noun: str) -> TableOf:
    """The table of a noun.

    Raises:
        Malformed: if there is none.
    """
    if noun not in _tables:
        raise Malformed(f"is none of {', '.join(sorted(_tables))}", "table")
    return _tables[noun]


def table_of_kind(kind: str) -> TableOf | None:
    """The table of a resource's type; None if there is none."""
    return next((one for one in _tables.values() if one.kind == kind), None)


def each(write: Callable[[Standing, Row], Written]) -> Apply:
    """An `Apply` that keeps row by row. The first fault ends nothing: every row is tried, so that all faults are named.

    Args:
        write: keeps one row; raises Malformed or Refused with the field, before it has written anything.
    """

    def apply(standing: Standing, rows: Sequence[Row]) -> Applied:
        counts = {"added": 0, "changed": 0, "unchanged": 0}
        faults: list[RowFault] = []
        for row in rows:
            try:
                counts[write(standing, row)] += 1
            except ReasonNeededError:
                raise
            except MunimentError as error:
                faults.append(RowFault(row.number, error.where or "", error.reason))
        if faults:
            raise RowsRefusedError(faults)
        return Applied(**counts)

    return apply


def address(route: str, *args: str) -> str:
    """The address of a URL name; "" for none, and for a page that is not installed."""
    try:
        return reverse(route, args=args) if route else ""
    except NoReverseMatch:
        return ""


def home_of(table: TableOf) -> str:
    """The address of a table's list."""
    return address(table.home) or address("tables:list", table.noun)


def find(standing: Standing, table: TableOf, identity: str) -> Model | None:
    """One thing of a table as it stands; None if the tenant has none with that id."""
    if not identity or "\0" in identity or len(identity) > 200:
        return None
    found: Model | None = table.listing.rows(standing).filter(**{table.listing.identity: identity}).first()
    return found
