"""Accepting risks: a proposal, a decision by somebody else that freezes what it was about, and its end."""

from __future__ import annotations

from datetime import date
from typing import Literal

import orjson
from django.utils import timezone

from muniment.core.errors import Refused
from muniment.server.access.standing import Standing
from muniment.server.approvals.services import rules_in_force
from muniment.server.assets.services import find_assets
from muniment.server.exceptions import services as exceptions
from muniment.server.moments import moment
from muniment.server.registers.keeping import NoSuch, check_number
from muniment.server.registers.texts import checked_text
from muniment.server.risks.acceptance import ACCEPTED, PROPOSED, Step, advance, check_acceptable, checked_until
from muniment.server.risks.matrix import given_cell
from muniment.server.risks.models import Acceptance, AcceptanceDecision, Risk, RiskVersion, acceptance_id, decision_id
from muniment.server.risks.services.lapsing import lapse, matter_of, today
from muniment.server.risks.services.matrices import matrix_of
from muniment.server.risks.services.reading import risk_for
from muniment.server.risks.services.recording import noted
from muniment.server.risks.steps import Weighed, tell
from muniment.server.risks.workflow import SCORES, digest_of
from muniment.server.zones import zone_of

Verdict = Literal["accepted", "refused"]
_STEPS: dict[Verdict, Step] = {"accepted": "accept", "refused": "refuse"}


def propose(
    standing: Standing, wanted: str, *, reason: str, until: date, zone: str = "UTC", number: int | None = None
) -> Acceptance:
    """Propose that a risk be accepted as it stands. Needs `risk.manage`.

    Args:
        standing: of who proposes it; somebody else decides.
        wanted: id of the risk.
        reason: why.
        until: the last day on which it shall hold.
        zone: IANA name of the zone whose days count.
        number: of the version of the risk that they have seen; None if that does not matter.

    Raises:
        NoSuch: if there is none of that id.
        Malformed, Refused: naming the field.
    """
    row, now = risk_for(wanted, lock=True), timezone.now()
    check_number(row.version, number)
    zone_of(zone)
    checked_until(until, today(zone, now), rules_in_force().max_days)
    check_acceptable(row.state, row.treatment)
    if Acceptance.objects.filter(risk=row.id, state=PROPOSED).exists():
        raise Refused("waits for a decision already: withdraw that proposal first", "acceptance")
    made = Acceptance(
        id=acceptance_id(),
        tenant_id=row.tenant_id,
        risk=row.id,
        version=row.version,
        digest=row.digest,
        owner=row.owner,
        state=PROPOSED,
        until=until,
        zone=zone,
        reason=checked_text(reason, "reason", least=1),
        proposed_by=standing.subject,
        proposed_at=now,
    )
    made.seq, made.event = noted(
        "risk.propose",
        by=standing.subject,
        resource=("risk", row.id),
        labels={
            "risk": row.id,
            "acceptance": made.id,
            "version": row.version,
            "digest": row.digest,
            "level": row.level,
            "until": until.isoformat(),
            "zone": zone,
        },
        causes=[row.event],
        body={"reason": made.reason},
    )
    made.save(force_insert=True)
    tell(Weighed(row, made, standing.subject))
    return made


def decide(standing: Standing, wanted: str, verdict: Verdict, *, comment: str, digest: str | None = None) -> Acceptance:
    """Accept a risk that somebody else proposes and owns, or refuse to. Needs `risk.accept`, and a person.

    What it is about is frozen with it: the risk as it stands, its places on the matrix, its assets and exceptions.

    Args:
        standing: of who decides.
        wanted: id of the proposal.
        verdict: what they decide.
        comment: why.
        digest: of the version of the risk that they were shown; None if that does not matter.

    Raises:
        NoSuch: if there is none of that id.
        Malformed, Refused: naming what stands against it.
    """
    about = risk_for(acceptance_for(wanted).risk, lock=True)
    row, now = acceptance_for(wanted, lock=True), timezone.now()
    if digest is not None and digest != row.digest:
        raise Refused("is about another version of the risk: look at it again", "digest")
    state = advance(
        matter_of(row, about),
        _STEPS[verdict],
        today=today(row.zone, now),
        by=standing.subject,
        capabilities=standing.capabilities,
        comment=comment,
    )
    made = AcceptanceDecision(
        id=decision_id(),
        tenant_id=row.tenant_id,
        acceptance=row.id,
        risk=row.risk,
        verdict=verdict,
        by=standing.subject,
        at=now,
        comment=checked_text(comment, "comment", least=1),
    )
    document = _frozen(row, made)
    made.content, made.digest = digest_of(document)
    made.seq, made.event = noted(
        "risk.accept" if verdict == ACCEPTED else "risk.refuse",
        by=standing.subject,
        resource=("risk", row.risk),
        labels={
            "risk": row.risk,
            "acceptance": row.id,
            "decision": made.id,
            "digest": made.digest,
            "version": row.version,
            "level": about.level,
            "until": row.until.isoformat(),
            "zone": row.zone,
        },
        causes=[row.event],
        body={"decision": document, "reason": made.comment},
    )
    # From the entry on, nothing else is recorded until this transaction ends.
    if digest_of(_frozen(row, made))[1] != made.digest:
        raise Refused("what it rests on was changed at this moment: look at it again", "digest")
    made.save(force_insert=True)
    if state == ACCEPTED:
        for old in Acceptance.objects.select_for_update().filter(risk=row.risk, state=ACCEPTED):
            lapse(old, "replace", why=f"{row.id} was accepted", causes=(made.event,))
    else:
        row.ended_by, row.ended_at, row.ended_why = standing.subject, now, made.comment
    row.state = state
    row.save()
    tell(Weighed(about, row, standing.subject))
    return row


