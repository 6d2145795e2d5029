"""How tasks, findings and incidents go on: one table of steps, and nothing of the database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from muniment.core.errors import Malformed, Refused

Kind = Literal["task", "finding", "incident"]

STATES: Final[dict[Kind, dict[str, str]]] = {
    "task": {"open": "Open", "done": "Done", "skipped": "Skipped", "dropped": "Dropped"},
    "finding": {
        "open": "Open",
        "remediating": "Being remediated",
        "resolved": "Resolved, not verified yet",
        "verified": "Verified",
        "accepted": "Accepted through an exception",
    },
    "incident": {"open": "Open", "contained": "Contained", "resolved": "Resolved", "closed": "Closed"},
}
UNFINISHED: Final[dict[Kind, frozenset[str]]] = {
    "task": frozenset({"open"}),
    "finding": frozenset({"open", "remediating", "resolved"}),
    "incident": frozenset({"open", "contained", "resolved"}),
}
"""What still waits for somebody."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One step.

    Attributes:
        kind: of what takes it.
        step: what is done.
        before: the state that it is taken in; "" for what is new.
        after: the state that it leads to.
        needs: fields that must hold something: of the order for the step, or of what takes it.
        sets: columns that the step may change.
        by: `manager`, who keeps the registers, or `owner`, who may be the owner as well.
        person: a key of a program may not take it.
        not_by: a column that names who may not take it.
    """

    kind: Kind
    step: str
    before: str
    after: str
    needs: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    by: Literal["manager", "owner"] = "manager"
    person: bool = False
    not_by: str = ""


_TASK: Final = ("title", "text", "controls", "owner", "due_on", "due_day", "recurrence")
_FINDING: Final = ("title", "text", "severity", "reference", "controls", "asset", "owner", "due_on")
_INCIDENT: Final = ("title", "text", "severity", "owner", "started_at", "detected_at", "lessons")
_COMMENT: Final = ("comment",)
_BACK: Final = ("resolved_by", "verified_by", "exception")

TRANSITIONS: Final = (
    Transition("task", "create", "", "open", ("title", "owner", "due_on")),
    Transition("task", "change", "open", "open", ("title", "owner", "due_on"), _TASK),
    Transition("task", "finish", "open", "done", _COMMENT, by="owner"),
    Transition("task", "skip", "open", "skipped", (*_COMMENT, "recurrence")),
    Transition("task", "drop", "open", "dropped", _COMMENT),
    Transition("finding", "create", "", "open", ("title",)),
    Transition("finding", "change", "open", "open", ("title",), _FINDING),
    Transition("finding", "change", "remediating", "remediating", ("title", "owner"), _FINDING),
    Transition("finding", "start", "open", "remediating", ("owner",), by="owner"),
    Transition("finding", "resolve", "open", "resolved", _COMMENT, ("resolved_by",), by="owner"),
    Transition("finding", "resolve", "remediating", "resolved", _COMMENT, ("resolved_by",), by="owner"),
    Transition(
        "finding", "verify", "resolved", "verified", _COMMENT, ("verified_by",), person=True, not_by="resolved_by"
    ),
    Transition("finding", "accept", "open", "accepted", (*_COMMENT, "exception"), ("exception",), person=True),
    Transition("finding", "accept", "remediating", "accepted", (*_COMMENT, "exception"), ("exception",), person=True),
    Transition("finding", "reopen", "resolved", "remediating", _COMMENT, _BACK),
    Transition("finding", "reopen", "verified", "open", _COMMENT, _BACK),
    Transition("finding", "reopen", "accepted", "open", _COMMENT, _BACK),
    Transition("incident", "create", "", "open", ("title", "started_at")),
    *(
        Transition("incident", step, state, state, needs, sets)
        for state in ("open", "contained", "resolved")
        for step, needs, sets in (
            ("change", ("title", "started_at"), _INCIDENT),
            ("evidence", ("entries",), ("entries",)),
        )
    ),
    Transition("incident", "contain", "open", "contained", _COMMENT),
    Transition("incident", "resolve", "open", "resolved", (*_COMMENT, "resolved_at"), ("resolved_at",)),
    Transition("incident", "resolve", "contained", "resolved", (*_COMMENT, "resolved_at"), ("resolved_at",)),
    Transition("incident", "close", "resolved", "closed", (*_COMMENT, "lessons"), ("lessons",)),
    Transition("incident", "reopen", "resolved", "open", _COMMENT, ("resolved_at",)),
)
"""What is done, skipped, dropped or closed stays so. What was verified or accepted can come back."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who wants to take a step.

    Attributes:
        subject: `user:usr_…`, `key:ak_…` or `system:…`.
        manages: they keep the registers.
        owns: they are the owner of what takes the step.
    """

    subject: str
    manages: bool
    owns: bool


def advance(
    kind: Kind, state: str, step: str, actor: Actor, there: Collection[str], *, resolved_by: str = ""
) -> Transition:
    """The step as the table has it.

    Args:
        kind: of what takes it.
        state: that it is in; "" for what is new.
        step: what is to be done.
        actor: who wants to.
        there: the fields that hold something, of the order and of what takes the step.
        resolved_by: who resolved a finding.

    Raises:
        Refused: naming what stands against it.
        Malformed: naming what is missing.
    """
    found = next((one for one in TRANSITIONS if (one.kind, one.step, one.before) == (kind, step, state)), None)
    if found is None:
        known = {one.step for one in TRANSITIONS if one.kind == kind}
        if step not in known:
            raise Malformed(f"is one of {', '.join(sorted(known))}", "step")
        said = STATES[kind].get(state, state).lower()
        raise Refused(f"the {kind} is {said}; that cannot be done now", "state")
    if not (actor.manages or (found.by == "owner" and actor.owns)):
        who = "who keeps the registers, or its owner," if found.by == "owner" else "who keeps the registers"
        raise Refused(f"only {who} can do that", "capability")
    if found.person and not actor.subject.startswith("user:"):
        raise Refused("only a person can do that, under their own name", "by")
    if found.not_by == "resolved_by" and actor.subject == resolved_by:
        raise Refused("who resolved it does not verify it: ask somebody else", "by")
    for name in found.needs:
        if name not in there:
            raise Malformed(_MISSING.get(name, "must not be empty"), name)
    return found


_MISSING: Final = {
    "comment": "say what was done, or why",
    "recurrence": "only a task that comes again can be skipped; drop this one instead",
    "exception": "name the exception through which it is accepted, exc_…",
    "lessons": "say what was learned before it is closed",
    "resolved_at": "say when it was resolved",
    "entries": "name entries of the ledger by their places",
    "owner": "name an owner first",
}


def steps_from(kind: Kind, state: str) -> tuple[str, ...]:
    """The steps that a state allows, in the order of the table."""
    return tuple(one.step for one in TRANSITIONS if (one.kind, one.before) == (kind, state))
