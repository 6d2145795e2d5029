"""The first page of a tenant."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from muniment.ledger.source_activity import SourceActivity
from muniment.ledger.walk_entries import walk_entry
from muniment.server.access.pages import page, page_standing
from muniment.server.anchors.answers import meaning_of
from muniment.server.anomalies.services import open_alerts
from muniment.server.capabilities import Capability
from muniment.server.overview.summary import CAP, CONTROL_DAYS, summarise
from muniment.server.overview.verdict import STATEMENT

SHOWN_SILENT = 10


@page(needs=None)
def home(request: HttpRequest) -> HttpResponse:
    """Is the record intact? And what else needs a look. Members who may not see the ledger are told so."""
    standing = page_standing(request)
    if not standing.may(Capability.LEDGER_READ):
        return render(request, "overview/member.html")
    with standing.transaction() as connection:
        summary = summarise(connection, standing)
        full = summary.integrity.full
        walked = None if full is None else walk_entry(connection, standing.log_id, full.number)
    names_sources = standing.may(Capability.SOURCE_READ)
    silent: list[SourceActivity] = summary.silent[:SHOWN_SILENT] if names_sources else []
    return render(
        request,
        "overview/home.html",
        {
            "summary": summary,
            "statement": STATEMENT,
            "unstamped": [(one, meaning_of(one.word)) for one in summary.anchors.failing],
            "walk_entry": walked,
            "cap": CAP,
            "control_days": CONTROL_DAYS,
            "rates": [minute.entries for minute in summary.minutes],
            "rate_names": [minute.at.strftime("%H:%M") for minute in summary.minutes],
            "denied": summary.setbacks_of("denied"),
            "failed": summary.setbacks_of("failure"),
            "silent": silent,
            "silent_more": len(summary.silent) - len(silent) if names_sources else 0,
            "names_sources": names_sources,
            "most": max((row.evidence.entries for row in summary.coverage), default=0) or 1,
            "open_alerts": open_alerts() if standing.may(Capability.EXCEPTION_READ) else None,
            "evidenced": sum(1 for row in summary.coverage if row.evidence.entries),
        },
    )
