"""The board report: frameworks with their gaps, exceptions, risks, overdue work and incidents, each number asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from muniment.catalogs.framework import Catalog
from muniment.core.errors import Malformed, Refused
from muniment.ledger.newest_steps import NewestStep
from muniment.ledger.query import Evidence
from muniment.reports.asks import Ask, Group
from muniment.reports.blocks import Bars, Block, Cell, Column, Facts, Heading, Notice, Paragraph, Table
from muniment.server.capabilities import Capability
from muniment.server.controls.services import newest
from muniment.server.exceptions.models import PolicyException
from muniment.server.frameworks.services import evidence_by_mapping, find_catalog
from muniment.server.reports import registered
from muniment.server.reports.asking import Asking
from muniment.server.reports.control_report import period_words
from muniment.server.reports.scope import Scope

FRAMEWORKS: Final = ("iso27001-2022", "soc2", "nist-csf-2", "pci-dss-4")
"""What a board report goes through, as far as the tenant uses it."""
TREND_DAYS: Final = (90, 60, 30)
MOST_LISTED: Final = 200
"""Exceptions that are listed for one framework."""
_LINE: Final = 6_000
_FRAMEWORKS: Final = (
    Column("Framework", "left", 8), Column("Controls", "right", 3), Column("Evidenced", "right", 3),
    Column("Not evidenced", "right", 4), Column("Active exceptions", "right", 4), Column("Expired", "right", 3),
    Column("Stale", "right", 2),
)  # fmt: skip
_EXCEPTIONS: Final = (
    Column("Exception", "left", 6), Column("Risk", "left", 2), Column("Residual risk", "left", 7),
    Column("Last day", "right", 3), Column("State", "right", 3), Column("Stale", "right", 2),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Framework:
    """A framework with what evidences each of its controls, and the exceptions that name one."""

    catalog: Catalog
    groups: Mapping[str, Group]
    exceptions: tuple[PolicyException, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(sorted(row.id for row in self.exceptions))


def board_blocks(asking: Asking, scope: Scope) -> tuple[str, str, list[Block]]:
    """Title, subtitle and pages of a board report.

    Raises:
        Refused: for whoever may not see exceptions and risks.
    """
    if not asking.standing.may(Capability.EXCEPTION_READ):
        raise Refused(f"it shows exceptions and risks, for which you need {Capability.EXCEPTION_READ.value}", "kind")
    period = dict(scope.period or {})
    used, said = _used(asking, _decided(asking))
    blocks = [*_short(asking), Heading("Frameworks", 1), Paragraph((said,), "quiet")]
    blocks.append(Table(_FRAMEWORKS, tuple(_row(asking, one, period) for one in used), _OF_FRAMEWORKS))
    for one in used:
        blocks += _framework(asking, one, period)
    blocks += [*_risks(asking), *_work(asking), *_closing(scope)]
    return scope.title or "Board report", period_words(scope), blocks


_OF_FRAMEWORKS: Final = (
    "A control is evidenced if an entry of the period holds its id, or has an action that is annotated with it. That "
    "such an entry exists does not say that the control is effective."
)


def _decided(asking: Asking) -> list[PolicyException]:
    """Exceptions that were approved under the checkpoint: what they say does not change any more."""
    found = asking.steps("exception", registered.EXCEPTION)
    ids = [one for one, steps in found.items() if "exception.approve" in steps and _target(steps) in _SHOWN]
    return sorted(PolicyException.objects.filter(id__in=ids), key=lambda row: (row.expires_on, row.id))


_SHOWN: Final = ("approved", "active", "expired")


def _target(steps: Mapping[str, NewestStep]) -> str:
    return max(steps.values(), key=lambda one: one.seq).labels.get("to", "")


def _used(asking: Asking, decided: Sequence[PolicyException]) -> tuple[list[_Framework], str]:
    """The frameworks that the tenant uses, and why these."""
    own = {row.control: frozenset(row.criteria) for row in newest() if row.seq < asking.under.size}
    prefixes = {one.partition(":")[0] for criteria in own.values() for one in criteria}
    evidence = evidence_by_mapping()
    every: list[_Framework] = []
    for name in FRAMEWORKS:
        try:
            catalog = find_catalog(name)
        except Malformed:
            continue
        about = tuple(row for row in decided if name in _prefixes(row, own))
        groups = {one: _group(evidence((one,))) for one in (catalog.control_id(row) for row in catalog.counted)}
        every.append(_Framework(catalog, groups, about))
    chosen = [one for one in every if one.exceptions or one.catalog.id in prefixes or _held(asking, one)]
    if chosen:
        return chosen, (
            "Shown are those of ISO 27001, SOC 2, NIST CSF 2.0 and PCI DSS that one of your own controls links, an "
            "exception names, or an entry names by an id."
        )
    return every, "Nothing here names one of ISO 27001, SOC 2, NIST CSF 2.0 and PCI DSS; all four are shown."


def _prefixes(row: PolicyException, own: Mapping[str, frozenset[str]]) -> set[str]:
    named = {*row.controls, *row.compensating_controls}
    named |= {criterion for one in named for criterion in own.get(one, ())}
    return {one.partition(":")[0] for one in named}


def _held(asking: Asking, one: _Framework) -> bool:
    """Whether an entry holds the id of one of its controls; an annotation alone is the mapping's choice."""
    return any(asking.is_evidenced({}, ((control,), (), ())) for control in one.groups)


