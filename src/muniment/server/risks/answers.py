"""The risk register as JSON."""

from __future__ import annotations

from typing import Any

import orjson

from muniment.server.moments import moment
from muniment.server.risks import services
from muniment.server.risks.matrix import cell_of, stored_matrix
from muniment.server.risks.models import Acceptance, AcceptanceDecision, MatrixVersion, Risk, RiskVersion, Snapshot
from muniment.server.risks.services import Heat, Held
from muniment.server.risks.workflow import LINKS, SCORES


def risk_json(row: Risk, held: Held, acceptance: Acceptance | None) -> dict[str, object]:
    """A risk as it stands.

    Args:
        row: of it.
        held: the matrix in force.
        acceptance: that is in force or waits for a decision; None for none.
    """
    return {
        "id": row.id,
        "origin": row.origin,
        "chain": row.chain or None,
        "state": row.state,
        "version": row.version,
        "digest": row.digest,
        "title": row.title,
        "description": row.description,
        "owner": row.owner or None,
        "treatment": row.treatment,
        "plan": row.plan,
        "review_on": row.review_on.isoformat(),
        **{name: cell_json(getattr(row, name)) for name in SCORES},
        "level": services.level_of(row, held) or None,
        "matrix": row.matrix,
        "on_matrix": row.size == held.matrix.size,
        **{name: getattr(row, name) for name in LINKS},
        "accepted_until": acceptance.until.isoformat() if acceptance and acceptance.state == "accepted" else None,
        "opened_by": row.opened_by,
        "opened_at": moment(row.opened_at),
        "changed_at": moment(row.changed_at),
        "entry": row.seq,
    }


def cell_json(code: int | None) -> dict[str, int] | None:
    """A cell by its code."""
    cell = cell_of(code)
    return None if cell is None else cell.document()


def version_json(row: RiskVersion) -> dict[str, object]:
    """A version of a risk."""
    return {
        "version": row.version,
        "step": row.step,
        "cause": row.cause or None,
        "by": row.by,
        "at": moment(row.at),
        "digest": row.digest,
        "content": orjson.loads(row.content),
        "entry": row.seq,
    }


def acceptance_json(row: Acceptance, decision: AcceptanceDecision | None) -> dict[str, object]:
    """A proposal to accept a risk, with what was decided on it."""
    return {
        "id": row.id,
        "risk": row.risk,
        "version": row.version,
        "digest": row.digest,
        "state": row.state,
        "until": row.until.isoformat(),
        "zone": row.zone,
        "reason": row.reason,
        "proposed_by": row.proposed_by,
        "proposed_at": moment(row.proposed_at),
        "decision": None
        if decision is None
        else {
            "id": decision.id,
            "verdict": decision.verdict,
            "by": decision.by,
            "at": moment(decision.at),
            "comment": decision.comment,
            "digest": decision.digest,
            "content": orjson.loads(decision.content),
            "entry": decision.seq,
        },
        "ended_by": row.ended_by or None,
        "ended_at": moment(row.ended_at),
        "ended_why": row.ended_why or None,
        "entry": row.seq,
    }


def matrix_json(held: Held) -> dict[str, object]:
    """A version of the matrix."""
    row = held.row
    return {
        "number": held.number,
        "likelihood": list(held.matrix.likelihood),
        "impact": list(held.matrix.impact),
        "bands": [list(bands) for bands in held.matrix.bands],
        "digest": held.matrix.digest,
        "reason": None if row is None else row.reason,
        "created_by": None if row is None else row.created_by,
        "created_at": None if row is None else moment(row.created_at),
        "entry": None if row is None else row.seq,
    }


def stored_json(row: MatrixVersion) -> dict[str, object]:
    """A version of the matrix by its row."""
    return matrix_json(Held(row.version, stored_matrix(row.content), row))


def heat_json(heat: Heat) -> dict[str, object]:
    """How many risks stand where: every cell of the matrix."""
    return {
        "score": heat.score,
        "matrix": heat.held.number,
        "cells": [
            {**cell.document(), "band": heat.held.matrix.band(cell), "risks": heat.cells.get(cell, 0)}
            for cell in heat.held.matrix.cells()
        ],
        "levels": heat.levels,
        "nowhere": heat.nowhere,
        "other": heat.other,
    }


def snapshot_json(row: Snapshot) -> dict[str, Any]:
    """How the register stood."""
    return {
        "id": row.id,
        "day": row.day.isoformat(),
        "daily": row.daily,
        "at": moment(row.at),
        "by": row.by,
        "register_digest": row.register,
        "digest": row.digest,
        "content": services.said_by(row),
        "entry": row.seq,
    }
