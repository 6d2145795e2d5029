"""Exceptions as an OSCAL plan of action and milestones: a deviation each, with what stands in for it and what is done.

The risk of an exception is `deviation-requested` while it is decided on, `deviation-approved` while it holds, `open`
once it does not hold any more, and `closed` only if the risk register says so: that a deviation ended does not say that
its risk is gone.

Source: NIST OSCAL 1.2.1, plan of action and milestones model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid5

import orjson

from muniment.formats.oscal import NAMESPACE, VERSION

CONTENT_TYPE: Final = "application/oscal+json"
_UUIDS: Final = UUID("5f1d0e0a-6f0e-5c1e-8f7d-3f0f5d6a9b11")
_STATUS: Final = {
    "under_review": "deviation-requested",
    "returned": "deviation-requested",
    "approved": "deviation-approved",
    "active": "deviation-approved",
}
_KINDS: Final = {"open": "planned", "done": "completed"}


@dataclass(frozen=True, slots=True)
class Basis:
    """What a plan was written from: a log's name, a checkpoint (size, root in hex, when it was stored), and the API."""

    origin: str
    size: int
    root: str
    sealed_at: str
    api: str


@dataclass(frozen=True, slots=True)
class Logged:
    """A step of an exception: what was done, by whom, when (time6), and the entry that recorded it.

    Attributes:
        target: the exception's state after it.
        hash: of the entry, 64 hex digits.
        digest: of the decision that it made; "" if it made none.
    """

    kind: str
    target: str
    by: str
    comment: str
    at: str
    seq: int
    hash: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A task towards the end of a deviation: its state (open or done), the day by which it is due, and its entry."""

    id: str
    title: str
    text: str
    state: str
    due_on: str
    seq: int


@dataclass(frozen=True, slots=True)
class Deviation:
    """An exception as it stood.

    Attributes:
        scope: what it covers; reason: why; residual_risk: what can happen all the same.
        compensating: what is done instead, or "".
        ends_at: its last instant (time6), or "" if it was never submitted.
        steps: oldest first, at least one.
        closed: whether the risk register closed the risk of its chain.
        stale: whether what the decision rests on has changed.
    """

    id: str
    title: str
    policy: str
    scope: str
    reason: str
    residual_risk: str
    risk_level: str
    compensating: str
    owner: str
    ends_at: str
    controls: tuple[str, ...]
    compensating_controls: tuple[str, ...]
    steps: tuple[Logged, ...]
    remedies: tuple[Remedy, ...] = ()
    closed: bool = False
    stale: bool = False

    @property
    def status(self) -> str:
        """The status of its risk, in OSCAL's words."""
        return "closed" if self.closed else status_of(self.steps[-1].target)


def status_of(state: str) -> str:
    """The status of a risk while an exception is in a state.

    >>> status_of("active"), status_of("under_review"), status_of("expired")
    ('deviation-approved', 'deviation-requested', 'open')
    """
    return _STATUS.get(state, "open")


def write_plan(basis: Basis, deviations: Sequence[Deviation]) -> bytes:
    """The plan as JSON: the same exceptions under the same checkpoint give the same bytes.

    Args:
        basis: what it was written from.
        deviations: at least one; the model knows no plan without an item.
    """
    made = _Plan(basis)
    risks = [made.risk(one) for one in deviations]
    observations = [made.observation(one) for one in deviations]
    items = [made.item(one) for one in deviations]
    document = {
        "uuid": made.uuid(f"document {basis.size} {basis.root} {','.join(one.id for one in deviations)}"),
        "metadata": {
            "title": f"Exceptions in the ledger {basis.origin}",
            "last-modified": basis.sealed_at,
            "version": f"{basis.size}",
            "oscal-version": VERSION,
            "props": [
                _prop("log", basis.origin),
                _prop("checkpoint-size", f"{basis.size}"),
                _prop("checkpoint-root", basis.root),
            ],
            "parties": [
                {"uuid": uid, "type": "person" if name.startswith("user:") else "organization", "name": name}
                for name, uid in sorted(made.parties.items())
            ],
            "remarks": "Written by Muniment from its registers and its ledger. Persons are named by their ids.",
        },
        "system-id": {"identifier-type": "urn:muniment:log", "id": basis.origin},
        "local-definitions": {
            "components": [
                {
                    "uuid": made.uuid("log"),
                    "type": "service",
                    "title": basis.origin,
                    "description": "The ledger's log.",
                    "status": {"state": "operational"},
                }
            ]
        },
        "observations": observations,
        "risks": risks,
        "poam-items": items,
    }
    return orjson.dumps({"plan-of-action-and-milestones": document}, option=orjson.OPT_INDENT_2) + b"\n"


