"""A control framework as data: its requirements, where they come from, and what may be done with its text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final, Literal, TypeAlias, TypeGuard

from muniment.core.errors import Malformed

Kind: TypeAlias = Literal["group", "requirement", "part"]
KINDS: Final = ("group", "requirement", "part")


def is_kind(value: object) -> TypeGuard[Kind]:
    """Say whether a value names a kind of row."""
    return isinstance(value, str) and value in KINDS


class LicenceClass(StrEnum):
    """What may be done with the text of a framework that a tenant brought in; identifiers are always shown.

    Attributes:
        FREE: shown and exported (works of the US government, EU legislation, UK Open Government Licence).
        ATTRIBUTED: shown and exported with the attribution that the catalog names, under the same licence.
        LICENSED: shown inside the tenant, never exported.
    """

    FREE = "A"
    ATTRIBUTED = "B"
    LICENSED = "C"

    @property
    def meaning(self) -> str:
        """The class in a few words."""
        return {"A": "free text", "B": "with attribution", "C": "licensed: never exported"}[self.value]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of a framework.

    Attributes:
        id: as in a control id after the framework's prefix, for example `CC6.1`.
        kind: `group` holds others and is not counted; `requirement` is what the framework counts;
            `part` is a detail of a requirement, addressable and not counted.
        label: a few words for people; empty where the nearest row above it says enough.
        parent: id of the row that holds this one; empty at the top.
        sets: ids of the baselines or levels that this requirement belongs to.
        published_as: the publisher's spelling, where a control id cannot hold it; otherwise empty.
        text: the requirement's text as a tenant imported it; empty in every file that is shipped.
    """

    id: str
    kind: Kind = "requirement"
    label: str = ""
    parent: str = ""
    sets: tuple[str, ...] = ()
    published_as: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """How many requirements a source says there are: `number` of `what`, as `source` states it."""

    number: int
    what: str
    source: str


@dataclass(frozen=True, slots=True)
class RequirementSet:
    """A baseline or level of a framework, and how many requirements belong to it."""

    id: str
    title: str
    number: int


@dataclass(frozen=True)
class Catalog:
    """A framework in one edition.

    Attributes:
        id: the prefix of its control ids, with the edition where editions differ: `iso27001-2022`.
        version: the edition as its publisher names it.
        source: the publisher's document.
        checked_against: the list at hand that the identifiers were taken from or compared with.
        licence: in one sentence, the terms of the source.
        attribution: what an export of class B has to say; empty otherwise.
        count: how many requirements there are, and who says so; the loader holds the file to it.
        superseded_by: id of the catalog of the next edition, or empty.
        note: what a reader has to know, for example which part of a law is covered.
        requirements: rows in the framework's order; a parent stands before its children.
    """

    id: str
    title: str
    version: str
    publisher: str
    source: str
    checked_against: str
    licence: str
    licence_class: LicenceClass
    count: Count
    requirements: tuple[Requirement, ...]
    attribution: str = ""
    superseded_by: str = ""
    note: str = ""
    sets: tuple[RequirementSet, ...] = field(default=())

    @cached_property
    def rows(self) -> Mapping[str, Requirement]:
        """Every row by its id."""
        return {row.id: row for row in self.requirements}

    @cached_property
    def counted(self) -> tuple[Requirement, ...]:
        """The rows that the framework counts, in its order."""
        return tuple(row for row in self.requirements if row.kind == "requirement")

    def control_id(self, row: Requirement) -> str:
        """The control id of a row, as it stands in an entry: `soc2:CC6.1`."""
        return f"{self.id}:{row.id}"

    def find(self, requirement_id: str) -> Requirement:
        """The row with this id, without the prefix.

        Raises:
            Malformed: if there is none.
        """
        if (row := self.rows.get(requirement_id)) is None:
            raise Malformed(f"{self.id} ({self.title}) has no {requirement_id!r}", "control")
        return row

    def above(self, row: Requirement) -> Iterator[Requirement]:
        """The rows that hold this one, the nearest first."""
        while row.parent:
            row = self.rows[row.parent]
            yield row

    def label_of(self, row: Requirement) -> str:
        """What to call a row: its label, or that of the nearest row above it."""
        return row.label or next((above.label for above in self.above(row) if above.label), self.title)

    def name_of(self, row: Requirement) -> str:
        """What to call a row that stands alone: its label after that of the row above it, where both have one.

        >>> from muniment.catalogs.shipped import catalog
        >>> catalog("pci-dss-4").name_of(catalog("pci-dss-4").find("10.4.1"))
        'Logs reviewed: Daily'
        """
        over = self.rows[row.parent].label if row.parent else ""
        return f"{over}: {row.label}" if over and row.label and over != row.label else self.label_of(row)

    def exportable_text(self, row: Requirement) -> str:
        """The text of a row as it may leave the tenant: empty for class C, whatever was imported."""
        return "" if self.licence_class is LicenceClass.LICENSED else row.text
