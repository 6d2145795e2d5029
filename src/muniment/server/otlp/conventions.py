"""The table of data/conventions.toml: what spans, log records and attributes become.

Source: the conventions that the table itself names, with address and version.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SPAN: Final = "span"
LOG_ACTION: Final = "x.otel.log"


@dataclass(frozen=True, slots=True)
class Family:
    """What a span can be: the action at its start, and the one at its end where that is an event of its own."""

    name: str
    opens: str
    closes: str | None


@dataclass(frozen=True, slots=True)
class Attribute:
    """What an attribute becomes.

    Attributes:
        place: its row in the table; a smaller one goes first.
        slot: the label or field that it fills, or None.
        opens: it was given to the operation, and stands in the body of the event that opens it.
        in_logs: it means this only in a log record that has a row.
    """

    place: int
    slot: str | None
    opens: bool
    in_logs: bool


@dataclass(frozen=True, slots=True)
class SpanRow:
    """Spans with this attribute (one of `values`, or any), of this kind (or any), belong to this family."""

    attribute: str
    values: frozenset[str] | None
    kind: str | None
    family: str


@dataclass(frozen=True, slots=True)
class LogRow:
    """Log records with one of these names become this action; `success` names the attribute that says how it went."""

    names: frozenset[str]
    when: tuple[str, frozenset[str]] | None
    action: str
    outcome: str | None
    success: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """The whole table, ready to be asked."""

    families: Mapping[str, Family]
    spans: tuple[SpanRow, ...]
    logs: tuple[LogRow, ...]
    exact: Mapping[str, Attribute]
    prefixes: tuple[tuple[str, Attribute], ...]

    def family(self, attributes: Mapping[str, object], kind: str) -> Family:
        """The family of a span with these attributes.

        Args:
            attributes: as `ValueReader.attributes` gives them.
            kind: `internal`, `server`, `client`, `producer`, `consumer` or `unspecified`.
        """
        for row in self.spans:
            value = attributes.get(row.attribute)
            if value is None or (row.kind is not None and row.kind != kind):
                continue
            if row.values is None or (isinstance(value, str) and value in row.values):
                return self.families[row.family]
        return self.families[SPAN]

    def log(self, names: tuple[str, ...], attributes: Mapping[str, object]) -> LogRow | None:
        """The row of a log record that goes by one of these names, or None."""
        for row in self.logs:
            if row.names.isdisjoint(names):
                continue
            if row.when is None or attributes.get(row.when[0]) in row.when[1]:
                return row
        return None


@cache
def table() -> Table:
    """Read the table of the package.

    Raises:
        KeyError: if a row lacks something; the package's own tests would have shown it.
    """
    data = tomllib.loads(files("muniment.server.otlp").joinpath("data/conventions.toml").read_text(encoding="utf-8"))
    rows = [
        (row["key"], Attribute(place, row.get("as"), row.get("side") == "opens", row.get("only") == "log"))
        for place, row in enumerate(data["attribute"])
    ]
    return Table(
        families={name: Family(name, row["opens"], row.get("closes")) for name, row in data["family"].items()},
        spans=tuple(
            SpanRow(
                row["attribute"],
                frozenset(row["values"]) if "values" in row else None,
                row.get("kind"),
                row["family"],
            )
            for row in data["span"]
        ),
        logs=tuple(
            LogRow(
                frozenset(row["names"]),
                (row["when"]["attribute"], frozenset(row["when"]["values"])) if "when" in row else None,
                row["action"],
                row.get("outcome"),
                row.get("success"),
            )
            for row in data["log"]
        ),
        exact={key: attribute for key, attribute in rows if not key.endswith(".*")},
        prefixes=tuple((key.removesuffix("*"), attribute) for key, attribute in rows if key.endswith(".*")),
    )


@cache
def opening_slots() -> frozenset[str]:
    """The slots that the event at an operation's start fills already."""
    rows = (*table().exact.values(), *(row for _, row in table().prefixes))
    return frozenset(row.slot for row in rows if row.opens and row.slot is not None)


@lru_cache(maxsize=4096)
def attribute(key: str) -> Attribute | None:
    """The row of an attribute, or None if it has none."""
    found = table().exact.get(key)
    if found is not None:
        return found
    return next((row for prefix, row in table().prefixes if key.startswith(prefix)), None)
