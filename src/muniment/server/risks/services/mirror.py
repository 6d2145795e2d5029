"""Exceptions mirror into risks: in the transaction of the exception's own step, one risk a chain."""

from __future__ import annotations

from muniment.server.exceptions import services as exceptions
from muniment.server.exceptions.days import today
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.steps import Stepped
from muniment.server.exceptions.workflow import EXPIRED
from muniment.server.risks.mirroring import Told, effect_of, ended, opened
from muniment.server.risks.models import Risk
from muniment.server.risks.services.keeping import Author, definition_now, keep
from muniment.server.risks.services.matrices import matrix_in_force
from muniment.server.risks.services.recording import SYSTEM, one_at_a_time
from muniment.server.risks.services.risks import holds
from muniment.server.risks.workflow import OPEN


def mirror(stepped: Stepped) -> Risk | None:
    """Take over into the register what a step of an exception means for the risk that it leaves.

    What this raises rolls the step back: an approval without its risk does not happen.

    Args:
        stepped: the step, in whose open transaction this runs.

    Returns:
        The risk, if it says something else now.
    """
    row, step = stepped.exception, stepped.step
    effect = effect_of(step.source, step.target)
    if effect is None:
        return None
    # Two exceptions of one chain may step at once; the unique constraint on the chain is behind this.
    one_at_a_time(f"risks/chain/{row.tenant_id}/{row.chain}")
    risk = Risk.objects.select_for_update().filter(chain=row.chain).first()
    author = Author(row.tenant_id, SYSTEM, "mirror", row.id, (step.event,))
    if effect == "open":
        earlier = next((one for one in exceptions.chain(row.id) if one.id == row.renews), None)
        before = None if risk is None else definition_now(risk)
        said = opened(told_by(row), matrix_in_force().matrix, before, None if earlier is None else told_by(earlier))
        return keep(author, said, risk, chain=row.chain)
    if risk is None or risk.state != OPEN or holds(row.chain, but=row.id):
        return None
    day = today(step.at, row.zone)
    said = ended(told_by(row), step.target, definition_now(risk), today=day, began=effect == "end" or _began(row))
    return keep(author, said, risk)


def follow_step(stepped: Stepped) -> None:
    """`mirror`, as exceptions call it."""
    mirror(stepped)


def told_by(row: PolicyException) -> Told:
    """What of an exception its risk takes over."""
    return Told(
        id=row.id,
        title=row.title,
        residual_risk=row.residual_risk,
        level=row.risk_level,
        compensating=row.compensating,
        owner=row.owner,
        expires_on=row.expires_on,
        controls=tuple({*row.controls, *row.compensating_controls}),
        assets=tuple(row.assets),
    )


def _began(row: PolicyException) -> bool:
    """Whether another exception of the chain was ever active."""
    return any(
        one.state == EXPIRED or (one.approved_at and one.starts_at and one.closed_at and one.starts_at <= one.closed_at)
        for one in exceptions.chain(row.id)
        if one.id != row.id
    )