def withdraw(standing: Standing, wanted: str, *, reason: str = "") -> Acceptance:
    """Take a proposal back. Needs `risk.manage`, or to be who proposed it.

    Raises:
        NoSuch: if there is none of that id.
        Refused: naming what stands against it.
    """
    return _end(standing, wanted, "withdraw", checked_text(reason, "reason"))


def revoke(standing: Standing, wanted: str, *, comment: str) -> Acceptance:
    """End an acceptance before its day. Needs `risk.accept`, and a person.

    Raises:
        NoSuch: if there is none of that id.
        Malformed, Refused: naming what stands against it.
    """
    return _end(standing, wanted, "revoke", checked_text(comment, "comment", least=1))


def acceptance_for(wanted: str, *, lock: bool = False) -> Acceptance:
    """An acceptance of the open tenant by its id.

    Raises:
        NoSuch: if there is none.
    """
    rows = Acceptance.objects.select_for_update() if lock else Acceptance.objects.all()
    row = None if "\0" in wanted else rows.filter(id=wanted).first()
    if row is None:
        raise NoSuch("there is no such acceptance", "acceptance")
    return row


def acceptances_of(row: Risk) -> list[tuple[Acceptance, AcceptanceDecision | None]]:
    """Every proposal to accept a risk with what was decided on it, newest first."""
    rows = list(Acceptance.objects.filter(risk=row.id).order_by("-proposed_at", "-id"))
    decided = {one.acceptance: one for one in AcceptanceDecision.objects.filter(risk=row.id)}
    return [(one, decided.get(one.id)) for one in rows]


def decision_on(row: Acceptance) -> AcceptanceDecision | None:
    """What was decided on a proposal; None if nothing yet."""
    return AcceptanceDecision.objects.filter(acceptance=row.id).first()


def _end(standing: Standing, wanted: str, step: Step, why: str) -> Acceptance:
    about = risk_for(acceptance_for(wanted).risk, lock=True)
    row, now = acceptance_for(wanted, lock=True), timezone.now()
    advance(
        matter_of(row, about),
        step,
        today=today(row.zone, now),
        by=standing.subject,
        capabilities=standing.capabilities,
        comment=why,
    )
    lapse(row, step, why=why, by=standing.subject, now=now)
    return row


def _frozen(row: Acceptance, made: AcceptanceDecision) -> dict[str, object]:
    """What a decision applies to, as it stands when it is taken."""
    version = RiskVersion.objects.get(risk=row.risk, version=row.version)
    said = orjson.loads(version.content)
    held, cells = matrix_of(said["matrix"]), {name: given_cell(said.get(name)) for name in SCORES}
    assets = find_assets(said["assets"])
    return {
        "acceptance": row.id,
        "assets": [
            {"digest": one.digest, "id": one.id, "version": one.version}
            for one in sorted(assets.values(), key=lambda one: one.id)
        ],
        "at": str(moment(made.at)),
        "by": made.by,
        "comment": made.comment,
        "exceptions": [{"id": one.id, "state": one.state} for one in map(exceptions.exception_for, said["exceptions"])],
        "matrix": {
            "digest": held.matrix.digest,
            "version": held.number,
            "words": {name: held.matrix.words(cell) for name, cell in cells.items() if cell is not None},
        },
        "proposed_at": str(moment(row.proposed_at)),
        "proposed_by": row.proposed_by,
        "reason": row.reason,
        "risk": {"digest": row.digest, "says": said},
        "until": row.until.isoformat(),
        "v": 1,
        "verdict": made.verdict,
        "zone": row.zone,
    }
