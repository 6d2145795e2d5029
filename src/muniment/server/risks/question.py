"""Which risks somebody wants to see, in which order, as it stands in an address."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final

from muniment.core.errors import Malformed
from muniment.server.risks.matrix import BANDS, Cell
from muniment.server.risks.workflow import SCORES, STATES, TREATMENTS

MAX_VALUE: Final = 200
SORTS: Final = {
    "score": "Score",
    "title": "Title",
    "review": "Review",
    "changed": "Changed",
}
DEFAULT_SORT: Final = "-score"
LIVE: Final = "live"
"""As a state: everything that is not closed; what is shown unless something else is asked for."""
ANY: Final = "any"
_ONE_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "state": (LIVE, ANY, *STATES),
    "level": (*BANDS, "none"),
    "treatment": tuple(TREATMENTS),
    "origin": ("own", "exception"),
    "accepted": ("yes", "no", "waiting"),
    "review": ("overdue",),
    "score": SCORES,
    "matrix": ("other",),
}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the register; "" leaves a thing open.

    Attributes:
        state: one of `STATES`, `live` or `any`.
        level: a band of the matrix in force, or `none` for what nobody has placed.
        treatment, origin, owner: as risks have them.
        accepted: `yes`, `no`, or `waiting` for a decision.
        review: `overdue`.
        score: which of the three scores `cell` is of; `current` where it is left open.
        cell: `3x5`: likelihood, then impact.
        matrix: `other` for risks whose scores are places of a matrix of another size.
        exception, control, asset, finding: id of something that the risk links.
        q: words in the title, the description or the plan, or a risk's id.
        sort: one of `SORTS`, with a hyphen before it for downwards.
        cursor: where the page begins.
    """

    state: str = LIVE
    level: str = ""
    treatment: str = ""
    origin: str = ""
    owner: str = ""
    accepted: str = ""
    review: str = ""
    score: str = ""
    cell: str = ""
    matrix: str = ""
    exception: str = ""
    control: str = ""
    asset: str = ""
    finding: str = ""
    q: str = ""
    sort: str = DEFAULT_SORT
    cursor: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if len(value) > MAX_VALUE or "\0" in value:
                raise Malformed(f"has at most {MAX_VALUE} characters", one.name)
        for name, allowed in _ONE_OF.items():
            if getattr(self, name) not in ("", *allowed):
                raise Malformed(f"is one of {', '.join(allowed)}", name)
        if self.sort.removeprefix("-") not in SORTS:
            raise Malformed(f"is one of {', '.join(SORTS)}, with a hyphen before it for downwards", "sort")
        self.place()

    def place(self) -> Cell | None:
        """The cell that is asked for; None if none is.

        Raises:
            Malformed: if it is none.
        """
        if not self.cell:
            return None
        one, cross, two = self.cell.partition("x")
        if cross != "x" or len(one) != 1 or len(two) != 1 or one not in "12345" or two not in "12345":
            raise Malformed("is a likelihood and an impact, such as 3x5", "cell")
        return Cell(int(one), int(two))

    def given(self) -> dict[str, str]:
        """What differs from what is shown unasked, by name; the cursor aside."""
        empty = {one.name: one.default for one in fields(self)}
        return {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.name != "cursor" and getattr(self, one.name) != empty[one.name]
        }


NAMES: Final = tuple(one.name for one in fields(Question))


def read_question(given: Mapping[str, str], *, also: frozenset[str] = frozenset()) -> Question:
    """A question out of an address.

    Args:
        given: by name.
        also: names that are something else's.

    Raises:
        Malformed: naming the parameter.
    """
    for name in given:
        if name not in NAMES and name not in also:
            raise Malformed(f"is not asked here; there are {', '.join(NAMES)}", ascii(name)[1:-1][:40])
    said = {name: value.strip() for name, value in given.items() if name in NAMES and value.strip()}
    return Question(**said)


def write_cursor(value: object, wanted: str) -> str:
    """Where the next page begins, as it stands in an address: the last row's value and id."""
    return base64.urlsafe_b64encode(f"{wanted}\n{value}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> tuple[str, str]:
    """The value and the id after which a page begins.

    Raises:
        Malformed: if it is none.
    """
    try:
        said = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise Malformed("is none of this list: begin at its first page", "cursor") from None
    wanted, line, value = said.partition("\n")
    if not line or "\0" in said:
        raise Malformed("is none of this list: begin at its first page", "cursor")
    return value, wanted
