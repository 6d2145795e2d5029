"""The page of one risk: what it says, where it stands, what it links, its acceptances, and its history."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from muniment.server.access.standing import Standing
from muniment.server.assets.services import find_assets
from muniment.server.capabilities import Capability
from muniment.server.exceptions import services as exceptions
from muniment.server.exceptions.workflow import STATES as EXCEPTION_STATES
from muniment.server.members.names import names_of
from muniment.server.risks import acceptance, services
from muniment.server.risks.forms import ProposalForm, ReasonForm
from muniment.server.risks.matrix import cell_of
from muniment.server.risks.models import Acceptance, AcceptanceDecision, Risk, RiskVersion
from muniment.server.risks.services import Held
from muniment.server.risks.views.shown import TONES
from muniment.server.risks.workflow import (
    CLOSED,
    OPEN,
    SCORES,
    STATES,
    TREATMENTS,
    definition_of,
    differences,
)


def risk_page(
    request: HttpRequest,
    standing: Standing,
    row: Risk,
    *,
    fault: str = "",
    reason: ReasonForm | None = None,
    proposal: ProposalForm | None = None,
) -> HttpResponse:
    """One risk, with what was wrong with what somebody just asked of it."""
    held, placed = services.matrix_in_force(), services.matrix_of(row.matrix)
    versions, accepted = services.versions_of(row), services.acceptances_of(row)
    level = services.level_of(row, held)
    people = {row.owner, row.opened_by, *(one.by for one in versions)}
    for one, decision in accepted:
        people |= {one.proposed_by, one.ended_by, "" if decision is None else decision.by}
    names = names_of(standing.tenant_id, {one for one in people if one.startswith("user:")})
    live = row.state == OPEN and services.holds(row.chain)
    context: dict[str, Any] = {
        "risk": row,
        "level": level,
        "tone": TONES.get(level, ""),
        "state": STATES[row.state],
        "treatment": TREATMENTS[row.treatment],
        "owner": names.get(row.owner, ""),
        "opened_by": names.get(row.opened_by, ""),
        "overdue": row.state != CLOSED and row.review_on < datetime.now(UTC).date(),
        "scores": [(f"{name.title()} risk", *_score(getattr(row, name), placed)) for name in SCORES],
        "placed": placed,
        "held": held,
        "moved": row.size != held.matrix.size and row.ruling,
        "rebanded": row.size == held.matrix.size and level != row.level,
        "exceptions": _exceptions(row),
        "assets": _assets(row),
        "versions": _versions(versions, names),
        "acceptances": [_acceptance(one, decision, names, standing) for one, decision in accepted],
        "waiting": next((one for one, _ in accepted if one.state == acceptance.PROPOSED), None),
        "accepted": next((one for one, _ in accepted if one.state == acceptance.ACCEPTED), None),
        "live": live,
        "fault": fault,
        "reason": reason or ReasonForm(initial={"number": row.version}),
        "proposal": proposal or ProposalForm(initial={"number": row.version, "zone": "UTC"}),
        "may_change": standing.may(Capability.RISK_MANAGE) and row.state != CLOSED,
        "may_close": standing.may(Capability.RISK_MANAGE) and row.state != CLOSED and not live,
        "may_reopen": standing.may(Capability.RISK_MANAGE) and row.state == CLOSED,
    }
    bound = bool(fault) or any(form is not None for form in (reason, proposal))
    return render(request, "risks/risk.html", context, status=422 if bound else 200)


def _score(code: int | None, placed: Held) -> tuple[str, str, str]:
    """A score as its words, band and tone; nothing of one that nobody assessed."""
    cell = cell_of(code)
    if cell is None:
        return "", "", ""
    band = placed.matrix.band(cell)
    return f"{placed.matrix.words(cell)} ({cell})", band, TONES[band]


def _exceptions(row: Risk) -> list[tuple[str, str, str, bool]]:
    """Each linked exception's id, title and state, and whether the risk mirrors it."""
    found = []
    for wanted in row.exceptions:
        one = exceptions.exception_for(wanted)
        found.append((one.id, one.title, EXCEPTION_STATES[one.state], one.chain == row.chain))
    return found


def _assets(row: Risk) -> list[tuple[str, str, str]]:
    known = find_assets(row.assets)
    return [
        (one, known[one].name if one in known else "", known[one].criticality if one in known else "")
        for one in row.assets
    ]


def _versions(rows: list[RiskVersion], names: dict[str, str]) -> list[dict[str, Any]]:
    """Versions newest first, each with what it changed."""
    said = [definition_of(orjson.loads(one.content)) for one in rows]
    return [
        {
            "row": one,
            "by": names.get(one.by, ""),
            "changed": [] if at + 1 == len(rows) else differences(said[at + 1], said[at]),
            "reason": said[at].reason,
            "level": orjson.loads(one.content)["level"],
        }
        for at, one in enumerate(rows)
    ]


def _acceptance(
    one: Acceptance, decision: AcceptanceDecision | None, names: dict[str, str], standing: Standing
) -> dict[str, Any]:
    others = standing.subject not in (one.owner, one.proposed_by)
    waits, accepts = one.state == acceptance.PROPOSED, standing.may(Capability.RISK_ACCEPT)
    return {
        "row": one,
        "state": acceptance.STATES[one.state],
        "tone": {"accepted": "good", "proposed": "accent", "stale": "warn", "expired": "warn"}.get(one.state, ""),
        "proposed_by": names.get(one.proposed_by, ""),
        "ended_by": names.get(one.ended_by, ""),
        "decision": decision,
        "decided_by": "" if decision is None else names.get(decision.by, ""),
        "may_decide": waits and accepts and others,
        "decides_not": waits and accepts and not others,
        "may_withdraw": waits and (standing.may(Capability.RISK_MANAGE) or one.proposed_by == standing.subject),
        "may_revoke": one.state == acceptance.ACCEPTED and accepts,
    }
