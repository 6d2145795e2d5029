"""What becomes of an accepted finding when the exception through which it was accepted ends."""

from __future__ import annotations

from typing import Final

from muniment.server.exceptions.services import chain
from muniment.server.exceptions.steps import Stepped
from muniment.server.recording import SERVER
from muniment.server.remediation.models import Finding
from muniment.server.remediation.services.findings import ACCEPTING, reopening
from muniment.server.remediation.services.steps import take
from muniment.server.remediation.workflow import Actor

_ENDED: Final = ("expired", "revoked", "withdrawn")


def follow_step(stepped: Stepped) -> None:
    """Open again what an exception accepted that has ended, unless its chain of renewals goes on.

    Args:
        stepped: a step of an exception, in whose transaction this runs.
    """
    if stepped.step.target not in _ENDED:
        return
    through = chain(stepped.exception.id)
    if any(one.state in ACCEPTING and one.id != stepped.exception.id for one in through):
        return
    rows = Finding.objects.select_for_update().filter(state="accepted", exception__in=[one.id for one in through])
    said = f"The exception {stepped.exception.id} is {stepped.step.target}; nothing accepts it any more."
    for row in rows.order_by("id"):
        take(Actor(SERVER, manages=True, owns=False), row, "reopen", reopening(said))
