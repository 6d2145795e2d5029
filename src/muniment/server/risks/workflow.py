"""What a risk may say and how it goes on: rules without a database. `acceptance` has those of accepting one."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any, Final

from muniment.core.canonical import dump_json
from muniment.core.errors import Malformed, Refused
from muniment.server.registers.days import checked_day
from muniment.server.registers.texts import checked_line, checked_text
from muniment.server.risks.matrix import Cell, Matrix, given_cell

OPEN: Final = "open"
RESIDUAL: Final = "residual"
CLOSED: Final = "closed"
STATES: Final = {
    OPEN: "Open",
    RESIDUAL: "Left by an exception that ended",
    CLOSED: "Closed",
}
TREATMENTS: Final = {"accept": "Accept", "mitigate": "Mitigate", "transfer": "Transfer", "avoid": "Avoid"}
OWN: Final = "own"
MIRRORED: Final = "exception"
MAX_TITLE: Final = 200
MAX_TEXT: Final = 8_000
"""What exceptions may say, risks may say."""
MAX_LINKS: Final = 64
MAX_ID: Final = 96
LINKS: Final = ("exceptions", "controls", "assets", "findings")
SCORES: Final = ("inherent", "current", "residual")
_LINK_PREFIX: Final = {"exceptions": "exc_", "assets": "ast_", "findings": "fnd_"}


class Unchanged(Refused):
    """The new version of a risk would say what the one before it says."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A step of a risk.

    Attributes:
        before, after: states; "" before it is there.
        by: `person`, or `mirror` for what an exception's own steps do.
        live: whether it may be taken while an exception that the risk mirrors is approved or active.
    """

    before: str
    after: str
    by: tuple[str, ...]
    live: bool = True


TRANSITIONS: Final = (
    Transition("", OPEN, ("person", "mirror")),
    Transition(OPEN, OPEN, ("person", "mirror")),
    Transition(OPEN, RESIDUAL, ("mirror",), live=False),
    Transition(OPEN, CLOSED, ("person", "mirror"), live=False),
    Transition(RESIDUAL, RESIDUAL, ("person", "mirror")),
    Transition(RESIDUAL, OPEN, ("mirror",)),
    Transition(RESIDUAL, CLOSED, ("person",)),
    Transition(CLOSED, OPEN, ("person", "mirror")),
)


@dataclass(frozen=True, slots=True)
class Definition:
    """What a version of a risk says.

    Attributes:
        title: 1 to 200 characters.
        description: at most 8,000 characters.
        owner: `user:usr_…`; "" only where an exception was mirrored whose owner is no member.
        treatment: one of `TREATMENTS`.
        plan: what is done, at most 8,000 characters; needed unless the treatment is to accept.
        review_on: the day by which it is looked at again.
        inherent: without any control; None where nobody assessed that.
        current: as things are; None where nobody assessed it.
        residual: once the treatment is done; None where nobody assessed it. Never above `current`, nor that above
            `inherent`.
        exceptions, controls, assets, findings: ids, sorted.
        state: one of `STATES`.
        reason: why this version was made.
    """

    title: str
    owner: str
    review_on: date
    description: str = ""
    treatment: str = "mitigate"
    plan: str = ""
    inherent: Cell | None = None
    current: Cell | None = None
    residual: Cell | None = None
    exceptions: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    state: str = OPEN
    reason: str = ""

    @property
    def ruling(self) -> Cell | None:
        """The score that says how high the risk stands today: `current`, else `residual`, else `inherent`."""
        return self.current or self.residual or self.inherent


def checked(after: Definition, matrix: Matrix, before: Definition | None = None, *, by: str = "person") -> Definition:
    """A version as it may be kept: texts stripped, links sorted. Whether what it links is there is checked elsewhere.

    Args:
        after: what is to be kept.
        matrix: in force. Scores that the version before had already may be of an earlier one.
        before: the version that it follows; None for a new risk.
        by: `person` or `mirror`.

    Raises:
        Malformed: naming the field.
        Refused: if the risk may not go from the one state to the other.
        Unchanged: if it says what the version before says.
    """
    kept = replace(
        after,
        title=checked_line(after.title, "title", most=MAX_TITLE),
        description=checked_text(after.description, "description", most=MAX_TEXT),
        plan=checked_text(after.plan, "plan", most=MAX_TEXT),
        reason=checked_text(after.reason, "reason"),
        exceptions=links(after.exceptions, "exceptions", limited=by == "person"),
        controls=links(after.controls, "controls", limited=by == "person"),
        assets=links(after.assets, "assets", limited=by == "person"),
        findings=links(after.findings, "findings", limited=by == "person"),
    )
    if kept.treatment not in TREATMENTS:
        raise Malformed(f"is one of {', '.join(TREATMENTS)}", "treatment")
    if by == "person" and kept.state != CLOSED:
        _check_person(kept)
    checked_day(kept.review_on, "review_on")
    _check_scores(kept, matrix, before)
    step(kept.state, "" if before is None else before.state, by=by)
    if before is not None and not differences(before, kept):
        raise Unchanged("nothing would be changed", "title")
    return kept


def step(after: str, before: str, *, by: str, live: bool = False) -> Transition:
    """The transition between two states.

    Args:
        after, before: states; "" before it is there.
        by: `person` or `mirror`.
        live: whether an exception that the risk mirrors is approved or active.

    Raises:
        Refused: if there is none.
    """
    found = next((one for one in TRANSITIONS if (one.before, one.after) == (before, after) and by in one.by), None)
    if found is None:
        was = STATES[before].lower() if before else "new"
        raise Refused(f"a risk that is {was} does not become {STATES.get(after, after).lower()} this way", "state")
    if live and not found.live:
        raise Refused("the exception that it mirrors still holds: the risk is open as long as it does", "exceptions")
    return found


def differences(before: Definition, after: Definition) -> tuple[str, ...]:
    """The fields in which two versions differ; a reason alone is no difference."""
    names = ("title", "description", "owner", "treatment", "plan", "review_on", *SCORES, *LINKS, "state")
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def document_of(
    risk: str, number: int, said: Definition, *, matrix: int, level: str, origin: str, chain: str
) -> dict[str, object]:
    """What a version's digest is taken over.

    Args:
        risk: `rsk_…`.
        number: of the version, from 1.
        said: what it says.
        matrix: version of the matrix on which its scores stand; 0 for the one that holds where none was defined.
        level: band of the ruling score on that matrix; "" where there is none.
        origin: `own` or `exception`.
        chain: id of the first exception of the chain that it mirrors, or "".
    """
    return {
        "assets": list(said.assets),
        "chain": chain,
        "controls": list(said.controls),
        "description": said.description,
        "exceptions": list(said.exceptions),
        "findings": list(said.findings),
        "id": risk,
        "level": level,
        "matrix": matrix,
        "origin": origin,
        "owner": said.owner,
        "plan": said.plan,
        "reason": said.reason,
        "review_on": said.review_on.isoformat(),
        "state": said.state,
        "title": said.title,
        "treatment": said.treatment,
        "v": 1,
        "version": number,
        **{name: cell.document() for name in SCORES if (cell := getattr(said, name)) is not None},
    }


def digest_of(document: Mapping[str, object]) -> tuple[str, str]:
    """A document as canonical JSON (RFC 8785), and the SHA-256 of that in hex."""
    text = dump_json(dict(document)).decode()
    return text, hashlib.sha256(text.encode()).hexdigest()


def definition_of(said: Mapping[str, Any]) -> Definition:
    """What a stored version says."""
    return Definition(
        title=said["title"],
        owner=said["owner"],
        review_on=date.fromisoformat(said["review_on"]),
        description=said["description"],
        treatment=said["treatment"],
        plan=said["plan"],
        inherent=given_cell(said.get("inherent")),
        current=given_cell(said.get("current")),
        residual=given_cell(said.get("residual")),
        exceptions=tuple(said["exceptions"]),
        controls=tuple(said["controls"]),
        assets=tuple(said["assets"]),
        findings=tuple(said["findings"]),
        state=said["state"],
        reason=said["reason"],
    )


def links(ids: Collection[str], field: str, *, limited: bool = True) -> tuple[str, ...]:
    """Ids as they are kept: once each, sorted.

    Args:
        ids: as given.
        field: one of `LINKS`.
        limited: at most `MAX_LINKS` of them. What an exception brings is limited there, and never refused here.

    Raises:
        Malformed: naming the field.
    """
    kept = sorted({one.strip() for one in ids} - {""})
    if limited and len(kept) > MAX_LINKS:
        raise Malformed(f"has at most {MAX_LINKS} ids", field)
    prefix = _LINK_PREFIX.get(field, "")
    for one in kept:
        if len(one) > MAX_ID or not one.isascii() or not one.isprintable() or not one.startswith(prefix):
            such = f", such as {prefix}01K…" if prefix else ""
            raise Malformed(f"{ascii(one)[:40]} is no id of this kind{such}", field)
    return tuple(kept)


def _check_person(said: Definition) -> None:
    if not said.owner:
        raise Malformed("a risk has an owner: a member of the tenant", "owner")
    if said.treatment != "accept" and not said.plan:
        raise Malformed(f"say what is done to {said.treatment} it", "plan")


def _check_scores(said: Definition, matrix: Matrix, before: Definition | None) -> None:
    # Scores that nobody touches may be of an earlier matrix; who changes one places them all on the one in force.
    if before is not None and all(getattr(said, name) == getattr(before, name) for name in SCORES):
        return
    for name in SCORES:
        cell = getattr(said, name)
        if cell is not None and cell not in matrix:
            raise Malformed(f"{cell} is not on the matrix, which is {matrix.size.replace('x', ' × ')}", name)
    _check_order(said, ("inherent", "current", "residual"))


def _check_order(said: Definition, names: Sequence[str]) -> None:
    given = [(name, getattr(said, name)) for name in names if getattr(said, name) is not None]
    for (upper, above), (lower, below) in pairwise(given):
        if not below.within(above):
            raise Malformed(f"is {below}, above the {upper} risk of {above}: treatment does not raise a risk", lower)
