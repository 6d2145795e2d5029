"""The exceptions register of a packet: chains of renewals, every step of theirs, and what each decision froze."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from muniment.core.errors import Refused, VerificationFailed
from muniment.ledger.read import StoredEntry
from muniment.packet.contents import Extract, Table
from muniment.server.exceptions.models import Decision, PolicyException, Step
from muniment.server.exceptions.workflow import OPEN, STATES
from muniment.server.moments import moment
from muniment.server.packets.building.registers import Extraction, Registers, held_to

MOST_STEPS: Final = 50_000
"""Steps of one packet's register."""
_TITLE: Final = "Exceptions register"
_SAID: Final = (
    "Exceptions that were submitted and held or were under decision in the period, each with all that it renews and "
    "all that renews it, as they stood under the checkpoint. Shown are those that name a control of the scope, and "
    "those that name none; drafts that were never submitted are left out. What is approved is what people decided, "
    "not that the risk is small."
)
_OF_STEPS: Final = (
    "Every step of the exceptions above. Each names the place and the hash of the entry that recorded it; "
    "evidence.bundle holds these entries, and a verifier proves them under the checkpoint. The digest is that of the "
    "decision that the step made, and stands in the entry's labels."
)
_OF_DECISIONS: Final = (
    "What each decision applied to, frozen when it was made. The digest is SHA-256 over "
    '"muniment/exception-decision/1", a zero byte and the text in the last column, and the entry names it.'
)
_COLUMNS: Final = (
    "Exception", "Chain", "Renews", "State", "Title", "Policy", "Scope", "Why", "Risk", "Residual risk", "Instead",
    "Controls", "Compensating controls", "Assets", "Evidence", "First day", "Last day", "Zone", "Requested by",
    "Owner", "Stale", "Approvals", "Steps", "Newest entry",
)  # fmt: skip
_STEP_COLUMNS: Final = (
    "Exception", "Number", "Step", "From", "To", "Level", "By", "On behalf of", "Comment", "At (UTC)", "Entry",
    "Entry hash", "Decision", "Digest",
)  # fmt: skip
_DECISION_COLUMNS: Final = (
    "Decision", "Exception", "Kind", "By", "At (UTC)", "Policy", "Evidence", "Basis", "Digest", "Entry", "Decided",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """An exception as it stood under the checkpoint: its steps up to there, and the decisions that they made."""

    row: PolicyException
    steps: Sequence[Step]
    decisions: Mapping[str, Decision]

    @property
    def state(self) -> str:
        """After its newest step."""
        return self.steps[-1].target

    @property
    def stale(self) -> bool:
        """Whether what its decision rests on had changed, and nobody attested it since."""
        told = [one.kind for one in self.steps if one.kind in ("stale", "attest")]
        return bool(told) and told[-1] == "stale" and self.state in OPEN


def exceptions_shown(extraction: Extraction) -> Registers:
    """The register, and the places of the entries of every step in it.

    Raises:
        Refused: if it has more steps than a packet takes.
        VerificationFailed: for what is not what was recorded any more.
    """
    cases = cases_of(extraction)
    places = frozenset(step.seq for case in cases for step in case.steps)
    if not cases:
        return Registers((Extract("exceptions", _TITLE, f"{_SAID} There were none.", Table(_COLUMNS, ())),), places)
    entries = extraction.entries(places)
    extracts = (
        Extract("exceptions", _TITLE, _SAID, Table(_COLUMNS, tuple(map(_cells, cases))), _counters(cases)),
        Extract("exception-steps", "Steps of exceptions", _OF_STEPS, Table(_STEP_COLUMNS, _steps(cases, entries))),
        Extract("exception-decisions", "Decisions on exceptions", _OF_DECISIONS, _decisions(cases)),
    )
    return Registers(extracts, places)


def cases_of(extraction: Extraction) -> list[Case]:
    """Chains of which one belongs to the scope and its period, oldest first, each whole.

    Raises:
        Refused: if they have more steps than a packet takes.
    """
    taken: dict[str, list[Step]] = defaultdict(list)
    for step in Step.objects.filter(seq__lt=extraction.size).order_by("exception", "number"):
        taken[step.exception].append(step)
    submitted = {wanted for wanted, steps in taken.items() if any(one.kind == "submit" for one in steps)}
    rows = [row for row in PolicyException.objects.filter(seq__lt=extraction.size) if row.id in submitted]
    chains = {row.chain for row in rows if _shown(extraction, row, taken[row.id])}
    rows = sorted((row for row in rows if row.chain in chains), key=lambda row: (row.chain, row.seq))
    if sum(len(taken[row.id]) for row in rows) > MOST_STEPS:
        raise Refused(f"have more than {MOST_STEPS:,} steps: name controls or a shorter period", "exceptions")
    found = Decision.objects.filter(seq__lt=extraction.size, exception__in=[row.id for row in rows])
    decisions: dict[str, dict[str, Decision]] = defaultdict(dict)
    for one in found:
        decisions[one.exception][one.step] = one
    return [Case(row, taken[row.id], decisions[row.id]) for row in rows]


def _shown(extraction: Extraction, row: PolicyException, steps: Sequence[Step]) -> bool:
    begun = next(one.at for one in steps if one.kind == "submit")
    over = None if steps[-1].target in OPEN else steps[-1].at
    return extraction.within(begun, over) and extraction.belongs((*row.controls, *row.compensating_controls))


def _counters(cases: Sequence[Case]) -> tuple[tuple[str, str], ...]:
    states = [case.state for case in cases]
    told = tuple((STATES[state].lower(), f"{states.count(state):,}") for state in STATES if state in states)
    return (*told, ("of these stale", f"{sum(case.stale for case in cases):,}"))


def _cells(case: Case) -> tuple[str, ...]:
    row = case.row
    return (
        row.id,
        row.chain,
        row.renews or "none",
        case.state,
        row.title,
        row.policy_id,
        row.scope,
        row.reason,
        row.risk_level,
        row.residual_risk,
        row.compensating or "nothing",
        " ".join(row.controls),
        " ".join(row.compensating_controls),
        " ".join(row.assets),
        " ".join(row.evidence),
        "on approval" if row.starts_on is None else row.starts_on.isoformat(),
        row.expires_on.isoformat(),
        row.zone,
        row.requested_by,
        row.owner,
        "yes" if case.stale else "no",
        f"{sum(one.kind == 'approve' for one in case.steps)}",
        f"{len(case.steps)}",
        f"{case.steps[-1].seq}",
    )


def _steps(cases: Sequence[Case], entries: Mapping[int, StoredEntry]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        _step(step, case.decisions.get(step.id), entries[step.seq], number)
        for case in cases
        for number, step in enumerate(case.steps, 1)
    )


def step_held(step: Step, decision: Decision | None, stored: StoredEntry, number: int) -> None:
    """Hold a step to its entry.

    Raises:
        VerificationFailed: naming what differs, or if it is not the step of that number.
    """
    if step.number != number:
        raise VerificationFailed(f"its step {number} is not there any more", step.exception)
    told = {
        "step": step.id,
        "number": step.number,
        "from": step.source,
        "to": step.target,
        "behalf": step.on_behalf_of,
        "digest": "" if decision is None else decision.digest,
    }
    held_to(step, stored, action=f"exception.{step.kind}", resource=step.exception, by=step.by, **told)


def _step(step: Step, decision: Decision | None, stored: StoredEntry, number: int) -> tuple[str, ...]:
    step_held(step, decision, stored, number)
    return (
        step.exception,
        f"{step.number}",
        step.kind,
        step.source or "none",
        step.target,
        f"{step.level}" if step.level else "",
        step.by,
        step.on_behalf_of,
        step.comment,
        moment(step.at) or "",
        f"{step.seq}",
        stored.entry_hash.hex(),
        "" if decision is None else decision.id,
        "" if decision is None else decision.digest,
    )


def _decisions(cases: Sequence[Case]) -> Table:
    ordered = (case.decisions[step.id] for case in cases for step in case.steps if step.id in case.decisions)
    return Table(_DECISION_COLUMNS, tuple(map(_decision, ordered)))


def _decision(one: Decision) -> tuple[str, ...]:
    said: dict[str, Any] = orjson.loads(one.content)
    applies = said["applies_to"]
    policy = applies["policy"]
    return (
        one.id,
        one.exception,
        one.kind,
        said["by"],
        moment(one.at) or "",
        f"{policy['id']}, version {policy['version']}, SHA-256 {policy['digest']}",
        "; ".join(f"{proof['id']} SHA-256 {proof['sha256']}" for proof in applies["evidence"]),
        one.basis,
        one.digest,
        f"{one.seq}",
        one.content,
    )