class _Plan:
    """The parts of a plan; ids follow from the log and what they are of, so that a later plan has the same."""

    def __init__(self, basis: Basis) -> None:
        self._basis = basis
        self.parties: dict[str, str] = {}

    def uuid(self, what: str) -> str:
        return str(uuid5(_UUIDS, f"{self._basis.origin}/{what}"))

    def party(self, name: str) -> str:
        return self.parties.setdefault(name, self.uuid(f"party {name}"))

    def origin(self, name: str) -> dict[str, Any]:
        return {"actors": [{"type": "party", "actor-uuid": self.party(name)}]}

    def risk(self, one: Deviation) -> dict[str, Any]:
        asked = next((step.by for step in one.steps if step.kind == "submit"), one.steps[0].by)
        factors = [self._instead(one)] if one.compensating else []
        factors += [self._control(one, control) for control in one.compensating_controls]
        remedies = [self._response(one, remedy) for remedy in one.remedies if remedy.state in _KINDS]
        return {
            "uuid": self.uuid(f"risk {one.id}"),
            "title": _line(one.title),
            "description": f"Not complied with: {one.policy}. Scope: {one.scope}\n\nWhy: {one.reason}",
            "statement": one.residual_risk,
            "props": [
                _prop("exception", one.id),
                _prop("state", one.steps[-1].target),
                _prop("stale", "yes" if one.stale else "no"),
                _prop("owner", one.owner),
                *(_prop("control-id", control) for control in one.controls),
            ],
            "links": [{"href": f"#{self.uuid(f'observation {one.id}')}", "rel": "related"}],
            "status": one.status,
            "origins": [self.origin(asked)],
            "characterizations": [
                {
                    "origin": self.origin(asked),
                    "facets": [{"name": "risk-level", "system": NAMESPACE, "value": one.risk_level}],
                }
            ],
            **({"mitigating-factors": factors} if factors else {}),
            **({"deadline": one.ends_at} if one.ends_at else {}),
            **({"remediations": remedies} if remedies else {}),
            "risk-log": {"entries": [self._logged(one, number, step) for number, step in enumerate(one.steps, 1)]},
            "related-observations": [{"observation-uuid": self.uuid(f"observation {one.id}")}],
        }

    def observation(self, one: Deviation) -> dict[str, Any]:
        last = one.steps[-1]
        return {
            "uuid": self.uuid(f"observation {one.id}"),
            "title": f"Steps of {one.id}",
            "description": f"{len(one.steps)} steps are recorded in the log; the newest is {last.kind}.",
            "methods": ["EXAMINE"],
            "subjects": [{"subject-uuid": self.uuid("log"), "type": "component", "title": _line(self._basis.origin)}],
            "relevant-evidence": [self._evidence(step) for step in one.steps],
            "collected": self._basis.sealed_at,
        }

    def item(self, one: Deviation) -> dict[str, Any]:
        return {
            "uuid": self.uuid(f"item {one.id}"),
            "title": _line(one.title),
            "description": one.residual_risk,
            "props": [_prop("exception", one.id)],
            "related-observations": [{"observation-uuid": self.uuid(f"observation {one.id}")}],
            "related-risks": [{"risk-uuid": self.uuid(f"risk {one.id}")}],
        }

    def _instead(self, one: Deviation) -> dict[str, Any]:
        return {"uuid": self.uuid(f"instead {one.id}"), "description": one.compensating}

    def _control(self, one: Deviation, control: str) -> dict[str, Any]:
        return {
            "uuid": self.uuid(f"instead {one.id} {control}"),
            "description": f"The control {control} stands in.",
            "props": [_prop("control-id", control)],
        }

    def _response(self, one: Deviation, remedy: Remedy) -> dict[str, Any]:
        task = {
            "uuid": self.uuid(f"task {one.id} {remedy.id}"),
            "type": "milestone",
            "title": _line(remedy.title),
            "timing": {"on-date": {"date": f"{remedy.due_on}T00:00:00Z"}},
            "props": [_prop("state", remedy.state)],
        }
        return {
            "uuid": self.uuid(f"response {one.id} {remedy.id}"),
            "lifecycle": _KINDS[remedy.state],
            "title": _line(remedy.title),
            "description": remedy.text.strip() or _line(remedy.title),
            "props": [_prop("task", remedy.id), _prop("seq", f"{remedy.seq}")],
            "tasks": [task],
        }

    def _logged(self, one: Deviation, number: int, step: Logged) -> dict[str, Any]:
        return {
            "uuid": self.uuid(f"step {one.id} {number}"),
            "title": step.kind,
            **({"description": step.comment} if step.comment.strip() else {}),
            "start": step.at,
            "end": step.at,
            "props": [
                _prop("seq", f"{step.seq}"),
                _prop("entry-hash", step.hash),
                *([_prop("decision-digest", step.digest)] if step.digest else []),
            ],
            "logged-by": [{"party-uuid": self.party(step.by)}],
            # A draft is not a request yet; OSCAL's words have nothing nearer than an open risk.
            "status-change": status_of(step.target),
        }

    def _evidence(self, step: Logged) -> dict[str, Any]:
        return {
            "href": f"{self._basis.api}/api/entries/{step.seq}/text",
            "description": f"Entry {step.seq}, exception.{step.kind}, as it was hashed.",
            "props": [_prop("seq", f"{step.seq}"), _prop("entry-hash", step.hash)],
        }


def _line(text: str) -> str:
    return " ".join(text.split()) or "untitled"


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": _line(value)}
