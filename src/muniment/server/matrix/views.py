"""Pages of the matrix: all controls beside each other, and what reviewers said of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from muniment.core.errors import Malformed
from muniment.ledger.proofs import NotSealed
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.controls import services as controls
from muniment.server.controls.owners import possible_owners
from muniment.server.controls.workflow import STATUSES
from muniment.server.explorer.names import names_of
from muniment.server.frameworks.services import find_catalog
from muniment.server.matrix.answers import matrix_table
from muniment.server.matrix.period import Period, read_period
from muniment.server.matrix.rows import EXAMINED, STATES, Row
from muniment.server.matrix.services import Matrix, examined, matrix
from muniment.server.matrix.tiles import tiles_of

_ASKED: Final = ("from", "to", "status", "framework", "owner", "state", "sort")
_CHIPS: Final = {"status": "Status", "framework": "Framework", "owner": "Owner", "state": "State"}


@page(needs=Capability.LEDGER_READ)
def home(request: HttpRequest) -> HttpResponse:
    """The matrix of a period."""
    standing = page_standing(request)
    given = {name: request.GET.get(name, "") for name in _ASKED}
    context: dict[str, Any] = {"given": given, "may_manage": standing.may(Capability.CONTROL_MANAGE)}
    try:
        period, found = _found(given)
    except Malformed as error:
        return render(request, "matrix/home.html", {**context, "fault": error}, status=400)
    except NotSealed:
        return render(request, "matrix/home.html", {**context, "unsealed": True})
    owners = {**names_of(standing.tenant_id, {row.owner for row in found.rows}), **possible_owners(standing.tenant_id)}
    shown = {**given, "from": period.since.isoformat(), "to": period.until.isoformat()}
    context |= {
        "matrix": found,
        "period": period,
        "shown": shown,
        "rows": [_shown(row, found, owners) for row in found.rows],
        "tiles": tiles_of(found, given),
        "chips": [
            (title, _word(name, given[name], owners), _without(given, name))
            for name, title in _CHIPS.items()
            if given[name]
        ],
        "query": urlencode({name: value for name, value in given.items() if value}),
        "statuses": {**STATUSES, "all": "All"},
        "frameworks": _frameworks(standing),
        "owners": {"none": "Nobody", **possible_owners(standing.tenant_id)},
        "states": {code: title for code, (title, _test) in STATES.items()},
    }
    return render(request, "matrix/home.html", context)


@page(needs=Capability.LEDGER_READ)
def table(request: HttpRequest) -> HttpResponse:
    """What the page shows, as CSV."""
    standing = page_standing(request)
    _period, found = _found({name: request.GET.get(name, "") for name in _ASKED})
    names = names_of(standing.tenant_id, {row.owner for row in found.rows})
    return HttpResponse(
        "".join(matrix_table(found, names)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="matrix.csv"', "X-Content-Type-Options": "nosniff"},
    )


@page(needs=Capability.LEDGER_READ)
def control(request: HttpRequest, control_id: str) -> HttpResponse:
    """The samples of one control, and every exception that is noted in them."""
    standing = page_standing(request)
    try:
        row = controls.control_for(standing, control_id)
    except controls.NoSuch:
        raise Http404 from None
    samples = examined(row.control)
    context: dict[str, Any] = {"control": row, "samples": samples}
    try:
        found = matrix(read_period("", "", now=datetime.now(UTC)), status="all")
        mine = next(one for one in found.rows if one.control == row.control)
        context |= {"row": mine, "matrix": found, "examined": EXAMINED[mine.examination.state]}
        context["question"] = found.period.question(row.control)
    except NotSealed:
        context["unsealed"] = True
    return render(request, "matrix/control.html", context)


def _found(given: dict[str, str]) -> tuple[Period, Matrix]:
    now = datetime.now(UTC)
    period = read_period(given["from"], given["to"], now=now)
    found = matrix(
        period,
        status=given["status"],
        framework=given["framework"],
        owner=given["owner"],
        state=given["state"],
        sort=given["sort"] or "control",
        at=now,
    )
    return period, found


def _shown(row: Row, found: Matrix, owners: dict[str, str]) -> dict[str, Any]:
    days = None if row.last is None else (found.at.date() - row.last.at.astimezone(UTC).date()).days
    return {
        "row": row,
        "owner": owners.get(row.owner, ""),
        "question": found.period.question(row.control),
        "days": days,
        "examined": EXAMINED[row.examination.state],
    }


def _without(given: dict[str, str], name: str) -> str:
    return urlencode({key: value for key, value in given.items() if value and key != name})


def _word(name: str, value: str, owners: dict[str, str]) -> str:
    if name == "status":
        return STATUSES.get(value, value)
    if name == "state":
        return STATES[value][0]
    return owners.get(value, value) if name == "owner" else value


def _frameworks(standing: Standing) -> dict[str, str]:
    """The catalogs that controls are linked to, by id."""
    ids = sorted({one.partition(":")[0] for row in controls.controls(standing) for one in row.criteria})
    return {one: _title(one) for one in ids}


def _title(catalog: str) -> str:
    try:
        return find_catalog(catalog).title
    except Malformed:
        return catalog
