"""What becomes of the risk that mirrors a chain of exceptions, for each step that one of them takes: a table."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

from muniment.server.exceptions.workflow import ACTIVE, APPROVED, EXPIRED, REVOKED, WITHDRAWN
from muniment.server.risks.matrix import Matrix
from muniment.server.risks.workflow import CLOSED, MAX_TEXT, MAX_TITLE, OPEN, RESIDUAL, Definition

Effect = Literal["open", "end", "void"]
EFFECTS: Final[dict[tuple[str, str], Effect]] = {
    ("under_review", APPROVED): "open",
    (ACTIVE, EXPIRED): "end",
    (ACTIVE, REVOKED): "end",
    (ACTIVE, WITHDRAWN): "end",
    (APPROVED, REVOKED): "void",
    (APPROVED, WITHDRAWN): "void",
}
"""By the states before and after a step. What is not here changes no risk: drafts, returns, rejections, the first of
two approvals, becoming active, becoming stale, attestations."""
_LAST_DAY: Final = date(2199, 12, 31)
SAID: Final = {EXPIRED: "expired", REVOKED: "was revoked", WITHDRAWN: "was withdrawn"}


@dataclass(frozen=True, slots=True)
class Told:
    """What of an exception its risk takes over.

    Attributes:
        id: `exc_…`.
        title: of one line.
        residual_risk: what remains, in words.
        level: low, medium, high or critical.
        compensating: what is done meanwhile, or "".
        owner: who answers for it.
        expires_on: its last day.
        controls: those that it is about and those that compensate.
        assets: ids.
    """

    id: str
    title: str
    residual_risk: str
    level: str
    compensating: str
    owner: str
    expires_on: date
    controls: tuple[str, ...]
    assets: tuple[str, ...]


def effect_of(source: str, target: str) -> Effect | None:
    """What a step of an exception does to the risk of its chain; None for nothing."""
    return EFFECTS.get((source, target))


def opened(told: Told, matrix: Matrix, before: Definition | None, earlier: Told | None = None) -> Definition:
    """What the risk says once an exception, or the renewal of one, was approved.

    The first time it is placed by the exception's level. A renewal of the same level leaves it where somebody has
    placed it meanwhile; links that people added stay, those that the renewed exception brought give way to the new.

    Args:
        told: the exception that was approved.
        matrix: in force.
        before: what the risk says so far; None if there is none yet.
        earlier: the exception that was renewed; None for the first.
    """
    text = {
        "title": " ".join(_plain(told.title).split())[:MAX_TITLE],
        "description": _plain(told.residual_risk),
        "owner": told.owner,
        "treatment": "mitigate" if told.compensating else "accept",
        "plan": _plain(told.compensating),
        "review_on": min(told.expires_on, _LAST_DAY),
        "state": OPEN,
    }
    place = matrix.place_of(told.level)
    if before is None:
        return Definition(
            **text,  # type: ignore[arg-type]
            current=place,
            residual=place,
            exceptions=(told.id,),
            controls=told.controls,
            assets=told.assets,
            reason=f"{told.id} was approved",
        )
    ruling = before.ruling
    placed = ruling is not None and ruling in matrix and matrix.band(ruling) == told.level
    kept = before.inherent is not None and before.inherent in matrix and place.within(before.inherent)
    inherent = before.inherent if kept else None
    scores = {} if placed else {"inherent": inherent, "current": place, "residual": place}
    return replace(
        before,
        **text,  # type: ignore[arg-type]
        **scores,  # type: ignore[arg-type]
        exceptions=tuple({*before.exceptions, told.id}),
        controls=_joined(before.controls, told.controls, () if earlier is None else earlier.controls),
        assets=_joined(before.assets, told.assets, () if earlier is None else earlier.assets),
        reason=f"{told.id} was approved" + ("" if earlier is None else f", which renews {earlier.id}"),
    )


def ended(told: Told, target: str, before: Definition, *, today: date, began: bool) -> Definition:
    """What the risk says once the last exception of its chain that held has ended.

    What remains is a risk without the exception that allowed it: it is to be looked at at once. Where no exception of
    the chain ever began, nothing was deviated from, and the risk is closed.

    Args:
        told: the exception that ended.
        target: its state now.
        before: what the risk says so far.
        today: in the exception's zone.
        began: whether an exception of the chain was ever active.
    """
    said = f"{told.id} {SAID[target]}"
    if not began:
        return replace(before, state=CLOSED, reason=f"{said} before it began")
    return replace(before, state=RESIDUAL, review_on=min(today, before.review_on), reason=said)


def _joined(before: tuple[str, ...], new: tuple[str, ...], old: tuple[str, ...]) -> tuple[str, ...]:
    return tuple((set(before) - set(old)) | set(new))


def _plain(text: str) -> str:
    """A text without what the register does not keep, so that no text of an exception stands against its approval."""
    return "".join(" " if unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t" else one for one in text)[
        :MAX_TEXT
    ]
