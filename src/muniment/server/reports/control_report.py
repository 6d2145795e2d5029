"""The control evidence report: per control its population, where its evidence comes from, its sample, and its gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from muniment.ledger.query import Evidence
from muniment.reports.asks import Ask
from muniment.reports.blocks import (
    Block,
    Cell,
    Column,
    Facts,
    Figure,
    Heading,
    Notice,
    Paragraph,
    Table,
)
from muniment.server.controls.models import OwnControl
from muniment.server.controls.services import newest
from muniment.server.frameworks.services import evidence_by_mapping
from muniment.server.populations.models import Population, Sample
from muniment.server.populations.question import stored_question
from muniment.server.reports.asking import NONE, Asking
from muniment.server.reports.chosen import chosen_controls, label_of
from muniment.server.reports.scope import Scope

_COLUMNS: Final = (
    Column("Control", "mono", 6),
    Column("What it is about", "left", 13),
    Column("Entries", "right", 4),
    Column("Newest entry", "right", 5),
    Column("Sample", "right", 7),
    Column("Exceptions", "right", 5),
)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The newest sample of a control's newest saved population, as far as the checkpoint covers them."""

    population: Population | None
    sample: Sample | None


_NOT_REVIEWED: Final = Reviewed(None, None)


@dataclass(frozen=True, slots=True)
class Row:
    """One control with what was asked of it.

    Attributes:
        control: its id.
        about: a few words; of one of the tenant's own, its statement.
        own: the row of one of the tenant's own.
        evidence: what was asked for.
        entries: how many there are.
        newest: place of the newest, if there is one.
        reviewed: its review.
        sampled, exceptions, conclusion: of the sample, if there is one.
    """

    control: str
    about: str
    own: OwnControl | None
    evidence: Evidence
    entries: Figure
    newest: Figure | None
    reviewed: Reviewed
    sampled: Figure | None = None
    exceptions: Figure | None = None
    conclusion: Figure | None = None


def control_blocks(asking: Asking, scope: Scope) -> tuple[str, str, list[Block]]:
    """Title, subtitle and pages of a control evidence report.

    Raises:
        Malformed: for a framework or control that is not known.
        Refused: for more controls than a report takes.
    """
    title, controls = chosen_controls(scope)
    total = asking.figure("entries under the checkpoint", Ask("entries"))
    own = {row.control: row for row in newest()}
    reviews = _reviews(asking)
    evidence = evidence_by_mapping()
    found = {one: evidence((one, *(own[one].criteria if one in own else ()))) for one in controls}
    rows = [_row(asking, scope, found[one], one, own.get(one), reviews.get(one, _NOT_REVIEWED)) for one in controls]
    blocks: list[Block] = [*_summary(asking, rows, total), Heading("Controls", 1), _table(rows)]
    blocks += _gaps(asking, rows)
    detailed = [row for row in rows if asking.value(row.entries) != 0 or row.reviewed.population or row.own]
    if detailed:
        blocks.append(Heading("Each control", 1))
        if len(detailed) < len(rows):
            blocks.append(Paragraph(("What has neither entries nor a saved population stands under Gaps.",), "quiet"))
    for row in detailed:
        blocks += _detail(asking, scope, row)
    blocks += _searched(scope)
    return title, period_words(scope), blocks


def period_words(scope: Scope) -> str:
    """The period in words."""
    period = scope.period or {}
    since, until = period.get("from"), period.get("to")
    words = [f"recorded at or after {since}" if since else "", f"recorded before {until}" if until else ""]
    return " and ".join(one for one in words if one) or "From the beginning of the log"


def _reviews(asking: Asking) -> dict[str, Reviewed]:
    """By control: its newest population under the checkpoint, and that one's newest sample."""
    standing = asking.standing
    rows = Population.objects.filter(tenant_id=standing.tenant_id, log=asking.under.origin, seq__lt=asking.under.size)
    found: dict[str, Population] = {}
    for row in rows.order_by("seq"):
        control = stored_question(row.question).given.get("control")
        if control:
            found[control] = row
    samples = Sample.objects.filter(
        tenant_id=standing.tenant_id,
        population_id__in=[row.id for row in found.values()],
        seq__lt=asking.under.size,
    )
    newest_of = {row.population_id: row for row in samples.order_by("number")}
    return {control: Reviewed(row, newest_of.get(row.id)) for control, row in found.items()}


def _row(
    asking: Asking, scope: Scope, evidence: Evidence, control: str, own: OwnControl | None, reviewed: Reviewed
) -> Row:
    filters = dict(scope.period or {})
    about = own.statement if own is not None else label_of(control)
    entries = asking.figure(f"{control}: entries", _ask("count", filters, evidence))
    some = asking.value(entries) != 0
    place = asking.figure(f"{control}: newest entry", _ask("newest", filters, evidence, "place")) if some else None
    made = Row(control, about, own, evidence, entries, place, reviewed)
    sample = reviewed.sample
    if sample is None:
        return made
    sampled, exceptions, conclusion = (
        asking.figure(f"{control}: {what}", Ask("sample", id=sample.id, of=of))
        for what, of in (("entries sampled", "items"), ("exceptions", "exceptions"), ("conclusion", "conclusion"))
    )
    return Row(control, about, own, evidence, entries, place, reviewed, sampled, exceptions, conclusion)


def _ask(kind: str, filters: dict[str, str], evidence: Evidence, of: str = "") -> Ask:
    return Ask(
        kind, filters=filters, controls=evidence.controls, actions=evidence.actions, besides=evidence.besides, of=of
    )