def _group(found: Evidence) -> Group:
    return found.controls, found.actions, found.besides


def _short(asking: Asking) -> list[Block]:
    sealed = asking.under.sealed_at
    ask = asking.figure
    rows: list[tuple[str, Cell]] = [
        ("Entries under the checkpoint", ask("entries under the checkpoint", Ask("entries"))),
        ("Exceptions in force", ask("exceptions active", registered.exceptions("active"))),
        ("of these ending soon", ask("exceptions expiring soon", registered.expiring(sealed))),
        ("Exceptions under review", ask("exceptions under review", registered.exceptions("under_review"))),
        ("Exceptions that expired", ask("exceptions expired", registered.exceptions("expired"))),
        ("Exceptions that rest on what has changed", ask("exceptions stale", registered.stale_exceptions())),
        ("Risks that are not closed", ask("risks not closed", registered.risks())),
        ("of these critical", ask("risks critical", registered.risks("critical"))),
        ("Overdue tasks", ask("tasks overdue", _overdue(asking))),
        ("Findings not resolved", ask("findings not resolved", registered.items("finding", "open", "remediating"))),
        ("Incidents not resolved", ask("incidents not resolved", registered.items("incident", "open", "contained"))),
    ]
    blocks: list[Block] = [Heading("In short", 1), Facts(tuple(rows))]
    if asking.answer(registered.stale_exceptions()) != 0:
        text = "What some decisions rest on has changed since they were made. Each waits for somebody to attest it."
        blocks.append(Notice("Stale decisions", text, "warn"))
    return blocks


def _overdue(asking: Asking) -> Ask:
    return registered.items("task", "open", due_before=registered.day_of(asking.under.sealed_at))


def _row(asking: Asking, one: _Framework, period: Mapping[str, str]) -> tuple[Cell, ...]:
    name = one.catalog.id
    evidenced = Ask("evidenced", dict(period), groups=tuple(one.groups.values()))
    return (
        f"{one.catalog.title} {one.catalog.version}",
        f"{len(one.groups):,}",
        asking.figure(f"{name}: controls evidenced", evidenced),
        f"{len(_gaps(asking, one, period)):,}",
        asking.figure(f"{name}: exceptions active", registered.exceptions("active", ids=one.ids)),
        asking.figure(f"{name}: exceptions expired", registered.exceptions("expired", ids=one.ids)),
        asking.figure(f"{name}: exceptions stale", registered.stale_exceptions(ids=one.ids)),
    )


def _gaps(asking: Asking, one: _Framework, period: Mapping[str, str]) -> dict[str, Group]:
    return {control: group for control, group in one.groups.items() if not asking.is_evidenced(period, group)}


def _framework(asking: Asking, one: _Framework, period: Mapping[str, str]) -> list[Block]:
    blocks: list[Block] = [Heading(one.catalog.title, 2)]
    gaps = _gaps(asking, one, period)
    if gaps:
        ask = Ask("evidenced", dict(period), groups=tuple(gaps.values()))
        none = asking.figure(f"{one.catalog.id}: of those listed as gaps, evidenced", ask)
        blocks.append(Paragraph(("Without an entry (of these, evidenced: ", none, "):")))
        blocks += [Paragraph((line,)) for line in _lines([control.partition(":")[2] for control in gaps])]
    else:
        blocks.append(Paragraph(("Every control has an entry in the period.",)))
    if not one.exceptions:
        return [*blocks, Paragraph(("No approved exception names one of its controls.",), "quiet")]
    rows = tuple(_exception(asking, row) for row in one.exceptions[:MOST_LISTED])
    more = len(one.exceptions) - len(rows)
    return [*blocks, Table(_EXCEPTIONS, rows, f"{more:,} more are not listed." if more else "")]


