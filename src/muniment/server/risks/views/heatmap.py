"""The heatmap, whose cells lead to the risks in them, and how the register stood on other days."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.core.errors import Malformed
from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.members.names import names_of
from muniment.server.risks import services
from muniment.server.risks.matrix import BANDS, Cell
from muniment.server.risks.models import Snapshot
from muniment.server.risks.question import Question, read_question
from muniment.server.risks.services import Heat
from muniment.server.risks.views.shown import TONES, chips_of
from muniment.server.risks.workflow import SCORES


@page(needs=Capability.EXCEPTION_READ)
def heatmap(request: HttpRequest) -> HttpResponse:
    """How many risks stand where; filters as of the list."""
    standing = page_standing(request)
    try:
        question, fault = read_question(request.GET.dict()), None
    except Malformed as error:
        question, fault = Question(), error
    heat = services.heat(question)
    given = {name: value for name, value in question.given().items() if name not in ("score", "cell", "sort")}
    context = {
        "heat": heat,
        "grid": _grid(heat, given),
        "impacts": heat.held.matrix.impact,
        "levels": [
            (band, TONES[band], number, urlencode({**given, "level": band})) for band, number in heat.levels.items()
        ],
        "total": sum(heat.cells.values()),
        "scores": [(one, one.title(), urlencode({**given, "score": one})) for one in SCORES],
        "score": heat.score,
        "chips": chips_of(question, heat.held, names_of(standing.tenant_id, {question.owner} - {""})),
        "nowhere": urlencode({**given, "level": "none"}),
        "other": urlencode({**given, "matrix": "other"}),
        "fault": fault,
        "may_manage": standing.may(Capability.RISK_MANAGE),
    }
    return render(request, "risks/heatmap.html", context, status=422 if fault else 200)


@page(needs=Capability.EXCEPTION_READ)
def trend(request: HttpRequest) -> HttpResponse:
    """How the register stood, snapshot by snapshot."""
    standing = page_standing(request)
    rows = services.snapshots()
    said = [(row, services.said_by(row)) for row in rows]
    names = names_of(standing.tenant_id, {row.by for row in rows if row.by.startswith("user:")})
    context = {
        "rows": [(row, content, names.get(row.by, "")) for row, content in reversed(said)],
        "option": _option(said),
        "bands": BANDS,
        "may_manage": standing.may(Capability.RISK_MANAGE),
    }
    return render(request, "risks/trend.html", context)


@page(needs=Capability.RISK_MANAGE, methods=("POST",))
def snapshot(request: HttpRequest) -> HttpResponse:
    """Keep how the register stands now."""
    standing, now = page_standing(request), timezone.now()
    row = services.take_snapshot(standing.tenant_id, now, by=standing.subject)
    said = (
        f"Kept as entry {row.seq}." if row.at == now else f"Nothing changed since entry {row.seq}, which is of today."
    )
    messages.success(request, said)
    return HttpResponseRedirect(reverse("risks:trend"))


def _grid(heat: Heat, given: dict[str, str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Rows of the matrix, the likeliest at the top: its label, and its cells."""
    matrix, found = heat.held.matrix, []
    for one in range(len(matrix.likelihood), 0, -1):
        cells = [Cell(one, two) for two in range(1, len(matrix.impact) + 1)]
        found.append(
            (
                matrix.likelihood[one - 1],
                [
                    {
                        "number": heat.cells.get(cell, 0),
                        "band": matrix.band(cell),
                        "words": matrix.words(cell),
                        "query": urlencode({**given, "score": heat.score, "cell": f"{cell.likelihood}x{cell.impact}"}),
                    }
                    for cell in cells
                ],
            )
        )
    return found


def _option(said: list[tuple[Snapshot, dict[str, Any]]]) -> dict[str, Any]:
    """The chart: risks that are not closed by level, one line stacked on the other."""
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"bottom": 0},
        "grid": {"left": 40, "right": 16, "top": 16, "bottom": 48},
        "xAxis": {"type": "time", "axisLabel": {"hideOverlap": True}},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {
                "name": band.title(),
                "type": "line",
                "stack": "levels",
                "areaStyle": {"opacity": 0.25},
                "showSymbol": len(said) < 40,
                "data": [[row.at.isoformat(), content["levels"][band]] for row, content in said],
            }
            for band in BANDS
        ],
    }
