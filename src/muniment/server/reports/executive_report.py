"""The executive report: one page of how things stand, and what changed since the last report of this kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from muniment.core.errors import Refused
from muniment.reports.asks import Ask
from muniment.reports.blocks import Block, Cell, Column, Heading, Paragraph, Table
from muniment.server.capabilities import Capability
from muniment.server.reports import registered
from muniment.server.reports.asking import Asking
from muniment.server.reports.models import Report
from muniment.server.reports.scope import Scope

KIND: Final = "executive"
_COLUMNS: Final = (Column("", "left", 8), Column("Now", "right", 3), Column("At the last report", "right", 4))


def executive_blocks(asking: Asking, scope: Scope) -> tuple[str, str, list[Block]]:
    """Title, subtitle and page of an executive report.

    Raises:
        Refused: for whoever may not see exceptions and risks.
    """
    if not asking.standing.may(Capability.EXCEPTION_READ):
        raise Refused(f"it shows exceptions and risks, for which you need {Capability.EXCEPTION_READ.value}", "kind")
    last = _last(asking)
    rows = tuple(_row(asking, name, question, last) for name, question in _questions(asking))
    total = asking.figure("entries under the checkpoint", Ask("entries"))
    compared = "There is no earlier report of this kind under this checkpoint; nothing is compared."
    if last is not None:
        compared = (
            f"The last report of this kind is {last.id}, under the checkpoint of {last.size:,} entries. What stood "
            "then is counted again from the entries that there were, against the days of today."
        )
    blocks: list[Block] = [
        Paragraph(("The log holds ", total, " entries under this checkpoint.")),
        Table(_COLUMNS, rows),
        Paragraph((compared,), "quiet"),
        Heading("What this does not say", 1),
        Paragraph(
            (
                "Every number is counted from the entries of the steps that people and the server took. That a risk is "
                "accepted or an exception approved is what people decided. An operator's report is self-attested: it "
                "proves no more than the evidence that it names.",
            ),
            "quiet",
        ),
    ]  # fmt: skip
    return scope.title or "Executive report", "How exceptions, risks and open work stand", blocks


def _last(asking: Asking) -> Report | None:
    """The newest report of this kind whose entry the checkpoint covers."""
    rows = Report.objects.filter(
        tenant_id=asking.standing.tenant_id, kind=KIND, log=asking.under.origin, seq__lt=asking.under.size
    )
    return rows.defer("pdf").order_by("-seq").first()


def _questions(asking: Asking) -> list[tuple[str, Callable[[int], Ask]]]:
    sealed, today = asking.under.sealed_at, registered.day_of(asking.under.sealed_at)
    exceptions, risks, items = registered.exceptions, registered.risks, registered.items
    return [
        ("Exceptions in force", lambda below: exceptions("active", below=below)),
        ("of these ending soon", lambda below: registered.expiring(sealed, below=below)),
        ("Exceptions under review", lambda below: exceptions("under_review", below=below)),
        ("Exceptions that expired", lambda below: exceptions("expired", below=below)),
        ("Exceptions that rest on what has changed", lambda below: registered.stale_exceptions(below=below)),
        ("Risks that are not closed", lambda below: risks(below=below)),
        ("of these critical", lambda below: risks("critical", below=below)),
        ("of these high", lambda below: risks("high", below=below)),
        ("Overdue tasks", lambda below: items("task", "open", due_before=today, below=below)),
        ("Findings not resolved", lambda below: items("finding", "open", "remediating", below=below)),
        ("Incidents not resolved", lambda below: items("incident", "open", "contained", below=below)),
    ]


def _row(asking: Asking, name: str, question: Callable[[int], Ask], last: Report | None) -> tuple[Cell, ...]:
    now = asking.figure(name, question(0))
    then: Cell = "none" if last is None else asking.figure(f"{name}, at the last report", question(last.size))
    return name, now, then