def _exception(asking: Asking, row: PolicyException) -> tuple[Cell, ...]:
    steps = asking.steps("exception", registered.EXCEPTION)[row.id]
    last = max(steps.values(), key=lambda one: one.seq)
    state = asking.figure(f"{row.id}: state", Ask("recorded", seq=last.seq, path=("labels", "to")))
    stale = asking.figure(f"{row.id}: stale", registered.stale_exceptions(ids=(row.id,)))
    return f"{row.title} ({row.id})", row.risk_level, row.residual_risk, row.expires_on.isoformat(), state, stale


def _lines(ids: Sequence[str]) -> list[str]:
    lines: list[str] = []
    line = ""
    for one in ids:
        if len(line) + len(one) > _LINE:
            lines, line = [*lines, line], ""
        line = f"{line}, {one}" if line else one
    return [*lines, line]


def _risks(asking: Asking) -> list[Block]:
    levels = (*registered.LEVELS, "none")
    bars = tuple(
        (_named(level), asking.figure(f"risks not closed: {level}", registered.risks(level))) for level in levels
    )
    places = [(days, asking.place_at(asking.under.sealed_at - timedelta(days=days))) for days in TREND_DAYS]
    rows: list[tuple[Cell, ...]] = []
    for days, place in places:
        when = f"{days} days before ({registered.day_of(asking.under.sealed_at - timedelta(days=days))})"
        if place:
            asked = (registered.risks(level, below=place) for level in levels)
            figures = (
                asking.figure(f"risks {days} days before: {level}", ask)
                for level, ask in zip(levels, asked, strict=True)
            )
            rows.append((when, *figures))
        else:
            rows.append((when, *("no entries yet" for _ in levels)))
    rows.append(("Under the checkpoint", *(figure for _, figure in bars)))
    columns = (Column("When", "left", 6), *(Column(_named(level), "right", 3) for level in levels))
    return [
        Heading("Risks", 1),
        Bars(bars, "Risks that are not closed, by the level of their newest version."),
        Table(columns, tuple(rows), "How they stood before, by the entries that there were then."),
    ]


def _named(level: str) -> str:
    return "Not placed" if level == "none" else level.title()


def _work(asking: Asking) -> list[Block]:
    ask, items = asking.figure, registered.items
    rows: list[tuple[str, Cell]] = [
        ("Tasks open", ask("tasks open", items("task", "open"))),
        ("of these overdue", ask("tasks overdue", _overdue(asking))),
        ("Findings open or being remediated", ask("findings not resolved", items("finding", "open", "remediating"))),
        ("Findings resolved, not verified yet", ask("findings to be verified", items("finding", "resolved"))),
        ("Findings accepted through an exception", ask("findings accepted", items("finding", "accepted"))),
    ]
    for level in registered.LEVELS:
        asked = items("finding", "open", "remediating", severity=level)
        rows.append((f"Findings not resolved, {level}", ask(f"findings not resolved: {level}", asked)))
    incidents: list[tuple[str, Cell]] = [
        (state.title(), ask(f"incidents {state}", items("incident", state)))
        for state in ("open", "contained", "resolved", "closed")
    ]
    return [Heading("Tasks and findings", 1), Facts(tuple(rows)), Heading("Incidents", 1), Facts(tuple(incidents))]


def _closing(scope: Scope) -> list[Block]:
    return [
        Heading("What this does not say", 1),
        Paragraph((f"Evidence was searched for in this period: {period_words(scope)}.",)),
        Paragraph(("Registers stand as of the checkpoint.",)),
        Paragraph(
            (
                "Numbers about exceptions, risks, tasks, findings and incidents are counted from the entries of their "
                "steps, not from the registers. Titles, residual risks and last days are the registers' words. A "
                "risk's level is people's judgement; an incident is what somebody wrote down about one. An "
                "operator's report is self-attested: it proves no more than the evidence that it names.",
            ),
            "quiet",
        ),
    ]  # fmt: skip
