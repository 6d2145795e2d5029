"""Pages of statements: which there are, one from live queries, and one as it was issued."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.ledger.proofs import NotSealed
from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.explorer.names import names_of
from muniment.server.matrix.period import Period, read_period
from muniment.server.statements import services
from muniment.server.statements.definition import definitions
from muniment.server.statements.workflow import CLAIM


@page(needs=Capability.LEDGER_READ)
def index(request: HttpRequest) -> HttpResponse:
    """The frameworks with a statement, and what was issued."""
    standing = page_standing(request)
    rows = services.issued(standing)
    names = names_of(standing.tenant_id, {row.created_by for row in rows})
    context = {
        "definitions": list(definitions().values()),
        "rows": [(row, names.get(row.created_by, "")) for row in rows],
    }
    return render(request, "statements/list.html", context)


@page(needs=Capability.LEDGER_READ)
def live(request: HttpRequest, framework: str) -> HttpResponse:
    """A statement from live queries, laid out to be printed on one page."""
    standing = page_standing(request)
    definition = definitions().get(framework)
    if definition is None:
        raise Http404
    context: dict[str, Any] = {
        "definition": definition,
        "claim": CLAIM,
        "may_issue": standing.may(Capability.SAMPLE_DRAW),
    }
    status = 200
    try:
        period = _period(request.GET.get("from", ""), request.GET.get("to", ""))
        context["period"] = period
        made = services.statement_of(standing, framework, period)
        context |= {"document": made.document, "digest": made.digest}
    except Malformed as error:
        context["fault"], status = f"{error.where}: {error.reason}", 400
    except NotSealed:
        context["fault"], status = "There is no checkpoint yet; the next one covers what is recorded now.", 409
    return render(request, "statements/sheet.html", context, status=status)


@page(needs=Capability.SAMPLE_DRAW, methods=("POST",))
def issue(request: HttpRequest, framework: str) -> HttpResponse:
    """Issue it as it is now."""
    standing = page_standing(request)
    if framework not in definitions():
        raise Http404
    since, until = request.POST.get("from", ""), request.POST.get("to", "")
    try:
        row = services.issue(standing, framework, _period(since, until))
    except (Malformed, Refused) as error:
        messages.error(request, f"Not issued ({error.where or 'statement'}): {error.reason}.")
        return HttpResponseRedirect(
            reverse("statements:live", args=[framework]) + "?" + urlencode({"from": since, "to": until})
        )
    return HttpResponseRedirect(reverse("statements:issued", args=[row.id]))


@page(needs=Capability.LEDGER_READ)
def issued(request: HttpRequest, statement_id: str) -> HttpResponse:
    """A statement as it was issued; `?again` runs its queries once more."""
    standing = page_standing(request)
    try:
        row = services.issued_for(standing, statement_id)
    except services.NoSuch:
        raise Http404 from None
    context: dict[str, Any] = {
        "document": orjson.loads(row.text),
        "digest": row.digest,
        "row": row,
        "claim": CLAIM,
        "person": names_of(standing.tenant_id, {row.created_by}).get(row.created_by, ""),
    }
    if "again" in request.GET:
        try:
            context["again"] = services.ask_again(standing, row)
        except (Refused, NotSealed) as error:
            context["fault"] = error.reason
    return render(request, "statements/sheet.html", context)


def _period(since: str, until: str) -> Period:
    return read_period(since.strip(), until.strip(), now=datetime.now(UTC))