def _summary(asking: Asking, rows: Sequence[Row], total: Figure) -> list[Block]:
    empty = [row.control for row in rows if asking.value(row.entries) == 0]
    unsampled = [row for row in rows if row.sampled is None]
    noted = [row.control for row in rows if row.exceptions is not None and asking.value(row.exceptions) != 0]
    blocks: list[Block] = [
        Heading("In short", 1),
        Paragraph(
            (
                "The log holds ", total, " entries under this checkpoint. An entry evidences a control if it was "
                "recorded with the control's id, or if its action is annotated with it under the mapping in force. "
                "That such entries exist does not say that the control is effective: that is the auditor's to say.",
            )
        ),
    ]  # fmt: skip
    if empty:
        blocks.append(Notice("Without an entry in this period", ", ".join(empty), "bad"))
    if noted:
        blocks.append(Notice("With exceptions noted by a reviewer", ", ".join(noted), "warn"))
    if len(unsampled) == len(rows):
        blocks.append(
            Notice("No audit recorded", "No sample was drawn for any of these controls. That is not “no exceptions”.")
        )
    return blocks


def _table(rows: Sequence[Row]) -> Table:
    body: list[tuple[Cell, ...]] = [
        (
            row.control,
            row.about,
            row.entries,
            row.newest or NONE,
            row.sampled or "no audit recorded",
            row.exceptions if row.exceptions is not None else "not known",
        )
        for row in rows
    ]
    return Table(_COLUMNS, tuple(body), "Exceptions are those that a reviewer noted in the newest sample.")


def _gaps(asking: Asking, rows: Sequence[Row]) -> list[Block]:
    body: list[tuple[Cell, ...]] = []
    for row in rows:
        said = []
        if asking.value(row.entries) == 0:
            said.append("no entry in this period")
        if row.own is None and not row.about:
            said.append("its label may not be shown here, or is not known")
        if row.reviewed.population is None:
            said.append("no population was saved")
        elif row.sampled is None:
            said.append("a population was saved, no sample drawn")
        elif row.conclusion is not None and asking.value(row.conclusion) == NONE:
            said.append("a sample was drawn, nothing concluded")
        if said:
            body.append((row.control, "; ".join(said)))
    if not body:
        return []
    return [
        Heading("Gaps", 1),
        Table((Column("Control", "mono", 2), Column("What is missing", "left", 6)), tuple(body)),
    ]


def _detail(asking: Asking, scope: Scope, row: Row) -> list[Block]:
    filters = dict(scope.period or {})
    facts: list[tuple[str, Cell]] = []
    if row.own is not None:
        facts += [
            ("Statement", row.own.statement),
            ("Version", f"{row.own.number}, recorded as entry {row.own.seq}"),
            ("Owner", row.own.owner or "none"),
            ("Frequency", row.own.frequency),
            ("Test procedure", row.own.procedure or "none given"),
            ("Linked criteria", ", ".join(row.own.criteria) or "none"),
        ]
    facts.append(("Entries", row.entries))
    if asking.value(row.entries) != 0 and row.newest is not None:
        if len(row.evidence.controls) > 1:
            facts.append(("holding one of the ids", ", ".join(row.evidence.controls)))
        if row.evidence.actions:
            held = Ask("count", filters, row.evidence.controls)
            noted = Ask("count", filters, (), row.evidence.actions, row.evidence.besides)
            facts += [
                ("of these holding an id", asking.figure(f"{row.control}: entries that hold an id", held)),
                (
                    "of these whose action is annotated, an id or not",
                    asking.figure(f"{row.control}: by annotation", noted),
                ),
                ("the annotated actions", ", ".join(row.evidence.actions)),
            ]
        facts.append(("Newest entry", row.newest))
        when = asking.figure(f"{row.control}: recorded", _ask("newest", filters, row.evidence, "time"))
        facts.append(("recorded", when))
    elif row.evidence.actions:
        facts.append(("asked for, beside the id", "actions " + ", ".join(row.evidence.actions)))
    facts += _review_facts(asking, row)
    # A statement is told among the facts; a heading of it would be a second time.
    return [Heading(row.control if row.own else f"{row.control}  {row.about}".strip(), 2), Facts(tuple(facts))]


def _review_facts(asking: Asking, row: Row) -> list[tuple[str, Cell]]:
    population, sample = row.reviewed.population, row.reviewed.sample
    if population is None:
        return [("Review", "no audit recorded: no population of this control was saved")]
    counted = asking.figure(f"{row.control}: saved population", Ask("population", id=population.id))
    facts: list[tuple[str, Cell]] = [(f"Saved population “{population.name}”", counted)]
    if sample is None or row.sampled is None or row.exceptions is None or row.conclusion is None:
        return [*facts, ("Review", "no audit recorded: no sample was drawn")]
    marked = asking.figure(f"{row.control}: sampled entries marked", Ask("sample", id=sample.id, of="marked"))
    return [
        *facts,
        (f"Sample {sample.number}", row.sampled),
        ("of these marked", marked),
        ("Exceptions noted", row.exceptions),
        ("Conclusion", row.conclusion),
    ]


def _searched(scope: Scope) -> list[Block]:
    return [
        Heading("What was searched, and what this does not say", 1),
        Paragraph((f"Period: {period_words(scope)}. Searched was the whole log up to the checkpoint.",)),
        Paragraph(
            (
                "The numbers come from the columns and index tables of the operator's database. That these agree with "
                "the signed entries is what audit walks check; this report does not check it. A bundle of the whole "
                "range proves it to a stranger. Annotations are the mapping's choice and do not stand in the entries.",
            ),
            "quiet",
        ),
        Paragraph(
            ("An operator's report is self-attested: it proves no more than the evidence that it names.",), "quiet"
        ),
    ]
