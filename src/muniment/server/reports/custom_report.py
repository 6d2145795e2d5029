"""The custom report: a saved population, laid out as somebody chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from muniment.core.entry import parse_entry
from muniment.core.errors import Malformed
from muniment.core.times import format_time9
from muniment.ledger.population import in_range
from muniment.ledger.query import find_entries, in_one_process
from muniment.reports.asks import Ask
from muniment.reports.blocks import Bars, Block, Cell, Column, Facts, Figure, Heading, Notice, Paragraph, Table
from muniment.reports.layout import (
    COLUMNS,
    MAX_STRATA,
    SamplesSection,
    Section,
    StatementSection,
    StrataSection,
    TableSection,
    TextSection,
)
from muniment.server.moments import moment
from muniment.server.populations.models import Population, Sample
from muniment.server.populations.question import stored_question
from muniment.server.populations.services import asked_of
from muniment.server.reports.asking import Asking
from muniment.server.reports.scope import Scope

if TYPE_CHECKING:
    from muniment.ledger.read import StoredEntry

_SHARES = {"place": 2, "recorded": 4, "occurred": 4, "action": 3, "outcome": 2, "hash": 7, "actor": 4, "controls": 4}


def custom_blocks(asking: Asking, scope: Scope) -> tuple[str, str, list[Block]]:
    """Title, subtitle and pages of a custom report.

    Raises:
        Malformed: for a scope without a layout.
        Refused: for a population that the checkpoint does not cover.
    """
    if scope.layout is None:
        raise Malformed("is missing", "layout")
    population = asking.population_of(scope.population)
    blocks: list[Block] = []
    for section in scope.layout.sections:
        blocks += _section(asking, population, section)
    if not any(isinstance(one, StatementSection) for one in scope.layout.sections):
        # Without it the pages would show numbers and not say of what.
        blocks += [Heading("What was asked", 1), *_statement(asking, population)]
    return scope.layout.title, f"Population “{population.name}”", blocks


def _section(asking: Asking, population: Population, section: Section) -> list[Block]:
    match section:
        case TextSection(text, 0):
            return [Paragraph((text,))]
        case TextSection(text, level):
            return [Heading(text, level)]
        case StatementSection():
            return _statement(asking, population)
        case TableSection(columns, limit):
            return _entries(asking, population, columns, limit)
        case StrataSection(by, bars):
            return _strata(asking, population, by, bars=bars)
        case SamplesSection():
            return _samples(asking, population)


def _statement(asking: Asking, population: Population) -> list[Block]:
    counted = asking.figure("entries of the population", Ask("population", id=population.id))
    words = stored_question(population.question).words
    rows: list[tuple[str, Cell]] = [
        ("Entries", counted),
        ("Asked for", "\n".join(f"{name}: {value}" for name, value in words) or "every entry"),
        ("Searched", f"places 0 to {population.size - 1:,} of {population.log}"),
        ("Saved as", f"{population.id}, entry {population.seq:,}"),
        ("Its mapping", population.mapping),
        *((("What its control was taken to mean", population.evidence),) if population.evidence else ()),
        ("Consists of (digest)", population.digest),
    ]
    return [Facts(tuple(rows))]


def _entries(asking: Asking, population: Population, columns: tuple[str, ...], limit: int) -> list[Block]:
    asked = in_range(asked_of(population).entries, population.size)
    in_one_process(asking.reading)
    page = find_entries(asking.reading, asking.standing.log_id, asked, limit=limit)
    heads = tuple(
        Column(COLUMNS[one], "mono" if one == "hash" else "right" if one == "place" else "left", _SHARES.get(one, 3))
        for one in columns
    )
    counted = asking.figure("entries of the population", Ask("population", id=population.id))
    if not page.entries:
        return [Notice("No entry matches", "That is a result too: the statement says what was searched.", "plain")]
    body = tuple(tuple(_cell(entry, one) for one in columns) for entry in page.entries)
    cut = Paragraph(("The first ones of ", counted, " are shown, oldest first."), "quiet")
    return [Table(heads, body), *([cut] if page.cursor else [])]


def _cell(entry: StoredEntry, column: str) -> str:
    event: Any = parse_entry(entry.text)
    match column:
        case "place":
            return f"{entry.seq:,}"
        case "recorded":
            return moment(entry.recorded_at) or ""
        case "hash":
            return entry.entry_hash.hex()
        case "controls":
            return ", ".join(event.controls)
    event = event.event
    match column:
        case "actor":
            return str(event.actor.id)
        case "resource":
            return "" if event.resource is None else str(event.resource.id)
        case "occurred":
            return format_time9(event.occurred_at)
    found = getattr(event, column)
    return "" if found is None else str(found)


def _strata(asking: Asking, population: Population, by: str, *, bars: bool) -> list[Block]:
    every = asking.strata(population, by)
    # Days in their order, all others by how many there are.
    names = sorted(every) if by == "day" else sorted(every, key=lambda name: (-every[name], name))
    rows: list[tuple[str, Figure]] = [
        (
            name or "(none)",
            asking.figure(f"{by} {name or '(none)'}", Ask("population", id=population.id, stratum=(by, name))),
        )
        for name in names[:MAX_STRATA]
    ]
    caption = f"Entries by {by}" + (f", the first {MAX_STRATA} of {len(names):,}" if len(names) > MAX_STRATA else "")
    if not rows:
        return [Notice(f"Nothing to divide by {by}", "The population has no entry.", "plain")]
    if bars:
        return [Bars(tuple(rows), caption)]
    return [Table((Column(by.capitalize(), "left", 5), Column("Entries", "right", 2)), tuple(rows), caption)]


def _samples(asking: Asking, population: Population) -> list[Block]:
    drawn = Sample.objects.filter(
        tenant_id=population.tenant_id, population_id=population.id, seq__lt=asking.under.size
    ).order_by("number")
    body: list[tuple[Cell, ...]] = [
        (
            f"{row.number}",
            *(
                asking.figure(f"sample {row.number}: {of}", Ask("sample", id=row.id, of=of))
                for of in ("items", "marked", "exceptions", "conclusion")
            ),
        )
        for row in drawn[:100]
    ]
    if not body:
        return [Notice("No audit recorded", "No sample of this population was drawn under this checkpoint.")]
    columns = (
        Column("Sample", "right", 0), Column("Entries", "right", 2), Column("Marked", "right", 2),
        Column("Exceptions", "right", 2), Column("Conclusion", "left", 4),
    )  # fmt: skip
    return [Table(columns, tuple(body), "By marks under the checkpoint")]
