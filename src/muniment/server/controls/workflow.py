"""What a control of the tenant's own may be, and how it goes from a draft to its end: rules without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from re import compile as pattern
from typing import Final

from muniment.core.errors import Malformed, Refused

PREFIX: Final = "own:"
MAX_TEXT: Final = 4_000
MAX_CRITERIA: Final = 64
_NUMBER: Final = pattern(r"[0-9]+")
_DIGITS: Final = 60
_CODE: Final = pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}").fullmatch


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often a control is operated.

    Attributes:
        title: for people.
        days: days of UTC that may pass after the day of the last evidence before it is overdue; None if it never is.
    """

    title: str
    days: int | None


class Unchanged(Refused):
    """The new version of a control would say what the one before it says."""


FREQUENCIES: Final = {
    "continuous": Frequency("Continuous", 1),
    "daily": Frequency("Daily", 1),
    "weekly": Frequency("Weekly", 7),
    "monthly": Frequency("Monthly", 31),
    "quarterly": Frequency("Quarterly", 92),
    "annually": Frequency("Annually", 366),
    "per-event": Frequency("Per event", None),
}
STATUSES: Final = {"draft": "Draft", "in-force": "In force", "retired": "Retired"}


@dataclass(frozen=True, slots=True)
class Transition:
    """A step that a control may take, and the fields that must hold something for it."""

    before: str
    after: str
    needs: tuple[str, ...]


TRANSITIONS: Final = (
    Transition("", "draft", ("statement",)),
    Transition("", "in-force", ("statement", "owner")),
    Transition("draft", "draft", ("statement",)),
    Transition("draft", "in-force", ("statement", "owner")),
    Transition("draft", "retired", ("reason", "retired_on")),
    Transition("in-force", "in-force", ("statement", "owner")),
    Transition("in-force", "retired", ("reason", "retired_on")),
)
"""From "" a control is defined. What is retired stays so; its id is not used again."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a version of a control says.

    Attributes:
        statement: what is done, 1 to 4,000 characters.
        owner: `user:usr_…`, or "" while it is a draft.
        frequency: one of `FREQUENCIES`.
        procedure: how it is tested, at most 4,000 characters.
        criteria: control ids of frameworks that it is meant to satisfy, sorted.
        status: one of `STATUSES`.
        retired_on: the day from which it is retired.
        reason: why it was changed or retired, at most 4,000 characters.
    """

    statement: str
    owner: str = ""
    frequency: str = "per-event"
    procedure: str = ""
    criteria: tuple[str, ...] = ()
    status: str = "draft"
    retired_on: date | None = None
    reason: str = ""


def read_code(control: str, where: str = "id") -> str:
    """The code of a control's id: `AI-7` of `own:AI-7`; the bare code is taken too.

    Raises:
        Malformed: naming the field.
    """
    code = control.removeprefix(PREFIX)
    if _CODE(code) is None:
        raise Malformed("has 1 to 60 letters, digits, dots, hyphens and underscores, such as AI-7", where)
    return code


def in_order(code: str) -> str:
    """What codes are sorted by: their numbers as numbers.

    >>> sorted(["soc2-CC6.10", "soc2-CC6.2", "AI-7"], key=in_order)
    ['AI-7', 'soc2-CC6.2', 'soc2-CC6.10']
    """
    return _NUMBER.sub(lambda found: found[0].zfill(_DIGITS), code)


def checked(after: Definition, before: Definition | None = None) -> Definition:
    """A version as it may be kept: texts stripped, criteria sorted; who owns it and what it links is checked elsewhere.

    Args:
        after: what is to be kept.
        before: the version that it follows; None if the control is being defined.

    Raises:
        Malformed: naming the field.
        Refused: if the control may not go from the one status to the other.
        Unchanged: if it says what the version before says.
    """
    kept = replace(
        after,
        statement=_text(after.statement, "statement"),
        procedure=_text(after.procedure, "procedure"),
        reason=_text(after.reason, "reason"),
        criteria=tuple(sorted(set(after.criteria))),
    )
    if kept.frequency not in FREQUENCIES:
        raise Malformed(f"is one of {', '.join(FREQUENCIES)}", "frequency")
    if kept.status not in STATUSES:
        raise Malformed(f"is one of {', '.join(STATUSES)}", "status")
    if len(kept.criteria) > MAX_CRITERIA:
        raise Malformed(f"has at most {MAX_CRITERIA} control ids", "criteria")
    _check_step(kept, "" if before is None else before.status)
    if before is not None and differences(before, kept) == ():
        raise Unchanged("nothing would be changed", "statement")
    return kept


def differences(before: Definition, after: Definition) -> tuple[str, ...]:
    """The fields in which two versions differ; a reason alone is no difference."""
    named = ("statement", "owner", "frequency", "procedure", "criteria", "status", "retired_on")
    return tuple(name for name in named if getattr(before, name) != getattr(after, name))


def changed(before: Definition, given: Mapping[str, object]) -> Definition:
    """A version with some fields of the one before replaced; the reason is never taken over.

    Args:
        before: the version as it stands.
        given: new values by the names of `Definition`.
    """
    return replace(before, **{"reason": "", **given})  # type: ignore[arg-type]


def _check_step(after: Definition, before: str) -> None:
    step = next((one for one in TRANSITIONS if (one.before, one.after) == (before, after.status)), None)
    if step is None:
        was = STATUSES[before].lower() if before else "new"
        raise Refused(f"a control that is {was} cannot become {STATUSES[after.status].lower()}", "status")
    for name in step.needs:
        if not getattr(after, name):
            said = {"owner": "a control in force has an owner", "reason": "say why", "retired_on": "say from when"}
            raise Malformed(said.get(name, "must not be empty"), name)


def _text(value: str, where: str) -> str:
    text = value.replace("\r\n", "\n").strip()
    if len(text) > MAX_TEXT:
        raise Malformed(f"has at most {MAX_TEXT:,} characters", where)
    if any(
        (ord(one) < 32 and one not in "\n\t") or 0x7F <= ord(one) < 0xA0 or 0xD800 <= ord(one) < 0xE000 for one in text
    ):
        raise Malformed("holds a control character", where)
    return text
